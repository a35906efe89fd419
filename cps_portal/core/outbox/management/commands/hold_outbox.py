"""Holds messages that may have left already, after the database was restored."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from cps_portal.core.outbox.actions import hold_unknown


class Command(BaseCommand):
    help = "After a restore, before the workers start: holds messages that may have left already (docs/backup.md)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--before", help="when the old workers had stopped, with an offset from UTC; default: now")

    def handle(self, *_args: Any, before: str | None, **_options: Any) -> None:
        count = hold_unknown(before=_read(before) if before else timezone.now())
        self.stdout.write(f"{count} messages are held. Decide in the admin, under Messages: send again, or cancel.")


def _read(text: str) -> datetime:
    try:
        moment = parse_datetime(text)
    except ValueError:  # well formed, but no such day
        moment = None
    if moment is None or moment.tzinfo is None:
        raise CommandError(f"{text!r} is not a moment such as 2026-11-29 14:05:00+00:00.")
    return moment
