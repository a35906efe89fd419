"""What has to be done in a restored database before the workers start, in the right order."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand

HOLD = "hold_outbox"
# Messages first: erasing writes to the outbox, too. Checks last: they see what the other steps have left.
STEPS = (HOLD, "forget_sessions", "erase_again", "check_files", "check_ledger")


class Command(BaseCommand):
    help = "Finishes a restore, before the workers start (docs/backup.md). Exits with 1 if a person has to look."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--before", help="when the old workers had stopped, with an offset from UTC; default: now")

    def handle(self, *_args: Any, before: str | None, **_options: Any) -> None:
        if not self._is_done("migrate", check_unapplied=True):
            raise CommandError("Start with the version of the portal that the backup was made with.", returncode=1)
        options = {HOLD: {"before": before}}
        failed = [step for step in STEPS if not self._is_done(step, **options.get(step, {}))]
        if failed:
            raise CommandError(f"Look at what these say: {', '.join(failed)}. Then run them again.", returncode=1)
        self.stdout.write("Done. The workers may start.")

    def _is_done(self, step: str, **options: Any) -> bool:
        self.stdout.write(f"{step}:")
        try:
            call_command(step, stdout=self.stdout, **options)
        except CommandError as error:
            self.stderr.write(str(error))
            return False
        except SystemExit as error:
            return not error.code
        return True
