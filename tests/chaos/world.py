"""The members of the chaos run, and what has to be in the database afterwards."""

import io
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from cps_portal.core.outbox.enums import State
from cps_portal.core.outbox.models import Message
from cps_portal.dev.embedded.schema import bring_up_to_date
from cps_portal.dev.embedded.simulator_partner import register_simulator
from kitbag.enums import RegistrationState
from kitbag.models import Registration
from members import actions as members
from members.access import newest_terms
from members.models import User
from members.offers.models import PackEvent, WelcomePack
from members.support.models import Case
from servicing.models import Ticket
from tests.factories import PASSWORD, ProductFactory, validated
from tests.servicing.jobs import a_centre

MODEL, BODY = "EOS Chaos", "EOS Steady"
REPORTED_STEPS = ("accepted", "packed", "dispatched")
WAITING = (State.QUEUED, State.SENDING)


@dataclass(frozen=True)
class Plan:
    """Who does what, by number: all request a pack, two fifths register a product, a fifth requests a service."""

    packs: int

    @property
    def registering(self) -> range:
        return range(self.packs * 2 // 5)

    @property
    def requesting_service(self) -> range:
        return range(self.packs // 5)

    @property
    def writing(self) -> range:
        return range(0, self.packs, 5)


def email_of(number: int) -> str:
    return f"member{number}@example.org"


def serial_of(number: int, *, registered: bool) -> str:
    """Of the camera that is registered already, or of the one that the member is going to register."""
    return f"{1 if registered else 2}{number:011}"


def prepare(plan: Plan) -> dict[int, int]:
    """The programme, the simulator as a partner, and members Silver by a camera; returns the cameras by member."""
    bring_up_to_date()
    call_command("load_programme", verbosity=0)
    call_command("load_offers", verbosity=0)
    register_simulator(os.environ["SIMULATOR_URL"], Path(os.environ["SIMULATOR_SECRET_FILE"]))
    a_centre(street="1 Sample Street", postal_code="1685")
    ProductFactory(name=MODEL, slug="eos-chaos")
    body = ProductFactory(name=BODY, slug="eos-steady", points_current=600)
    password, terms, now, cameras = make_password(PASSWORD), newest_terms(), timezone.now(), {}
    assert terms
    with transaction.atomic():
        for number in range(plan.packs):
            user = User.objects.create(email=email_of(number), password=password)
            EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
            profile = members.Profile("Member", str(number), "ZA")
            member = members.join(user=user, profile=profile, is_adult=True, terms=terms, at=now)
            cameras[number] = validated(member, body, serial_of(number, registered=True)).pk
    connection.close()
    return cameras


def wait_for_quiet(standstill: float, meanwhile: Callable[[], None]) -> bool:
    """Wait until nothing is under way; returns False after `standstill` seconds without progress."""
    last_state, since = (-1, -1, -1, -1), time.monotonic()
    while time.monotonic() - since < standstill:
        meanwhile()
        try:
            state = _count_states()
        except OperationalError:  # PostgreSQL is still starting
            connection.close()
            state = last_state
        if state[:3] == (0, 0, 0):
            return True
        if state != last_state:
            last_state, since = state, time.monotonic()
        time.sleep(1)
    return False


def _count_states() -> tuple[int, int, int, int]:
    """Packs on their way, messages that wait, registrations being checked, and steps of packs."""
    return (
        WelcomePack.objects.exclude(state="dispatched").count(),
        Message.objects.filter(state__in=WAITING, next_at__lte=timezone.now()).count(),
        Registration.objects.filter(state=RegistrationState.SUBMITTED).count(),
        PackEvent.objects.count(),
    )


def find_faults(plan: Plan, accepted: Mapping[str, Mapping[int, str]]) -> list[str]:
    """What members were told that is not there, and what is there twice or not at all."""
    registrations = Registration.objects.filter(product__name=MODEL).exclude(state=RegistrationState.DRAFT)
    rows = {
        "pack": (range(plan.packs), WelcomePack.objects.values_list("member__user__email", flat=True)),
        "registration": (plan.registering, registrations.values_list("member__user__email", flat=True)),
        "ticket": (plan.requesting_service, Ticket.objects.values_list("member__user__email", flat=True)),
        "message": (plan.writing, Case.objects.values_list("member__user__email", flat=True)),
    }
    faults = []
    for kind, (numbers, emails) in rows.items():
        counts, expected = Counter(emails), {email_of(number): number for number in numbers}
        faults += [f"{kind} of {email}: {counts[email]}" for email in expected if counts[email] != 1]
        faults += [f"{kind} of {email}: nobody asked for it" for email in counts if email not in expected]
        faults += [f"{kind} of {email}: never accepted" for email, n in expected.items() if n not in accepted[kind]]
    drafts = Registration.objects.filter(state=RegistrationState.DRAFT).count()
    faults += [f"{drafts} products were picked twice"] if drafts else []
    return faults + _find_missing(accepted) + _check("check_ledger") + _check("check_files")


def find_disagreements(parcels: Mapping[str, int], received: Mapping[str, int]) -> list[str]:
    """What we and the simulator disagree about."""
    packs = {pack.key: pack for pack in WelcomePack.objects.all()}
    steps = Counter(PackEvent.objects.filter(step__in=REPORTED_STEPS).values_list("pack", "step"))
    faults = [f"{key}: never received by the simulator" for key in packs if not received.get(key)]
    faults += [f"{key}: not counted by the simulator" for key in packs if key not in parcels]
    faults += [f"{key}: never requested" for key in parcels if key not in packs]
    faults += [f"{key}: {pack.state}" for key, pack in packs.items() if pack.state != "dispatched"]
    last = len(REPORTED_STEPS)
    faults += [f"{key}: the simulator is at step {done} of 3" for key, done in parcels.items() if done != last]
    faults += [f"pack {pack}: {times} times {step}" for (pack, step), times in steps.items() if times != 1]
    missing = len(packs) * last - len(steps)
    return faults + ([f"{missing} steps were never recorded"] if missing else [])


def _find_missing(accepted: Mapping[str, Mapping[int, str]]) -> list[str]:
    """Accepted forms that led to something that is not there any more."""
    keys = [int(url.split("/")[2]) for url in accepted["registration"].values()]
    references = [url.split("/")[3] for url in accepted["ticket"].values()]
    kept = Registration.objects.filter(pk__in=keys).count(), Ticket.objects.filter(parcel__reference__in=references)
    faults = [] if kept[0] == len(keys) else [f"{len(keys) - kept[0]} accepted registrations are missing"]
    missing = len(references) - kept[1].count()
    return faults + ([f"{missing} accepted requests for a service are missing"] if missing else [])


def _check(command: str) -> list[str]:
    """What an audit of the portal itself finds."""
    output = io.StringIO()
    try:
        call_command(command, stdout=output, stderr=output)
    except (CommandError, SystemExit) as fault:
        return [f"{command}: {fault} {output.getvalue()[-500:]}"]
    return []
