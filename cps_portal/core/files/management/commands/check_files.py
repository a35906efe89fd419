"""Compares the stored files with their rows."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cps_portal.core.files.checking import check_files


class Command(BaseCommand):
    help = "Checks that each kept file is there with the content it had; lists orphans. Exits with 1 if any is not."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--without-digests", action="store_true", help="only whether the files are there: quicker")

    def handle(self, *_args: Any, without_digests: bool, **_options: Any) -> None:
        report = check_files(with_digests=not without_digests)
        for name in report.missing:
            self.stdout.write(f"missing: {name}")
        for name in report.differing:
            self.stdout.write(f"differs: {name}")
        for name in report.orphans:
            self.stdout.write(f"orphan: {name}")
        self.stdout.write(
            f"{report.rows} files: {len(report.missing)} missing, {len(report.differing)} differ; "
            f"{len(report.orphans)} orphans."
        )
        if report.missing or report.differing:
            raise CommandError("Put these files back from a backup: docs/backup.md.", returncode=1)
