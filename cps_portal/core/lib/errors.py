"""The one exception that actions raise when they say no."""

from django.utils.functional import Promise


class Refusal(Exception):
    """An action refused, and says why.

    ``code`` is stable and machine-readable, ``message`` the translated sentence a person reads, ``field``
    the name of the input it belongs to ("" for the whole). Nothing has been written when it is raised.
    """

    def __init__(self, code: str, message: str | Promise, field: str = "") -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.field = field

    def __str__(self) -> str:
        return str(self.message)
