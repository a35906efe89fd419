from typing import Any

from django.core.management.base import BaseCommand

from members.actions.reference_data import load_programme


class Command(BaseCommand):
    help = "Add the countries, levels, benefits and terms that are missing; what is there stays as staff left it."

    def handle(self, **options: Any) -> None:
        for loaded in load_programme():
            if options["verbosity"]:
                self.stdout.write(f"{loaded.kind}: {loaded.added} added, {loaded.left_alone} left alone")
