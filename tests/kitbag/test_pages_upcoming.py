"""Pages about planned changes, adjustments and the causes of ledger entries (R20, R21, R22, R54, R56)."""

from datetime import datetime, timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format

from kitbag.actions import adjustments
from kitbag.enums import Stage
from kitbag.models import Adjustment, PointsEntry, Registration, StageChange
from kitbag.presenters.ledger import entry_title, explain_entry
from members.enums import PointsCause
from tests.factories import announced, draft, moved, plan
from tests.world import World

NOW = timezone.now()
TODAY = timezone.localdate(NOW)
BEFORE = NOW - timedelta(hours=2)
pytestmark = pytest.mark.django_db


def text(client: Client, url: str, **asked: str) -> str:
    answer = client.get(url, asked)
    assert answer.status_code == 200, url
    return " ".join(unescape(answer.content.decode()).split())


def adjust(world: World, days: int = 90) -> Adjustment:
    return adjustments.adjust_points(
        member=world.ana,
        points=600,
        reason="Thanks for the test of a lens.",
        expires_on=TODAY + timedelta(days=days),
        by=world.staff,
        at=NOW,
    )


def owned(world: World) -> Registration:
    return Registration.objects.get(member=world.ana, product=world.body)


def test_an_adjustment_is_on_every_page_with_its_reason_and_its_day(world: World, as_ana: Client) -> None:
    row = adjust(world)
    day = date_format(row.expires_on, "j F Y")
    page = text(as_ana, "/kitbag/points/")
    assert "“Thanks for the test of a lens”" in page and f"They count until {day}" in page
    assert "Points from our staff" in text(as_ana, "/dashboard/")
    assert f"On {day}" in text(as_ana, "/dashboard/")
    assert "600 points from our staff expire" in text(as_ana, "/kitbag/upcoming/")
    assert "Our staff changed your points: +600" in text(as_ana, "/dashboard/")
    adjustments.end_adjustment(adjustment=row, by=world.staff, at=NOW)
    assert "Points from our staff expired" in text(as_ana, "/kitbag/points/", show="down")
    assert text(as_ana, "/kitbag/", view="table")


def test_every_cause_has_a_title_and_a_reason_about_a_product_and_about_none(world: World) -> None:
    row, adjustment = owned(world), adjust(world)
    for cause in PointsCause:
        for about in ({"registration": row}, {"adjustment": adjustment}):
            entry = PointsEntry(member=world.ana, amount=5, cause=cause, at=NOW, **about)
            assert entry_title(cause, row.product.name) and entry_title(cause, "")
            assert explain_entry(entry, {}).endswith("."), cause


def test_fewer_points_are_explained_by_the_change_the_successor_and_the_notification(
    world: World, as_ana: Client
) -> None:
    change = moved(world.body, Stage.SUPERSEDED, NOW)
    page = text(as_ana, "/kitbag/points/")
    assert change.successor is not None
    notified_at = timezone.localtime(change.announcements.get().at)
    for words in (
        f"The newer model is {change.successor.name}.",
        f"In effect since {date_format(change.effective_on, 'j F Y')}.",
        f"We told you on {date_format(notified_at, 'j F Y')}.",
        "From 300 to 120",
    ):
        assert words in page, words
        if not words.startswith("From"):
            assert words in text(as_ana, owned(world).get_absolute_url())


def test_an_upcoming_change_shows_day_totals_level_and_what_keeps_the_level(world: World, as_ana: Client) -> None:
    assert "No changes are planned" in text(as_ana, "/kitbag/upcoming/")
    change = announced(plan(world.body, Stage.SUPERSEDED, BEFORE), BEFORE)
    day = date_format(change.effective_on, "j F Y")
    page = text(as_ana, "/kitbag/upcoming/")
    for words in (day, "you’d drop to Silver", "180 more points by then keep you at Gold", "worth 180 points"):
        assert words in page, words
    row = draft(world.ana, world.lens)
    assert row.get_absolute_url() in text(as_ana, "/kitbag/upcoming/")
    board = text(as_ana, "/dashboard/")
    assert f"On {day}: <b>1,000 → 820</b>, you’d drop to Silver; 180 more points keep you Gold." in board
    assert f"Planned: 820 from {day}." in board and f"From {day} EOS R Test counts differently" in board
    assert "/kitbag/upcoming/" in text(as_ana, "/kitbag/points/")


def test_a_planned_change_is_shown_before_adding_finishing_and_on_the_page(world: World, as_ben: Client) -> None:
    change = announced(plan(world.body, Stage.SUPERSEDED, BEFORE), BEFORE)
    sentence = f"From {date_format(change.effective_on, 'j F Y')} it counts 120 instead of 300."
    assert sentence in text(as_ben, "/kitbag/add/", q="eos r test")
    row = draft(world.ben, world.body)
    for url in ("/kitbag/add/", row.get_absolute_url(), f"/kitbag/{row.pk}/finish/"):
        assert sentence in text(as_ben, url), url
    StageChange.objects.filter(pk=change.pk).update(state="cancelled", cancelled_at=datetime.now(tz=NOW.tzinfo))
    assert sentence not in text(as_ben, row.get_absolute_url())
