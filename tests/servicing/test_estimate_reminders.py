"""An estimate that expires soon is remembered once, and what comes back unrepaired says so (R62, R70)."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.test import Client
from django.utils import timezone

from cps_portal.core.outbox.models import Message
from members.models import Notice
from servicing import emails
from servicing.actions.estimates import Line, approve_estimate, decline_estimate, remind_of_estimates, send_estimate
from servicing.actions.events import Actor
from servicing.actions.warranty import decide_warranty
from servicing.models import Estimate, Ticket
from servicing.rules.calendars import working_day_before
from tests.servicing.jobs import HOUR, MONDAY, a_centre, a_request, at_the_centre
from tests.world import World

LINE = Line("Labour", Decimal(1), Decimal(100))


def test_the_working_day_before_a_day() -> None:
    """R62: over weekends, a long closing and none at all; the second of March 2026 is a Monday."""
    monday = date(2026, 3, 2)
    table = [
        (monday + timedelta(days=days), monday + timedelta(days=expected))
        for days, expected in ((1, 0), (2, 1), (3, 2), (4, 3), (5, 4), (6, 4), (7, 4), (8, 7), (0, -3), (-1, -3))
    ]
    wrong = [row for row in table if working_day_before(row[0], lambda day: day.weekday() < 5) != row[1]]
    assert not wrong
    assert working_day_before(monday, lambda day: False) == monday
    assert working_day_before(monday, lambda day: day <= monday - timedelta(days=14)) == monday - timedelta(days=14)


def estimated(world: World, ticket: Ticket, valid_until: date, at: datetime) -> Estimate:
    desk = Actor(user=world.staff)
    return send_estimate(ticket=ticket, lines=[LINE], currency="ZAR", valid_until=valid_until, actor=desk, at=at)


def test_it_is_remembered_on_the_last_working_day_and_only_once(world: World) -> None:
    """R62: valid until Monday the ninth, so on Friday the sixth."""
    ticket = at_the_centre(world, a_centre())
    estimated(world, ticket, date(2026, 3, 9), MONDAY + 2 * HOUR)
    moments = [datetime(2026, 3, day, 9, tzinfo=UTC) for day in (3, 5, 6, 6, 7, 9, 10)]
    assert [remind_of_estimates(at=at) for at in moments] == [0, 0, 1, 0, 0, 0, 0]
    assert Message.objects.filter(key__startswith="estimate-reminder").count() == 1
    assert Notice.objects.filter(key__startswith="estimate-reminder").count() == 1


def test_nothing_is_sent_that_was_answered_or_was_sent_today(world: World) -> None:
    """R70."""
    ticket = at_the_centre(world, a_centre())
    row = estimated(world, ticket, date(2026, 3, 3), MONDAY + 2 * HOUR)
    assert remind_of_estimates(at=MONDAY + 3 * HOUR) == 0
    mail = emails.estimate_reminder(estimate=row.pk)
    assert mail is not None
    assert "expires soon" in mail["subject"]
    approve_estimate(estimate=row, actor=Actor(user=world.ana.user), at=MONDAY + 4 * HOUR)
    assert remind_of_estimates(at=MONDAY + 24 * HOUR) == 0
    assert emails.estimate_reminder(estimate=row.pk) is None


def test_the_page_says_what_comes_back_unrepaired_and_lets_the_member_object(world: World, as_ana: Client) -> None:
    """R60, R62."""
    now = timezone.now()
    ticket = a_request(world, a_centre(), at=now - HOUR, warranty=True)
    page = ticket.get_absolute_url()
    assert "I see it differently" not in as_ana.get(page).content.decode()
    decide_warranty(ticket=ticket, in_warranty=False, why="not_covered", actor=Actor(user=world.staff), at=now)
    assert f"about=ticket:{ticket.pk}" in as_ana.get(page).content.decode().split("I see it differently")[0][-300:]
    other = at_the_centre(world, a_centre("capetown"), "012345678902", at=now - 3 * HOUR, wish="standard")
    row = estimated(world, other, timezone.localdate() + timedelta(days=9), now - HOUR)
    decline_estimate(estimate=row, actor=Actor(user=world.ana.user), at=now)
    text = as_ana.get(other.get_absolute_url()).content.decode()
    assert "The estimate was declined" in text
    assert "It comes back to you unrepaired." in text
    Estimate.objects.update(state="expired")
    assert "The estimate expired without an answer" in as_ana.get(other.get_absolute_url()).content.decode()
