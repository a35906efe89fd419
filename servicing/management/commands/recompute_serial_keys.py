import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from kitbag.actions.serial_keys import recompute_serial_keys
from kitbag.models import Registration, Sale, StolenReport
from servicing.models import Ticket

TABLES = [(Registration, "serial"), (Sale, "serial"), (StolenReport, "serial_key"), (Ticket, "serial")]
BATCH_SIZE = 2000


class Command(BaseCommand):
    help = (
        "Compare the stored keys of serial numbers with the rules, and store what differs. Rows that collide with "
        "another one are listed for a person. Exits with 1 if there are any, or with --dry-run if anything differs."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only compare")

    def handle(self, **options: Any) -> None:
        is_clean = True
        for model, serial_field in TABLES:
            rows = model._default_manager.order_by("pk").iterator(chunk_size=BATCH_SIZE)
            report = recompute_serial_keys(rows=rows, serial_field=serial_field, save=not options["dry_run"])
            self.stdout.write(
                f"{model._meta.verbose_name_plural}: {report.compared:,} compared, {report.differing:,} differ"
            )
            for row in report.colliding:
                self.stdout.write(f"collides, a person has to decide: {model._meta.verbose_name} {row.pk}, {row}")
            is_clean = is_clean and not report.colliding and not (options["dry_run"] and report.differing)
        if not is_clean:
            sys.exit(1)
