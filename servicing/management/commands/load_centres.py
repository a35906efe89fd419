from typing import Any

from django.core.management.base import BaseCommand

from servicing.actions.centres import load_card_rules, load_carriers, load_centres, load_warranty_periods


class Command(BaseCommand):
    help = "Add service centres, carriers, warranty periods and card rules that are missing; others are not changed."

    def handle(self, **options: Any) -> None:
        added, existing = load_centres()
        carriers = load_carriers()
        periods = load_warranty_periods()
        rules = load_card_rules()
        if options["verbosity"]:
            self.stdout.write(
                f"service centres: {added} added, {existing} existing; carriers: {carriers} added; "
                f"warranty periods: {periods} added; card rules: {rules} added"
            )
