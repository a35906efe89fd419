from typing import Any

from django.core.management.base import BaseCommand

from kitbag.actions.retailers import load_retailers
from kitbag.catalogue.retailers_reader import read_retailers


class Command(BaseCommand):
    help = "Add retailers that are missing; existing rows are not changed."

    def handle(self, **options: Any) -> None:
        added, existing = load_retailers(retailers=read_retailers())
        if options["verbosity"]:
            self.stdout.write(f"retailers: {added} added, {existing} existing")
