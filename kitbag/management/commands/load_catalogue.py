import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from kitbag.actions.catalogue import CatalogueReport, load_catalogue
from kitbag.catalogue import reader


class Command(BaseCommand):
    help = (
        "Add products, their names and serial number shapes, and update those that differ from the files. "
        "Changes to the points or stage of products that members hold are only proposed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--file", type=Path, default=reader.PRODUCTS, help="another products.csv")
        parser.add_argument("--strict", action="store_true", help="exit with 1 if there were bad rows")
        parser.add_argument(
            "--reset-shapes",
            action="store_true",
            help="replace serial number shapes edited by staff with the shipped ones",
        )

    def handle(self, **options: Any) -> None:
        begun = time.monotonic()
        try:
            products, bad = reader.read_products(options["file"])
        except reader.UnreadableFile as error:
            raise CommandError(str(error)) from error
        report = load_catalogue(
            products=products,
            shapes=reader.read_shapes(),
            at=timezone.now(),
            reset_shapes=options["reset_shapes"],
        )
        report.bad = sorted([*bad, *report.bad], key=lambda row: row.line)
        self._print(report, verbosity=options["verbosity"], seconds=time.monotonic() - begun)
        if report.bad and options["strict"]:
            sys.exit(1)

    def _print(self, report: CatalogueReport, *, verbosity: int, seconds: float) -> None:
        if verbosity > 1:
            self._print_details(report)
        for row in report.bad:
            self.stderr.write(f"bad row, {row}")
        if verbosity:
            self.stdout.write(
                f"{len(report.added)} added, {len(report.changed)} changed, {report.left_alone} left alone, "
                f"{len(report.proposed)} proposed, {report.still_proposed} proposed before, "
                f"{len(report.withdrawn)} withdrawn, {len(report.not_in_file)} not in the file, "
                f"{len(report.bad)} bad rows; shapes: {report.shapes_added} added, {report.shapes_changed} changed"
                f" ({seconds:.1f} s)"
            )
            if report.shapes_differing:
                self.stdout.write(
                    f"{report.shapes_differing} serial number shapes differ from the shipped ones and were left alone; "
                    "--reset-shapes replaces them."
                )

    def _print_details(self, report: CatalogueReport) -> None:
        for slug in report.added:
            self.stdout.write(f"added {slug}")
        for slug, what in report.changed.items():
            self.stdout.write(f"changed {slug}: {', '.join(what)}")
        for slug, changes in report.proposed.items():
            moves = ", ".join(f"{name} {now} to {then}" for name, (now, then) in changes.items())
            self.stdout.write(f"proposed {slug}: {moves}")
        for slug in report.withdrawn:
            self.stdout.write(f"withdrawn {slug}")
        for slug in report.not_in_file:
            self.stdout.write(f"not in the file {slug}")
