"""Support: files, progress, environment and the like, with nothing of the course in it.

Every room may use this one; it uses none of them.

| module | holds |
|---|---|
| `files` | writing so that nothing is ever half-written |
| `digests` | SHA-256 of arrays, files and source trees |
| `folders` | the user's cache folder |
| `environment` | what a measurement depends on besides code and data |
| `dask_client` | a client of a Dask cluster that exists already |
| `device_allocation` | CPU threads and GPUs for processes side by side |
| `requirements_lock` | the pinned versions |
| `progress` | progress bars where somebody is watching |
| `keras_layers` | the layers of a model, nested models opened; which of Keras's run foreign code |
| `tables` | a small table for notebooks and terminals |
| `interactive` | sliders beside what they change, or a still view |
| `out_of_memory` | what to do when memory runs out |
"""
