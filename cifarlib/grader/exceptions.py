"""What can go wrong with a submission or with its jail: caught in the parent, never shown raw."""

from __future__ import annotations


class UnreadableError(Exception):
    """The submission is no notebook; the message says why."""


class NotPlainError(TypeError):
    """A value that may not cross between jails; the message is meant for the student."""


class GoneError(Exception):
    """A jailed process has ended or was killed; the message says why."""


class LateError(Exception):
    """Nothing came from a jail in time."""
