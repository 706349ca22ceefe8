"""Submissions that want to read, change or stop something. They keep what they earned before."""

from __future__ import annotations

from attack_course import FULL, QUESTIONS, SECRET
from attack_table import Attack, harm

DOUBLE = QUESTIONS["double"][1]
AFTER_MEAN = 1  # points of the question before the attack
WITHOUT_DOUBLE = FULL - 2

# Looks everywhere for the secret, which hidden tests, solutions and the like hold.
LOOK = f"""
import os
wanted = {SECRET[:4]!r} + {SECRET[4:]!r}
found = []
def look(path):
    try:
        with open(path, "rb") as file:
            if wanted.encode() in file.read(1 << 22):
                found.append(path)
    except OSError:
        pass
import sys
skipped = ("/usr", "/dev", sys.prefix, sys.base_prefix)
for root, folders, files in os.walk("/"):
    folders[:] = [f for f in folders if os.path.join(root, f) not in skipped]
    for name in files:
        if not root.startswith("/proc") or name in ("environ", "cmdline", "maps", "mountinfo"):
            look(os.path.join(root, name))
for name, value in os.environ.items():
    if wanted in value:
        found.append(name)
assert not found, "LEAK " + str(found)
"""

# Tries to write outside its scratch; says so if it could.
WRITE = """
import os, sys
written = []
for root, folders, files in os.walk("/"):
    if root.startswith(("/proc", "/tmp", "/dev/shm", "/dev/pts")) or root.count("/") > 5:
        folders.clear()
        continue
    try:
        path = os.path.join(root, "written")
        open(path, "w").close()
        written.append(path)
    except OSError:
        pass
assert not written, "LEAK " + str(written)
"""

NETWORK = """
import socket
reached = []
for family, address in [(socket.AF_INET, ("127.0.0.1", PORT)), (socket.AF_INET, ("1.1.1.1", 53)),
                        (socket.AF_UNIX, "\\0abstract"), (socket.AF_UNIX, "/var/run/docker.sock")]:
    try:
        connection = socket.socket(family)
        connection.settimeout(2)
        connection.connect(address)
        reached.append(address)
    except OSError:
        pass
assert not reached, "LEAK " + str(reached)
"""

PRIVILEGE = """
import ctypes, os, subprocess
libc = ctypes.CDLL(None, use_errno=True)
gained = [name for name, try_ in {
    "remount": lambda: libc.mount(b"none", b"/usr", None, 4096 | 32, None),
    "mount": lambda: libc.mount(b"tmpfs", b"/usr", b"tmpfs", 0, None),
    "user namespace": lambda: subprocess.run(["unshare", "-Ur", "true"]).returncode,
    "setuid": lambda: libc.setuid(0),
    "chroot": lambda: libc.chroot(b"/tmp"),
}.items() if try_() == 0]
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
gained += [name for name in ("CapEff", "CapPrm", "CapAmb") if int(status[name], 16)]
gained += ["new privileges"] if status["NoNewPrivs"].strip() != "1" else []
gained += ["root"] if os.getuid() == 0 else []
assert not gained, "LEAK " + str(gained)
"""

KILL = """
import os, signal
for pid in [-1, 1, *range(3, 400)]:
    if pid != os.getpid():
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
"""

# Stays until the jail is killed, however long its memory takes to fill on a busy machine.
STAY = """
for _ in range(9):
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        pass
"""

FLOOD_PIPE = """
import os
FRAME = b"o" + bytes(16) + (10**6).to_bytes(4, "big") + b"x" * 10**6
while True:
    for fd in range(3, 16):
        try:
            os.write(fd, FRAME)
        except OSError:
            pass
"""

HARM: dict[str, Attack] = {
    "reads_solutions_gradebook_environment": harm(f"{LOOK}\n{DOUBLE}", FULL),
    "writes_everywhere": harm(f"{WRITE}\n{DOUBLE}", FULL),
    "network": harm(f"{NETWORK}\n{DOUBLE}", FULL),
    "privileges": harm(f"{PRIVILEGE}\n{DOUBLE}", FULL),
    "kills_all_processes": harm(KILL, AFTER_MEAN, problem="SIGKILL"),
    "exits": harm("import os\nos._exit(0)", AFTER_MEAN, problem="ended by itself (exit code 0)"),
    "crashes": harm(
        "import ctypes\nctypes.string_at(0)", AFTER_MEAN, problem="ended by itself (SIGSEGV)"
    ),
    "kills_itself": harm(
        "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", AFTER_MEAN, problem="SIGKILL"
    ),
    "system_exit": harm("import sys\nsys.exit(0)", WITHOUT_DOUBLE),
    "stops_itself": harm(
        "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
        AFTER_MEAN,
        problem="could not be interrupted",
    ),
    "endless_loop": harm("while True:\n    pass", WITHOUT_DOUBLE),
    "endless_sleep": harm("import time\ntime.sleep(10**6)", WITHOUT_DOUBLE),
    "deaf_endless_loop": harm(
        "while True:\n    try:\n        while True:\n            pass\n"
        "    except BaseException:\n        pass",
        AFTER_MEAN,
        problem="could not be interrupted",
    ),
    "signals_blocked": harm(
        "from signal import *\npthread_sigmask(SIG_BLOCK, range(1, 65))\nwhile True:\n    pass",
        AFTER_MEAN,
        problem="could not be interrupted",
    ),
    "pipes_closed": harm(
        "import os\nfor fd in range(3, 64):\n    try:\n        os.close(fd)\n"
        "    except OSError:\n        pass",
        AFTER_MEAN,
        problem=None,
    ),
    "memory_bomb": harm(
        "import numpy as np\nkept = [np.ones(10**8) for _ in range(100)]", WITHOUT_DOUBLE
    ),
    "memory_of_many_processes": harm(
        "import os, time\nfor _ in range(12):\n    if os.fork() == 0:\n"
        "        kept = bytearray(os.urandom(1 << 20)) * 300\n        time.sleep(60)\n"
        "        os._exit(0)\n" + STAY,
        AFTER_MEAN,
        problem="MB of memory",
    ),
    "memory_files": harm(
        "import os, time\nkept = []\nfor _ in range(400):\n    fd = os.memfd_create('x')\n"
        "    kept.append(fd)\n    for _ in range(30):\n        os.write(fd, bytes(1 << 20))\n"
        + STAY,
        AFTER_MEAN,
        problem="MB of memory",
    ),
    "fork_bomb": harm(
        "import os, time\ndef bomb():\n    while True:\n        try:\n            os.fork()\n"
        "        except OSError:\n            time.sleep(0.05)\n"
        "if os.fork() == 0:\n    bomb()\n" + DOUBLE,
        FULL,
    ),
    "thread_bomb": harm(
        "import threading, time\ntry:\n    for _ in range(5000):\n"
        "        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "except RuntimeError:\n    pass\n" + DOUBLE,
        FULL,
    ),
    "disk_filled": harm(
        "import itertools\nwritten = 0\ntry:\n    for number in itertools.count():\n"
        "        with open(f'/tmp/{number}', 'wb') as file:\n"
        "            written += file.write(bytes(8 << 20))\nexcept OSError:\n    pass\n"
        "assert written < 1 << 30, 'LEAK'\n" + DOUBLE,
        FULL,
    ),
    "large_file": harm(
        "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "with open('/tmp/large', 'wb') as file:\n    for _ in range(200):\n"
        "        file.write(bytes(1 << 20))",
        WITHOUT_DOUBLE,
    ),
    "text_flood": harm("for _ in range(10**5):\n    print('x' * 1000)\n" + DOUBLE, FULL),
    "display_flood": harm(
        "for _ in range(2000):\n    display({'text/plain': 'x' * 10**6}, raw=True)\n" + DOUBLE, FULL
    ),
    "pipe_flood": harm(FLOOD_PIPE, AFTER_MEAN, problem="MB of output"),
    "frame_too_large": harm(
        "import os\nfor fd in range(3, 16):\n    try:\n"
        "        os.write(fd, b'v' + bytes(16) + (2**32 - 1).to_bytes(4, 'big'))\n"
        "    except OSError:\n        pass\n" + DOUBLE,
        AFTER_MEAN,
        problem="value of more than",
    ),
    "enormous_array": harm(
        "import numpy as np\nfacts_ = np.ones(10**7)\n"
        + DOUBLE.replace("[2 * value for value in values]", "facts_"),
        AFTER_MEAN,
        problem="value of more than",
    ),
    "enormous_text": harm(
        "def double(values):\n    return 'x' * 10**8", AFTER_MEAN, problem="value of more than"
    ),
    "enormous_number": harm("def double(values):\n    return [10 ** 10**5]", WITHOUT_DOUBLE),
    "deep_value": harm(
        "def double(values):\n    for _ in range(10**5):\n        values = [values]\n"
        "    return values",
        WITHOUT_DOUBLE,
    ),
    "value_that_holds_itself": harm(
        "facts = {}\nfacts['name'] = facts", FULL - 2, "facts", reasons={"facts": "refused"}
    ),
    "hangs_when_called": harm(
        "import time\ndef double(values):\n    time.sleep(10**6)", WITHOUT_DOUBLE
    ),
    "differs_the_second_time": harm(
        "calls = []\ndef double(values):\n    calls.append(1)\n"
        "    return [2 * v for v in values] if len(calls) < 2 else values",
        WITHOUT_DOUBLE,
        reasons={"double": "hidden test failed"},
    ),
    "raises_what_cannot_be_shown": harm(
        "class Bad(BaseException):\n    def __str__(self): raise Bad\n    __repr__ = __str__\n"
        "def double(values):\n    raise Bad",
        WITHOUT_DOUBLE,
    ),
    "exits_when_called": harm(
        "import os\ndef double(values):\n    os._exit(0)", AFTER_MEAN, problem="ended by itself"
    ),
    "recursion_without_end": harm("def double(values):\n    return double(values)", WITHOUT_DOUBLE),
    "asks_for_input": harm("answer = input('Points? ')", WITHOUT_DOUBLE),
    "shows_html": harm(
        "from IPython.display import HTML, display\n"
        "display(HTML('<script>alert(1)</script>'))\nprint('<script>alert(2)</script>')\n" + DOUBLE,
        FULL,
    ),
}
