"""What runs in a jail: `python -m cifarlib.grader.jail_main ROLE LIMITS` (LIMITS as JSON).

The role "student" runs a student's cells and answers requests for values and calls. The role
"referee" imports what the tests need, then forks a fresh process for each submission. Both talk
over stdin and stdout; nothing that is printed goes there.
"""

from __future__ import annotations

import json
import os
import queue
import resource
import signal
import sys
import threading

from cifarlib.grader import wire
from cifarlib.grader.jail_shell import Shell, make_shell


def main() -> None:
    """Limit this process, then play the role."""
    role, limits = sys.argv[1], json.loads(sys.argv[2])
    pipes = _take_over_pipes()
    _limit(limits)
    os.chdir(limits["folder"])
    if role == "student":
        from cifarlib.grader.jail_student import StudentSide

        shell = make_shell(pipes, limits["output_kb"] << 10)
        pipes.write(wire.READY, wire.NO_TOKEN)
        _quiet_stderr()
        serve(pipes, shell, StudentSide(shell).handlers)
    else:
        _referee(pipes, limits)


def _referee(pipes: wire.Pipes, limits: dict) -> None:
    """Fork a process for each submission; only the forks ever see a submission's values."""
    for statement in limits["preload"]:
        exec(statement, {})
    pipes.write(wire.READY, wire.NO_TOKEN)
    _quiet_stderr()
    while True:
        kind, token, _ = pipes.read()
        if kind != wire.FORK:
            continue
        child = os.fork()
        if child == 0:
            from cifarlib.grader.jail_referee import RefereeSide

            shell = make_shell(pipes, limits["output_kb"] << 10)
            pipes.write(wire.DONE, token)
            serve(pipes, shell, RefereeSide(pipes, shell).handlers)
            os._exit(0)
        os.waitpid(child, 0)
        pipes.write(wire.READY, wire.NO_TOKEN)


def serve(pipes: wire.Pipes, shell: Shell, handlers: dict) -> None:
    """Answer requests in order until the parent says END or is gone.

    A thread reads, so that the parent can interrupt a cell and is never kept from writing.
    """
    # Whoever grades in the background of a shell has SIGINT ignored, and so would we.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    requests: queue.Queue = queue.Queue()
    shell.incoming = requests

    def read() -> None:
        main = threading.main_thread().ident
        try:
            while True:
                kind, token, body = pipes.read()
                if kind == wire.INTERRUPT:
                    if shell.busy == token:
                        signal.pthread_kill(main, signal.SIGINT)
                    continue
                requests.put((kind, token, body))
                if kind == wire.END:
                    return
        except (EOFError, OSError):
            os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            kind, token, body = requests.get()
            if kind == wire.END:
                return
            shell.token = shell.busy = token
            try:
                answer_kind, answer = handlers[kind](body)
            finally:
                shell.busy = None
            pipes.write(answer_kind, token, answer)
        except KeyboardInterrupt:
            pipes.write(wire.DONE, shell.token, shell.failure_body("KeyboardInterrupt", "stopped"))


def _take_over_pipes() -> wire.Pipes:
    """Keep stdin and stdout for the frames; whoever reads or prints gets nothing."""
    pipes = wire.Pipes(os.dup(0), os.dup(1))
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    return pipes


def _quiet_stderr() -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 2)
    os.close(nothing)


def _limit(limits: dict) -> None:
    """Set resource limits that cannot be raised again."""
    mb = 1 << 20
    for what, size in [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_DATA, limits["data_mb"] * mb if limits["data_mb"] else -1),
        (resource.RLIMIT_FSIZE, limits["file_mb"] * mb),
        (resource.RLIMIT_CPU, limits["cpu_s"]),
        (resource.RLIMIT_NOFILE, limits["open_files"]),
        (resource.RLIMIT_NPROC, limits["processes"]),
    ]:
        if size >= 0:
            resource.setrlimit(what, (size, size))


if __name__ == "__main__":
    main()
