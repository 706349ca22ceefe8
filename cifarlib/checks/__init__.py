"""Checks: what the test cells of an exercise call, and what judges a student's answer.

In: the name of a task ("02.conv_parameters") and the names that a student has defined. Out: an
outcome with points, shown in the notebook; `CheckFailed` unless the answer is right.
Read first: `check` (what a notebook calls), then `assignments.a02_counting_parameters` (tasks).

| module | holds |
|---|---|
| `check` | `task`, `hint`, `progress`: what exercise notebooks call |
| `outcomes` | the four outcomes of a check, how they look; `Wrong`, `NotAttempted` |
| `tasks` | what a task and an assignment are, and where they are found |
| `assignments` | one module an exercise: its tasks with points, hints and checks |
| `reference_answers` | right answers, and easily given wrong ones, that checks compare with |
| `compare_values` | numbers, texts, lists, dicts: as plain data, and what differs |
| `compare_arrays` | NumPy arrays, and the parts of a split |
| `compare_calls` | a function, by what it gives for several inputs |
| `compare_models` | Keras models: layers, predictions, accuracy |
| `compare_pixels` | how pixels reach a pretrained network |
| `toy_backbone` | a small network in place of VGG16, and the proof that it stayed frozen |

`cifarlib.grader` calls the same checks in a jail; nothing here knows of it.
"""
