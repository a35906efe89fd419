import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from kitbag.actions.ledger_checks import check_ledger
from kitbag.models import LedgerCheck


class Command(BaseCommand):
    help = (
        "Compare every member's entries, points and level with what the rules say. Exits with 1 if a member differs, "
        "or with --repair, if one still differs afterwards."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--repair", action="store_true", help="repair what differs, then compare again")
        parser.add_argument("--limit", type=int, default=20, help="how many member numbers to print, at most 100")

    def handle(self, **options: Any) -> None:
        check = check_ledger(by=None, at=timezone.now(), repair=options["repair"])
        self._print(check, options["limit"])
        if options["repair"] and not check.is_clean:
            self.stdout.write(f"{check.mended:,} members repaired. Comparing again:")
            check = check_ledger(by=None, at=timezone.now())
            self._print(check, options["limit"])
        if not check.is_clean:
            sys.exit(1)

    def _print(self, check: LedgerCheck, limit: int) -> None:
        seconds = (timezone.now() - check.started_at).total_seconds()
        self.stdout.write(
            f"{check.members:,} members, {check.registrations:,} registrations compared ({seconds:.1f} s): "
            f"{check.wrong_registrations:,} registrations, {check.wrong_points:,} totals and "
            f"{check.wrong_levels:,} levels differ; {check.awaiting:,} members await a running change"
        )
        if check.untold:
            self.stdout.write(f"{check.untold:,} holders have not been notified of an announced change")
        for number in check.differing[: max(0, limit)]:
            self.stdout.write(f"differs: {number}")
