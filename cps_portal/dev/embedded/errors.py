"""The exception of the launcher."""


class CannotStart(Exception):
    """Something outside the portal prevents starting. The message says what, and what to do about it."""
