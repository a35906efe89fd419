from typing import Any

from cryptography.fernet import InvalidToken
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from cps_portal.core.partners import actions as partners
from members import actions as members


class Command(BaseCommand):
    help = "Encrypt all secrets in the database under the first of ENCRYPTION_KEYS; then the others can be taken out."

    def handle(self, **options: Any) -> None:
        try:
            with transaction.atomic():
                counts = {
                    "secrets of webhook endpoints": partners.reseal_endpoint_secrets(),
                    "second factors": members.reseal_second_factors(),
                }
        except InvalidToken as error:
            raise CommandError(
                "A secret is under a key that is not in ENCRYPTION_KEYS. Nothing was changed."
            ) from error
        for what, count in counts.items():
            self.stdout.write(f"{what}: {count}")
