"""How allauth's sign-in pages reach the rest of the portal: their mails go through the outbox too."""

import uuid
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.db import transaction

from cps_portal.outbox import actions as outbox
from cps_portal.outbox.mail import frame

LINKS = ("activate_url", "password_reset_url", "signup_url")


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Post the mail instead of sending it, so that it leaves if and only if the transaction commits."""
        everything = {**frame(), "request": self.request, "email": email, **context}
        everything |= {name: at_home(everything[name]) for name in LINKS if name in everything}
        mail = self.render_mail(template_prefix, email, everything)
        payload = {"subject": mail.subject, "text": mail.body}
        for alternative in getattr(mail, "alternatives", ()):
            payload["html"] = alternative[0]
        with transaction.atomic():
            outbox.post(key=f"account-{uuid.uuid4()}", kind="mail", to=email, payload=payload)


def at_home(url: str) -> str:
    """The same page at SITE_URL: allauth takes the host from the request, which its sender may choose."""
    home: str = settings.SITE_URL
    return home + urlsplit(url)._replace(scheme="", netloc="").geturl()
