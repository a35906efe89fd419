from typing import Any

from django.core.management.base import BaseCommand

from members.actions.reference_data import load_programme


class Command(BaseCommand):
    help = "Add countries, thresholds, benefits and terms that are missing; existing rows are not changed."

    def handle(self, **options: Any) -> None:
        for result in load_programme():
            if options["verbosity"]:
                self.stdout.write(f"{result.kind}: {result.added} added, {result.existing} existing")
