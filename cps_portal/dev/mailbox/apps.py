from django.apps import AppConfig


class MailboxConfig(AppConfig):
    """Stores the portal's e-mails as files and shows them. For development and tests only."""

    name = "cps_portal.dev.mailbox"
    label = "mailbox"
