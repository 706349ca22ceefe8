"""How much a submission may use: every number that the jail and the parent enforce."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits on one submission; times in seconds, sizes in MB unless the name says otherwise."""

    start_s: float = 120  # until a jail is ready, Keras imported where the tests need it
    cell_s: float = 120  # one cell of the student
    call_s: float = 30  # one call of a student's function by a test
    test_s: float = 120  # one graded cell, its calls included
    interrupt_s: float = 5  # for reacting to an interrupt, before the jail is killed
    wall_s: float = 1200  # the student's whole notebook
    cpu_s: int = 1800  # of one process, over all its threads
    memory_mb: int = 4096  # of the whole jail, and the data segment of each process
    scratch_mb: int = 256  # of the writable folder
    file_mb: int = 64  # of one file
    processes: int = 256  # processes and threads together
    value_mb: int = 64  # one value or one call's arguments, on the wire
    output_kb: int = 256  # kept of one cell's output
    flood_mb: int = 64  # sent as output by one submission before it is stopped
    notebook_mb: int = 16  # the submitted file
