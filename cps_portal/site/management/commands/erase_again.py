"""Erases people again whom a restored database has brought back."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from cps_portal.site.restore import erase_again


class Command(BaseCommand):
    help = "After a restore: erases those again whom the list of erasures names (R14). Exits with 1 if some wait."

    def handle(self, *_args: Any, **_options: Any) -> None:
        result = erase_again(at=timezone.now())
        self.stdout.write(f"{len(result.erased)} people are erased again.")
        for key in result.waiting:
            self.stdout.write(f"waiting: member {key}")
        if result.waiting:
            raise CommandError(
                "These members have a product in service or staff rights. Their accounts are closed; end the job or "
                "take the rights away, and the next night erases them.",
                returncode=1,
            )
