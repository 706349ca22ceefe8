"""Settings of nbgrader for this course: `nbgrader` and its JupyterLab tools read them here.

`solutions/NN_slug/` is the source of an assignment, `exercises/NN_slug/` what students get.
Submissions, the gradebook and feedback lie beside them, under nbgrader's own names.
"""

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "cifarlib"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"

# An answer that is left out leaves a cell that runs, so a whole exercise runs as it stands.
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE"}
c.ClearSolutions.text_stub = "*Your answer here.*"
c.LockCells.lock_all_cells = True

# Training takes longer than nbgrader's 30 seconds. What C libraries print costs nobody points.
c.Execute.timeout = 300
c.Execute.extra_arguments = ["--IPKernelApp.capture_fd_output=False"]
