"""Membership cards: issued once, replaced by staff, checked on a public page (R37, R40, R41)."""

import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from pypdf import PdfReader

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox.models import Message
from cps_portal.core.partners.actions import add_endpoint
from cps_portal.core.partners.models import Partner
from members.enums import Level
from members.models import Member, Notice
from members.offers.actions.cards import get_or_issue_card, replace_card, report_lost, revoke_card
from members.offers.actions.reference_data import SINCE, load_offers
from members.offers.enums import CardEnd, OfferKind, OfferState
from members.offers.models import Card, Offer, WelcomePack
from members.offers.presenters import card_pdf, qr
from members.offers.webhooks import card_requested
from members.support.models import Case
from tests.offers.packing import asked
from tests.paper import assert_accessible, codes_on, pages_of
from tests.rows import each_row
from tests.world import World

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def replaced(card: Card, by: object, **more: object) -> Card:
    return replace_card(card=card, reason=CardEnd.LOST, by=by, at=NOW, **more)  # type: ignore[arg-type]


def look(card_or_token: Card | str) -> tuple[int, str]:
    """What a visitor's phone is shown, without the time."""
    path = card_or_token.check_path if isinstance(card_or_token, Card) else f"/c/{card_or_token}/"
    answer = Client().get(path)
    return answer.status_code, re.sub(r"Checked .*", "", answer.content.decode())


def make_red(member: Member) -> None:
    Member.objects.filter(pk=member.pk).update(level="red", points=0)
    member.refresh_from_db()


# --- Actions ---


def test_the_first_opening_issues_the_card_and_the_next_shows_the_same(world: World) -> None:
    first = get_or_issue_card(member=world.ana, at=NOW)
    assert get_or_issue_card(member=world.ana, at=NOW + timedelta(days=1)) == first
    assert (len(first.number), len(first.token)) == (12, 43)


def test_red_members_get_no_first_card_but_keep_the_one_they_have(world: World) -> None:
    with pytest.raises(Refusal) as refused:
        get_or_issue_card(member=world.ben, at=NOW)
    assert refused.value.code == "level"
    card = get_or_issue_card(member=world.ana, at=NOW)
    make_red(world.ana)
    assert get_or_issue_card(member=world.ana, at=NOW) == card


def test_the_database_allows_one_valid_card_per_member(world: World) -> None:
    card = get_or_issue_card(member=world.ana, at=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        Card.objects.create(member=world.ana, number="880000099991", token="x" * 43, issued_at=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        Card.objects.filter(pk=card.pk).update(revoked_at=NOW)  # without a reason


def test_a_replaced_card_is_invalid_at_once_and_the_member_is_notified_once(world: World) -> None:
    old = get_or_issue_card(member=world.ana, at=NOW)
    new = replaced(old, world.staff)
    with pytest.raises(Refusal) as again:
        replaced(old, world.staff)
    assert again.value.code == "stale"
    assert (new.number != old.number, new.token != old.token) == (True, True)
    assert "Not valid" in look(old)[1]
    assert "Not valid" not in look(new)[1]
    assert Notice.objects.get(member=world.ana, code="card_replaced").path == "/card/"
    assert Message.objects.filter(key=f"card-{new.number}", kind="mail").count() == 1
    assert not WelcomePack.objects.exists()


def test_the_mail_about_a_new_card_contains_its_number_but_no_token(
    world: World, django_capture_on_commit_callbacks: object
) -> None:
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        new = replaced(get_or_issue_card(member=world.ana, at=NOW), world.staff)
    sent = [letter for letter in mail.outbox if letter.subject == "You have a new membership card"]
    texts = "".join(str(letter.message()) for letter in sent)
    if sent:  # delivered at once only where the worker is eager
        assert new.number_in_groups in texts
    assert new.token not in texts


def test_opening_the_page_does_not_replace_a_revoked_card(world: World, as_ana: Client) -> None:
    card = get_or_issue_card(member=world.ana, at=NOW)
    revoke_card(member=world.ana, reason=CardEnd.LEAKED, by=world.staff, at=NOW)
    assert "Your card has been blocked" in as_ana.get("/card/").content.decode()
    new = replaced(card, world.staff)
    assert get_or_issue_card(member=world.ana, at=NOW) == new


def test_reporting_a_lost_card_twice_opens_one_case(world: World, as_ana: Client) -> None:
    card = get_or_issue_card(member=world.ana, at=NOW)
    assert as_ana.get("/card/lost/").status_code == 200
    answer = as_ana.post("/card/lost/", {"go": "phone"})
    case = Case.objects.get(kind="lost_card")
    assert answer.headers["Location"] == case.get_absolute_url()
    assert report_lost(member=world.ana, by=world.ana.user, at=NOW) == case
    assert case.about == card
    said = as_ana.get(case.get_absolute_url()).content.decode()
    assert card.number_in_groups in said
    assert card.token not in said


def test_a_partner_is_asked_to_print_a_card_only_if_it_can(world: World) -> None:
    card = get_or_issue_card(member=world.ana, at=NOW)
    with pytest.raises(Refusal) as refused:
        replaced(card, world.staff, post=True)
    assert refused.value.field == "post"
    assert Card.objects.live().get() == card, "all or nothing"
    partner = Partner.objects.create(name="House", slug="house", kind="fulfilment")
    add_endpoint(partner=partner, url="https://house.example.org/", by=None, at=NOW)
    WelcomePack.objects.create(
        member=world.ana,
        reference="ABCD2345",
        partner=partner,
        level_when_asked="gold",
        language="en",
        name="Ana Example",
        country="ZA",
        street="1 Long Street",
        city="Cape Town",
        postal_code="8001",
        asked_at=NOW,
        sending_since=NOW,
        changed_at=NOW,
    )
    new = replaced(card, world.staff, post=True)
    message = Message.objects.get(kind="webhook")
    assert (message.payload["id"], message.payload["type"]) == (f"card-{new.number}", "membership_card.requested")
    assert new.token not in str(message.payload)
    told = card_requested(card=new.pk)
    assert told is not None
    assert told["card"]["url"] == f"http://localhost{new.check_path}"
    assert told["address"]["city"] == "Cape Town"
    replaced(new, world.staff)
    assert card_requested(card=new.pk) is None


# --- The member's pages ---


def test_the_page_shows_name_number_and_level_of_today(world: World, as_ana: Client) -> None:
    page = as_ana.get("/card/").content.decode()
    assert 'data-level="gold"' in page
    assert world.ana.full_name in page
    assert page.count(world.ana.number_in_groups) >= 2
    make_red(world.ana)
    assert 'class="level-card level-card--id"\ndata-level="red"' in as_ana.get("/card/").content.decode()


@each_row(
    ("changes", "is_offered"),
    [
        ({}, True),
        ({"countries": ["KE", "ZA"]}, True),
        ({"countries": ["FR"]}, False),
        ({"levels": ["platinum"]}, False),
        ({"levels": ["gold"]}, True),
        ({"state": OfferState.DRAFT}, False),
        ({"state": OfferState.WITHDRAWN}, False),
        ({"until": SINCE + timedelta(days=1)}, False),
        ({"since": timezone.now() + timedelta(days=1)}, False),
        ({"kind": OfferKind.SPECIAL}, False),
    ],
)
def test_the_printed_card_is_offered_while_the_welcome_pack_is(
    world: World, as_ana: Client, changes: dict[str, object], is_offered: bool
) -> None:
    """R36, R37: the page of the card and that of the offers agree."""
    load_offers()
    Offer.objects.update(**changes)
    assert ("Get the printed card" in as_ana.get("/card/").text) == is_offered
    assert ("Choose an address" in as_ana.get("/offers/").text) == is_offered


def test_a_requested_welcome_pack_is_not_offered_again_on_the_page_of_the_card(world: World, as_ana: Client) -> None:
    asked(world.ana)
    assert "Get the printed card" not in as_ana.get("/card/").text


def test_a_red_member_without_a_card_sees_how_to_get_one(as_ben: Client) -> None:
    page = as_ben.get("/card/").content.decode()
    assert "Silver starts at 500 points. With 500 more" in page
    assert '<svg class="qr"' not in page
    assert as_ben.get("/card/print.pdf").headers["Location"] == "/card/"
    assert as_ben.post("/card/lost/").headers["Location"] == "/card/"
    assert not Card.objects.exists()


@each_row("name", ["Ana", "Анна", "آنا", "Ἄννα", "x" * 120])
def test_the_printed_card_is_one_page_in_any_script(world: World, as_ana: Client, name: str) -> None:
    Member.objects.filter(pk=world.ana.pk).update(first_name=name[:60], last_name="Test")
    answer = as_ana.get("/card/print.pdf")
    assert answer["Content-Type"] == "application/pdf"
    assert_accessible(answer.content, title="Your card, to print and fold")
    (text,) = pages_of(answer.content)
    assert "Gold" in text
    assert world.ana.number_in_groups in text
    if name.isascii() or name == "Анна":
        assert name[:60] in text.replace("\n", "")


@each_row("level", list(Level))
def test_the_card_in_its_own_size_has_two_sides_and_a_code_to_scan(world: World, as_ana: Client, level: Level) -> None:
    as_ana.get("/card/")
    Member.objects.filter(pk=world.ana.pk).update(level=level)
    world.ana.refresh_from_db()
    card = Card.objects.live().get(member=world.ana)
    own, on_a4 = (prepare(card, world.ana).render() for prepare in (card_pdf.as_pdf, card_pdf.as_pdf_to_cut))
    front, back = PdfReader(io.BytesIO(own)).pages
    for page in (front, back):
        assert [round(float(length) / 72 * 25.4, 1) for length in page.mediabox[2:]] == [85.6, 54.0]
    assert str(level.label) in front.extract_text() and card.number_in_groups in back.extract_text()
    assert codes_on(on_a4, dpi=150) == {qr.check_url(card)}


def test_the_card_in_its_own_size_is_linked_and_downloaded(as_ana: Client, as_ben: Client) -> None:
    assert "/card/card.pdf" in as_ana.get("/card/").text
    assert_accessible(as_ana.get("/card/card.pdf").content, title="Membership card")
    assert as_ben.get("/card/card.pdf").headers["Location"] == "/card/"


def test_signing_out_clears_the_stored_card(world: World, as_ana: Client) -> None:
    assert "Clear-Site-Data" not in as_ana.get("/card/").headers
    assert as_ana.post("/accounts/logout/")["Clear-Site-Data"] == '"storage"'
    assert as_ana.get("/card/").status_code == 302


# --- The public page ---


def test_the_public_page_shows_validity_level_and_initials_only(world: World) -> None:
    card = get_or_issue_card(member=world.ana, at=NOW)
    answer = Client().get(card.check_path)
    page = answer.content.decode()
    for shown in ("Valid", "Gold", world.ana.initials):
        assert shown in page
    for hidden in (
        world.ana.last_name,
        world.ana.first_name,
        world.ana.number,
        world.ana.number_in_groups,
        card.number,
        card.number_in_groups,
        world.ana.user.email,
        card.token,
        "<form",
        "<script",
    ):
        assert hidden not in page.replace("Canon Professional Services", ""), hidden
    assert answer["X-Robots-Tag"].startswith("noindex")
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]


def test_all_invalid_cards_get_the_same_page(world: World) -> None:
    revoked = get_or_issue_card(member=world.ana, at=NOW)
    replaced(revoked, world.staff)
    shown = {look(token) for token in (revoked.token, "A" * 43, "x", "a/b/c", "%00", "é" * 43, "A" * 3000, "..%2f")}
    assert len(shown) == 1
    status, page = shown.pop()
    assert status == 200
    assert "Not valid" in page


def test_the_card_of_a_closed_account_is_not_valid(world: World) -> None:
    card = get_or_issue_card(member=world.ana, at=NOW)
    Member.objects.filter(pk=world.ana.pk).update(closed_at=NOW)
    assert look(card) == look("A" * 43)


def test_card_checks_are_rate_limited(world: World, settings: object, caplog: pytest.LogCaptureFixture) -> None:
    settings.CARD_CHECK_LIMIT = (2, 300)  # type: ignore[attr-defined]
    card = get_or_issue_card(member=world.ana, at=NOW)
    assert [look(token)[0] for token in ("A" * 43, card, card)] == [200, 200, 429]
    answer = Client().get(card.check_path)
    assert answer["Retry-After"] == "300"
    assert "Scan the code again in 5 minutes" in answer.content.decode()
    assert answer["Referrer-Policy"] == "no-referrer"
    assert card.token not in caplog.text
    assert Client().get(card.check_path, REMOTE_ADDR="192.0.2.7").status_code == 200
