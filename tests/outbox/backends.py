"""Mail backends that misbehave as real ones do."""

import threading
import time
from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection

from cps_portal.dev.mailbox.backend import MailboxBackend

HOLD_FROM = "hold-from"


class PowerCutError(BaseException):
    """Nothing catches this: the process is gone."""


class PowerCut(EmailBackend):
    """The mail is out, and the power goes before anybody can note it."""

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        super().send_messages(messages)
        raise PowerCutError


class Slow(EmailBackend):
    """Sends when told to."""

    begun = threading.Event()
    go_on = threading.Event()

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        assert not connection.in_atomic_block, "a transaction is open while sending"
        Slow.begun.set()
        assert Slow.go_on.wait(60)
        return super().send_messages(messages)


class Crawling(MailboxBackend):
    """Keeps mails as files and takes its time, so that a kill falls into the middle of a sending.

    If there is a file HOLD_FROM with a number among them, that one does not come to an end.
    """

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        kept = super().send_messages(messages)
        hold = settings.MAILBOX_FOLDER / HOLD_FROM
        while hold.exists() and len(list(settings.MAILBOX_FOLDER.glob("*.eml"))) >= int(hold.read_text()):
            time.sleep(0.05)
        time.sleep(0.05)
        return kept
