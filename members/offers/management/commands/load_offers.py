from typing import Any

from django.core.management.base import BaseCommand

from members.offers.actions.reference_data import load_offers


class Command(BaseCommand):
    help = "Add the Welcome Pack and its contents if they are missing; what is there stays as staff left it."

    def handle(self, **options: Any) -> None:
        added, left_alone = load_offers()
        if options["verbosity"]:
            self.stdout.write(f"offers and contents of the pack: {added} added, {left_alone} left alone")
