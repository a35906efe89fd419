"""The one exception of the launcher: a sentence for the person at the terminal."""


class CannotStart(Exception):
    """Something outside the portal is in the way; the message says what, and what to do."""
