"""Grader: from submitted notebooks to scores that a hostile submission cannot change.

In: a folder of submissions, and the instructor's notebook in `solutions/`. Out: scores as JSON and
CSV, feedback pages, nbgrader's gradebook. The other way round, `release` makes `exercises/`.
Read first: `grade` (the command), then `local_grader` (one submission); `SECURITY.md` says why.

How an answer is graded, outermost first:

| module | holds |
|---|---|
| `grade_arguments`, `grade` | `cifarlib grade`: arguments; from submissions to tables and pages |
| `batch` | many submissions, in parallel, each once: its cache key and its result file |
| `collect` | finds submissions in folders and in zip files of LMSes |
| `nbgrader_format`, `source` | nbgrader's names; the instructor's notebook, with hidden tests |
| `submitted_notebook` | what is taken from a student's notebook, and what is odd in it |
| `name_ownership` | which names in a test are the student's, from the source alone |
| `local_grader` | one submission on this machine: its cells in the one jail, tests in the other |
| `dask_grading` | the same on the workers of a cluster |
| `session` | `grade_cell`: a test in the referee's jail, with values from the student's |
| `scores` | what a test's outcome is worth; all that is known of a graded submission |
| `feedback_pages`, `gradebook` | pages for students and instructor; points in nbgrader's database |
| `release` | `cifarlib release`: `exercises/` from `solutions/`, by nbgrader's own converters |

How a jail is built, and what runs in it:

| module | holds |
|---|---|
| `bubblewrap` | the command line of a jail, and whether this machine can make one |
| `limits` | every number that is enforced: time, memory, sizes, processes |
| `jail_process` | the parent's end: starts the process, reads its frames, kills it |
| `jail_clients` | requests to the student's and to the referee's jail |
| `watchdog` | kills jails for the memory or the time of all their processes |
| `jail_main` | the program in a jail: limits itself, then serves requests |
| `jail_student`, `jail_referee`, `jail_shell` | its two roles, and the IPython shell of both |
| `wire`, `codec` | frames on the pipes; values as bytes, without pickle |
| `model_deserialization` | a student's Keras model, rebuilt from Keras's own parts only |
| `exceptions` | what can go wrong with a submission or its jail |
"""
