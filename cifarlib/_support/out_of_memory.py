"""What to do when memory runs out, on a GPU or elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cifarlib.errors import CourseError

# TensorFlow, JAX, PyTorch, Python: what the error is called, or how its message begins.
_NAMES = ("ResourceExhaustedError", "OutOfMemoryError", "MemoryError")
_WORDS = ("RESOURCE_EXHAUSTED", "out of memory", "OOM when allocating")


@contextmanager
def explained(doing: str, batch_size: int) -> Iterator[None]:
    """Turn the backend's long message about memory into one that says what to do.

    Args:
        doing: what is at work, such as "training".
        batch_size: images per step.

    Raises:
        CourseError: memory ran out inside the block. Other errors pass as they are.
    """
    try:
        yield
    except Exception as error:
        if not _ran_out(error):
            raise
        smaller = f" - take smaller batches: batch_size={batch_size // 2}\n" * (batch_size > 1)
        raise CourseError(
            f"Memory ran out while {doing}, in batches of {batch_size}. Ways out:\n"
            " - end other notebooks (Kernel > Shut Down All Kernels), then run this one again\n"
            f"{smaller}"
            " - on a GPU that others use too: CUDA_VISIBLE_DEVICES=-1 takes the processor instead"
        ) from error


def _ran_out(error: Exception) -> bool:
    named = any(kind.__name__ in _NAMES for kind in type(error).__mro__)
    return named or any(words in str(error) for words in _WORDS)
