"""Creates an account of staff and prints a link with which its owner chooses the password."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from django.utils import timezone

from cps_portal.core.lib.errors import Refusal
from members.actions.staff import create_staff
from members.models import User


class Command(BaseCommand):
    help = (
        "Creates an account of staff and prints a link with which its owner chooses the password. The link works once. "
        "No password is ever typed on the command line."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        rights = parser.add_mutually_exclusive_group(required=True)
        rights.add_argument("--group", default="", help="what they may do: Support, Programme, ...")
        rights.add_argument("--everything", action="store_true", help="they may do everything: for the first account")

    def handle(self, *_args: Any, email: str, group: str, **_options: Any) -> None:
        try:
            user = create_staff(email=email, group=group, at=timezone.now())
        except Refusal as refusal:
            raise CommandError(refusal.message) from refusal
        days = timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT).days
        self.stdout.write(f"Give this link to {user.email} alone. It works once, within {days} days:")
        self.stdout.write(link_to_choose_password(user))
        self.stdout.write("They need a second factor to enter the admin, and set it up under Profile, Security.")


def link_to_choose_password(user: User) -> str:
    key = default_token_generator.make_token(user)
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(user), "key": key})
    return f"{settings.SITE_URL}{path}"
