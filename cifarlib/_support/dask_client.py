"""A client of a Dask cluster that exists already."""

from __future__ import annotations

from typing import Any

from cifarlib.errors import CourseError

CONNECT_SECONDS = 30  # to reach the scheduler, and for the first worker to show up


def connect(address: str) -> Any:
    """Return a client of the scheduler at the address.

    Raises:
        CourseError: there is none, or it has no workers.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise CourseError(
            "--scheduler needs Dask. Install it with: pip install 'cifarlib[cluster]'"
        ) from error
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise CourseError(
            f"There is no Dask scheduler at {address} ({error}). "
            "Give the address that the scheduler printed, such as tcp://10.0.0.1:8786."
        ) from error
    try:
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    except TimeoutError as error:
        client.close()
        raise CourseError(
            f"The cluster at {address} has no workers. Start some: dask worker {address}"
        ) from error
    return client
