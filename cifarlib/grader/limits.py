"""How much a submission may use: every number that the jail and the parent enforce."""

from __future__ import annotations

from dataclasses import dataclass

MAX_NESTING = 40  # of a value: lists in lists in lists
MAX_MESSAGE = 20_000  # characters of an error's message or traceback
MAX_FILES = 20_000  # below a student's folder, or in a zip file
MAX_LMS_BYTES = 4 << 30  # of the files in an LMS's zip file
WATCH_INTERVAL_S = 0.1  # between two looks at the memory and the time of all jails
TRIAL_S = 20  # for a first jail that shows whether this machine can make any


@dataclass(frozen=True)
class JailLimits:
    """Limits on one submission; times in seconds, sizes in MB unless the name says otherwise."""

    start_s: float = 120  # until a jail is ready, Keras imported where the tests need it
    cell_s: float = 120  # one cell of the student
    call_s: float = 30  # one call of a student's function by a test
    test_s: float = 120  # one graded cell, its calls included
    interrupt_s: float = 5  # for reacting to an interrupt, before the jail is killed
    send_s: float = 30  # for taking one request from the pipe
    wall_s: float = 1200  # the student's whole notebook
    cpu_s: int = 1800  # of one process, over all its threads
    memory_mb: int = 4096  # of the whole jail, and the data segment of each process
    scratch_mb: int = 256  # of the writable folder
    shared_memory_mb: int = 64  # of /dev/shm
    file_mb: int = 64  # of one file
    open_files: int = 512  # of one process
    processes: int = 256  # processes and threads together
    value_mb: int = 64  # one value or one call's arguments, on the wire
    output_kb: int = 256  # kept of one cell's output
    kept_output_mb: int = 2  # kept of the output of all cells, in characters
    flood_mb: int = 64  # sent as output by one submission before it is stopped
    notebook_mb: int = 16  # the submitted file
    notebook_cells: int = 1000  # in it

    @classmethod
    def for_cells(cls, cell_s: float, memory_mb: int) -> JailLimits:
        """Return the limits where one cell may take so long: calls and interrupts fit into it."""
        return cls(
            cell_s=cell_s,
            memory_mb=memory_mb,
            call_s=min(cell_s, cls.call_s),
            interrupt_s=min(max(cell_s / 2, 5), 15),
        )
