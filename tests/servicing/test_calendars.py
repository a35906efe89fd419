"""The calendar of a centre: due dates by table, special days, estimated holidays, targets that move (R44, R70, R72)."""

import csv
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone, translation

from cps_portal.core.lib.clock import add_working_days
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox.exceptions import Obsolete
from cps_portal.core.outbox.models import Message
from members.enums import Level
from members.models import LevelBenefit, Member, User
from servicing.actions import calendars
from servicing.actions.centres import load_centres
from servicing.actions.events import Actor, record_event
from servicing.actions.targets import flag_overdue
from servicing.enums import DayKind, EventKind, HolidayAnswer
from servicing.forms.centres import CentreForm
from servicing.models import CalendarException, EstimatedHoliday, ServiceCentre, Ticket, load_calendars
from servicing.presenters.calendars import explain_target
from servicing.queries.clock import get_clock
from tests.admin.conftest import signed_in
from tests.factories import UserFactory
from tests.mails import mails_to, rendered
from tests.notices import shown
from tests.servicing.jobs import MONDAY, a_centre, at_the_centre, without_charge
from tests.world import World

pytestmark = pytest.mark.django_db
TABLE = Path(__file__).parent.parent / "data" / "calendar_targets.csv"
DAYS = {Level.PLATINUM: 2, Level.GOLD: 3, Level.SILVER: 5}
MINUTE = timedelta(minutes=1)
HALF_AN_HOUR = timedelta(minutes=30)


@pytest.fixture
def programme(groups: dict[str, Group]) -> User:
    user: User = UserFactory(is_staff=True)
    user.groups.add(groups["Programme"])
    return user


@pytest.fixture
def as_programme(programme: User) -> Client:
    return signed_in(programme)


def fresh(ticket: Ticket) -> Ticket:
    return Ticket.objects.get(pk=ticket.pk)


def due(ticket: Ticket, at: datetime) -> str:
    job = fresh(ticket)
    clock = get_clock(job, at)
    assert clock.due_at
    return clock.due_at.astimezone(job.centre.calendar.zone).isoformat()[:16]


def follow(at: datetime) -> int:
    """What the sweep does when it sees a change, and again when it has been quiet for long enough."""
    return calendars.follow_calendars(at=at) + calendars.follow_calendars(at=at + HALF_AN_HOUR)


def close_days(centre: ServiceCentre | None, *days: date, **facts: Any) -> CalendarException:
    scope = {"centre": centre} if centre else {}
    return CalendarException.objects.create(first=days[0], last=days[-1], **{**scope, "why": "Stocktaking", **facts})


def test_every_centre_is_due_as_the_table_says() -> None:
    """R44, R72: (centre, booked in, level) to due, for 2026 and 2027, with the calendars that come with the portal."""
    load_centres()
    centres = {centre.slug: centre for centre in ServiceCentre.objects.all()}
    load_calendars(centres.values())
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    wrong = []
    for row in rows:
        calendar = centres[row["centre"]].calendar
        booked_in = datetime.fromisoformat(row["booked_in"]).replace(tzinfo=calendar.zone)
        due_at = add_working_days(booked_in, DAYS[Level(row["level"])], calendar).astimezone(calendar.zone)
        if due_at.isoformat()[:16] != row["due"]:
            wrong.append((row["centre"], row["booked_in"], row["level"], due_at.isoformat()[:16], row["due"]))
    assert wrong == []
    assert {row["centre"] for row in rows} == set(centres), "every centre is in the table"
    assert {row["booked_in"][:4] for row in rows} == {"2026", "2027"}


def test_the_days_of_the_table_are_those_of_the_levels(world: World) -> None:
    for level, days in DAYS.items():
        benefit = LevelBenefit.objects.of(level, "", "full")
        assert benefit and benefit.fast_track_days == days


def test_special_days_are_of_a_centre_or_of_its_country(world: World) -> None:
    """R72: what is said of the centre wins over its country, and a later row over an earlier one."""
    centre, other = a_centre(), a_centre("cape")
    day, saturday = date(2026, 6, 3), date(2026, 6, 6)
    CalendarException.objects.create(country="ZA", first=day, last=day + timedelta(days=1), why="Gazetted")
    CalendarException.objects.create(country="ZA", kind=DayKind.OPEN, first=saturday, last=saturday)
    CalendarException.objects.create(country="KE", first=date(2026, 6, 5), last=date(2026, 6, 5))
    CalendarException.objects.create(centre=centre, kind=DayKind.OPEN, first=day, last=day)
    CalendarException.objects.create(
        centre=centre, kind=DayKind.SEASON, first=day, last=date(2026, 7, 3), opens=time(10), closes=time(15)
    )
    CalendarException.objects.create(centre=other, kind=DayKind.HALF, first=saturday, last=saturday, closes=time(12))
    rows = [ServiceCentre.objects.get(pk=row.pk) for row in (centre, other)]
    hours = {row.slug: [str(row.calendar.hours_on(day + timedelta(days=n)) or "") for n in range(5)] for row in rows}
    assert hours == {
        "joburg": ["10:00-15:00", "", "10:00-15:00", "10:00-15:00", ""],
        "cape": ["", "", "09:00-17:00", "09:00-12:00", ""],
    }
    again = list(ServiceCentre.objects.order_by("pk"))
    load_calendars(again)
    assert [row.calendar for row in again] == [row.calendar for row in rows]


def test_what_a_centre_says_of_a_day_wins_whatever_its_country_says_of_it(world: World) -> None:
    """R72: a half day of the country does not shorten a day that the centre opens, and its closure no half day."""
    centre, halved, closed = a_centre(), date(2026, 6, 3), date(2026, 6, 4)
    CalendarException.objects.create(centre=centre, kind=DayKind.OPEN, first=halved, last=halved)
    CalendarException.objects.create(centre=centre, kind=DayKind.HALF, first=closed, last=closed, closes=time(12))
    CalendarException.objects.create(country="ZA", kind=DayKind.HALF, first=halved, last=halved, closes=time(13))
    CalendarException.objects.create(country="ZA", first=closed, last=closed, why="Gazetted")
    calendar = ServiceCentre.objects.get(pk=centre.pk).calendar
    assert [str(calendar.hours_on(day)) for day in (halved, closed)] == ["09:00-17:00", "09:00-12:00"]
    assert [calendar.closing_early(day) for day in (halved, closed)] == [None, time(12)]


def test_a_centre_that_is_closed_for_longer_than_a_year_stops_neither_its_jobs_nor_those_of_others(
    world: World, as_ana: Client
) -> None:
    """R44, R48, R72: its jobs are due once it works again."""
    ticket = at_the_centre(world, a_centre())
    other = at_the_centre(world, a_centre("cape"), "012345678905")
    first = date(2026, 3, 3)
    for n in range(14):
        begins = first + timedelta(days=31 * n)
        close_days(ticket.centre, begins, begins + timedelta(days=30))
    assert follow(MONDAY + 2 * MINUTE) == 0  # the first look only remembers the calendars
    reopens = first + timedelta(days=31 * 14)  # a Tuesday, 434 days later
    clock = get_clock(fresh(ticket), MONDAY)
    assert clock.due_at and clock.due_at.date() == reopens + timedelta(days=2)
    assert flag_overdue(at=MONDAY + timedelta(days=20)) == 2
    assert (fresh(ticket).missed_at, bool(fresh(other).missed_at)) == (None, True)
    assert as_ana.get(ticket.get_absolute_url()).status_code == 200


def test_a_special_day_that_cannot_be_is_refused_beside_its_field(world: World) -> None:
    """R72: (fields, the field with the error); the database refuses what got past the form."""
    centre, day = a_centre(), date(2026, 6, 3)
    rows: list[tuple[dict[str, Any], str]] = [
        ({"first": day, "last": day - timedelta(days=1)}, "last"),
        ({"first": day, "last": day + timedelta(days=31)}, "last"),
        ({"kind": "half_day", "first": day, "last": day}, "closes"),
        ({"kind": "half_day", "first": day, "last": day, "opens": time(9), "closes": time(13)}, "opens"),
        ({"kind": "season", "first": day, "last": day, "opens": time(9)}, "closes"),
        ({"kind": "season", "first": day, "last": day, "closes": time(9)}, "opens"),
        ({"kind": "season", "first": day, "last": day, "opens": time(15), "closes": time(9)}, "closes"),
        ({"kind": "open", "first": day, "last": day, "opens": time(9)}, "closes"),
        ({"kind": "open", "first": day, "last": day, "closes": time(9)}, "opens"),
        ({"kind": "closed", "first": day, "last": day, "closes": time(9)}, "closes"),
        ({"kind": "sometimes", "first": day, "last": day}, "kind"),
        ({"centre": None, "country": "ZA", "first": day, "last": day}, ""),
        ({"centre": None, "country": "XX", "first": day, "last": day}, "country"),
        ({"country": "ZA", "first": day, "last": day}, "__all__"),
        ({"centre": None, "first": day, "last": day}, "__all__"),
    ]
    for fields, field in rows:
        row = CalendarException(**{"centre": centre, **fields})
        errors: dict[str, Any] = {}
        try:
            row.full_clean()
        except ValidationError as error:
            errors = error.message_dict
        assert set(errors) == ({field} if field else set()), fields


def test_a_centre_with_an_impossible_calendar_is_refused_beside_its_field(world: World) -> None:
    """R72: unknown countries, parts and categories are refused, and hours that nobody can read."""
    centre = a_centre()
    data = {name: CentreForm(instance=centre)[name].value() for name in CentreForm.base_fields}
    data["holiday_categories"] = "public"
    for field, value in (
        ("hours", "9 to 5"),
        ("hours", "Mo-Fr 17:00-09:00"),
        ("hours", ""),
        ("subdivision", "ZZ"),
        ("holiday_categories", "islamic"),
        ("holiday_categories", ""),
        ("country", "XX"),
        ("zone", "Africa/Nowhere"),
    ):
        form = CentreForm({**data, field: value}, instance=ServiceCentre.objects.get(pk=centre.pk))
        assert list(form.errors) == [field], (field, value)
    form = CentreForm(data | {"hours": "Mo-Th 08:00-17:00; Fr 08:00-16:00"}, instance=centre)
    assert form.is_valid(), form.errors
    form.save()
    assert str(ServiceCentre.objects.get(pk=centre.pk).calendar.hours_on(date(2026, 3, 6))) == "08:00-16:00"


def test_staff_enter_the_days_of_a_country_with_errors_beside_the_field(world: World, as_programme: Client) -> None:
    path = "/admin/servicing/calendarexception/add/"
    data = {
        "country": "ZA",
        "centre": "",
        "kind": "closed",
        "first": "2026-12-24",
        "last": "2026-12-23",
        "why": "Gazetted",
    }
    assert list(as_programme.post(path, data).context["adminform"].form.errors) == ["last"]
    assert as_programme.post(path, {**data, "last": "2026-12-31"}).status_code == 302
    assert a_centre().calendar.days_off[date(2026, 12, 31)] == "Gazetted"


# --- Estimated holidays -------------------------------------------------------------------------------


def test_staff_are_asked_ten_days_before_an_estimated_holiday_once(world: World, programme: User) -> None:
    """R72: Eid al-Adha 2026 in Egypt is estimated for 26 to 29 May."""
    a_centre("cairo", country="EG", zone="Africa/Cairo")
    assert calendars.ask_about_holidays(at=datetime(2026, 5, 15, 6, tzinfo=UTC)) == 0
    assert calendars.ask_about_holidays(at=datetime(2026, 5, 16, 6, tzinfo=UTC)) == 1
    assert calendars.ask_about_holidays(at=datetime(2026, 5, 16, 7, tzinfo=UTC)) == 0
    assert calendars.ask_about_holidays(at=datetime(2026, 5, 19, 6, tzinfo=UTC)) == 3
    mails = [rendered(message) for message in Message.objects.filter(to=programme.email).order_by("pk")]
    assert len(mails) == 2
    assert "Eid al-Adha, Egypt: Wednesday 27 May 2026" in mails[1]["text"]
    assert "/admin/servicing/estimatedholiday/" in mails[1]["text"]
    EstimatedHoliday.objects.update(answer=HolidayAnswer.CONFIRMED)
    late = Message.objects.filter(to=programme.email).latest("pk")
    with pytest.raises(Obsolete):
        rendered(late)


def test_an_answer_moves_the_holiday_for_all_centres_of_the_country(world: World, programme: User) -> None:
    centre = a_centre("cairo", country="EG", zone="Africa/Cairo", hours="Su-Th 09:00-17:00")
    asked = EstimatedHoliday.objects.create(country="EG", day=date(2026, 5, 26), name="Day of Arafah", asked_at=MONDAY)
    by: dict[str, Any] = {"by": programme, "at": MONDAY}
    for answer, moved_to in (
        (HolidayAnswer.MOVED, None),
        (HolidayAnswer.MOVED, date(2026, 5, 26)),
        (HolidayAnswer.MOVED, date(2026, 6, 26)),
        (HolidayAnswer.CONFIRMED, date(2026, 5, 25)),
    ):
        with pytest.raises(Refusal) as refusal:
            calendars.answer_holiday(holiday=asked, answer=answer, moved_to=moved_to, **by)
        assert refusal.value.field == "moved_to"
    calendars.answer_holiday(holiday=asked, answer=HolidayAnswer.MOVED, moved_to=date(2026, 5, 25), **by)
    calendar = ServiceCentre.objects.get(pk=centre.pk).calendar
    assert [calendar.is_working_day(date(2026, 5, day)) for day in (24, 25, 26, 27)] == [True, False, True, False]
    with pytest.raises(Refusal, match="answered"):
        calendars.answer_holiday(holiday=asked, answer=HolidayAnswer.DROPPED, moved_to=None, **by)


def test_staff_answer_in_the_admin_with_errors_beside_the_field(world: World, as_programme: Client) -> None:
    asked = EstimatedHoliday.objects.create(country="EG", day=date(2026, 5, 26), name="Day of Arafah", asked_at=MONDAY)
    assert "Day of Arafah" in as_programme.get("/admin/servicing/estimatedholiday/?answer=").content.decode()
    path = f"/admin/servicing/estimatedholiday/{asked.pk}/change/"
    for data, field in (
        ({"answer": ""}, "answer"),
        ({"answer": "moved", "moved_to": ""}, "moved_to"),
        ({"answer": "moved", "moved_to": "2026-05-26"}, "moved_to"),
        ({"answer": "moved", "moved_to": "2027-05-26"}, "moved_to"),
        ({"answer": "confirmed", "moved_to": "2026-05-25"}, "moved_to"),
        ({"answer": "moved", "moved_to": "soon"}, "moved_to"),
    ):
        answer = as_programme.post(path, data)
        assert field in answer.context["adminform"].form.errors, data
    assert as_programme.post(path, {"answer": "dropped", "moved_to": ""}).status_code == 302
    assert as_programme.post(path, {"answer": "confirmed", "moved_to": ""}).status_code == 302  # too late, and said so
    asked.refresh_from_db()
    assert (asked.answer, CalendarException.objects.get().kind) == (HolidayAnswer.DROPPED, DayKind.OPEN)
    assert as_programme.get(path).status_code == 200


def test_staff_are_warned_once_a_year_of_a_country_without_holidays(world: World, programme: User) -> None:
    """R72: for Ukraine the library has none, so every weekday would count."""
    a_centre("kyiv", country="UA", zone="Europe/Kyiv")
    for day in (date(2026, 5, 1), date(2026, 5, 2), date(2026, 12, 5), date(2027, 3, 1)):
        calendars.warn_of_missing_holidays(at=datetime(day.year, day.month, day.day, 6, tzinfo=UTC))
    texts = [rendered(message)["text"] for message in Message.objects.filter(to=programme.email).order_by("pk")]
    assert [year for text in texts for year in ("2026", "2027") if f"Ukraine in {year}" in text] == ["2026", "2027"]


# --- Targets that move --------------------------------------------------------------------------------


def test_a_later_target_is_an_event_with_its_reason_and_told_once_in_a_burst(world: World) -> None:
    """R56, R70, R72: two closures entered one after the other make one event and one message."""
    centre = a_centre()
    calendars.follow_calendars(at=MONDAY)
    ticket = at_the_centre(world, centre)
    assert due(ticket, MONDAY) == "2026-03-05T11:00"
    before = len(mails_to(world.ana))
    close_days(centre, date(2026, 3, 4))
    assert calendars.follow_calendars(at=MONDAY + MINUTE) == 0
    close_days(centre, date(2026, 3, 5))
    assert calendars.follow_calendars(at=MONDAY + 4 * MINUTE) == 0
    assert calendars.follow_calendars(at=MONDAY + 6 * MINUTE) == 0  # five minutes after the last change, not the first
    told_at = MONDAY + 10 * MINUTE
    assert calendars.follow_calendars(at=told_at) == 1
    assert calendars.follow_calendars(at=told_at + MINUTE) == 0
    assert due(ticket, told_at) == "2026-03-09T11:00" and fresh(ticket).due_at == datetime(2026, 3, 9, 9, tzinfo=UTC)
    event = fresh(ticket).events.get(kind=EventKind.TARGET_CHANGED)
    assert event.data["closed"] == ["2026-03-04", "2026-03-05"]
    assert (event.data["later"], event.data["why"]) == (True, "Stocktaking")
    mails = mails_to(world.ana)[before:]
    assert len(mails) == 1
    assert "Closed on Wed 4, Thu 5 (Stocktaking)." in mails[0]["text"] and "Monday 9 March, 11:00" in mails[0]["text"]
    assert [line for line in shown(world.ana, told_at) if "has moved" in str(line.title)]


def test_an_earlier_target_is_an_event_and_never_becomes_later_in_silence(world: World) -> None:
    """R72: a day worked after all makes it earlier: said on the page; taken back, it is told like any later one."""
    centre = a_centre()
    holiday = close_days(centre, date(2026, 3, 4))
    calendars.follow_calendars(at=MONDAY)
    ticket = at_the_centre(world, centre)
    assert due(ticket, MONDAY) == "2026-03-06T11:00"
    before = len(mails_to(world.ana))
    holiday.delete()
    assert follow(MONDAY + MINUTE) == 1
    assert due(ticket, MONDAY) == "2026-03-05T11:00" and len(mails_to(world.ana)) == before
    close_days(centre, date(2026, 3, 4))
    assert follow(MONDAY + 60 * MINUTE) == 1
    assert [event.data["later"] for event in fresh(ticket).events.filter(kind=EventKind.TARGET_CHANGED)] == [
        False,
        True,
    ]
    assert len(mails_to(world.ana)) == before + 1  # the first one no longer holds and was never for sending


def test_a_change_that_an_event_met_first_is_told_all_the_same(world: World) -> None:
    """R72: the target that another event has stored meanwhile does not hide that the calendar moved it."""
    centre = a_centre()
    calendars.follow_calendars(at=MONDAY)
    ticket = at_the_centre(world, centre)
    close_days(centre, date(2026, 3, 4))
    without_charge(ticket, at=MONDAY + MINUTE)
    assert follow(MONDAY + 2 * MINUTE) == 1


def test_what_moves_no_target_makes_no_event(world: World) -> None:
    centre, other = a_centre(), a_centre("cape")
    calendars.follow_calendars(at=MONDAY)
    ticket = at_the_centre(world, centre)
    close_days(other, date(2026, 3, 4))
    close_days(centre, date(2026, 3, 12))
    row = close_days(centre, date(2026, 3, 4))
    assert calendars.follow_calendars(at=MONDAY + MINUTE) == 0
    row.delete()  # a slip, taken back before anybody was told
    assert follow(MONDAY + 2 * MINUTE) == 0
    CalendarException.objects.filter(first=date(2026, 3, 12)).update(why="Another reason")
    assert follow(MONDAY + 60 * MINUTE) == 0
    assert not fresh(ticket).events.filter(kind=EventKind.TARGET_CHANGED)


def test_a_target_that_was_missed_only_for_want_of_a_closure_is_met_again(world: World) -> None:
    centre = a_centre()
    calendars.follow_calendars(at=MONDAY)
    ticket = at_the_centre(world, centre)
    late = datetime(2026, 3, 6, 9, tzinfo=UTC)
    Ticket.objects.filter(pk=ticket.pk).update(missed_at=late)
    close_days(None, date(2026, 3, 3), date(2026, 3, 4), country="ZA")
    assert follow(late) == 1
    assert fresh(ticket).missed_at is None and due(ticket, late) == "2026-03-09T11:00"


def test_an_interrupted_sweep_records_each_change_once(world: World) -> None:
    centre = a_centre()
    calendars.follow_calendars(at=MONDAY)
    ticket = at_the_centre(world, centre)
    snapshot = centre.snapshot
    close_days(centre, date(2026, 3, 4))
    calendars.follow_calendars(at=MONDAY + MINUTE)
    before = centre._meta.model.objects.get(pk=centre.pk).snapshot
    assert calendars.follow_calendars(at=MONDAY + HALF_AN_HOUR) == 1
    before.facts = snapshot.facts
    before.save()  # as if the process had died before it could settle
    calendars.follow_calendars(at=MONDAY + 2 * HALF_AN_HOUR)
    assert fresh(ticket).events.filter(kind=EventKind.TARGET_CHANGED).count() == 1


def test_a_pause_counts_to_the_closing_of_a_half_day(world: World) -> None:
    """R47, R72: an estimate that waits over a half day moves the target by the hours of that day."""
    centre = a_centre()
    close_days(centre, date(2026, 3, 3), kind=DayKind.HALF, closes=time(12))
    ticket = at_the_centre(world, ServiceCentre.objects.get(pk=centre.pk))
    actor = Actor(user=world.staff)
    asked = datetime(2026, 3, 3, 9, tzinfo=UTC)  # 11:00 there
    record_event(ticket=ticket, kind=EventKind.QUESTION_ASKED, actor=actor, at=asked)
    record_event(
        ticket=ticket, kind=EventKind.QUESTION_ANSWERED, actor=actor, at=datetime(2026, 3, 4, 8, tzinfo=UTC)
    )  # 10:00: an hour on the half day, an hour in the morning
    assert due(ticket, datetime(2026, 3, 4, 9, tzinfo=UTC)) == "2026-03-05T13:00"


def test_a_job_keeps_the_days_of_the_level_at_intake(world: World) -> None:
    """R50: taken in at Gold, the member becomes Platinum: three days, also after a change of the calendar."""
    centre = a_centre()
    calendars.follow_calendars(at=MONDAY)
    ticket = at_the_centre(world, centre)
    Member.objects.filter(pk=world.ana.pk).update(level=Level.PLATINUM)
    close_days(centre, date(2026, 3, 4))
    follow(MONDAY + MINUTE)
    job = fresh(ticket)
    assert (get_clock(job, MONDAY).target_days, due(ticket, MONDAY)) == (3, "2026-03-06T11:00")


# --- Pages --------------------------------------------------------------------------------------------


def test_the_page_of_a_job_says_which_days_count_and_which_do_not(world: World, as_ana: Client) -> None:
    """R72, for example: "2 working days: Thu 22, Mon 26 (weekend Fri, Sat; Sun 25 holiday)"."""
    centre = a_centre()
    booked_in = datetime(2026, 4, 2, 9, tzinfo=UTC)
    ticket = at_the_centre(world, centre, at=booked_in)
    close_days(centre, date(2026, 4, 9), kind=DayKind.HALF, closes=time(12))
    calendar = ServiceCentre.objects.get(pk=centre.pk).calendar
    clock = get_clock(fresh(ticket), booked_in)
    assert explain_target(clock, calendar) == (
        "3 working days: Tue 7, Wed 8, Thu 9. "
        "Not counted: weekend (Sat, Sun); Fri 3 (Good Friday); Mon 6 (Family Day). Thu 9 is a half day, until 12:00."
    )
    with translation.override("ru"):  # the library has these names in English only
        assert "Family Day" not in explain_target(clock, calendar)
    page = as_ana.get(ticket.get_absolute_url()).content.decode()
    assert "3 working days: Tue 7, Wed 8, Thu 9." in page and 'data-zone="Africa/Johannesburg"' in page


def test_the_page_of_a_centre_has_its_week_and_its_special_days(world: World) -> None:
    centre = a_centre(hours="Mo-Th 08:00-17:00; Fr 08:00-16:00")
    today = timezone.localdate()
    monday = today + timedelta(days=14 - today.weekday())
    close_days(centre, monday)
    close_days(centre, monday + timedelta(days=1), kind=DayKind.HALF, closes=time(12), why="")
    close_days(centre, monday + timedelta(days=5), kind=DayKind.OPEN, why="")
    text = Client().get(centre.get_absolute_url()).content.decode()
    for words in ("08:00–16:00", "Stocktaking", "08:00–12:00", "Open after all", "Closed"):
        assert words in text, words
