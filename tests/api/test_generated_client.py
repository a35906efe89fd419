"""A client that a library makes from the contract tells whole jobs (R47, R52, R55)."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from cps_portal.core.partners.enums import PartnerKind
from members.addresses import Address
from members.enums import Level
from members.models import Member
from members.offers.models import WelcomePack
from servicing.actions import loans
from servicing.actions.shipping import ReturnTo
from servicing.enums import Travel
from servicing.models import LoanUnit, ServiceCentre, Ticket, TicketMessage
from tests.api.machines import machine
from tests.files import samples
from tests.offers.packing import asked
from tests.servicing.jobs import a_centre, a_request
from tests.world import World

NAME = "portal_client"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder with the client, which can be imported."""
    generator, folder = Path(sys.executable).parent / "openapi-python-client", tmp_path_factory.mktemp("client")
    contract = str(Path(settings.BASE_DIR, "docs", "openapi.yaml"))
    command = [str(generator), "generate", "--path", contract, "--meta", "none", "--output-path", str(folder / NAME)]
    # Its last step calls a formatter, which is in the same folder.
    path = os.pathsep.join([str(generator.parent), os.environ["PATH"]])
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PATH": path})
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield folder


def part(name: str) -> Any:
    return import_module(f"{NAME}.{name}")


@pytest.mark.wide
def test_a_generated_client_drives_a_whole_repair(
    generated: Path, committed_world: World, live_server: LiveServer
) -> None:
    found = machine()
    a_request(committed_world, a_centre(partner=found.partner), at=timezone.now() - timedelta(days=3))
    found.fetch()
    models = part("models")
    client = part("client").AuthenticatedClient(base_url=live_server.url, token=found.token)
    page = part("api.tickets.list_tickets").sync(client=client, state=models.TicketState.REQUESTED)
    reference = page.results[0].reference

    def ask(name: str, *given: Any, status: int = 201, **body: Any) -> Any:
        answer = part(f"api.{name}").sync_detailed(*given, client=client, idempotency_key=uuid4().hex, **body)
        assert answer.status_code == status, answer.content
        return answer.parsed

    def happened(kind: str, **more: Any) -> Any:
        report = models.Report(
            kind=models.ReportedKind(kind), external_id=uuid4().hex, occurred_at=datetime.now(UTC), **more
        )
        return ask("tickets.record_ticket_event", reference, body=report)

    assert happened("booked_in", condition="Scratched").due_at
    happened("assessed")
    line = models.Line(text="Shutter unit", price="4200.00", tax_percent="15")
    until = (timezone.now() + timedelta(days=10)).date()
    estimate = models.EstimateIn(currency="ZAR", valid_until=until, lines=[line])
    sent = ask("work.send_estimate", reference, body=estimate)
    assert sent.total == "4830.00"
    assert happened("estimate_approved").paused is False
    ordered = ask("work.order_part", reference, body=models.PartIn(name="Shutter unit"))
    ask("work.record_part_arrived", reference, ordered.id, body=models.Step(), status=200)
    photo = part("types").File(payload=BytesIO(samples.jpeg()), file_name="a.jpg", mime_type="image/jpeg")
    kept = ask("work.add_document", reference, body=models.DocumentIn(kind=models.DocumentKind.FAULT, file=photo))
    assert (kept.content_type, kept.kind) == ("image/jpeg", "fault")
    for kind in ("repair_started", "ready", "shipped", "closed"):
        happened(kind)
    assert part("api.tickets.get_ticket").sync(reference, client=client).state == "closed"
    client.get_httpx_client().close()
    assert Ticket.objects.get(reference=reference).ended_at


# --- From door to door, and the same fault again -----------------------------------------------------

PHONE = "+27820000146"
HOME = Address("Ana Example", "ZA", "14 Sixth Street\nMelville", "Johannesburg", postal_code="2092", phone=PHONE)


@dataclass
class Workshop:
    """The system of a centre, which knows the portal by its contract only."""

    client: Any
    reference: str

    def ask(self, name: str, *path: object, status: int = 201, **given: Any) -> Any:
        answer = part(f"api.{name}").sync_detailed(*path, client=self.client, idempotency_key=uuid4().hex, **given)
        assert answer.status_code == status, answer.content
        return answer.parsed

    def read(self, name: str, *path: object, **query: Any) -> Any:
        answer = part(f"api.{name}").sync_detailed(*path, client=self.client, **query)
        assert answer.status_code == 200, answer.content
        return answer.parsed

    def report(self, *kinds: str, status: int = 201, **more: Any) -> Any:
        """Record events one after the other; the answer to the last one."""
        models, answer = part("models"), None
        for kind in kinds:
            event = models.Report(
                kind=models.ReportedKind(kind), external_id=uuid4().hex, occurred_at=datetime.now(UTC), **more
            )
            answer = self.ask("tickets.record_ticket_event", self.reference, body=event, status=status)
        return answer

    @property
    def ticket(self) -> Any:
        return self.read("tickets.get_ticket", self.reference)


def _request_service(world: World, centre: ServiceCentre) -> Ticket:
    """The member's side: collected on the next Monday, returned home, and a loan wanted if it is late (R61)."""
    Member.objects.filter(pk=world.ana.pk).update(level=Level.GOLD)
    world.ana.refresh_from_db()
    today = timezone.localdate()
    returns = ReturnTo(Travel.COLLECTION, HOME, today + timedelta(days=7 - today.weekday()))
    return a_request(world, centre, at=timezone.now() - timedelta(hours=1), returns=returns, loan_wanted=True)


def _borrow(ticket: Ticket) -> None:
    """The member's side: reserve the unit that is offered, and accept the agreement (R53)."""
    assert ticket.member
    now = timezone.now()
    loan = loans.reserve(ticket=ticket, unit=LoanUnit.objects.get(), by=ticket.member.user, at=now)
    loans.accept_agreement(loan=loan, version=loans.AGREEMENT, at=now)


def _arrive(shop: Workshop) -> None:
    """Collected, on its way, booked in: the parcel is delivered with that (R61)."""
    models = part("models")
    assert (shop.ticket.parcel.travel, shop.ticket.loan_wanted) == (models.TravelEnum.COLLECTION, True)
    box = models.ShipmentIn(direction=models.DirectionEnum.TO_CENTRE, tracking="7301 4477 31", carrier="dhl")
    shop.ask("work.add_shipment", shop.reference, body=box)
    shop.report("sent")
    assert shop.report("booked_in", condition="Light scratches").due_at
    shipping = shop.read("tickets.get_shipping", shop.reference)
    assert shipping.return_address.city == "Johannesburg" and shipping.return_address.phone == PHONE
    assert [(row.tracking, bool(row.delivered_at)) for row in shipping.shipments] == [("7301 4477 31", True)]


def _estimate(shop: Workshop) -> None:
    """Work cannot start before the estimate is approved; the discount is a line of its own (R51, R62)."""
    models = part("models")
    shop.report("assessed")
    refused = shop.report("repair_started", status=409)
    assert refused.code == "charge" and "repair_started" not in shop.ticket.moves
    lines = [
        models.Line(text="Shutter unit", price="4200.00", tax_percent="15", kind=models.LineKindEnum.PART),
        models.Line(text="Cleaning", price="1000.00", tax_percent="15", kind=models.LineKindEnum.MAINTENANCE),
    ]
    until = (timezone.now() + timedelta(days=10)).date()
    sent = shop.ask(
        "work.send_estimate",
        shop.reference,
        body=models.EstimateIn(currency="ZAR", valid_until=until, lines=lines),
    )
    assert [(line.kind.value, line.price) for line in sent.lines][-1] == ("discount", "-150.00")
    assert (sent.net, sent.total) == ("5050.00", "5807.50")
    assert shop.ticket.paused and shop.report("estimate_approved").paused is False


def _wait_for_a_part(shop: Workshop) -> int:
    """The part comes after the target, so a loan is offered, reserved and handed out (R48, R53)."""
    models = part("models")
    late = (timezone.now() + timedelta(days=30)).date()
    ordered = shop.ask("work.order_part", shop.reference, body=models.PartIn(name="Shutter unit", expected_on=late))
    kinds = [event.kind.value for event in shop.read("tickets.list_ticket_events", shop.reference).results]
    assert shop.ticket.part_expected_on == late and "loan_offered" in kinds
    _borrow(Ticket.objects.get(reference=shop.reference))
    (loan,) = shop.read("loans.list_loans", state=models.LoanState.RESERVED).results
    assert (loan.ticket, bool(loan.agreed_at)) == (shop.reference, True)
    lent = shop.ask("loans.hand_out_loan", loan.id, body=models.HandOut(condition="As new"), status=200)
    assert lent.due_back is None, "it follows the repair"
    assert shop.ticket.loan_out
    shop.ask("work.record_part_arrived", shop.reference, ordered.id, body=models.Step(), status=200)
    return int(loan.id)


def _return(shop: Workshop, loan: int) -> None:
    """Reported, shipped, delivered; closed once the loan is back (R53, R61, R64)."""
    models = part("models")
    shop.report("repair_started")
    written = models.ReportIn(done="Shutter replaced", parts="Shutter unit", technician="Sipho")
    shop.ask("work.write_service_report", shop.reference, body=written)
    shop.report("ready")
    tomorrow = timezone.localdate() + timedelta(days=1)
    shop.report("shipped", carrier="dhl", tracking="7301 4477 99", expected_on=tomorrow)
    shop.report("delivered")
    boxes = shop.read("tickets.get_shipping", shop.reference).shipments
    assert [(box.direction.value, bool(box.delivered_at)) for box in boxes] == [
        ("to_centre", True),
        ("to_customer", True),
    ]
    assert shop.read("loans.get_loan", loan).due_back, "two working days after the delivery"
    assert shop.report("closed", status=409).code == "loan_out"
    taken = shop.ask("loans.take_back_loan", loan, body=models.TakeBack(condition="As it went out"), status=200)
    assert taken.state == models.LoanState.RETURNED
    assert shop.report("closed").state == models.TicketState.CLOSED


def _repair_again(shop: Workshop) -> None:
    """The same fault: the work starts without an estimate, because the last repair covers it (R63)."""
    models, first = part("models"), shop.reference
    opened = shop.ask("intake.open_follow_up", first, body=models.FollowUpIn())
    assert (opened.follows, opened.charge) == (first, models.ChargeEnum.NO_CHARGE)
    again = Workshop(shop.client, opened.reference)
    (row,) = again.read("tickets.list_tickets", follows=True).results
    assert (row.reference, row.loan_wanted) == (again.reference, True)
    again.report("booked_in", "assessed", "repair_started", "ready", "shipped", "closed")
    assert again.read("work.list_estimates", again.reference).results == []


@pytest.mark.wide
def test_a_generated_client_drives_a_job_from_door_to_door_and_the_same_fault_again(
    generated: Path, committed_world: World, live_server: LiveServer
) -> None:
    """Collection, estimate with discount, late part, loan, delivery, and a follow-up that costs nothing."""
    system = machine()
    centre = a_centre(partner=system.partner, street="1 Sample Street", postal_code="1685", collects=True)
    LoanUnit.objects.create(centre=centre, product=committed_world.pro_body, serial="0998", condition="As new")
    ticket = _request_service(committed_world, centre)
    system.fetch()
    client = part("client").AuthenticatedClient(base_url=live_server.url, token=system.token)
    shop = Workshop(client, ticket.reference)
    _arrive(shop)
    _estimate(shop)
    loan = _wait_for_a_part(shop)
    _return(shop, loan)
    _repair_again(shop)
    client.get_httpx_client().close()


# --- The example of the guide, a sale and a pack -----------------------------------------------------


@pytest.mark.wide
def test_the_example_of_the_guide_runs(generated: Path, committed_world: World, live_server: LiveServer) -> None:
    found = machine()
    a_request(committed_world, a_centre(partner=found.partner), at=timezone.now() - timedelta(days=1))
    guide = Path(settings.BASE_DIR, "docs", "api", "clients.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```", guide, re.DOTALL | re.MULTILINE)
    secrets = {"CLIENT_ID": found.credential.client_id, "CLIENT_SECRET": found.secret, "BASE": live_server.url}
    environment = {**os.environ, **secrets, "PYTHONPATH": str(generated)}
    done = subprocess.run([sys.executable, "-c", block], env=environment, capture_output=True, text=True, timeout=60)  # noqa: PLW1510
    assert done.returncode == 0, done.stderr
    assert "requested" in done.stdout
    assert TicketMessage.objects.get().text == "Your camera is on the bench."


@pytest.mark.wide
def test_a_generated_client_confirms_a_sale_and_takes_it_back(
    generated: Path, committed_world: World, live_server: LiveServer
) -> None:
    till = machine("shop", PartnerKind.RETAILER)
    till.fetch()
    models = part("models")
    with part("client").AuthenticatedClient(base_url=live_server.url, token=till.token) as client:
        shop = Workshop(client, "")
        found = shop.read("catalogue.search_products", q=committed_world.body.name).results
        sale = models.SaleIn(
            external_id="2026-0017",
            product=next(row.slug for row in found if row.slug == committed_world.body.slug),
            serial="58214",
            country=models.CountryEnum.ZA,
            sold_on=date(2023, 9, 12),
            receipt="0017",
        )
        confirmed = shop.ask("sales.confirm_sale", body=sale)
        assert (confirmed.state.value, [one.code for one in confirmed.warnings]) == ("confirmed", ["serial_shape"])
        assert shop.read("sales.list_sales", external_id="2026-0017").results[0].id == confirmed.id
        why = models.Withdraw(why=models.WithdrawWhyEnum.RETURNED)
        taken_back = shop.ask("sales.withdraw_sale", confirmed.id, body=why, status=200)
        assert taken_back.state.value == "withdrawn"


@pytest.mark.wide
def test_a_generated_client_posts_a_pack(generated: Path, committed_world: World, live_server: LiveServer) -> None:
    house = machine("house", PartnerKind.FULFILMENT)
    pack = asked(committed_world.ana, timezone.now() - timedelta(days=1))
    WelcomePack.objects.filter(pk=pack.pk).update(partner=house.partner)
    house.fetch()
    models = part("models")
    with part("client").AuthenticatedClient(base_url=live_server.url, token=house.token) as client:
        shop = Workshop(client, "")
        (row,) = shop.read("fulfilment.list_welcome_packs").results
        wanted = shop.read("fulfilment.get_welcome_pack", row.reference).wanted.to_dict()
        assert wanted["address"]["lines"][0] == wanted["address"]["name"]
        for number, kind in enumerate(("accepted", "packed", "dispatched")):
            report = models.PackReportByToken(
                kind=models.PackStepReported(kind),
                sending=row.sending,
                occurred_at=datetime.now(UTC),
                external_id=f"FP-{number}",
                tracking="SP 1" if kind == "dispatched" else "",
            )
            after = shop.ask("fulfilment.report_on_welcome_pack_by_token", row.reference, body=report, status=200)
            assert (after.state, after.recorded) == (kind, True)
