"""Executed notebooks of bounded size: output beyond a limit is cut, with a note."""

from __future__ import annotations

from typing import Any

from jupyter_client.manager import KernelManager
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines

MOST_CHARACTERS = 20_000_000  # of all outputs of one notebook; the course's largest has 2 million
ENGINE = "cifarlib"


class BoundedClient(PapermillNotebookClient):
    """Takes outputs until there are too many characters of them.

    Args:
        kernel_manager: starts and ends the kernel.
    """

    room = MOST_CHARACTERS

    def __init__(self, nb_man: Any, kernel_manager: KernelManager, **options: Any) -> None:
        super().__init__(nb_man, **options)
        self._own_manager = kernel_manager

    def create_kernel_manager(self) -> KernelManager:
        self.km = self._own_manager
        return self.km

    def output(self, outs: list, msg: dict, display_id: str | None, cell_index: int) -> Any:
        """Take one output message, or what of it there is room for."""
        content = msg["content"]
        size = len(content.get("text", "")) + sum(len(str(v)) for v in _data(content).values())
        if size > self.room:
            if self.room < 0:  # the note stands there already
                return None
            kept = content.get("text", "")[: self.room]
            note = f"\n[cifarlib: output cut, {MOST_CHARACTERS:,} characters are the most]\n"
            msg = msg | {"msg_type": "stream", "content": {"name": "stdout", "text": kept + note}}
            self.room, size, display_id = -1, 0, None
        self.room -= size
        return super().output(outs, msg, display_id, cell_index)


class BoundedEngine(NBClientEngine):
    """Papermill's own engine, with the client above."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
        """Execute the notebook of `nb_man`; options are `kernel_manager` and those of nbclient."""
        timeouts = {
            "timeout": options.pop("execution_timeout", None),
            "startup_timeout": options.pop("start_timeout"),
        }
        for name in ("input_path", "log_output", "stdout_file", "stderr_file"):
            options.pop(name, None)
        return BoundedClient(nb_man, kernel_name=kernel_name, **timeouts, **options).execute()


papermill_engines.register(ENGINE, BoundedEngine)


def _data(content: dict) -> dict:
    return content.get("data") or {}
