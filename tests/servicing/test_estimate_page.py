"""The page on which a centre writes an estimate: ready sets, sums while typing, what the customer will read (R62)."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cps_portal.core.lib.errors import Refusal
from members.enums import Level
from servicing.actions.estimate_drafts import Typed, save_draft
from servicing.actions.estimates import MAX_LINES, Line, send_estimate
from servicing.actions.events import Actor
from servicing.enums import LineKind, ServiceKind, TicketState
from servicing.models import Estimate, EstimateDraft, ReadySet, ReadySetLine, ServiceCentre, Ticket
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
        row("Too many digits", "1" * 30, "9" * 30),
        do="preview",
    )
    preview = answer.context["preview"]
    assert [(line.label, line.net) for line in preview.lines] == [
        ("Maintenance", Decimal("3200.00")),
        ("Labour", Decimal("150.15")),
        ("15 percent off maintenance", Decimal("-480.00")),
    ]
    assert (preview.net, preview.tax) == (Decimal("2870.15"), Decimal("430.52"))
    assert [each.net for each in answer.context["rows"]] == [Decimal("3200.00"), Decimal("150.15"), None, None]
    assert answer.context["unread"] == 2
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


# --- Drafts ----------------------------------------------------------------------------------------


def values(answer: Any) -> dict[str, str]:
    form = answer.context["form"]
    return {name: str(form[name].value() or "") for name in ("valid_until", "note", "draft")}


def test_a_draft_is_kept_with_the_job_and_taken_up_where_it_was_left(desk: Client, ticket: Ticket) -> None:
    rows = [row("Shutter", "4350"), row("Labour", "half"), row("", "")]
    state, events = ticket.state, ticket.events.count()
    answer = press(desk, ticket, *rows, note="Worn\nand wet", do="save_draft")
    assert answer["Location"] == reverse("admin:servicing_ticket_change", args=[ticket.pk])
    page = desk.get(address(ticket))
    assert shown(page) == [("Shutter", "4350"), ("Labour", "half"), ("", ""), ("", "")]
    assert values(page)["note"] == "Worn\nand wet"
    assert "It has not been sent." in page.content.decode()
    ticket.refresh_from_db()
    assert (ticket.state, ticket.estimates.count(), ticket.events.count()) == (state, 0, events)
    changed = press(desk, ticket, row("Other", "1"), **{"send_estimate-draft": values(page)["draft"]}, do="save_draft")
    assert changed.status_code == 302
    draft = EstimateDraft.objects.get()
    assert [line["text"] for line in draft.lines] == ["Other"]
    press(desk, ticket, row("Other", "1"), do="send_estimate")
    assert (ticket.estimates.get().net, EstimateDraft.objects.count()) == (Decimal(1), 0)
    assert "It has not been sent." not in desk.get(address(ticket)).content.decode()


def test_nothing_of_a_draft_is_shown_to_the_member(desk: Client, ticket: Ticket, as_ana: Client) -> None:
    press(desk, ticket, row("A secret shutter", "4350"), note="A secret note", do="save_draft")
    page = as_ana.get(ticket.get_absolute_url()).content.decode()
    assert "secret" not in page
    assert ticket.product.name in page


def test_a_draft_of_a_colleague_is_not_overwritten_unseen(
    desk: Client, ticket: Ticket, centre: ServiceCentre, groups: dict[str, Group]
) -> None:
    other = works_at(centre, groups)
    press(signed_in(other), ticket, row("Theirs", "1"), do="save_draft")
    answer = press(desk, ticket, row("Mine", ""), do="save_draft")
    text = answer.content.decode()
    assert f"{other} has saved a draft since you opened this page" in text
    assert "Write the unit price" not in text, "what is not finished is no error"
    assert shown(answer) == [("Mine", "")]
    again = press(desk, ticket, row("Mine", ""), do="save_draft", **{"send_estimate-draft": values(answer)["draft"]})
    assert again.status_code == 302
    assert EstimateDraft.objects.get().lines[0]["text"] == "Mine"


def test_a_draft_can_be_discarded(desk: Client, ticket: Ticket) -> None:
    press(desk, ticket, row("Shutter", "1"), do="save_draft")
    assert press(desk, ticket, row("Shutter", "1"), do="discard_draft")["Location"] == address(ticket)
    assert not EstimateDraft.objects.exists()
    assert "The draft is discarded" in desk.get(address(ticket)).content.decode()
    assert press(desk, ticket, do="discard_draft").status_code == 302, "twice is the same as once"


@each_row(
    ("rows", "note", "problem"),
    [
        ([], "", "There’s nothing to save yet"),
        ([row("", "")], "", "There’s nothing to save yet"),
        ([row("x", "1"), row("y" * 201, "1")], "", "This is too long. Use at most 200 characters."),
        ([row("x", "1" * 41)], "", "This is too long. Use at most 40 characters."),
        ([row("x", "1")], "n" * 2001, "This is too long. Use at most 2000 characters."),
    ],
)
def test_what_cannot_be_saved_is_said_and_stays_typed(
    desk: Client, ticket: Ticket, rows: list[Row], note: str, problem: str
) -> None:
    answer = press(desk, ticket, *rows, note=note, do="save_draft")
    assert problem in answer.content.decode()
    assert shown(answer) == [(each["text"], each["price"]) for each in rows]
    assert not EstimateDraft.objects.exists()


def test_odd_signs_in_a_draft_break_nothing(desk: Client, ticket: Ticket) -> None:
    odd = "\x00\u202e <b>Shutter</b> \ud7ff"
    press(desk, ticket, row(odd, "\x00"), note=odd, do="save_draft")
    assert "<b>Shutter</b>" not in desk.get(address(ticket)).content.decode()
    assert EstimateDraft.objects.get().lines[0]["text"].startswith("<b>Shutter")
    EstimateDraft.objects.all().delete()
    data = {"lines-TOTAL_FORMS": "+5", "do": "save_draft", "send_estimate-note": "x"}
    assert desk.post(address(ticket), data).status_code == 302


def test_no_draft_is_saved_where_no_estimate_can_be_sent(world: World, centre: ServiceCentre) -> None:
    ticket = a_request(world, centre)
    with pytest.raises(Refusal, match="at this step"):
        save_draft(ticket=ticket, typed=Typed([{"text": "x"}]), seen="", by=world.staff, at=timezone.now())


# --- Scanned parts ---------------------------------------------------------------------------------


def test_a_scanned_part_fills_a_line_from_the_ready_sets_of_the_centre(
    desk: Client, ticket: Ticket, shutter: ReadySet
) -> None:
    ReadySetLine.objects.create(
        ready_set=shutter, position=3, kind=LineKind.PART, text="AF drive unit YG2-4471", price=5480
    )
    answer = press(desk, ticket, row("Cleaning", "half"), row("", ""), scan=" yg2-4471 ", do="add_up")
    assert shown(answer) == [("Cleaning", "half"), ("AF drive unit YG2-4471", "5480.00"), ("", "")]
    text = answer.content.decode()
    assert text.count("autofocus") == 1
    assert 'name="scan"' in text.partition("autofocus")[0][-300:], "the next part can be scanned at once"
    twice = press(desk, ticket, row("AF drive unit YG2-4471", "5480.00"), scan="YG2-4471")
    assert shown(twice) == [("AF drive unit YG2-4471", "5480.00")]
    assert "is in line 1 already" in twice.content.decode()
    part = press(desk, ticket, row("", ""), scan="YG2-44")
    assert shown(part)[0] == ("YG2-44", ""), "not a part of another number"


def test_a_part_that_no_set_has_is_a_line_without_a_price(desk: Client, ticket: Ticket) -> None:
    elsewhere = ReadySet.objects.create(centre=a_centre("elsewhere"), name="Theirs")
    ReadySetLine.objects.create(ready_set=elsewhere, text="YG2-4471", price=1)
    answer = press(desk, ticket, row("", ""), scan="YG2-4471", do="add_up")
    assert shown(answer) == [("YG2-4471", ""), ("", "")]
    assert answer.context["lines"].forms[0]["kind"].value() == LineKind.PART
    assert "so type its price" in answer.content.decode()


@pytest.mark.parametrize("button", ["send_estimate", "save_draft"])
def test_what_was_scanned_last_is_neither_lost_nor_sent_unseen(desk: Client, ticket: Ticket, button: str) -> None:
    answer = press(desk, ticket, row("Labour", "900"), scan="YG2-4471", do=button)
    assert shown(answer) == [("Labour", "900"), ("YG2-4471", ""), ("", "")]
    assert "then press the button again" in answer.content.decode()
    assert not ticket.estimates.exists() and not EstimateDraft.objects.exists()


def test_a_number_that_is_still_being_typed_adds_no_line(desk: Client, ticket: Ticket) -> None:
    assert shown(press(desk, ticket, row("Labour", "900"), scan="YG2", do="preview")) == [("Labour", "900")]
