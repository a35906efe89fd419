from django.apps import AppConfig


class MailboxConfig(AppConfig):
    """Development and tests only: keeps the portal's mails as files and shows them."""

    name = "cps_portal.dev.mailbox"
    label = "mailbox"
