"""What a sender raises when the outcome is not just a failure to retry."""

from datetime import datetime


class Rejected(Exception):
    """The receiver refused the message for good: retrying is useless."""


class Obsolete(Exception):
    """The message is no longer true or has no receiver any more: it is cancelled."""


class Postponed(Exception):
    """Nothing with this ordering key can be sent before `until`. Does not count as an attempt."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"not before {until:%Y-%m-%d %H:%M:%S}")
        self.until = until
