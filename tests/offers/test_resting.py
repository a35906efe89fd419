"""Outside the free programme offers, card and pack rest, and come back as they were (R36, R37, R41, R59, R65)."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox.models import Message
from cps_portal.site.actions import move_member
from members.enums import Level, NoticeCode, Programme
from members.models import CountryProgramme, Member, Notice
from members.offers import emails, webhooks
from members.offers.actions import cards, pack_files, pack_requests, packs
from members.offers.actions.offers import audience, cancel_sign_up, send_news, sign_up
from members.offers.actions.reference_data import load_offers
from members.offers.enums import CardEnd, PackState, PackStep
from members.offers.models import Card, Offer, SignUp, WelcomePack
from members.offers.queries import get_visible_offer, is_pack_offered, visible_offers, waiting_list_position
from members.queries import membership_of
from tests.offers.packing import ADDRESS, ASKED, DAY, add_partner, asked, report
from tests.rows import each_row
from tests.world import World, join

pytestmark = pytest.mark.django_db
NOW = timezone.now()
AWAY = ["FR", "SY"]  # subscription, no programme


def move(member: Member, country: str) -> Member:
    moved = move_member(member=Member.objects.get(pk=member.pk), country=country, by=member.user, at=timezone.now())
    return Member.objects.get(pk=moved.pk)


def offer_of(slug: str = "evening", **more: object) -> Offer:
    facts = {"kind": "special", "title": slug, "levels": Level.values, "since": NOW - DAY, "state": "published"}
    return Offer.objects.create(slug=slug, **(facts | more))


def webhooks_of(pack: WelcomePack) -> list[str]:
    messages = Message.objects.filter(kind="webhook", key__contains=pack.reference).order_by("pk")
    return [message.payload["type"] for message in messages]


# --- Offers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("country", AWAY)
def test_no_offer_is_open_and_signing_up_is_refused_with_a_sentence(world: World, country: str) -> None:
    load_offers()
    offer = offer_of()
    ana = move(world.ana, country)
    overview = visible_offers(ana, membership_of(ana), NOW)
    assert (overview.pack_offered, overview.offers) == (None, [])
    assert not is_pack_offered(ana, NOW)
    with pytest.raises(Refusal) as caught:
        sign_up(member=ana, offer=offer, at=NOW)
    assert caught.value.code == "resting"
    assert "rest while you live there" in str(caught.value)
    visible = get_visible_offer(ana, offer.slug, NOW)
    assert visible
    assert (visible.is_open, visible.is_resting, visible.first_level) == (False, True, "")


@pytest.mark.parametrize("country", AWAY)
def test_a_place_stays_and_a_place_in_line_rests_until_its_member_is_back(world: World, country: str) -> None:
    """Places that are held stay (A); who waits is passed over, and is where they were when they are back."""
    offer = offer_of(places=1)
    people = [join(f"line-{n}", "ZA", world.terms) for n in range(4)]
    for minute, member in enumerate(people):
        sign_up(member=member, offer=offer, at=NOW + timedelta(minutes=minute))
    holding, away, next_in_line, last = people
    move(holding, country)
    move(away, country)
    assert SignUp.objects.get(member=holding).state == "held"
    assert waiting_list_position(SignUp.objects.get(member=next_in_line)) == 1
    cancel_sign_up(member=holding, offer=offer, at=NOW + DAY)
    states = {name: SignUp.objects.get(member=member).state for name, member in zip("hanl", people, strict=True)}
    assert states == {"h": "given_back", "a": "waiting", "n": "held", "l": "waiting"}
    move(away, "KE")
    assert waiting_list_position(SignUp.objects.get(member=away)) == 1
    assert waiting_list_position(SignUp.objects.get(member=last)) == 2
    cancel_sign_up(member=next_in_line, offer=offer, at=NOW + 2 * DAY)
    assert SignUp.objects.get(member=away).state == "held"


def test_a_free_place_waits_for_nobody_who_is_away_and_is_theirs_when_they_are_back(world: World) -> None:
    offer = offer_of(places=1)
    sign_up(member=world.chloe, offer=offer, at=NOW)
    sign_up(member=world.ana, offer=offer, at=NOW + timedelta(minutes=1))
    move(world.ana, "FR")
    cancel_sign_up(member=world.chloe, offer=offer, at=NOW + DAY)
    assert SignUp.objects.get(member=world.ana).state == "waiting"
    visible = get_visible_offer(world.chloe, offer.slug, NOW)
    assert visible
    assert (visible.places_left, visible.waiting, visible.is_full) == (1, 0, False)  # nobody who could take it waits
    move(world.ana, "KE")
    assert SignUp.objects.get(member=world.ana).state == "held"
    assert Notice.objects.filter(member=world.ana, code=NoticeCode.PLACE_FREE).exists()


@pytest.mark.parametrize("country", AWAY)
def test_mails_about_offers_are_not_sent_to_members_who_are_away(world: World, country: str) -> None:
    offer = offer_of()
    full = offer_of("full", places=0)
    Member.objects.update(wants_news=True)
    sign_up(member=world.ana, offer=full, at=NOW)
    before = send_news(at=NOW)
    assert before
    ana = move(world.ana, country)
    assert emails.news(offer=offer.pk, member=ana.pk) is None
    waiting = SignUp.objects.get(member=ana, offer=full)
    assert emails.sign_up(sign_up=waiting.pk, what=NoticeCode.OFFER_CHANGED) is None
    assert ana not in audience(levels=Level.values, countries=[])
    assert world.chloe in audience(levels=Level.values, countries=[])


@each_row(
    ("level", "levels", "is_open"),
    [
        ("red", ["red"], True),
        ("red", ["silver", "gold", "platinum"], False),
        ("silver", ["silver"], True),
        ("silver", ["gold"], False),
        ("gold", ["silver", "gold"], True),
        ("gold", ["silver"], True),
        ("gold", ["gold", "platinum"], False),
        ("gold", ["platinum"], False),
        ("platinum", ["silver", "gold", "platinum"], True),
        ("platinum", ["gold", "platinum"], False),
        ("platinum", ["red"], False),
    ],
)
def test_in_a_silver_only_country_offers_are_those_of_silver(
    world: World, level: str, levels: list[str], is_open: bool
) -> None:
    """R3: nothing above Silver. An offer that no level there opens is not held out either."""
    offer = offer_of(levels=levels)
    move(world.ana, "GE")
    Member.objects.filter(pk=world.ana.pk).update(level=level)
    ana = Member.objects.get(pk=world.ana.pk)
    membership = membership_of(ana)
    assert Offer.objects.open_to(membership, NOW).filter(pk=offer.pk).exists() == is_open
    assert (ana in audience(levels=levels, countries=[])) == is_open
    rows = visible_offers(ana, membership, NOW).offers
    assert [row.is_open for row in rows] == ([True] if is_open else [False] if level == "red" else [])


def test_an_offer_of_a_higher_level_says_that_benefits_end_at_silver(world: World, as_ana: Client) -> None:
    offer_of("platinum-day", levels=["platinum"])
    assert "See how to get there" in as_ana.get("/offers/platinum-day/").text
    move(world.ana, "GE")
    page = " ".join(as_ana.get("/offers/platinum-day/").text.split())
    assert "In Georgia, benefits go up to Silver, so more points won’t open it there." in page
    assert "See how to get there" not in page
    assert "platinum-day" not in as_ana.get("/dashboard/").text


# --- Card ------------------------------------------------------------------------------------------


@time_machine.travel(timezone.now(), tick=False)  # the page tells the minute
@pytest.mark.parametrize("country", AWAY)
def test_the_card_rests_and_is_the_same_card_again(world: World, as_ana: Client, country: str) -> None:
    card = cards.get_or_issue_card(member=world.ana, at=NOW)
    unknown = Client().get("/c/" + "x" * 43 + "/")
    assert "Valid" in Client().get(card.check_path).text
    move(world.ana, country)
    away = Client().get(card.check_path)
    assert away.text == unknown.text
    assert "Not valid today" in away.text
    page = as_ana.get("/card/").text
    assert "Your card rests for now" in page
    assert card.number_in_groups not in page
    assert as_ana.get("/card/print.pdf")["Location"] == "/card/"
    move(world.ana, "KE")
    assert card.number_in_groups in as_ana.get("/card/").text
    assert "Not valid" not in Client().get(card.check_path).text
    assert Card.objects.filter(member=world.ana).count() == 1


def test_no_card_is_issued_and_none_is_printed_while_it_rests(world: World) -> None:
    add_partner()
    pack = asked(world.ana)
    card = Card.objects.get(member=world.ana)
    report(pack, PackStep.PACKED, ASKED + DAY)
    ana = move(world.ana, "FR")
    with pytest.raises(Refusal) as caught:
        cards.get_or_issue_card(member=ana, at=NOW)
    assert caught.value.code == "resting"
    with pytest.raises(Refusal) as caught:
        cards.replace_card(card=card, reason=CardEnd.LOST, by=world.staff, at=NOW, post=True)
    assert (caught.value.code, caught.value.field) == ("resting", "post")
    new = cards.replace_card(card=card, reason=CardEnd.LOST, by=world.staff, at=NOW)
    assert webhooks.card_requested(card=new.pk) is None
    mail = emails.card_replaced(card=new.pk, posted=False)
    assert mail
    assert "It’s valid as soon as you live in a country of the free programme" in mail["text"]


# --- Welcome Pack ----------------------------------------------------------------------------------

STEPS = {
    "requested": [],
    "accepted": [PackStep.ACCEPTED],
    "packed": [PackStep.ACCEPTED, PackStep.PACKED],
    "dispatched": [PackStep.ACCEPTED, PackStep.PACKED, PackStep.DISPATCHED],
    "returned": [PackStep.ACCEPTED, PackStep.PACKED, PackStep.DISPATCHED, PackStep.RETURNED],
}


def pack_in(state: str, member: Member) -> WelcomePack:
    """A pack that got as far as this state."""
    pack = asked(member)
    for day, step in enumerate(STEPS.get(state, []), start=1):
        report(pack, step, ASKED + day * DAY, reason="not_collected" if step == PackStep.RETURNED else "")
    if state == "received":
        report(pack, PackStep.DISPATCHED, ASKED + DAY)
        packs.confirm_received(pack=pack, by=member.user, at=ASKED + 2 * DAY)
    if state == "cancelled":
        packs.cancel_pack(pack=pack, by=member.user, at=ASKED + DAY)
    return WelcomePack.objects.get()


@each_row("country", AWAY)
@each_row(
    ("state", "after"),
    [
        ("requested", "cancelled"),
        ("accepted", "cancelled"),
        ("packed", "packed"),
        ("dispatched", "dispatched"),
        ("received", "received"),
        ("returned", "returned"),
        ("cancelled", "cancelled"),
    ],
)
def test_a_move_cancels_a_pack_that_is_not_packed_and_no_other(
    world: World, state: str, after: str, country: str
) -> None:
    add_partner()
    pack = pack_in(state, world.ana)
    before = webhooks_of(pack)
    move(world.ana, country)
    pack.refresh_from_db()
    is_stopped = state in ("requested", "accepted")
    assert pack.state == after
    assert webhooks_of(pack) == [*before, *(["welcome_pack.cancelled"] if is_stopped else [])]
    assert pack.can_be_requested_again == is_stopped
    assert WelcomePack.objects.count() == 1
    if after == "packed":
        later = report(pack, PackStep.DISPATCHED, timezone.now())
        assert later.state == PackState.DISPATCHED


@pytest.mark.parametrize("country", AWAY)
def test_a_pack_that_a_move_cancelled_is_offered_on_the_page_of_the_card_after_the_return(
    world: World, as_ana: Client, country: str
) -> None:
    """R37"""
    asked(world.ana)
    assert "Get the printed card" not in as_ana.get("/card/").text
    move(move(world.ana, country), "KE")
    assert "Get the printed card" in as_ana.get("/card/").text


@pytest.mark.parametrize("country", AWAY)
def test_a_pack_that_a_move_cancelled_is_the_same_row_again_after_the_return(world: World, country: str) -> None:
    """R37"""
    add_partner()
    pack = asked(world.ana)
    away = move(world.ana, country)
    with pytest.raises(Refusal) as caught:
        packs.request_pack(member=away, address=ADDRESS, by=away.user, at=timezone.now())
    assert caught.value.code == "resting"
    home = move(away, "KE")
    assert is_pack_offered(home, timezone.now())
    again = packs.request_pack(member=home, address=ADDRESS, by=home.user, at=timezone.now())
    assert (again.pk, again.reference, again.sending, again.state) == (pack.pk, pack.reference, 2, "requested")
    assert webhooks_of(again) == ["welcome_pack.requested", "welcome_pack.cancelled", "welcome_pack.requested"]
    assert packs.request_pack(member=home, address=ADDRESS, by=home.user, at=timezone.now()).sending == 2
    assert not is_pack_offered(home, timezone.now())
    assert WelcomePack.objects.count() == 1


def test_a_pack_that_staff_cancelled_is_not_offered_again_by_moving(world: World) -> None:
    add_partner()
    pack = pack_in("cancelled", world.ana)
    home = move(move(world.ana, "FR"), "ZA")
    assert not is_pack_offered(home, timezone.now())
    assert packs.request_pack(member=home, address=ADDRESS, by=home.user, at=timezone.now()).sending == pack.sending


def test_a_pack_that_had_left_before_it_was_cancelled_is_the_only_one(world: World) -> None:
    """R37: the report comes late, when the pack has been requested again."""
    add_partner()
    pack = asked(world.ana)
    home = move(move(world.ana, "FR"), "ZA")
    again = packs.request_pack(member=home, address=ADDRESS, by=home.user, at=timezone.now())
    late = report(again, PackStep.DISPATCHED, ASKED + DAY, sending=1, tracking="X1")
    assert (late.pk, late.state, late.tracking) == (pack.pk, PackState.DISPATCHED, "X1")
    assert webhooks_of(pack)[-2:] == ["welcome_pack.requested", "welcome_pack.cancelled"]
    assert webhooks.pack_cancelled(pack=pack.pk, sending=2)["sending"] == 2  # type: ignore[index]


@pytest.mark.parametrize("state", ["returned", "dispatched", "cancelled"])
def test_nothing_is_sent_again_while_membership_rests(world: World, state: str) -> None:
    add_partner()
    pack = pack_in(state, world.ana)
    move(world.ana, "SY")
    with pytest.raises(Refusal) as caught:
        packs.resend_pack(pack=pack, by=world.staff, at=timezone.now())
    assert caught.value.code == "resting"
    move(world.ana, "ZA")
    assert packs.resend_pack(pack=pack, by=world.staff, at=timezone.now()).state == PackState.REQUESTED


def test_a_country_that_leaves_the_programme_rests_everything_by_itself(world: World, as_ana: Client) -> None:
    """R1, R65: nobody moves, the row of the country comes into force."""
    partner = add_partner(url="")
    pack = asked(world.ana)
    card = Card.objects.get(member=world.ana)
    offer = offer_of(places=1)
    sign_up(member=world.chloe, offer=offer, at=NOW)
    sign_up(member=world.ana, offer=offer, at=NOW)
    today = timezone.localdate()
    CountryProgramme.objects.create(country="ZA", region="EMEA", kind=Programme.SUBSCRIPTION, valid_from=today)
    assert WelcomePack.objects.filter(pack_files.waiting_for_file(), partner=partner).count() == 0
    assert webhooks.pack_requested(pack=pack.pk, sending=1) is None
    assert "Not valid today" in Client().get(card.check_path).text
    assert "CPS is a subscription in South Africa" in as_ana.get("/dashboard/").text
    cancel_sign_up(member=world.chloe, offer=offer, at=timezone.now())
    assert SignUp.objects.get(member=world.ana).state == "waiting"
    assert packs.cancel_resting_packs(at=timezone.now()) == 1
    assert packs.cancel_resting_packs(at=timezone.now()) == 0
    pack.refresh_from_db()
    assert (pack.state, pack.can_be_requested_again) == (PackState.CANCELLED, True)
    assert Notice.objects.filter(member=world.ana, code=NoticeCode.PACK_CANCELLED).count() == 1
    assert pack_requests.send_pending_requests(at=timezone.now()) == 0


def test_the_pages_of_the_pack_say_what_is_so_in_each_state(world: World, as_ana: Client) -> None:
    add_partner()
    load_offers()
    move(world.ana, "FR")
    page = as_ana.get("/offers/welcome-pack/").text
    assert "The Welcome Pack waits for you" in page
    refused = as_ana.post("/offers/welcome-pack/", {"go": "confirm"}, follow=True)
    assert refused.status_code == 200
    assert not WelcomePack.objects.exists()
    move(world.ana, "ZA")
    asked(Member.objects.get(pk=world.ana.pk))
    move(world.ana, "FR")
    page = as_ana.get("/offers/welcome-pack/").text
    assert "Cancelled, because your membership rests" in page
    assert "as soon as you live in a country of the free programme" in page
    refused = as_ana.post("/offers/welcome-pack/", {"go": "confirm"}, follow=True)
    assert "rest while you live there" in refused.text
    move(world.ana, "ZA")
    assert "Check the address" in as_ana.get("/offers/welcome-pack/").text
    assert "Your Welcome Pack is ready" in as_ana.get("/offers/").text
    home = Member.objects.get(pk=world.ana.pk)
    packs.request_pack(member=home, address=ADDRESS, by=home.user, at=timezone.now())
    page = as_ana.get("/offers/welcome-pack/").text
    assert "Cancelled, because your membership rested" in page
    assert "You requested it again" in page


def test_a_pack_cancelled_by_its_country_is_told_in_words_that_hold(world: World, as_ana: Client) -> None:
    """R70: no “we can still send it” where it cannot be sent."""
    add_partner()
    pack = asked(world.ana)
    today = timezone.localdate()
    CountryProgramme.objects.create(country="ZA", region="EMEA", kind=Programme.NONE, valid_from=today)
    packs.cancel_resting_packs(at=timezone.now())
    mail = emails.pack_step(pack=pack.pk, sending=1, step=PackStep.CANCELLED)
    assert mail
    for words in (mail["text"], mail["html"], as_ana.get("/dashboard/").text):
        assert "again as soon as you live in a country of the free programme" in " ".join(words.split())
        assert "We can still send it" not in words


def test_a_returned_pack_waits_while_membership_rests(world: World, as_ana: Client) -> None:
    add_partner()
    pack_in("returned", world.ana)
    assert "send the pack again" in as_ana.get("/offers/welcome-pack/").text
    move(world.ana, "FR")
    mail = emails.pack_step(pack=WelcomePack.objects.get().pk, sending=1, step=PackStep.RETURNED)
    assert mail
    assert "It waits for you here while your membership rests in France." in mail["text"]
    assert "send the same pack again" not in mail["html"]
    page = as_ana.get("/offers/welcome-pack/").text
    assert "again" not in page.partition("<main")[2].partition("timeline")[2].partition("</ol>")[0]
    assert "CPS is a subscription in France" in page
