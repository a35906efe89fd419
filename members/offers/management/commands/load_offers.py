from typing import Any

from django.core.management.base import BaseCommand

from members.offers.actions.reference_data import load_offers


class Command(BaseCommand):
    help = "Add the Welcome Pack offer and its items if they are missing; existing rows are not changed."

    def handle(self, **options: Any) -> None:
        added, existing = load_offers()
        if options["verbosity"]:
            self.stdout.write(f"offers and pack items: {added} added, {existing} existing")
