import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from cps_portal.dev import crowd
from kitbag.models import Product
from members.models import CountryProgramme, Member

LOADS = [(Product, "load_catalogue"), (CountryProgramme, "load_programme")]


class Command(BaseCommand):
    help = "Make very many invented members with kit over the real catalogue, to measure with. Never in production."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--members", type=int, default=200_000)
        parser.add_argument("--registrations", type=int, default=1_000_000)
        parser.add_argument("--seed", type=int, default=1, help="another number, another world")
        parser.add_argument("--add", action="store_true", help="although there are members already")

    def handle(self, **options: Any) -> None:
        if not settings.CROWDS_ALLOWED:
            raise CommandError("This looks like production: a crowd is for development and tests (CROWDS_ALLOWED).")
        if options["members"] < 1:
            raise CommandError("A crowd has at least one member: type --members 1 or more.")
        if Member.objects.exists() and not options["add"]:
            raise CommandError("There are members already. Take an empty database, or --add to them.")
        begun = time.monotonic()
        for model, command in LOADS:
            if not model._default_manager.exists():
                call_command(command, verbosity=options["verbosity"], stdout=self.stdout, stderr=self.stderr)
        held = crowd.make(members=options["members"], registrations=options["registrations"], seed=options["seed"])
        if not connection.in_atomic_block:
            with connection.cursor() as cursor:
                cursor.execute("vacuum")  # what autovacuum does after such a load
        if options["verbosity"]:
            self.stdout.write(
                f"{options['members']:,} members made in {time.monotonic() - begun:.0f} s; "
                f"held by most: {crowd.totals(held)}"
            )
