"""What a partner of each kind finds when its system begins, and requests that our rules have nothing against."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import count
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from cps_portal.core.partners import actions as partners
from cps_portal.core.partners.enums import SCOPES, PartnerKind
from kitbag.enums import Stage
from members.offers.actions.cards import get_or_issue_card, replace_card
from members.offers.enums import CardEnd
from members.offers.models import CardRequest, WelcomePack
from servicing.actions import loans, targets
from servicing.models import LoanUnit, Ticket
from servicing.rules.charge import SETTLED
from tests.api.machines import Machine, machine
from tests.factories import ProductFactory, announced, plan, validated
from tests.files import samples
from tests.offers.packing import asked
from tests.servicing.jobs import a_centre, at_the_centre
from tests.world import World

SERIAL, UNIT = "012345678903", "900000000001"
CENTRE = "johannesburg-professional-service-centre"  # as in the examples of the contract
PRODUCT = "eos-r5-mark-ii"
_numbers = count(1)


def set_stage(world: World, kind: PartnerKind) -> Machine:
    found = machine("fuzz", kind, scopes=SCOPES[kind])
    partners.add_endpoint(partner=found.partner, url="https://partner.example.org/hooks", by=None, at=timezone.now())
    product = ProductFactory(name="EOS R5 Mark II", slug=PRODUCT)
    announced(plan(product, Stage.SUPERSEDED, timezone.now()), timezone.now())
    if kind == PartnerKind.CENTRE:
        at_the_centre(world, a_centre(CENTRE, partner=found.partner), at=timezone.now() - timedelta(days=30))
    elif kind == PartnerKind.FULFILMENT:
        pack = asked(world.ana, timezone.now() - timedelta(days=2))
        WelcomePack.objects.filter(pk=pack.pk).update(partner=found.partner)
        card = get_or_issue_card(member=world.ana, at=timezone.now())
        replace_card(card=card, reason=CardEnd.LOST, by=world.staff, at=timezone.now(), post=True)
        CardRequest.objects.update(partner=found.partner)
    elif kind == PartnerKind.RETAILER:
        found.post("sales", sale())
    partners.enqueue_webhook(
        partner=found.partner,
        type="sale.matched",
        key="sale-1",
        subject="sales/1",
        sequence=1,
        renderer="kitbag.partner_sale",
        at=timezone.now(),
        sale=1,
    )
    return found


def reference() -> str:
    """Of the ticket or the pack that there is."""
    found = Ticket.objects.first() or WelcomePack.objects.first()
    return found.reference if found else ""


def furnish(world: World, found: Machine) -> Machine:
    """At a centre more: the job is late, with a loan, a part, a document; somebody from far away; a camera at home."""
    if found.partner.kind != PartnerKind.CENTRE:
        return found
    now, centre = timezone.now(), found.partner.centres.get()
    targets.flag_overdue(at=now)
    unit = LoanUnit.objects.create(centre=centre, product=world.pro_body, serial=UNIT)
    loan = loans.reserve(ticket=Ticket.objects.get(), unit=unit, by=world.ana.user, at=now)
    loans.accept_agreement(loan=loan, version=loans.AGREEMENT, at=now)
    validated(world.ana, world.pro_body, SERIAL)
    job = f"tickets/{loan.ticket.reference}"
    found.post(f"{job}/events", {**step(), "kind": "no_charge", "why_no_charge": "goodwill"})
    found.post(f"{job}/parts", BODIES["orderPart"]({}))
    found.post(f"{job}/report", BODIES["writeServiceReport"]({}))
    found.send(f"{job}/documents", {"kind": "document", "file": SimpleUploadedFile("a.pdf", a_file().encode())})
    found.post("visitors", BODIES["openVisitorTicket"]({}))
    visitor = found.get("visitors").json()["results"][0]["id"]
    found.send(f"visitors/{visitor}/card-photo", {"file": SimpleUploadedFile("a.pdf", a_file().encode())})
    return found


# --- What our rules know and no schema says: the body of each operation, with what was answered before ------


def soon() -> str:
    return str((timezone.now() + timedelta(days=5)).date())


def step() -> dict[str, Any]:
    return {"external_id": f"story-{next(_numbers)}", "occurred_at": timezone.now().isoformat()}


def job() -> dict[str, Any]:
    return {"centre": CENTRE, "service": "repair", "fault": "The shutter sticks"}


def sale() -> dict[str, Any]:
    n = next(_numbers)
    return {
        "external_id": f"sale-{n}",
        "product": PRODUCT,
        "serial": f"{n:012}",
        "country": "ZA",
        "sold_on": "2026-03-05",
        "receipt": "0017",
    }


FIRST = {  # what has to be done before
    "extendLoan": "handOutLoan",
    "takeBackLoan": "handOutLoan",
    "getServiceReport": "writeServiceReport",
    "openFollowUp": "recordTicketEvent",
    "orderPart": "recordTicketEvent",
    "sendEstimate": "recordTicketEvent",
}
QUERIES = {"searchProducts": {"q": "EOS"}}  # otherwise everything


def a_file() -> str:
    """All of it letters, since Schemathesis holds a body of bytes for a wrong one."""
    return samples.pdf().replace(b"\xe2\xe3\xcf\xd3", b"text").decode()


Memory = Mapping[str, Any]
BODIES: Mapping[str, Callable[[Memory], dict[str, Any]]] = {
    "addCardPhoto": lambda _was: {"file": a_file()},
    "addDocument": lambda _was: {"file": a_file(), "kind": "document"},
    "addShipment": lambda _was: {"direction": "to_centre", "tracking": f"SP {next(_numbers)}"},
    "addWebhookEndpoint": lambda _was: {"url": f"https://partner.example.org/{next(_numbers)}"},
    "checkCard": lambda _was: {"card": "100200300400"},
    "checkIntake": lambda _was: {"centre": CENTRE, "serial": "012345678901"},
    "confirmSale": lambda _was: sale(),
    "confirmSales": lambda _was: {"sales": [sale(), sale()]},
    "expectPart": lambda _was: {**step(), "expected_on": soon()},
    "extendLoan": lambda _was: {"due_back": soon()},
    "handOutLoan": lambda _was: {"condition": "As new"},
    "markMessagesRead": lambda _was: {"until": 1},
    "openTicket": lambda was: {**job(), "key": was["key"], "book_in": True},
    "openVisitorTicket": lambda _was: {
        **job(),
        "product": PRODUCT,
        "serial": f"{next(_numbers):012}",
        "region": "americas",
        "card_number": "CA-1",
        "expires_on": soon(),
        "name": "Visitor Example",
        "book_in": True,
    },
    "orderPart": lambda _was: {**step(), "name": "Shutter unit", "expected_on": soon()},
    "recordPartArrived": lambda _was: step(),
    "recordTicketEvent": lambda was: {**step(), "kind": was.get("move", "ready"), "why_no_charge": "goodwill"},
    "recordTicketEvents": lambda was: {
        "events": [{**step(), "kind": was.get("move", "ready"), "reference": was.get("reference", "3F7K2M9A")}]
    },
    "reportOnCardByToken": lambda _was: {**step(), "kind": "accepted"},
    "reportOnWelcomePackByToken": lambda _was: {**step(), "kind": "accepted", "sending": 1},
    "sendEstimate": lambda _was: {
        **step(),
        "currency": "ZAR",
        "valid_until": soon(),
        "lines": [{"text": "Shutter unit", "price": "4200.00"}],
    },
    "suspendWebhookEndpoint": lambda _was: {"reason": "We move."},
    "takeBackLoan": lambda _was: {"condition": "As it was"},
    "withdrawSale": lambda _was: {"why": "returned"},
    "writeServiceReport": lambda _was: {"done": "Shutter unit replaced", "technician": "Team 2"},
    "writeMessage": lambda _was: {"text": "It is on the bench."},
}


def begin(found: Machine) -> dict[str, Any]:
    """What a system knows at the beginning: a centre has looked up what lies on the counter."""
    if found.partner.kind != PartnerKind.CENTRE:
        return {}
    said = found.post("intake-checks", {"centre": CENTRE, "serial": SERIAL}, key="").json()
    return {"key": said["products"][0]["key"]}


def remember(memory: dict[str, Any], said: Any) -> None:
    """What later requests go by."""
    if "moves" in said:
        if "charge" in said or said.get("event", {}).get("kind") == "no_charge":
            memory["is_settled"] = said.get("charge", "no_charge") in SETTLED
        moves = {*said["moves"]} - ({"no_charge"} if memory.get("is_settled") else set())
        memory["move"] = next((kind for kind in EASY if kind in moves), "ready")
        memory["reference"] = said.get("reference", memory.get("reference"))


EASY = ("accepted", "booked_in", "assessed", "no_charge", "repair_started", "ready", "closed")  # need nothing else said
