"""Kernels for headless runs: this interpreter, private sockets, nothing from the user's home."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, ClassVar

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

from cifarlib.runner import kernel_prestart

SHUTDOWN_SECONDS = 2.0  # for a kernel to end by itself; a busy one never does
LONGEST_SOCKET_FOLDER = 80  # bytes; a socket path may have 103 on macOS and 107 on Linux


class CourseKernelManager(AsyncKernelManager):
    """Starts kernels on the running interpreter and speaks to them over ipc sockets.

    TCP kernels that start together race for ports; here each kernel has sockets in its own
    folder, which only its owner may enter and which goes away with the kernel. Windows has no
    such sockets and keeps TCP.
    """

    last_exit_code: ClassVar[int | None] = None  # of the last kernel that ended by itself
    waiting: ClassVar[subprocess.Popen | None] = None  # a process that can become the next kernel

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shutdown_wait_time = SHUTDOWN_SECONDS
        self.folder = _private_folder()
        self.connection_file = str(self.folder / "kernel.json")
        if sys.platform != "win32":
            self.transport = "ipc"
            self.ip = str(self.folder / "s")

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(
            argv=[
                sys.executable,
                "-m",
                "ipykernel_launcher",
                "-f",
                "{connection_file}",
                # What C libraries print belongs in the log, not in the cells.
                "--IPKernelApp.capture_fd_output=False",
            ],
            display_name="Python 3 (cifarlib)",
            language="python",
            env={"IPYTHONDIR": str(self.folder / "ipython")},
        )

    async def _async_launch_kernel(self, kernel_cmd: list[str], **kw: Any) -> None:
        process, type(self).waiting = self.waiting, None
        argv, cwd = kernel_cmd[2:], kw.get("cwd") or os.getcwd()
        if process is None or not kernel_prestart.become(process, argv, cwd, self.kernel_spec.env):
            await super()._async_launch_kernel(kernel_cmd, **kw)
            return
        self.provisioner.process = process
        self.provisioner.pid = process.pid
        self.provisioner.pgid = os.getpgid(process.pid)
        self._reconcile_connection_info(self.provisioner.connection_info)

    async def _async_cleanup_resources(self, restart: bool = False) -> None:
        process = getattr(self.provisioner, "process", None)
        if process is not None and not self.shutting_down:
            type(self).last_exit_code = process.poll()
        await super()._async_cleanup_resources(restart=restart)
        if not restart:
            shutil.rmtree(self.folder, ignore_errors=True)

    cleanup_resources = _async_cleanup_resources


def _private_folder() -> Path:
    folder = tempfile.gettempdir()
    if sys.platform != "win32" and len(folder.encode()) > LONGEST_SOCKET_FOLDER:
        folder = "/tmp"
    return Path(tempfile.mkdtemp(prefix="k-", dir=folder))
