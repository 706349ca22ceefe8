"""The one exception class that the course raises on purpose."""


class CourseError(Exception):
    """Something a user can put right.

    The message says what was wrong, where, and what to do next, so that it can be
    shown to a student without a traceback.
    """
