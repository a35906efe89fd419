"""Ends all sessions and API tokens, such as after a restore or when one has leaked."""

from typing import Any

from django.core.management.base import BaseCommand

from cps_portal.site.restore import forget_sign_ins


class Command(BaseCommand):
    help = "Ends all sessions of people and all access tokens of partners; everybody signs in again."

    def handle(self, *_args: Any, **_options: Any) -> None:
        self.stdout.write(f"{forget_sign_ins()} sessions and tokens are ended.")
