"""The portal's side of the chaos run: members who request Welcome Packs, and what must hold afterwards."""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from allauth.account.models import EmailAddress
from django.core.management import call_command
from django.db import OperationalError, connection
from django.utils import timezone

from cps_portal.dev.embedded.simulator_partner import register_simulator
from members import actions as members
from members.access import newest_terms
from members.addresses import Address
from members.enums import Level
from members.models import Member, User
from members.offers.actions.packs import request_pack
from members.offers.models import PackEvent, WelcomePack

REPORTED_STEPS = ("accepted", "packed", "dispatched")


class Run:
    def __init__(self, count: int, pace: float, dice: random.Random) -> None:
        self.count, self.pace, self.dice = count, pace, dice

    def prepare(self) -> None:
        """The programme, the simulator as a partner, and Silver members with a confirmed address."""
        call_command("migrate", verbosity=0)
        call_command("load_programme", verbosity=0)
        call_command("load_offers", verbosity=0)
        register_simulator(os.environ["SIMULATOR_URL"], Path(os.environ["SIMULATOR_SECRET_FILE"]))
        terms = newest_terms()
        assert terms
        now = timezone.now()
        for number in range(self.count):
            user = User.objects.create_user(f"member{number}@example.org")
            EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
            profile = members.Profile("Member", str(number), "ZA")
            members.join(user=user, profile=profile, is_adult=True, terms=terms, at=now)
        Member.objects.update(level=Level.SILVER)
        connection.close()

    def ask_all(self) -> None:
        """Every member requests a pack, some twice at the same moment."""
        for key in Member.objects.order_by("pk").values_list("pk", flat=True):
            twice = self.dice.random() < 0.2
            threads = [threading.Thread(target=self._ask, args=(key,)) for _one in range(2 if twice else 1)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            time.sleep(1 / self.pace)
        connection.close()

    def wait_for_quiet(self, standstill: float, meanwhile: Callable[[], None]) -> bool:
        """Wait until every pack is dispatched; returns False after `standstill` seconds without progress."""
        events, since = -1, time.monotonic()
        while time.monotonic() - since < standstill:
            meanwhile()
            if WelcomePack.objects.filter(state="dispatched").count() == self.count:
                return True
            now = PackEvent.objects.count()
            if now != events:
                events, since = now, time.monotonic()
            time.sleep(1)
        return False

    def faults(self, parcels: Mapping[str, int], received: Mapping[str, int]) -> list[str]:
        """Everything that was lost, doubled, or that the two sides disagree about."""
        packs = {pack.key: pack for pack in WelcomePack.objects.all()}
        steps = Counter(PackEvent.objects.filter(step__in=REPORTED_STEPS).values_list("pack", "step"))
        faults = []
        if len(packs) != self.count:
            faults.append(f"{self.count} requested, {len(packs)} packs")
        faults += [f"{key}: never received by the simulator" for key in packs if not received.get(key)]
        faults += [f"{key}: not counted by the simulator" for key in packs if key not in parcels]
        faults += [f"{key}: never requested" for key in parcels if key not in packs]
        faults += [f"{key}: {pack.state}" for key, pack in packs.items() if pack.state != "dispatched"]
        last = len(REPORTED_STEPS)
        faults += [f"{key}: the simulator is at step {done} of 3" for key, done in parcels.items() if done != last]
        faults += [f"pack {pack}: {times} times {step}" for (pack, step), times in steps.items() if times != 1]
        missing = len(packs) * len(REPORTED_STEPS) - len(steps)
        return faults + ([f"{missing} steps were never recorded"] if missing else [])

    def _ask(self, key: int) -> None:
        member = Member.objects.select_related("user").get(pk=key)
        address = Address(
            name=member.full_name,
            country="ZA",
            street="1 Oak Avenue",
            city="Johannesburg",
            postal_code="2092",
            phone="+27820000000",
        )
        while True:
            try:
                request_pack(member=member, address=address, by=member.user, at=timezone.now())
            except OperationalError:
                continue
            break
        connection.close()
