import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.partners.models import Partner
from cps_portal.sandbox import actions
from cps_portal.sandbox.presenters import describe_samples
from cps_portal.sandbox.rules import describe_serials


class Command(BaseCommand):
    help = "Make a partner's sample data anew, let it age and run the periodic tasks, or print magic serials."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_subparsers(dest="what", required=True)
        what.add_parser("serials", help="print the table of the guide")
        data = what.add_parser("data", help="delete the sample data of a partner and make it anew")
        age = what.add_parser("age", help="let what a partner has become older, and run the periodic tasks")
        age.add_argument("days", type=int)
        for each in (data, age):
            each.add_argument("partner", help="its short name")

    def handle(self, *, what: str, partner: str = "", days: int = 0, **options: Any) -> None:
        if what == "serials":
            self.stdout.write(describe_serials(), ending="")
            return
        found = Partner.objects.filter(slug=partner).first()
        if found is None:
            raise CommandError(f"There is no partner “{partner}”.")
        if not 0 <= days <= actions.MAX_DAYS:
            raise CommandError(f"Choose 0 to {actions.MAX_DAYS} days.")
        try:
            if what == "data":
                actions.make_anew(partner=found, at=timezone.now())
                self.stdout.write(json.dumps(describe_samples(found), cls=DjangoJSONEncoder, indent=2))
            else:
                aged = actions.age_partner(partner=found, days=days, at=timezone.now())
                actions.run_sweeps()
                self.stdout.write(f"{aged.tickets} tickets, {aged.loans} loans and {aged.packs} packs are older now.")
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
