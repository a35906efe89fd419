from typing import Any

from django.core.management.base import BaseCommand

from servicing.actions.centres import load_centres


class Command(BaseCommand):
    help = "Add the service centres that are missing. Existing ones are not changed."

    def handle(self, **options: Any) -> None:
        added, left_alone = load_centres()
        if options["verbosity"]:
            self.stdout.write(f"service centres: {added} added, {left_alone} left alone")
