from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from cps_portal.dev.mailbox import store


class MailboxBackend(BaseEmailBackend):
    """Stores each e-mail as a file instead of sending it."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            store.write(message.message().as_bytes())
        return len(email_messages)
