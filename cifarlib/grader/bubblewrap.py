"""The bubblewrap command that puts a process into a jail, and whether it works on this machine."""

from __future__ import annotations

import functools
import itertools
import json
import os
import shutil
import site
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cifarlib
from cifarlib._support.device_allocation import SHARED_GPU
from cifarlib.errors import CourseError
from cifarlib.grader import watchdog
from cifarlib.grader.limits import TRIAL_S, JailLimits

WORK_FOLDER = "/tmp/work"  # where a jailed process starts
SYSTEM_FILES = ("ld.so.cache", "alternatives", "localtime", "fonts")
KEPT_VARIABLES = ("LANG", "LC_ALL", "TZ", "KERAS_BACKEND", "CUDA_VISIBLE_DEVICES")
DEVICES = Path("/dev")
USER_NAMESPACE = ("--unshare-user", "--disable-userns")
ROOT_NEEDS = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")
FIRST_UID = 1_900_000_000  # as root, each jail runs as a user of its own
_uids = itertools.count(os.getpid() % 10_000 * 1000)

HOW_TO_GET_IT = (
    "Install bubblewrap (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap), "
    "or grade in a container: see cifarlib/grader/SECURITY.md. "
    "Only for submissions that you trust as your own code: --unsafe-no-sandbox."
)


@dataclass(frozen=True)
class Sandbox:
    """How jails are made.

    Attributes:
        kind: "bubblewrap", or "none" for an instructor's own trusted runs.
        files: the assignment's data files, shown read-only in the folder where cells run.
        gpu: whether a jail sees NVIDIA's devices.
    """

    kind: str
    limits: JailLimits
    files: Sequence[Path] = ()
    gpu: bool = False

    def command(self, role: str, folder: str, preload: Sequence[str] = ()) -> list[str]:
        """Return the command line of a jailed process; `folder` is its scratch without a jail."""
        jailed = self.kind == "bubblewrap"
        settings = asdict(self.limits) | {
            "preload": list(preload),
            "folder": WORK_FOLDER if jailed else folder,
            # A GPU's driver reserves address space beyond any sensible limit.
            "data_mb": 0 if self.gpu else self.limits.memory_mb,
        }
        if not jailed:
            settings |= {"processes": -1}  # would count all the processes of this user
        python = [sys.executable, "-I", "-m", "cifarlib.grader.jail_main"]
        python += [role, json.dumps(settings)]
        return [*self._bubblewrap(), *_drop_privileges(), *python] if jailed else python

    def environment(self, folder: str) -> dict[str, str]:
        """Return the environment of the command; in a jail the processes get `_variables`."""
        if self.kind == "bubblewrap":
            return {"PATH": os.defpath}  # the jail's first process shows bubblewrap's own
        return {**os.environ, **_variables(folder)}

    def _bubblewrap(self) -> list[str]:
        """Return bubblewrap's own arguments: all that a jailed process sees of this machine."""
        args = [str(shutil.which("bwrap")), *_isolation()]
        args += ["--ro-bind", "/usr", "/usr"]
        for name in ("/bin", "/sbin", "/lib", "/lib32", "/lib64"):
            link = Path(name).is_symlink()
            args += ["--symlink", os.readlink(name), name] if link else _bind(name)
        args += ["--perms", "0755", "--dir", "/etc"]
        for name in SYSTEM_FILES:
            args += _bind(f"/etc/{name}")
        args += ["--proc", "/proc", "--dev", "/dev", *(_gpu_devices() if self.gpu else [])]
        args += ["--remount-ro", "/dev"]
        args += _scratch("/dev/shm", self.limits.shared_memory_mb)
        args += _scratch("/tmp", self.limits.scratch_mb)
        args += ["--perms", "0777", "--dir", WORK_FOLDER]
        args += _font_list()
        python = _python_folders()
        for parent in _parents(python):
            args += ["--perms", "0755", "--dir", parent]  # bubblewrap would make them 0700
        for folder in python:
            args += _bind(folder)
        for file in self.files:
            args += ["--ro-bind", str(file.resolve()), f"{WORK_FOLDER}/{file.name}"]
        for name, value in _variables("/tmp").items():
            args += ["--setenv", name, value]
        return [*args, "--chdir", "/tmp", "--remount-ro", "/"]


def open_sandbox(
    limits: JailLimits, files: Sequence[Path] = (), *, gpu: bool = False, unsafe: bool = False
) -> Sandbox:
    """Return the sandbox of this machine.

    Args:
        unsafe: use none.

    Raises:
        CourseError: there is no working bubblewrap, and `unsafe` is not set.
    """
    if unsafe:
        return Sandbox("none", limits, files, gpu)
    why = unavailable()
    if why:
        raise CourseError(f"No safe place to run submissions: {why}. {HOW_TO_GET_IT}")
    return Sandbox("bubblewrap", limits, files, gpu)


@functools.cache
def unavailable() -> str:
    """Return why jails cannot be made on this machine; "" if they can."""
    if not sys.platform.startswith("linux"):
        return "bubblewrap needs Linux"
    if not shutil.which("bwrap"):
        return "bubblewrap (the command bwrap) is not installed"
    reason = _reason_to_fail(_drop_privileges())
    if reason:
        return f"this machine does not let bubblewrap work ({reason})"
    if not _can_watch():
        return (
            "the memory of jailed processes cannot be counted, as root is not allowed to look at "
            "other users' processes here (in a container: --cap-add SYS_PTRACE, or no root)"
        )
    return ""


def _isolation() -> list[str]:
    """Return the arguments that cut a jail off: namespaces, environment, capabilities."""
    args = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    args += ["--unshare-cgroup-try", "--hostname", "jail", "--die-with-parent", "--new-session"]
    args += ["--clearenv", "--cap-drop", "ALL"]
    if os.geteuid() == 0:  # what `_drop_privileges` needs, and gives up
        return [*args, *(part for cap in ROOT_NEEDS for part in ("--cap-add", cap))]
    return [*args, *USER_NAMESPACE]


def _drop_privileges() -> list[str]:
    """Return what stands between bubblewrap and the jailed command.

    Started by root, the command becomes a user of its own, whose processes can be counted, and
    then enters a user namespace of its own, as it does at once where no root is at work.
    """
    if os.geteuid() != 0:
        return ["--"]
    uid = FIRST_UID + next(_uids) % 90_000_000
    drop = ["--", "setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    drop += ["--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--"]
    return [*drop, *_enter_user_namespace()]


@functools.cache
def _enter_user_namespace() -> tuple[str, ...]:
    """Return a second bubblewrap for the user namespace; nothing where users may have none."""
    inner = ("bwrap", *USER_NAMESPACE, "--dev-bind", "/", "/", "--die-with-parent", "--")
    drop = ["--", "setpriv", f"--reuid={FIRST_UID}", "--clear-groups", "--inh-caps=-all", "--"]
    return () if _reason_to_fail([*drop, *inner]) else inner


def _reason_to_fail(between: Sequence[str]) -> str:
    """Run `true` in a jail; return why it failed, or ""."""
    try:
        command = [*_trial_jail(between), "true"]
        tried = subprocess.run(command, capture_output=True, text=True, timeout=TRIAL_S)
    except subprocess.TimeoutExpired:
        return f"no answer within {TRIAL_S} s"
    return (tried.stderr.strip().splitlines() or ["no reason given"])[0] if tried.returncode else ""


def _can_watch() -> bool:
    """Run `cat` in a jail; say whether the watchdog could see all that it holds."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*_trial_jail(_drop_privileges()), "cat"], stdin=pipe, stdout=pipe
    ) as process:
        process.stdin.write(b"meow\n")
        process.stdin.flush()
        process.stdout.readline()  # from now on it is `cat`
        found = watchdog.family(process.pid, watchdog.children_of_all())
        cats = [pid for pid in found if Path(f"/proc/{pid}/comm").read_text() == "cat\n"]
        return bool(cats) and all(map(watchdog.can_see_memory_files, cats))


def _trial_jail(between: Sequence[str]) -> list[str]:
    command = [str(shutil.which("bwrap")), *_isolation()]
    return [*command, "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", *between]


def _bind(path: str) -> list[str]:
    return ["--ro-bind-try", path, path]


def _scratch(path: str, size_mb: int) -> list[str]:
    return ["--perms", "1777", "--size", str(size_mb << 20), "--tmpfs", path]


def _variables(home: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return kept | {
        "HOME": home,
        "USER": "student",
        "LOGNAME": "student",
        "TMPDIR": home,
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "IPYTHONDIR": f"{home}/.ipython",
        "MPLCONFIGDIR": f"{home}/.matplotlib",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "KERAS_HOME": f"{home}/.keras",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CIFARLIB_PROFILE": "smoke",
        "CIFARLIB_QUIET": "1",
        "NBGRADER_EXECUTION": "autograde",
        **SHARED_GPU,
    }


@functools.cache
def _font_list() -> list[str]:
    """Return the mount of matplotlib's list of fonts, which takes seconds to make."""
    try:
        import matplotlib
    except ImportError:
        return []
    folder = Path(matplotlib.get_cachedir())
    if not list(folder.glob("fontlist-*.json")):
        subprocess.run([sys.executable, "-c", "import matplotlib.font_manager"], check=False)
    args = ["--perms", "0777", "--dir", "/tmp/.matplotlib"]
    for path in folder.glob("fontlist-*.json"):
        args += ["--ro-bind-try", str(path), f"/tmp/.matplotlib/{path.name}"]
    return args


def _python_folders() -> list[str]:
    """Return the folders of this Python and of cifarlib, as named and as they really lie."""
    ours = str(Path(cifarlib.__file__).parent)
    named = {sys.prefix, sys.base_prefix, *site.getsitepackages(), ours}
    real = {os.path.realpath(path) for path in named}
    outside = {path for path in named | real if not f"{path}/".startswith("/usr/")}
    return sorted(p for p in outside if not any(p.startswith(f"{other}/") for other in outside))


def _parents(paths: Iterable[str]) -> list[str]:
    parents = {str(parent) for path in paths for parent in Path(path).parents}
    return sorted(parents - {"/", "/tmp"})


def _gpu_devices() -> list[str]:
    devices = sorted(DEVICES.glob("nvidia*"))
    args = [part for d in devices for part in ("--dev-bind-try", str(d), f"/dev/{d.name}")]
    return args + _bind("/proc/driver/nvidia") + _bind("/sys/module/nvidia")
