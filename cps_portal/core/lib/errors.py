"""The exception that actions raise when they refuse."""

from django.utils.functional import Promise


class Refusal(Exception):
    """An action is refused by a rule.

    ``code`` is stable and for programs, ``message`` is the translated sentence for people, and ``field`` is the name
    of the input at fault ("" for none in particular). Nothing has been written when it is raised.
    """

    def __init__(self, code: str, message: str | Promise, field: str = "") -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.field = field

    def __str__(self) -> str:
        return str(self.message)
