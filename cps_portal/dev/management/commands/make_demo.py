from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from cps_portal.core.lib.errors import Refusal
from cps_portal.dev.demo import partners, second_factors, world
from kitbag.models import Product, Retailer
from members.models import CountryProgramme
from members.offers.models import Offer
from servicing.models import ServiceCentre

LOADS = [
    (Product, "load_catalogue"),
    (Retailer, "load_retailers"),
    (CountryProgramme, "load_programme"),
    (ServiceCentre, "load_centres"),
    (Offer, "load_offers"),
]


class Command(BaseCommand):
    help = "Create the demonstration world once: invented members with kit, and staff to look after them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--even-in-production",
            action="store_true",
            help="also where CROWDS_ALLOWED does not allow it; the passwords of these accounts are public",
        )

    def handle(self, **options: Any) -> None:
        if not settings.CROWDS_ALLOWED and not options["even_in_production"]:
            raise CommandError("This looks like production, and the passwords of the demonstration world are public.")
        for model, command in LOADS:
            if not model._default_manager.exists():
                call_command(command, verbosity=options["verbosity"], stdout=self.stdout, stderr=self.stderr)
        if world.exists():
            self.stdout.write("The demonstration world exists already; nothing was changed.")
        else:
            try:
                world.create()
            except Refusal as refusal:
                raise CommandError(f"The demonstration world does not fit this programme: {refusal}") from refusal
            self.stdout.write("The demonstration world is ready.")
        second_factors.give_second_factors()
        if options["verbosity"]:
            self.stdout.write(f"Sign in with the password “{world.PASSWORD}” as")
            for person in world.CAST:
                self.stdout.write(f"  {person.email:<24}{person.who}")
            self.stdout.write("Staff need a code as well: the page that asks for it shows it.")
            self.stdout.write(f"Get API tokens with the secret “{partners.SECRET}” as")
            for slug, name in partners.SANDBOX.values():
                self.stdout.write(f"  {slug:<24}{name}")
