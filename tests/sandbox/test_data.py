"""A partner makes its sample data anew by one call, and touches nobody else's (R55)."""

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.utils import timezone

from cps_portal.core.outbox.enums import State
from cps_portal.core.outbox.models import Message
from cps_portal.core.partners.models import IdempotencyRecord
from cps_portal.sandbox.queries import sample_members
from kitbag.models import Registration, Sale
from kitbag.tasks import match_sales
from members.enums import Level
from members.models import Member, User
from members.offers.models import CardRequest, WelcomePack
from servicing.actions.service_requests import RequestedItem, open_parcel
from servicing.enums import ServiceKind
from servicing.models import Loan, Parcel, Ticket, TicketEvent
from servicing.queries.entitlement import Item
from tests.api.machines import Machine, machine
from tests.rows import each_row
from tests.sandbox.conftest import listen, make
from tests.servicing.jobs import a_centre, at_the_centre
from tests.world import World

OURS = ("members", "cases", "kitbag", "servicing", "offers", "partners", "account")
OWN_TRACES = {"partners.IdempotencyRecord", "partners.ApiCall", "partners.Credential", "partners.CredentialEvent"}


def everything_of_others() -> dict[str, dict[Any, Any]]:
    """All rows that are there, by table and key, but for what every request leaves behind."""
    tables = [model for model in apps.get_models() if model._meta.app_label in OURS and model._meta.managed]
    return {
        model._meta.label: {row[model._meta.pk.attname]: row for row in model._base_manager.values()}
        for model in tables
        if model._meta.pk and model._meta.label not in OWN_TRACES
    }


def a_centre_has_jobs_in_every_situation_that_a_clock_can_change(made: Machine) -> None:
    said = made.get("sandbox/data").json()
    assert said["centre"] == "joburg"
    assert {row["level"] for row in said["members"]} <= {Level.SILVER, Level.GOLD, Level.PLATINUM}
    tickets = Ticket.objects.filter(reference__in=said["tickets"])
    assert sorted(tickets.values_list("state", flat=True)) == [
        "booked_in",
        "estimate_sent",
        "in_repair",
        "in_repair",
        "requested",
    ]
    assert tickets.filter(missed_at__isnull=False).count() == 2
    assert sorted(Loan.objects.filter(pk__in=said["loans"]).values_list("state", flat=True)) == ["out", "reserved"]
    listed = made.get("tickets?fields=reference").json()["results"]
    assert {row["reference"] for row in listed} == set(said["tickets"])


def test_a_retailer_gets_sales_and_registrations_that_match(shop: Machine) -> None:
    said = make(shop)
    assert said["sales"] == ["sample-1", "sample-2"]
    waiting = next(row for row in said["registrations"] if row["state"] == "submitted" and len(row["serial"]) == 9)
    sale = {key: waiting[key] for key in ("product", "serial", "country")}
    answer = shop.post("sales", {**sale, "external_id": "1", "sold_on": waiting["purchased_on"], "receipt": "17"})
    assert (answer.status_code, answer.json()["warnings"][0]["code"]) == (201, "serial_shape")
    match_sales()  # the task that the commit queues
    assert shop.get(f"sales/{answer.json()['id']}").json()["state"] == "matched"


def test_a_fulfilment_partner_gets_packs_and_a_card(house: Machine) -> None:
    said = make(house)
    packs = WelcomePack.objects.filter(reference__in=said["packs"])
    assert sorted(packs.values_list("state", flat=True)) == ["dispatched", "requested", "requested"]
    assert set(packs.values_list("partner", flat=True)) == {house.partner.pk}
    assert CardRequest.objects.get(reference__in=said["cards"]).partner == house.partner
    assert len(house.get("fulfilment/requests").json()["results"]) == 3


def a_second_time_everything_is_new_and_nothing_is_left(made: Machine) -> None:
    """Mails about what is gone are cancelled: they could only fail, and hide from staff what really fails."""
    first = made.get("sandbox/data").json()
    kept = TicketEvent.objects.count()
    waiting = set(Message.objects.filter(kind="mail", state=State.QUEUED).values_list("pk", flat=True))
    assert waiting and made.post("sandbox/age", {"days": 0}, key="mine").status_code == 200
    second = make(made)
    assert not set(first["tickets"]) & set(second["tickets"])
    assert not Ticket.objects.filter(reference__in=first["tickets"]).exists()
    assert TicketEvent.objects.count() == kept
    assert Parcel.objects.count() == len(second["tickets"])
    assert sample_members(made.partner).count() == 3
    assert not Member.objects.filter(number=first["members"][0]["number"]).exists()
    assert not IdempotencyRecord.objects.filter(partner=made.partner, key="mine").exists(), "it names what is gone"
    old = Message.objects.filter(pk__in=waiting)
    assert set(old.values_list("state", "to")) == {(State.CANCELLED, "")}
    assert Message.objects.filter(kind="mail", state=State.QUEUED).exists(), "those about the new data wait"


def test_the_same_request_again_makes_nothing_anew(workshop: Machine) -> None:
    first = workshop.post("sandbox/data", key="once")
    again = workshop.post("sandbox/data", key="once")
    assert (again.json(), again["Idempotency-Replayed"]) == (first.json(), "true")


def test_no_row_of_anybody_else_is_touched(workshop: Machine, shop: Machine, house: Machine, world: World) -> None:
    other = machine("other")
    at_the_centre(world, a_centre("elsewhere", partner=other.partner), at=timezone.now())
    for found in (shop, house):
        make(found)
    make(other)
    before = everything_of_others()
    make(workshop)
    make(workshop)
    after = everything_of_others()
    changed = [
        f"{label} {key}" for label, rows in before.items() for key, row in rows.items() if after[label].get(key) != row
    ]
    assert changed == []


def a_sample_member_with_a_job_elsewhere_is_left_alone(made: Machine) -> None:
    elsewhere = a_centre("elsewhere", partner=machine("other").partner)
    chloe = sample_members(made.partner).get(first_name="Chloe")
    product = Registration.objects.filter(member=chloe, state="validated").first()
    assert product
    item = RequestedItem(Item(product.product, registration=product), ServiceKind.REPAIR, fault="Broken")
    job = open_parcel(member=chloe, centre=elsewhere, items=[item], by=chloe.user, at=timezone.now()).tickets[0]
    make(made)
    job.refresh_from_db()
    assert job.member_id == chloe.pk
    assert not sample_members(made.partner).filter(pk=chloe.pk).exists()
    assert sample_members(made.partner).count() == 3


def test_what_partners_recorded_themselves_goes_too(shop: Machine) -> None:
    make(shop)
    Sale.objects.filter(external_id="sample-2").update(external_id="my-own")
    assert make(shop)["sales"] == ["sample-1", "sample-2"]


def test_it_needs_the_scope_to_write(sandbox: object) -> None:
    reader = machine("reader", scopes=["tickets:read", "catalogue", "webhooks"])
    for answer in (
        reader.post("sandbox/data"),
        reader.post("sandbox/age", {"days": 1}),
        reader.post("sandbox/events", {"type": "endpoint.test"}),
        reader.get("sandbox/data"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "scope")


def test_an_unknown_field_is_refused(workshop: Machine) -> None:
    for path, body in (("data", {}), ("age", {"days": 1}), ("events", {"type": "endpoint.test"})):
        answer = workshop.post(f"sandbox/{path}", {**body, "partner": "other"})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/partner")


def test_it_needs_a_token(workshop: Machine) -> None:
    assert workshop.client.post("/api/v1/sandbox/data").status_code == 401
    assert workshop.client.get("/api/v1/sandbox/data").status_code == 401


def nothing_happens_where_real_people_are(made: Machine) -> None:
    listen(made)
    User.objects.filter(member__first_name="Ben", email="ben@example.org").update(email="ben@photographers.co.ke")
    before = set(Ticket.objects.values_list("reference", "opened_at"))
    for path, body in (("data", None), ("age", {"days": 3}), ("events", {"type": "ticket.opened"})):
        answer = made.post(f"sandbox/{path}", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "real_people")
    assert set(Ticket.objects.values_list("reference", "opened_at")) == before


@each_row(
    "promise",
    [
        a_centre_has_jobs_in_every_situation_that_a_clock_can_change,
        a_second_time_everything_is_new_and_nothing_is_left,
        a_sample_member_with_a_job_elsewhere_is_left_alone,
        nothing_happens_where_real_people_are,
    ],
)
def test_the_sample_data_of_a_centre(made: Machine, promise: Callable[[Machine], None]) -> None:
    """One set of sample data for all of them."""
    promise(made)
