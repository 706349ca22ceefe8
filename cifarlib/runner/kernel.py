"""Kernels for headless runs: this interpreter, private sockets, nothing from the user's home."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner

from cifarlib.runner import kernel_prestart

SHUTDOWN_SECONDS = 2.0  # for a kernel to end by itself; a busy one never does
LONGEST_SOCKET_FOLDER = 80  # bytes; a socket path may have 103 on macOS and 107 on Linux


class CourseKernelManager(AsyncKernelManager):
    """Starts kernels on the running interpreter and speaks to them over ipc sockets.

    TCP kernels that start together race for ports; here each kernel has sockets in its own
    folder, which only its owner may enter and which goes away with the kernel. Windows has no
    such sockets and keeps TCP.

    Args:
        waiting: a process that can become the kernel; None starts a new one.
    """

    def __init__(self, waiting: subprocess.Popen | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shutdown_wait_time = SHUTDOWN_SECONDS
        self.folder = _private_folder()
        self.connection_file = str(self.folder / "kernel.json")
        if sys.platform != "win32":
            self.transport = "ipc"
            self.ip = str(self.folder / "s")
        self.provisioner = PrestartedProvisioner(
            kernel_id=self.folder.name, kernel_spec=self.kernel_spec, parent=self
        )
        self.provisioner.waiting = waiting

    @property
    def exit_code(self) -> int | None:
        """What the kernel ended with, where it ended by itself."""
        return self.provisioner.exit_code

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


class PrestartedProvisioner(LocalProvisioner):
    """Makes a process the kernel that waits for it already, if it is still there."""

    waiting: subprocess.Popen | None = None
    exit_code: int | None = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict[str, Any]:
        process, self.waiting = self.waiting, None
        cwd = kwargs.get("cwd") or os.getcwd()
        if process is None or not kernel_prestart.become(
            process, cmd[2:], cwd, self.kernel_spec.env
        ):
            return await super().launch_kernel(cmd, **kwargs)
        self.process, self.pid, self.pgid = process, process.pid, os.getpgid(process.pid)
        return self.connection_info

    async def cleanup(self, restart: bool = False) -> None:
        if self.process is not None and not self.parent.shutting_down:
            self.exit_code = self.process.poll()
        await super().cleanup(restart=restart)
        if not restart:
            shutil.rmtree(self.parent.folder, ignore_errors=True)


def _private_folder() -> Path:
    folder = tempfile.gettempdir()
    if sys.platform != "win32" and len(folder.encode()) > LONGEST_SOCKET_FOLDER:
        folder = "/tmp"
    return Path(tempfile.mkdtemp(prefix="k-", dir=folder))
