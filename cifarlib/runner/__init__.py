"""Runner: from a list of notebooks to executed notebooks, results and a page, without a person.

In: notebooks, profiles and seeds, as `cifarlib run` names them. Out: a folder with each executed
notebook, its journal and its records, `manifest.json` and `index.html`.
Read first: `plan` (what is to be done), then `run` (doing it), `worker` (one notebook).

What a run does, outermost first:

| module | holds |
|---|---|
| `run_arguments`, `plan` | what was asked for, checked; a task is a notebook, profile and seed |
| `schedule` | the plan with what is known of each task: minutes, and whether it must run |
| `cache_key`, `cache_lookup` | what a result depends on; whether an earlier one still holds |
| `import_graph`, `data_digests`, `cells` | parts of keys: modules used, data and weights, code |
| `run`, `run_lock`, `signals` | the loop over a plan; one run a folder; Ctrl-C and SIGTERM |
| `pool` | the contract of a place to run tasks; the two places: |
| `local_pool`, `ordered_semaphore` | this machine: so many at a time, in order, with their GPU |
| `dask_pool`, `job_archive` | a Dask cluster: jobs and results as bytes |
| `supervise`, `processes` | one worker, watched from outside: limits, progress, left-overs |
| `job`, `worker` | what a worker is told; the process that executes one notebook |
| `kernel`, `kernel_prestart`, `bounded_output` | its kernel, started early; papermill's engine |
| `journal` | what is known of one notebook's run, at any moment and afterwards |

What is left for people and programs:

| module | holds |
|---|---|
| `notebook_page`, `mathml` | an executed notebook as a page, with formulas and without a network |
| `run_pages`, `report`, `result_rows`, `sparklines` | the manifest and page of a run |
| `notebook_progress`, `durations` | progress on the terminal; how long notebooks took before |
| `promote_outputs` | `cifarlib accept`: outputs and results into the course |
| `compare_versions` | `cifarlib drift`: a run with other versions against the recorded bands |
| `replicate_seeds`, `measure`, `measure_features` | more seeds; the reports' own recipes |
| `doctor`, `kernelspec` | `cifarlib doctor`: what is wrong with this machine |

A change to a module that the worker executes with runs every notebook again; see `docs/keys.md`.
"""
