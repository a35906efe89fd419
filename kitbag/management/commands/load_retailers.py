from typing import Any

from django.core.management.base import BaseCommand

from kitbag.actions.retailers import load_retailers
from kitbag.catalogue.retailers_reader import read_retailers


class Command(BaseCommand):
    help = "Add missing retailers; existing ones are left as they are."

    def handle(self, **options: Any) -> None:
        added, left_alone = load_retailers(retailers=read_retailers())
        if options["verbosity"]:
            self.stdout.write(f"retailers: {added} added, {left_alone} left alone")
