"""Pages of offers: visibility, sign-up, waiting list, calendar file and mails (R56, R59)."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cps_portal.core.lib.written_dates import date_format
from cps_portal.core.outbox.models import Message
from members.models import Member, Notice
from members.offers import emails
from members.offers.actions.offers import (
    cancel_all_sign_ups,
    cancel_sign_up,
    change_offer,
    publish,
    send_news,
    sign_up,
    withdraw,
)
from members.offers.models import Offer, SignUp
from tests.mails import rendered
from tests.notices import shown
from tests.rows import each_row
from tests.world import World

pytestmark = pytest.mark.django_db
NOW = timezone.now()
DAY = timedelta(days=1)


def event(world: World, slug: str = "open-day", **more: Any) -> Offer:
    facts = {
        "kind": "event",
        "title": f"Open day; {slug}, é" * 3,
        "summary": "Come.",
        "levels": ["red", "gold"],
        "since": NOW - DAY,
        "starts_at": NOW + 9 * DAY,
        "venue": "Cape Town",
        "places": 1,
    }
    offer = Offer.objects.create(slug=slug, **(facts | more))
    return publish(offer=offer, by=world.staff, at=NOW)


def join_in(offer: Offer, member: Member, **later: int) -> SignUp:
    return sign_up(member=member, offer=offer, at=NOW + timedelta(**later))


@each_row(
    ("more", "status", "can"),
    [
        ({}, 200, True),
        ({"countries": ["ZA"]}, 200, True),
        ({"countries": ["KE"]}, 404, False),
        ({"levels": ["platinum"]}, 200, False),
        ({"levels": ["red"]}, 404, False),
        ({"since": NOW + DAY}, 404, False),
        ({"starts_at": NOW - timedelta(hours=1)}, 200, False),
    ],
)
def test_what_gold_in_south_africa_sees(world: World, as_ana: Client, more: Any, status: int, can: bool) -> None:
    assert (world.ana.level, world.ana.country.code) == ("gold", "ZA")
    event(world, **more)
    answer = as_ana.get("/offers/open-day/")
    assert answer.status_code == status
    assert ('value="sign_up"' in answer.content.decode()) is can
    as_ana.post("/offers/open-day/", {"do": "sign_up"})
    assert SignUp.objects.exists() is can


def test_signing_up_waiting_and_moving_up(world: World, as_ana: Client, as_ben: Client) -> None:
    offer = event(world, code="OPEN10")
    for _again in range(2):
        as_ana.post("/offers/open-day/", {"do": "sign_up"})
    as_ben.post("/offers/open-day/", {"do": "sign_up"})
    assert "OPEN10" in as_ana.get("/offers/open-day/").content.decode()
    waiting = as_ben.get("/offers/open-day/").content.decode()
    assert "You’re number 1 on the waiting list" in waiting
    assert "OPEN10" not in waiting
    as_ana.post("/offers/open-day/", {"do": "cancel_sign_up"})
    assert Notice.objects.get(code="place_free").member == world.ben
    mine = SignUp.objects.get(member=world.ben)
    assert mine.place == 1
    mail = emails.sign_up(sign_up=mine.pk, what="place_free")
    assert mail is not None
    assert "/offers/open-day/" in mail["text"]
    back = join_in(offer, world.ana, minutes=5)
    assert back.state == "waiting"
    cancel_all_sign_ups(member=world.ben, at=NOW)
    back.refresh_from_db()
    assert back.state == "held"


def test_everybody_signed_up_is_notified_once_of_changes_and_of_the_withdrawal(world: World) -> None:
    offer = event(world)
    join_in(offer, world.ana)
    join_in(offer, world.ben, minutes=1)
    change_offer(offer=offer, values={"title": "Other"}, by=world.staff, at=NOW)
    assert not Notice.objects.filter(code="offer_changed").exists()
    change_offer(offer=offer, values={"venue": "Durban"}, by=world.staff, at=NOW)
    for _again in range(2):
        withdraw(offer=offer, by=world.staff, at=NOW)
    assert Notice.objects.filter(code="offer_changed").count() == 2
    assert Notice.objects.filter(code="offer_withdrawn").count() == 2
    cancel_sign_up(member=world.ana, offer=offer, at=NOW)
    assert not Notice.objects.filter(code="place_free").exists(), "nobody moves up in what was called off"


def test_an_event_that_is_changed_several_times_in_a_row_is_one_mail(world: World) -> None:
    """R70: the last change, after a pause."""
    offer = event(world)
    join_in(offer, world.ana)
    for seconds, venue in enumerate(("Durban", "Pretoria", "Kimberley")):
        change_offer(offer=offer, values={"venue": venue}, by=world.staff, at=NOW + timedelta(seconds=seconds))
    mails = Message.objects.filter(key__startswith="offer_changed-").order_by("pk")
    assert [mail.state for mail in mails] == ["cancelled", "cancelled", "queued"]
    assert mails[2].next_at == NOW + timedelta(minutes=5, seconds=2)
    assert "Kimberley" in rendered(mails[2])["text"]
    assert [line.code for line in shown(world.ana)].count("offer_changed") == 1


def test_news_is_mailed_once_to_members_who_want_it_and_can_come(world: World) -> None:
    Member.objects.filter(pk__in=[world.ana.pk, world.chloe.pk]).update(wants_news=True)
    offer = event(world, levels=["gold"])
    while send_news(at=NOW, limit=1):
        pass
    assert not send_news(at=NOW)
    assert [row.to for row in Message.objects.filter(key__startswith="offer-")] == [world.ana.user.email]
    mail = emails.news(offer=offer.pk, member=world.ana.pk)
    assert mail is not None
    withdraw(offer=offer, by=world.staff, at=NOW)
    assert emails.news(offer=offer.pk, member=world.ana.pk) is None


def test_the_calendar_file_is_folded_and_escaped(world: World, as_ana: Client) -> None:
    event(world)
    file = as_ana.get("/offers/open-day/event.ics").content
    assert all(len(line) <= 75 for line in file.split(b"\r\n"))
    assert b"SUMMARY:Open day\\; open-day\\," in file


def test_page_mail_and_calendar_say_when_an_event_of_one_day_is(world: World, as_ana: Client) -> None:
    begins = datetime.combine(timezone.localdate() + 9 * DAY, time(10), timezone.get_current_timezone())
    span = f"{date_format(begins, 'l j F Y')}, 10:00 – 16:30 {begins.tzname()}"
    offer = event(world, starts_at=begins, ends_at=begins + timedelta(hours=6, minutes=30))
    Member.objects.filter(pk=world.ana.pk).update(wants_news=True)
    assert span in as_ana.get("/offers/open-day/").content.decode()
    mail = emails.news(offer=offer.pk, member=world.ana.pk)
    assert mail is not None and span in mail["html"] and span in mail["text"]
    file = as_ana.get("/offers/open-day/event.ics").content.decode()
    for name, moment in (("DTSTART", begins), ("DTEND", begins + timedelta(hours=6, minutes=30))):
        assert f"{name}:{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}\r\n" in file


def test_the_calendar_file_speaks_the_language_of_the_reader(world: World, as_ana: Client) -> None:
    texts = {"title": {"text": "Journée portes ouvertes"}, "venue": {"text": "Le Cap"}}
    event(world, translations={"fr": texts})
    Member.objects.filter(pk=world.ana.pk).update(language="fr")
    file = as_ana.get("/offers/open-day/event.ics").content.decode()
    assert "SUMMARY:Journée portes ouvertes\r\n" in file and "LOCATION:Le Cap\r\n" in file


def test_the_list_needs_the_same_queries_for_one_offer_and_for_ten(world: World, as_ana: Client) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert as_ana.get("/offers/").status_code == 200
        return len(captured)

    assert "There are no offers for you" in as_ana.get("/offers/").content.decode()
    event(world, "first")
    few = asked()
    for n in range(9):
        join_in(event(world, f"more-{n}"), world.ana)
    assert asked() == few


def test_the_welcome_pack_is_on_the_dashboard_only_while_it_is_offered(world: World, as_ana: Client) -> None:
    def shown() -> bool:
        page = as_ana.get("/dashboard/").content.decode()
        assert "Your Welcome Pack is waiting" not in page, "nothing stands there twice"
        return "Your Welcome Pack is ready" in page

    Offer.objects.create(
        kind="welcome_pack",
        slug="pack",
        title="Welcome Pack",
        summary="A card.",
        levels=["silver", "gold"],
        since=NOW - DAY,
        state="published",
    )
    Notice.objects.get_or_create(
        key=f"welcome-pack-{world.ana.pk}", defaults={"member": world.ana, "code": "welcome_pack", "at": NOW}
    )
    assert shown()
    Member.objects.filter(pk=world.ana.pk).update(level="red")
    assert not shown()
    Member.objects.filter(pk=world.ana.pk).update(level="gold")
    assert shown()
