"""Moving to another country: what is shown before, what is done, and what is told (R4, R6, R37, R65)."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cps_portal.core.outbox.exceptions import Obsolete
from cps_portal.core.outbox.models import Message
from cps_portal.site import actions as site
from cps_portal.site.presenters.moving import build_move
from kitbag.models import Registration
from members.enums import Level, NoticeCode
from members.models import CountryProgramme, Member, Notice, TermsAcceptance
from members.offers.actions.cards import get_or_issue_card
from members.offers.actions.offers import sign_up
from members.offers.actions.reference_data import load_offers
from members.offers.models import Card, Offer, WelcomePack
from members.offers.queries import find_valid_card
from members.queries import membership_of
from servicing.actions.places import on_member_moved
from servicing.enums import TicketState, Track
from tests.mails import rendered
from tests.offers.packing import add_partner, asked
from tests.rows import each_row
from tests.servicing.jobs import a_centre, a_request, at_the_centre
from tests.world import World

pytestmark = pytest.mark.django_db
PAGE = "/profile/country/"


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def live_in(member: Member, country: str) -> Member:
    """As if they had always lived there."""
    Member.objects.filter(pk=member.pk).update(country=country)
    return Member.objects.get(pk=member.pk)


def shown(client: Client, country: str) -> str:
    return text_of(client.get(f"{PAGE}?country={country}"))


def confirm(client: Client, country: str) -> str:
    answer = client.post(PAGE, {"country": country, "confirmed": country, "sure": "on"}, follow=True)
    assert answer.status_code == 200
    return text_of(answer)


def mails() -> list[dict[str, Any] | None]:
    """The mails about moves as they would be sent now; None if one would not be."""
    sent: list[dict[str, Any] | None] = []
    for message in Message.objects.filter(key__startswith="moved-").order_by("pk"):
        try:
            sent.append(rendered(message))
        except Obsolete:
            sent.append(None)
    return sent


# --- The moves -------------------------------------------------------------------------------------

RESTS = "Your account with us stays, without the benefits of the free programme."
GOLD_AWAY = {
    "Fast Track repair": "less",
    "Fast Track maintenance": "less",
    "Maintenance discount": "less",
    "Free return shipping": "less",
    "Loan if a repair is late": "less",
    "First answer from support": "less",
    "Offers, card and Welcome Pack": "less",
}
GOLD_TO_SILVER = {
    "Fast Track repair": "less",
    "Fast Track maintenance": "less",
    "Maintenance discount": "less",
    "Loan if a repair is late": "less",
    "First answer from support": "less",
}
TO_PARTNERS = {"Fast Track maintenance": "less", "Maintenance discount": "less", "Free return shipping": "less"}


def reversed_(changes: dict[str, str]) -> dict[str, str]:
    return dict.fromkeys(changes, "more")


MOVES = {  # from, to, what changes at Gold, what the page says
    "free to free, with own centres": ("ZA", "TR", {}, "Nothing changes"),
    "free to free, where only partners are": ("ZA", "KE", TO_PARTNERS, "In Kenya there are only service partners."),
    "free to free, from partners": ("KE", "ZA", reversed_(TO_PARTNERS), "15 percent"),
    "free to silver-only": ("ZA", "GE", GOLD_TO_SILVER, "In Georgia, benefits go up to Silver"),
    "silver-only to free": ("GE", "ZA", reversed_(GOLD_TO_SILVER), "3 working days"),
    "free to subscription": ("ZA", "FR", GOLD_AWAY, RESTS),
    "free to none": ("ZA", "SY", GOLD_AWAY, RESTS),
    "subscription to free": ("FR", "ZA", reversed_(GOLD_AWAY), "3 working days"),
    "none to free": ("SY", "ZA", reversed_(GOLD_AWAY), "3 working days"),
    "subscription to none": ("FR", "SY", {}, RESTS),
}


@pytest.fixture
def centres(world: World) -> None:
    a_centre("joburg", country="ZA", kind="PSC")
    a_centre("istanbul", country="TR", kind="CEC")
    a_centre("tbilisi", country="GE", kind="PSC")
    a_centre("nairobi", country="KE", kind="ASP")


@pytest.mark.usefixtures("centres")
@each_row("move_of_table", MOVES.values(), ids=MOVES)
def test_every_move_is_compared_before_and_told_afterwards(
    world: World, as_ana: Client, move_of_table: tuple[str, str, dict[str, str], str]
) -> None:
    old, new, changes, sentence = move_of_table
    ana = live_in(world.ana, old)
    accepted = list(TermsAcceptance.objects.filter(member=ana).values_list("pk", flat=True))
    move = build_move(ana, from_country=old, to_country=new)
    assert {row.name: row.change for row in move.rows if row.change} == changes
    before = shown(as_ana, new)
    assert "Nothing has changed yet." in before
    assert sentence in before
    assert Member.objects.get(pk=ana.pk).country.code == old
    after = confirm(as_ana, new)
    assert "This is what has changed." in after
    assert sentence in after
    moved = Member.objects.get(pk=ana.pk)
    assert (moved.country.code, moved.level, moved.points) == (new, Level.GOLD, 1000)
    assert Registration.objects.of(moved).live().count() == 3
    assert list(TermsAcceptance.objects.filter(member=moved).values_list("pk", flat=True)) == accepted
    (mail,) = mails()
    assert mail
    assert str(moved.country.name) in mail["subject"]
    for row in move.rows:
        assert f"{row.name}: {row.after}" in mail["text"]
    notice = Notice.objects.get(member=moved, code=NoticeCode.MOVED)
    assert notice.params == {"from": old, "to": new}
    assert f"Your country is {moved.country.name} now" in text_of(as_ana.get("/dashboard/"))


def test_leaving_the_region_is_explained_and_is_no_choice(world: World, as_ana: Client) -> None:
    page = text_of(as_ana.get(PAGE))
    assert "Leaving Europe, the Middle East and Africa?" in page
    assert "join there with your new address" in page
    assert 'value="US"' not in page
    assert as_ana.post(PAGE, {"country": "US", "confirmed": "US", "sure": "on"}).status_code == 422
    assert Member.objects.get(pk=world.ana.pk).country.code == "ZA"


def test_whoever_comes_from_another_region_joins_anew(world: World) -> None:
    assert Client().get("/country/?country=ZA")["Location"] == "/accounts/signup/?country=ZA"
    page = text_of(Client().get("/country/?country=FR"))
    assert "For full benefits, join with an official address in one of our countries." in page


# --- What else stops, stays and waits -----------------------------------------------------------------


def test_a_move_to_a_subscription_country_lists_everything_before_and_after(world: World, as_ana: Client) -> None:
    """Pack, card, a place, a place in line, jobs at the centre and to come; with the link out."""
    CountryProgramme.objects.filter(country="FR").update(link="https://cps.example.org/fr")
    add_partner()
    asked(world.ana)
    now = timezone.now()
    facts = {"kind": "special", "levels": Level.values, "since": now, "state": "published"}
    for slug, places in (("held", 1), ("full", 0)):
        offer = Offer.objects.create(slug=slug, title=f"The {slug} evening", places=places, **facts)
        sign_up(member=world.ana, offer=offer, at=now)
    centre = a_centre("pretoria", name="Pretoria")
    at_the_centre(world, centre, "012345678903")
    a_request(world, centre, "012345678904")
    before = shown(as_ana, "FR")
    for sentence in (
        "It isn’t packed yet, so we cancel it.",
        "Whoever scans it reads “Not valid today”.",
        "The held evening",
        "You keep your place.",
        "Your place in line rests",
        "1 job at the centre",
        "finished as promised, with the level you had when it was booked in",
        "1 job not booked in yet",
        "no longer waiting for a Fast Track place",
        'href="https://cps.example.org/fr"',
    ):
        assert sentence in before, sentence
    after = confirm(as_ana, "FR")
    (mail,) = mails()
    assert mail
    for sentence in (
        "It wasn’t packed yet, so it’s cancelled.",
        "Not valid today",
        "Your place in line rests",
        "finished as promised",
        "https://cps.example.org/fr",
    ):
        assert sentence in after, sentence
        assert sentence in mail["text"], sentence
        assert sentence in mail["html"], sentence
    assert WelcomePack.objects.get().state == "cancelled"


def test_whoever_has_not_requested_the_pack_is_reminded_to_do_it_first(world: World, as_ana: Client) -> None:
    load_offers()
    assert "Request your Welcome Pack" in shown(as_ana, "FR")
    assert "Request your Welcome Pack" not in shown(as_ana, "KE")
    assert "It waits until you’re back." in confirm(as_ana, "FR")


def test_a_country_without_a_link_leads_to_the_contact_page(as_ana: Client) -> None:
    assert 'href="/contact/"' in shown(as_ana, "SY").partition("<main")[2].partition("</main>")[0]
    confirm(as_ana, "SY")
    (mail,) = mails()
    assert mail
    assert "/contact/" in mail["text"]


def test_open_jobs_keep_what_they_had_at_intake_and_those_to_come_go_at_standard_speed(
    world: World, as_ana: Client
) -> None:
    centre = a_centre("pretoria", name="Pretoria")
    booked = at_the_centre(world, centre, "012345678903")
    to_come = a_request(world, centre, "012345678904")
    promised = (booked.track, booked.target_days, booked.level)
    confirm(as_ana, "FR")
    on_member_moved(member=world.ana.pk, at=timezone.now())  # the subscriber of the event, which runs in a task
    booked.refresh_from_db()
    to_come.refresh_from_db()
    assert (booked.track, booked.target_days, booked.level) == promised
    assert (to_come.track, to_come.place, to_come.state) == (Track.STANDARD, None, TicketState.REQUESTED)


# --- More than once -------------------------------------------------------------------------------------


def test_two_moves_in_a_day_are_two_events_and_only_the_last_is_still_told(world: World, as_ana: Client) -> None:
    card = get_or_issue_card(member=world.ana, at=timezone.now())
    confirm(as_ana, "FR")
    assert find_valid_card(Card.objects.all()) is None
    confirm(as_ana, "GE")
    assert Notice.objects.filter(member=world.ana, code=NoticeCode.MOVED).count() == 2
    first, second = mails()
    assert first is None
    assert second
    assert "You live in Georgia now" in second["subject"]
    dashboard = text_of(as_ana.get("/dashboard/"))
    assert "Your country is Georgia now" in dashboard
    assert "Your country is France now" not in dashboard
    assert find_valid_card(Card.objects.all()) == card


@each_row("country", ["FR", "SY", "GE", "KE"])
def test_there_and_back_leaves_everything_as_it_was(world: World, as_ana: Client, country: str) -> None:
    card = get_or_issue_card(member=world.ana, at=timezone.now())
    before = membership_of(world.ana)
    for _time in range(2):
        for there in (country, "ZA"):
            assert as_ana.post(PAGE, {"country": there, "confirmed": there, "sure": "on"}).status_code == 302
    ana = Member.objects.get(pk=world.ana.pk)
    assert membership_of(ana) == before
    assert find_valid_card(Card.objects.filter(member=ana)) == card
    assert TermsAcceptance.objects.filter(member=ana).count() == 1
    assert [mail is None for mail in mails()] == [True, True, True, False]


def test_a_mail_is_not_sent_about_a_move_of_somebody_who_closed_the_account(world: World, as_ana: Client) -> None:
    confirm(as_ana, "FR")
    site.close_account(member=Member.objects.get(pk=world.ana.pk), by=world.ana.user, at=timezone.now())
    assert mails() == [None]


def test_a_move_needs_the_confirmation_of_the_country_that_was_shown(world: World, as_ana: Client) -> None:
    assert as_ana.post(PAGE, {"country": "KE"}).status_code == 200
    as_ana.post(PAGE, {"country": "KE", "confirmed": "GE", "sure": "on"})
    assert Member.objects.get(pk=world.ana.pk).country.code == "ZA"
    assert as_ana.get("/profile/country/moved/")["Location"] == PAGE
    confirm(as_ana, "KE")
    assert Member.objects.get(pk=world.ana.pk).country.code == "KE"


@each_row("code", ["", "ZA", "XX", "KE\x00", "🦁", "K" * 5000])
def test_a_country_that_cannot_be_moved_to_is_refused(world: World, as_ana: Client, code: str) -> None:
    response = as_ana.post(PAGE, {"country": code, "confirmed": code, "sure": "on"})
    assert response.status_code == 422
    assert "Choose a country from the list." in text_of(response)
    assert Member.objects.get(pk=world.ana.pk).country.code == "ZA"


def test_the_history_names_who_moved_the_member(world: World) -> None:
    site.move_member(member=world.ana, country="KE", by=world.staff, at=timezone.now() - timedelta(minutes=1))
    history = world.ana.events.select_related("pgh_context").order_by("-pk").first()
    assert (history.country, history.pgh_context.metadata["user"]) == ("KE", world.staff.pk)


def test_the_box_is_ticked_before_moving(world: World, as_ana: Client) -> None:
    """Nothing happens without it, and the page says what to do (R6)."""
    shown_again = as_ana.post(PAGE, {"country": "KE", "confirmed": "KE"})
    assert shown_again.status_code == 422
    assert "Tick the box if you live there now." in text_of(shown_again)
    assert "I live in Kenya now, and I’ve read what changes." in text_of(shown_again)
    assert Member.objects.get(pk=world.ana.pk).country.code == "ZA"
    assert (
        as_ana.post(PAGE, {"country": "KE", "confirmed": "KE", "sure": "on"})["Location"] == "/profile/country/moved/"
    )


def test_what_a_centre_has_is_to_be_sent_to_the_new_address(world: World, as_ana: Client) -> None:
    assert "sent back" not in shown(as_ana, "FR")
    at_the_centre(world, a_centre())
    assert "Check where 1 product is sent back" in shown(as_ana, "FR")
