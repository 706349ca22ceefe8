"""Exercises: checks with feedback for students, and the release of exercises from solutions.

| module | holds |
|---|---|
| `check` | what exercise notebooks call: `task`, `hint`, `progress` |
| `outcomes` | the four outcomes of a check, and how they look |
| `tasks` | what a task is, and where the tasks of an assignment are found |
| `values`, `calls`, `arrays`, `networks` | comparing numbers, functions, data and Keras models |
| `assignments` | one module an assignment: its tasks with points, hints and checks |
| `release` | makes `exercises/` from `solutions/` |

Student-facing modules of cifarlib never import this package.
"""
