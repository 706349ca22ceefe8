"""Submissions that want points for nothing: their answers are wrong, so 0 points is right."""

from __future__ import annotations

from attack_table import Attack, cheat

EQUAL = """
class Equal:
    __array_priority__ = 1e9
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __getattr__(self, name): return lambda *a, **k: Equal()
    def __call__(self, *a, **k): return Equal()
    def __float__(self): return 0.5
    def __rsub__(self, other): return 0
    __sub__ = __rsub__
    def __hash__(self): return 1
"""

# Writes to all open pipes, again and again, what would be good answers to all requests.
FORGE = """
import gc, os, struct, threading, time
good = b'{"ok": true, "score": 2.0, "refused": {}}'
def frames(token):
    return b"".join(struct.pack(">c16sI", kind, token, len(good)) + good for kind in (b"d", b"v"))
def forge(token=bytes(16)):
    for fd in range(3, 32):
        try:
            os.write(fd, frames(token))
        except OSError:
            pass
"""

# Looks for a test's expected value from inside a call, and answers with what it finds.
HUNT = """
import gc, inspect, sys
def hunt(argument):
    frame = sys._getframe()
    while frame is not None:
        for name, value in list(frame.f_locals.items()) + list(frame.f_globals.items()):
            if "DATA" not in name and isinstance(value, list) and value in ([2, 4], [10, 14, -2]):
                return value
        frame = frame.f_back
    for thing in gc.get_objects():
        if type(thing) is list and thing in ([2, 4], [10, 14, -2]):
            return thing
    return []
def double(values): return hunt(values)
"""

REFUSED = dict.fromkeys(["mean", "facts"], "refused")

CHEATS: dict[str, Attack] = {
    "numpy_testing_patched": cheat(
        "import numpy as np\nnp.testing.assert_allclose = lambda *a, **k: None\n"
        "np.testing.__dict__.update(dict.fromkeys(dir(np.testing), lambda *a, **k: None))"
    ),
    "builtins_patched": cheat(
        "import builtins\nbuiltins.isinstance = lambda *a: True\nbuiltins.abs = lambda x: 0\n"
        "builtins.AssertionError = type('Quiet', (Exception,), {})",
        problem=None,
    ),
    "always_equal_objects": cheat(
        EQUAL.replace("__call__", "call") + "mean = facts = share = Equal()\n"
        "scale = double = lambda *a: Equal()",
        reasons=REFUSED | {"share": "refused", "double": "failed", "scale": "failed"},
    ),
    "always_equal_callable": cheat(
        EQUAL + "mean = double = scale = facts = share = Equal().anything",
        reasons=dict.fromkeys(["mean", "double", "scale", "facts", "share"], "failed"),
    ),
    "subclasses_of_plain_types": cheat(
        "class Number(float):\n    __eq__ = lambda *a: True\n    __rsub__ = lambda *a: 0\n"
        "class Table(dict):\n    __eq__ = lambda *a: True\n    __ne__ = lambda *a: False\n"
        "mean, share, facts = Number(3), Number(0), Table()",
        reasons=REFUSED | {"share": "refused"},
    ),
    "array_subclass": cheat(
        "import numpy as np\nclass Good(np.ndarray):\n    __eq__ = lambda *a: True\n"
        "    def __array_function__(self, *a, **k): return self\n"
        "    def __array_ufunc__(self, *a, **k): return np.ones(3, bool).all()\n"
        "mean = np.zeros(()).view(Good)\ndef scale(x): return x.view(Good)"
    ),
    "object_array": cheat(
        "import numpy as np\nclass Equal:\n    __eq__ = lambda *a: True\n"
        "mean = np.array([Equal()], dtype=object)\n"
        "def scale(x): return np.array([Equal()] * len(x), dtype=object)",
        reasons={"mean": "refused", "scale": "failed"},
    ),
    "input_transformer": cheat(
        "get_ipython().input_transformers_post.append(\n"
        "    lambda lines: ['pass\\n' if 'assert' in line else line for line in lines])"
    ),
    "ast_transformer": cheat(
        "import ast\nclass Quiet(ast.NodeTransformer):\n"
        "    def visit_Assert(self, node): return ast.Pass()\n"
        "get_ipython().ast_transformers.append(Quiet())"
    ),
    "display_hook": cheat(
        "import sys\nsys.displayhook = lambda value: print('2.0')\n"
        "get_ipython().displayhook.__class__.__call__ = lambda self, value=None: None"
    ),
    "shell_replaced": cheat(
        "shell = get_ipython()\ntype(shell).run_cell = lambda *a, **k: None\n"
        "type(shell).execute = lambda self, code: ({'ok': True, 'score': 2.0}, 2.0)"
    ),
    "forged_answers": cheat(FORGE + "forge()", odd="answers that nobody had asked for"),
    "forged_with_stolen_tokens": cheat(
        FORGE + "from cifarlib.grader import jail_shell\n"
        "def work():\n    while True:\n        forge(get_ipython().token); time.sleep(0.01)\n"
        "threading.Thread(target=work, daemon=True).start()"
    ),
    "process_that_outlives_its_cell": cheat(
        FORGE + "if os.fork() == 0:\n    os.setsid()\n    for _ in range(2000):\n"
        "        forge(); time.sleep(0.01)\n    os._exit(0)",
        odd="answers that nobody had asked for",
    ),
    "thread_that_changes_names": cheat(
        "import threading\nspace = get_ipython().user_ns\ndef work():\n    while True:\n"
        "        space.update({'np': None, 'DATA': 3, 'close': print, 'ok': True})\n"
        "threading.Thread(target=work, daemon=True).start()"
    ),
    "codec_patched": cheat(
        "from cifarlib.grader import codec\n"
        "codec._encode = lambda *a: {'$': 'pickle', 'items': ['gASV']}",
        reasons=dict.fromkeys(["mean", "double", "scale", "facts", "share"], "refused"),
    ),
    "codec_answers_with_rubbish": cheat(
        "from cifarlib.grader import codec\ncodec.mapping = lambda *a: b'\\xff' * 100\n"
        "codec.dumps = lambda *a: b'{\"ok\": true}'",
        reasons=dict.fromkeys(["mean", "double", "scale", "facts", "share"], "refused"),
    ),
    "frames_and_gc_hunted": cheat(HUNT),
    "tracing": cheat(
        "import sys\nfound = []\ndef trace(frame, event, arg):\n"
        "    found.extend(v for v in frame.f_locals.values() if v in ([2, 4], [10, 14, -2]))\n"
        "    return trace\nsys.settrace(trace)\n"
        "def double(values): return found[-1] if found else []"
    ),
    "modules_replaced": cheat(
        "import sys, types\nfake = types.ModuleType('numpy')\n"
        "fake.testing = types.SimpleNamespace(assert_allclose=lambda *a: None)\n"
        "sys.modules['numpy'] = sys.modules['numpy.testing'] = fake"
    ),
    "modules_beside_the_notebook": cheat(
        "for name in ('numpy', 'math', 'IPython', 'cifarlib'):\n"
        "    open(name + '.py', 'w').write('raise SystemExit(0)')\n"
        "    open('/tmp/' + name + '.py', 'w').write('raise SystemExit(0)')"
    ),
    "helpers_redefined": cheat("def close(*a): pass\nimport numpy as np\nDATA = np.array([3])"),
    "function_where_data_is_asked": cheat(
        EQUAL + "def mean(*a): return True\nmean.__eq__ = lambda *a: True\nfacts = Equal"
    ),
    "score_not_a_number": cheat("share = float('nan')", reasons={"share": "bad score"}),
    "score_without_end": cheat("share = float('-inf')", reasons={"share": "bad score"}),
    "score_below_zero": cheat("share = 1000", reasons={"share": "bad score"}),
    "score_as_array": cheat(
        "import numpy as np\nshare = np.array([np.nan, 2.0])", reasons={"share": "bad score"}
    ),
    "hash_seeds_and_hooks": cheat(
        "import atexit, sys\natexit.register(print, 'ok')\nsys.excepthook = lambda *a: None\n"
        "sys.unraisablehook = lambda *a: None\n"
        "get_ipython().events.register('post_run_cell', lambda result: setattr(\n"
        "    result, 'error_in_exec', None))"
    ),
    "exception_that_looks_like_success": cheat(
        "class Passed(Exception):\n    ok, score = True, 2.0\n"
        "def double(values): raise Passed('{\"ok\": true}')\n"
        "def scale(x): raise SystemExit(0)"
    ),
    "pickles": cheat(
        "import pickle, os\nclass Bad:\n    def __reduce__(self): return (os._exit, (0,))\n"
        "mean, facts = pickle.dumps(Bad()), Bad()\ndef double(values): return Bad()",
        reasons={"mean": "failed", "facts": "refused", "double": "failed"},
    ),
}
