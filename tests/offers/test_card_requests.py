"""A new card for a lost one is posted where its owner says, also without webhooks; a returned pack is corrected
(R14, R37, R38, R40)."""

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox.models import Message
from cps_portal.core.partners.enums import PartnerKind
from cps_portal.core.partners.models import Partner
from members.models import Member, Notice
from members.offers.actions.card_requests import delete_old_card_addresses, record_card_report
from members.offers.actions.cards import get_or_issue_card, replace_card, send_card_again
from members.offers.actions.packs import erase_pack_and_card
from members.offers.emails import card_returned
from members.offers.enums import CardEnd, CardRequestState, PackState, PackStep
from members.offers.models import Card, CardRequest, WelcomePack
from members.offers.webhooks import card_requested
from members.support.models import Case
from tests.admin.conftest import signed_in
from tests.api.machines import Machine, machine
from tests.factories import UserFactory
from tests.offers.packing import DAY, add_partner, asked, report
from tests.world import World

NOW = timezone.now()
LOST = reverse("offers:card_lost")
BY_FILE = "/admin/offers/welcomepack/by-file/"
TYPED = {
    "name": "Ana Example",
    "country": "ZA",
    "street": "7 New Road",
    "city": "Durban",
    "postal_code": "4001",
    "phone": "082 123 4567",
}
pytestmark = pytest.mark.django_db


@pytest.fixture
def card(world: World) -> Card:
    return get_or_issue_card(member=world.ana, at=NOW - DAY)


@pytest.fixture
def as_root(world: World) -> Client:
    return signed_in(UserFactory(is_staff=True, is_superuser=True))


@pytest.fixture
def house(world: World) -> Machine:
    return machine("utrecht", PartnerKind.FULFILMENT)


def replaced(card: Card, world: World, *, post: bool = True) -> Card:
    return replace_card(card=card, reason=CardEnd.LOST, by=world.staff, at=timezone.now(), post=post)


def reported(card: Card, as_ana: Client, **typed: str) -> CardRequest:
    assert as_ana.post(LOST, {**TYPED, **typed, "go": "send"}).status_code == 302
    return CardRequest.objects.get(member=card.member)


def test_after_the_address_was_deleted_the_member_is_asked_and_the_card_goes_there(
    world: World, as_ana: Client, card: Card
) -> None:
    """R40."""
    partner = add_partner()
    pack = asked(world.ana)
    erase = {"blanked_at": NOW, **dict.fromkeys(("name", "street", "city", "postal_code", "phone"), "")}
    WelcomePack.objects.filter(pk=pack.pk).update(**erase)
    page = as_ana.get(LOST).content.decode()
    assert "Where should we send it?" in page
    assert 'name="street"' in page
    bad = as_ana.post(LOST, {**TYPED, "street": "", "postal_code": "X", "go": "send"})
    assert bad.status_code == 422
    assert "Durban" in bad.content.decode()
    assert not CardRequest.objects.exists()
    request = reported(card, as_ana)
    assert Case.objects.filter(member=world.ana, kind="lost_card").count() == 1
    new = replaced(card, world)
    request.refresh_from_db()
    assert (request.card, request.state, request.partner) == (new, CardRequestState.REQUESTED, partner)
    wanted = card_requested(card=new.pk)
    assert wanted is not None
    assert (wanted["address"]["city"], wanted["reference"]) == ("Durban", request.reference)
    assert Message.objects.filter(kind="webhook", key__startswith=f"card-{new.number}").count() == 1


def test_the_last_address_counts_and_no_address_is_needed_for_the_phone(as_ana: Client, card: Card) -> None:
    """R40: twice reported is one case and one request."""
    reported(card, as_ana)
    request = reported(card, as_ana, city="Pretoria")
    assert request.city == "Pretoria"
    assert Case.objects.count() == 1
    CardRequest.objects.all().delete()
    assert as_ana.post(LOST, {"go": "phone"}).status_code == 302
    assert not CardRequest.objects.exists()


def test_the_form_follows_the_country_and_keeps_what_was_typed(as_ana: Client, card: Card) -> None:
    """R36, R71."""
    answer = as_ana.post(LOST, {**TYPED, "country": "NL", "go": "country"})
    assert answer.status_code == 200
    assert "7 New Road" in answer.content.decode()
    assert not CardRequest.objects.exists()
    assert get_or_issue_card(member=card.member, at=NOW) == card


def test_nothing_is_posted_outside_the_free_programme(world: World, as_ana: Client, card: Card) -> None:
    """R65."""
    Member.objects.filter(pk=world.ana.pk).update(country="US")
    assert 'name="street"' not in as_ana.get(LOST).content.decode()
    as_ana.post(LOST, {**TYPED, "go": "send"})
    assert not CardRequest.objects.exists()


def test_a_house_with_a_token_lists_reads_and_reports(world: World, as_ana: Client, card: Card, house: Machine) -> None:
    """R38: in any order, each step once; another house sees nothing."""
    request = reported(card, as_ana)
    assert house.get("fulfilment/cards").json()["results"] == []
    new = replaced(card, world)
    (row,) = house.get("fulfilment/cards?state=requested").json()["results"]
    assert row["reference"] == request.reference
    one = house.get(f"fulfilment/cards/{request.reference}").json()
    assert one["wanted"]["card"]["number"] == new.number
    assert one["wanted"]["address"]["street_address"] == "7 New Road"
    moment = timezone.now()

    def said(kind: str, number: str, at: object = moment, **more: Any) -> dict[str, Any]:
        return {"kind": kind, "occurred_at": str(at), "external_id": number, **more}

    table = [
        (said("dispatched", "1", carrier="Post", tracking="T 1"), 200, True, "dispatched"),
        (said("accepted", "2"), 200, True, "dispatched"),
        (said("packed", "3"), 200, True, "dispatched"),
        (said("dispatched", "4"), 200, False, "dispatched"),
        (said("dispatched", "1"), 200, False, "dispatched"),
        (said("returned", "5"), 400, None, None),
        (said("returned", "6", reason="refused"), 200, True, "returned"),
        (said("received", "7"), 400, None, None),
        (said("packed", "8", at=moment + timedelta(days=1)), 409, None, None),
        (said("packed", "9", at=moment - timedelta(days=9)), 409, None, None),
        (said("packed", "10", sending=2), 400, None, None),
    ]
    wrong = []
    for body, status, recorded, state in table:
        answer = house.post(f"fulfilment/cards/{request.reference}/reports", body)
        result = answer.json()
        if (answer.status_code, result.get("recorded"), result.get("state") if status == 200 else None) != (
            status,
            recorded,
            state,
        ):
            wrong.append((body, answer.status_code, result))
    assert not wrong
    other = machine("venlo", PartnerKind.FULFILMENT)
    assert other.get("fulfilment/cards").json()["results"] == []
    for path in ("", "/reports"):
        ask = other.post if path else other.get
        arguments = (said("packed", "1"),) if path else ()
        assert ask(f"fulfilment/cards/{request.reference}{path}", *arguments).status_code == 404


def test_a_house_without_a_system_gets_the_card_in_its_file_and_reports_by_file(
    world: World, as_ana: Client, as_root: Client, card: Card
) -> None:
    """R38: the same file as packs; taken once, downloaded again, and imported back."""
    add_partner("")
    request = reported(card, as_ana)
    new = replaced(card, world)

    def rows(answer: Any) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))

    (line,) = rows(as_root.post(BY_FILE, {"do": "take"}))
    assert (line["contents"], line["card"], line["sending"]) == ("card", new.number_in_groups, "1")
    assert "7 New Road" in line["address"]
    assert rows(as_root.post(BY_FILE, {"do": "take"})) == []
    assert rows(as_root.get(BY_FILE, {"taken": line["taken"]})) == [line]
    day = timezone.localdate().isoformat()
    text = (
        "reference,sending,kind,occurred_at,carrier\n"
        f"{line['reference']},1,dispatched,{day},Post\n"
        f"{line['reference']},2,dispatched,{day},Post\n"
        f"AAAAAAAA,1,dispatched,{day},Post\n"
    )
    answer = as_root.post(BY_FILE, {"text": text})
    assert [(problem.number, problem.column) for problem in answer.context["problems"]] == [
        (3, "sending"),
        (4, "reference"),
    ]
    request.refresh_from_db()
    assert (request.state, request.carrier) == (CardRequestState.DISPATCHED, "Post")


def test_a_card_that_is_lost_again_before_it_left_is_not_printed(
    world: World, as_ana: Client, card: Card, house: Machine
) -> None:
    """R40: whatever is reported late."""
    request = reported(card, as_ana)
    new = replaced(card, world)
    replaced(new, world, post=False)
    request.refresh_from_db()
    assert request.state == CardRequestState.CANCELLED
    assert house.get(f"fulfilment/cards/{request.reference}").json()["wanted"] is None
    row, _new = record_card_report(request=request, step=PackStep.PACKED, occurred_at=NOW, data={}, at=NOW)
    assert row.state == CardRequestState.CANCELLED
    row, _new = record_card_report(request=request, step=PackStep.DISPATCHED, occurred_at=NOW, data={}, at=NOW)
    assert row.state == CardRequestState.DISPATCHED


def test_addresses_are_deleted_some_weeks_after_the_card_left_and_with_the_person(
    world: World, as_ana: Client, card: Card, house: Machine
) -> None:
    """R14."""
    request = reported(card, as_ana)
    replaced(card, world)
    late = timezone.now() + settings.PACK_ADDRESS_KEPT + DAY
    assert delete_old_card_addresses(at=late) == 0  # still to be sent
    record_card_report(request=request, step=PackStep.DISPATCHED, occurred_at=NOW, data={}, at=timezone.now())
    assert delete_old_card_addresses(at=late) == 1
    request.refresh_from_db()
    assert (request.street, request.phone, request.state) == ("", "", CardRequestState.DISPATCHED)
    replacement = Card.objects.live().get()
    again = as_ana.post(LOST, {**TYPED, "go": "send"})
    assert again.status_code == 302
    erase_pack_and_card(member=world.ana, at=timezone.now())
    assert not CardRequest.objects.exclude(street="").exists()
    assert replacement.member == world.ana


def test_without_an_address_or_a_partner_staff_are_told(world: World, as_root: Client, card: Card) -> None:
    """R40."""
    page = reverse("admin:offers_card_operate", args=[card.pk])
    data = {"reason": "lost", "post": "on", "do": "replace"}
    assert "no postal address" in as_root.post(page, data, follow=True).content.decode()
    assert Card.objects.live().get() == card
    Partner.objects.all().delete()
    CardRequest.objects.create(
        member=world.ana,
        reference="2K70MQ26",
        name="Ana",
        country="ZA",
        street="1 Road",
        reported_at=NOW,
        changed_at=NOW,
    )
    assert "no fulfilment partner" in as_root.post(page, data, follow=True).content.decode()


# --- A pack that came back ---------------------------------------------------------------------------


def test_the_member_corrects_the_address_of_a_pack_that_came_back(world: World, as_ana: Client) -> None:
    """R37: the same pack, once; a bad address keeps what was typed."""
    partner = add_partner()
    pack = asked(world.ana)
    again = reverse("offers:pack_again")
    assert as_ana.get(again).status_code == 302  # it has not come back
    for step in (PackStep.ACCEPTED, PackStep.DISPATCHED):
        report(pack, step, pack.asked_at + DAY)
    assert as_ana.post(again, {**TYPED, "go": "send"}).status_code == 302
    report(pack, PackStep.RETURNED, pack.asked_at + 2 * DAY, reason="unknown_address")
    status = as_ana.get(reverse("offers:pack")).content.decode()
    assert again in status
    form = as_ana.get(again).content.decode()
    assert "14 Oak Avenue" in form
    bad = as_ana.post(again, {**TYPED, "phone": "1", "go": "send"})
    assert bad.status_code == 422
    assert "7 New Road" in bad.content.decode()
    for _press in range(2):
        assert as_ana.post(again, {**TYPED, "go": "send"}).status_code == 302
    pack.refresh_from_db()
    assert (pack.state, pack.sending, pack.city, pack.partner) == (PackState.REQUESTED, 2, "Durban", partner)
    assert not world.ana.notices.filter(code="pack_sent_again").exists()


# --- A card that came back ---------------------------------------------------------------------------

AGAIN = reverse("offers:card_again")


def come_back(request: CardRequest, at: datetime | None = None) -> None:
    moment = at or timezone.now()
    for step, data in ((PackStep.DISPATCHED, {}), (PackStep.RETURNED, {"reason": "not_collected"})):
        record_card_report(request=request, step=step, occurred_at=moment, data=data, at=moment)
    request.refresh_from_db()


@pytest.fixture
def back(world: World, card: Card, as_ana: Client) -> CardRequest:
    """Printed, posted, and returned to the partner."""
    add_partner()
    request = reported(card, as_ana)
    replaced(card, world)
    request.refresh_from_db()
    come_back(request)
    return request


def test_a_member_reads_that_the_card_came_back_and_sends_it_again(back: CardRequest, as_ana: Client) -> None:
    """R40, R56: the same card, asked for once more; the old request keeps its story."""
    assert back.card
    assert Notice.objects.get(member=back.member, params__request=back.pk).path == AGAIN
    told = card_returned(request=back.pk)
    assert told and "Nobody at home" in told["text"] and AGAIN in told["text"]
    assert AGAIN in as_ana.get("/card/").content.decode()
    assert "7 New Road" in as_ana.get(AGAIN).content.decode()
    bad = as_ana.post(AGAIN, {**TYPED, "street": "", "go": "send"})
    assert bad.status_code == 422 and CardRequest.objects.count() == 1
    assert "9 Other Road" in as_ana.post(AGAIN, {**TYPED, "street": "9 Other Road", "go": "country"}).content.decode()
    assert as_ana.post(AGAIN, {**TYPED, "street": "9 Other Road", "go": "send"})["Location"] == "/card/"
    again = CardRequest.objects.get(state=CardRequestState.REQUESTED)
    assert (again.card, again.repeats, again.street) == (back.card, 1, "9 Other Road")
    wanted = card_requested(card=back.card.pk)
    assert wanted and (wanted["reference"], wanted["key"]) == (again.reference, f"card-{back.card.number}-2")
    assert Message.objects.filter(kind="webhook", key__startswith=f"card-{back.card.number}").count() == 2
    assert card_returned(request=back.pk) is None
    assert not Notice.objects.filter(member=back.member, params__request=back.pk, read_at=None).exists()
    assert AGAIN not in as_ana.get("/card/").content.decode()
    assert as_ana.post(AGAIN, {**TYPED, "go": "send"})["Location"] == "/card/"
    assert CardRequest.objects.count() == 2


def test_who_cannot_send_a_card_again(back: CardRequest, world: World) -> None:
    """Over what may have happened since: each is refused by its name (R37, R40, R65)."""
    table: list[tuple[str, Callable[[], object], str]] = [
        ("it is on its way", lambda: CardRequest.objects.update(state="dispatched"), "state"),
        ("it was cancelled", lambda: CardRequest.objects.update(state="cancelled"), "state"),
        ("it was never sent", lambda: CardRequest.objects.update(state="requested"), "state"),
        ("it is sent already", lambda: send_card_again(request=back, at=timezone.now()), "state"),
        ("the card was blocked", lambda: Card.objects.update(revoked_at=NOW, end="lost"), "state"),
        ("the address is gone", lambda: delete_old_card_addresses(at=NOW + timedelta(days=400)), "address"),
        ("nobody prints cards", lambda: Partner.objects.update(active=False), "address"),
        ("the account is closed", lambda: Member.objects.update(closed_at=NOW), "closed"),
        ("membership rests", lambda: Member.objects.filter(pk=world.ana.pk).update(country="US"), "resting"),
        ("nothing", lambda: None, ""),
    ]
    wrong = []
    for name, happen, expected in table:
        with transaction.atomic():
            happen()
            try:
                send_card_again(request=back, at=timezone.now())
                code = ""
            except Refusal as refusal:
                code = refusal.code
            if code != expected:
                wrong.append((name, code))
            transaction.set_rollback(True)
    assert not wrong


def test_staff_send_a_card_again_to_another_address(back: CardRequest, as_root: Client) -> None:
    """R40, R54: also after the old address was deleted."""
    delete_old_card_addresses(at=NOW + timedelta(days=400))
    page = as_root.get(reverse("admin:offers_cardrequest_change", args=[back.pk])).content.decode()
    url = reverse("admin:offers_cardrequest_send_again", args=[back.pk])
    assert url in page
    assert "Ana" in as_root.get(url).content.decode()
    bad = as_root.post(url, {**TYPED, "street": "", "go": "send"})
    assert bad.status_code == 200 and CardRequest.objects.count() == 1
    assert as_root.post(url, {**TYPED, "go": "send"}).status_code == 302
    again = CardRequest.objects.get(state=CardRequestState.REQUESTED)
    assert (again.street, again.repeats) == ("7 New Road", 1)
    assert url not in as_root.get(reverse("admin:offers_cardrequest_change", args=[back.pk])).content.decode()
    refused = as_root.post(url, {**TYPED, "go": "send"})
    assert "waiting to be sent again" in refused.content.decode() and CardRequest.objects.count() == 2


def test_a_card_sent_again_reaches_houses_by_token_and_by_file(
    world: World, as_ana: Client, as_root: Client, card: Card, house: Machine
) -> None:
    """R38: each request has its own reference, and late reports about the first one change nothing of the second."""
    request = reported(card, as_ana)
    replaced(card, world)
    request.refresh_from_db()
    come_back(request)
    again = send_card_again(request=request, at=timezone.now())
    references = {row["reference"] for row in house.get("fulfilment/cards").json()["results"]}
    assert references == {request.reference, again.reference}
    assert house.get(f"fulfilment/cards/{request.reference}").json()["wanted"] is None
    assert house.get(f"fulfilment/cards/{again.reference}").json()["wanted"]["reference"] == again.reference
    late = record_card_report(
        request=request, step=PackStep.ACCEPTED, occurred_at=timezone.now(), data={}, at=timezone.now()
    )
    assert (late[0].state, late[1]) == ("returned", True)
    again.refresh_from_db()
    assert again.state == CardRequestState.REQUESTED
    rows = list(csv.DictReader(io.StringIO(as_root.post(BY_FILE, {"do": "take"}).content.decode("utf-8-sig"))))
    assert [row["key"] for row in rows] == [again.key]
    come_back(again)
    assert send_card_again(request=again, at=timezone.now()).key == f"{request.key}-3"
