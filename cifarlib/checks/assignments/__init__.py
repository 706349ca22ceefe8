"""The tasks of each assignment: `aNN_slug` belongs to `solutions/NN_slug/NN_slug.ipynb`.

What stands here is read by every student who looks, and that does no harm: it judges answers, it
does not give them away in one line. What has to stay unknown until grading, the inputs of hidden
tests, stands in `solutions/` only.
"""
