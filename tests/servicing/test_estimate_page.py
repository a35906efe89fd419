"""The page on which a centre writes an estimate: ready sets, sums while typing, what the customer will read (R62)."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from members.enums import Level
from servicing.actions.estimates import MAX_LINES, Line, send_estimate
from servicing.actions.events import Actor
from servicing.enums import LineKind, ServiceKind, TicketState
from servicing.models import Estimate, ReadySet, ReadySetLine, ServiceCentre, Ticket
from tests.admin.conftest import signed_in
from tests.rows import each_row
from tests.servicing.jobs import a_centre, a_request, at_the_centre
from tests.servicing.test_desk import works_at
from tests.world import World

Row = dict[str, str]


@pytest.fixture
def centre(world: World) -> ServiceCentre:
    return a_centre()


@pytest.fixture
def ticket(world: World, centre: ServiceCentre) -> Ticket:
    return at_the_centre(world, centre)


@pytest.fixture
def desk(centre: ServiceCentre, groups: dict[str, Group]) -> Client:
    return signed_in(works_at(centre, groups))


@pytest.fixture
def shutter(centre: ServiceCentre) -> ReadySet:
    ready = ReadySet.objects.create(centre=centre, name="Shutter unit R5")
    ReadySetLine.objects.create(ready_set=ready, position=1, kind=LineKind.PART, text="Shutter unit", price=4350)
    ReadySetLine.objects.create(ready_set=ready, position=2, text="Labour", quantity=Decimal("1.5"), price=900)
    return ready


def address(ticket: Ticket) -> str:
    return reverse("admin:servicing_ticket_estimate", args=[ticket.pk])


def row(text: str, price: str, quantity: str = "1", kind: str = "work", tax: str = "15") -> Row:
    return {"kind": kind, "text": text, "quantity": quantity, "price": price, "tax_percent": tax}


def press(desk: Client, ticket: Ticket, *rows: Row, note: str = "It is worn.", **buttons: str) -> Any:
    day = (timezone.now() + timedelta(days=9)).date().isoformat()
    data = {"lines-TOTAL_FORMS": str(len(rows)), "lines-INITIAL_FORMS": "0"}
    data |= {f"lines-{n}-{name}": text for n, typed in enumerate(rows) for name, text in typed.items()}
    return desk.post(address(ticket), {**data, "send_estimate-valid_until": day, "send_estimate-note": note, **buttons})


def shown(answer: Any) -> list[tuple[str, str]]:
    forms = answer.context["lines"].forms
    return [(str(form["text"].value()), str(form["price"].value())) for form in forms]


def test_a_ready_set_adds_its_lines_and_nothing_typed_is_lost(desk: Client, ticket: Ticket, shutter: ReadySet) -> None:
    assert "Shutter unit R5" in desk.get(address(ticket)).content.decode()
    answer = press(desk, ticket, row("Cleaning", "half"), row("", ""), set=str(shutter.pk))
    assert shown(answer) == [
        ("Cleaning", "half"),
        ("Shutter unit", "4350.00"),
        ("Labour", "900.00"),
        ("", ""),
    ]
    lines = answer.context["lines"].forms
    assert [str(form["tax_percent"].value()) for form in lines[1:3]] == [f"{ticket.centre.tax_percent:.0f}"] * 2
    text = answer.content.decode()
    assert "It is worn." in text and "1 line is not finished" in text
    assert not answer.context["lines"].is_bound  # nobody is told off for what is not finished
    assert not ticket.estimates.exists()


def test_what_it_comes_to_is_computed_with_the_discount_of_the_level(
    desk: Client, ticket: Ticket, world: World
) -> None:
    assert ticket.level == Level.GOLD
    answer = press(
        desk,
        ticket,
        row("Maintenance", "3200", kind="maintenance"),
        row("Labour", "100.10", "1.5"),
        row("Nothing to add up", "-5"),
        do="preview",
    )
    preview = answer.context["preview"]
    assert [(line.label, line.net) for line in preview.lines] == [
        ("Maintenance", Decimal("3200.00")),
        ("Labour", Decimal("150.15")),
        ("15 percent off maintenance", Decimal("-480.00")),
    ]
    assert (preview.net, preview.tax) == (Decimal("2870.15"), Decimal("430.52"))
    assert [each.net for each in answer.context["rows"]] == [Decimal("3200.00"), Decimal("150.15"), None]
    assert answer.context["unread"] == 1
    sent = press(
        desk, ticket, row("Maintenance", "3200", kind="maintenance"), row("Labour", "100.10", "1.5"), do="send_estimate"
    )
    assert sent.status_code == 302
    estimate = ticket.estimates.get()
    assert (estimate.net, estimate.tax) == (preview.net, preview.tax)  # the customer pays what the clerk was shown
    ticket.refresh_from_db()
    assert ticket.state == TicketState.ESTIMATE_SENT


def test_lines_are_added_and_removed_without_a_script(desk: Client, ticket: Ticket) -> None:
    rows = [row("One", "1"), row("Two", "x"), row("Three", "3")]
    assert shown(press(desk, ticket, *rows, remove_line="1")) == [("One", "1"), ("Three", "3")]
    assert shown(press(desk, ticket, *rows, add_line="1"))[3:] == [("", "")]
    many = [row(f"Line {n}", "1") for n in range(MAX_LINES)]
    answer = press(desk, ticket, *many, add_line="1")
    assert len(shown(answer)) == MAX_LINES
    assert f"at most {MAX_LINES} lines" in answer.content.decode()


def test_the_last_estimate_for_such_a_product_can_be_inserted(
    desk: Client, ticket: Ticket, world: World, centre: ServiceCentre
) -> None:
    assert "Last one like this" not in desk.get(address(ticket)).content.decode()
    other = at_the_centre(world, centre, "012345678902")
    send_estimate(
        ticket=other,
        lines=[Line("AF unit", Decimal(1), Decimal(5480), Decimal("7.5"))],
        currency="ZAR",
        valid_until=(timezone.now() + timedelta(days=3)).date(),
        actor=Actor(user=world.staff),
        at=timezone.now(),
    )
    assert "Last one like this" in desk.get(address(ticket)).content.decode()
    answer = press(desk, ticket, last="1")
    assert shown(answer)[0] == ("AF unit", "5480.00")
    assert str(answer.context["lines"].forms[0]["tax_percent"].value()) == "7.50"


def test_the_set_of_another_centre_is_neither_shown_nor_inserted(desk: Client, ticket: Ticket) -> None:
    elsewhere = ReadySet.objects.create(centre=a_centre("elsewhere"), name="Theirs")
    ReadySetLine.objects.create(ready_set=elsewhere, text="Their price", price=1)
    assert "Theirs" not in desk.get(address(ticket)).content.decode()
    answer = press(desk, ticket, row("Mine", "1"), set=str(elsewhere.pk))
    assert shown(answer) == [("Mine", "1")]
    assert "no longer there" in answer.content.decode()


@each_row(
    "buttons",
    [
        {"set": "x" * 40},
        {"set": "\x00"},
        {"remove_line": "99999999999999999999"},
        {"remove_line": "²"},
        {"last": "1"},
        {"do": "nonsense"},
        {"do": "send_estimate", "send_estimate-valid_until": "soon", "send_estimate-once": "\x00"},
        {"do": "send_estimate", "lines-TOTAL_FORMS": "x"},
        {"do": "preview", "lines-TOTAL_FORMS": "-1"},
        {"do": "preview", "lines-0-price": "1e400", "lines-0-quantity": "NaN"},
        {"do": "send_estimate", "lines-0-price": "9" * 300, "lines-0-kind": "discount"},
    ],
)
def test_whatever_is_posted_is_answered_with_the_page(desk: Client, ticket: Ticket, buttons: dict[str, str]) -> None:
    answer = press(desk, ticket, row("Shutter", "12"), **buttons)
    assert answer.status_code == 200
    assert "It is worn." in answer.content.decode()
    assert not ticket.estimates.exists()


def test_an_estimate_pressed_twice_is_sent_once(desk: Client, ticket: Ticket) -> None:
    again = {"do": "send_estimate", "send_estimate-once": "a" * 32}
    for _time in range(2):
        assert press(desk, ticket, row("Shutter", "12"), **again).status_code == 302
    assert ticket.estimates.count() == 1


def test_the_page_is_there_only_while_an_estimate_can_be_sent(
    desk: Client, world: World, centre: ServiceCentre
) -> None:
    waiting = a_request(world, centre, at=timezone.now())
    answer = desk.get(address(waiting), follow=True)
    assert answer.redirect_chain[-1][0] == reverse("admin:servicing_ticket_change", args=[waiting.pk])
    assert "can’t be sent at this step" in answer.content.decode()
    assert press(desk, waiting, row("Shutter", "12"), do="send_estimate").status_code == 302
    assert not Estimate.objects.filter(ticket=waiting).exists()


def test_a_centre_edits_its_own_sets_only(desk: Client, centre: ServiceCentre, shutter: ReadySet) -> None:
    new = reverse("admin:servicing_readyset_add")
    form = desk.get(new).context["adminform"].form
    assert [choice.pk for choice in form.fields["centre"].queryset] == [centre.pk]
    data = {
        "centre": str(centre.pk),
        "name": "Stabiliser",
        "position": "3",
        "lines-TOTAL_FORMS": "1",
        "lines-INITIAL_FORMS": "0",
        "lines-0-position": "1",
        "lines-0-kind": "part",
        "lines-0-text": "Stabiliser unit",
        "lines-0-quantity": "1",
        "lines-0-price": "-1",
    }
    assert "price" in desk.post(new, data).content.decode()
    assert not ReadySet.objects.filter(name="Stabiliser").exists()
    assert desk.post(new, {**data, "lines-0-price": "6120"}).status_code == 302
    assert ReadySet.objects.get(name="Stabiliser").lines.get().price == 6120
    elsewhere = a_centre("elsewhere")
    refused = desk.post(new, {**data, "centre": str(elsewhere.pk), "name": "Theirs", "lines-0-price": "1"})
    assert refused.status_code == 200
    assert not ReadySet.objects.filter(centre=elsewhere).exists()
    theirs = ReadySet.objects.create(centre=elsewhere, name="Theirs")
    for what in ("change", "delete"):
        url = reverse(f"admin:servicing_readyset_{what}", args=[theirs.pk])
        assert desk.get(url).status_code == 302  # the admin redirects what it cannot find
        assert desk.post(url, {"post": "yes"}).status_code == 302
    assert ReadySet.objects.filter(pk=theirs.pk).exists()
    assert desk.post(reverse("admin:servicing_readyset_delete", args=[shutter.pk]), {"post": "yes"}).status_code == 302
    assert not ReadySetLine.objects.filter(ready_set=shutter.pk).exists()


def test_a_new_estimate_for_maintenance_proposes_maintenance(desk: Client, world: World, centre: ServiceCentre) -> None:
    ticket = at_the_centre(world, centre, service=ServiceKind.MAINTENANCE)
    kinds = [form["kind"].value() for form in desk.get(address(ticket)).context["lines"].forms]
    assert set(kinds) == {LineKind.MAINTENANCE}
