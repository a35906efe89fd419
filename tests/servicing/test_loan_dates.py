"""When a loan is due back, over the story of a job (R53)."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import permutations
from zoneinfo import ZoneInfo

from cps_portal.core.lib.clock import Calendar
from cps_portal.core.lib.opening_hours import same_hours
from servicing.enums import EventKind
from servicing.rules.loans import LoanTerms, due_back, is_lent
from servicing.rules.timeline import Event, replay
from tests.rows import each_row

E = EventKind
TERMS = LoanTerms(back_days=2, carrier_days=3)
# 21 March 2026 (Human Rights Day) is a Saturday in South Africa; 3 and 6 April are Good Friday and Family Day.
JOBURG = Calendar(zone=ZoneInfo("Africa/Johannesburg"), country="ZA")
# In Cairo Friday and Saturday are the weekend; 25 April is Sinai Liberation Day, a Saturday; 20 to 23 March is Eid.
CAIRO = Calendar(
    zone=ZoneInfo("Africa/Cairo"),
    week=same_hours((7, 1, 2, 3, 4), time(9), time(17)),
    country="EG",
)


def day(text: str) -> date | None:
    return date.fromisoformat(f"2026-{text}") if text else None


def at(text: str) -> datetime:
    """ "03-09" is noon in UTC, "03-09T23" the hour."""
    return datetime.fromisoformat(f"2026-{text}:00" if "T" in text else f"2026-{text}T12:00").replace(tzinfo=UTC)


def story(text: str) -> list[Event]:
    """Events like "ready 03-09, shipped 03-10/03-16": the day after the slash is when the parcel is expected.

    Received in the order in which they are written.
    """
    events = [Event(E.REQUESTED, at("03-01"), at("03-01"), sequence=1)]
    for number, part in enumerate(filter(None, text.split(", ")), start=2):
        kind, _space, when = part.partition(" ")
        occurred, _slash, expected = when.partition("/")
        events.append(Event(kind, at(occurred), at("03-01"), sequence=number, expected=day(expected), target_days=3))
    return events


RUNNING = "booked_in 03-02, assessed 03-02"
READY = f"{RUNNING}, ready 03-09"  # a Monday
SHIPPED = f"{READY}, shipped 03-10"


@dataclass(frozen=True)
class Row:
    story: str
    due: str
    calendar: Calendar = JOBURG
    expected_on: str = ""
    promised: str = ""


ROWS = [
    # While the repair runs it follows the repair.
    Row("", ""),
    Row("booked_in 03-02", ""),
    Row(RUNNING, ""),
    Row(f"{RUNNING}, question_asked 03-03", ""),
    Row(f"{RUNNING}, estimate_sent 03-03, estimate_declined 03-05", ""),
    Row(f"{RUNNING}, target_missed 03-05, loan_offered 03-05, loan_out 03-06", ""),
    Row(RUNNING, "03-20", promised="03-20"),
    # Ready: the carrier takes three working days, then there are two.
    Row(READY, "03-16"),
    Row(f"{RUNNING}, estimate_sent 03-03, estimate_declined 03-05, ready 03-09", "03-16"),
    Row(READY, "03-13", expected_on="03-11"),
    Row(READY, "03-11", expected_on="03-02"),  # expected before it was ready: that cannot be
    # Shipped: from then on, or from the day on which it is expected.
    Row(SHIPPED, "03-17"),
    Row(f"{READY}, shipped 03-10/03-12", "03-16"),
    Row(f"{READY}, shipped 03-10/03-12", "03-20", expected_on="03-18"),  # corrected later
    Row(f"{READY}, shipped 03-13", "03-20"),
    # Delivered, or closed: two working days after the first of them.
    Row(f"{SHIPPED}, delivered 03-11", "03-13"),
    Row(f"{SHIPPED}, closed 03-11", "03-13"),
    Row(f"{READY}, closed 03-09", "03-11"),  # collected at the counter
    Row(f"{SHIPPED}, delivered 03-11, closed 03-30", "03-13"),
    Row(f"{SHIPPED}, closed 03-12, delivered 03-11", "03-13"),  # told late
    Row(f"{SHIPPED}, closed 03-11, delivered 03-16", "03-13"),
    Row(f"{SHIPPED}, delivered 03-13", "03-17"),  # a weekend between
    Row(f"{SHIPPED}, delivered 03-14", "03-17"),  # on a Saturday
    Row(f"{SHIPPED}, delivered 03-15", "03-17"),
    Row(f"{SHIPPED}, delivered 03-11T23", "03-16"),  # after midnight at the centre
    # Reported late and out of order.
    Row("delivered 03-11, shipped 03-10, ready 03-09, assessed 03-02, booked_in 03-02", "03-13"),
    Row(f"{RUNNING}, delivered 03-11", ""),  # impossible so far: ready is not known yet
    Row(f"{RUNNING}, shipped 03-10", ""),
    Row(f"{READY}, delivered 03-11", "03-16"),  # the same: it was not shipped
    # Handed back over the counter.
    Row("booked_in 03-02, cancelled 03-09", "03-11"),
    # What the member has been told never moves to an earlier day, and moves along to a later one.
    Row(f"{SHIPPED}, delivered 03-11", "03-17", promised="03-17"),
    Row(f"{SHIPPED}, delivered 03-20", "03-24", promised="03-17"),
    Row(READY, "03-20", promised="03-20"),
    Row("booked_in 03-02, cancelled 03-09", "03-20", promised="03-20"),
    # Holidays of the centre.
    Row(f"{RUNNING}, ready 03-30, shipped 03-31, delivered 04-01", "04-07"),
    Row(f"{RUNNING}, ready 03-30", "04-08"),
    Row(f"{RUNNING}, ready 03-30, shipped 03-31, delivered 04-01", "04-05", CAIRO),
    Row(f"{SHIPPED}, delivered 03-12", "03-16", CAIRO),  # Thursday; Sunday is worked
    Row(f"{SHIPPED}, delivered 03-12", "03-16"),
    Row(f"{SHIPPED}, delivered 03-13", "03-16", CAIRO),
    Row(SHIPPED, "03-17", CAIRO),
    Row(f"{SHIPPED}, delivered 03-11T23", "03-16", CAIRO),
]


@each_row("row", ROWS)
def test_the_day_follows_the_story_of_the_job(row: Row) -> None:
    steps = replay(story(row.story))
    day_back = due_back(steps, row.calendar, TERMS, expected_on=day(row.expected_on), promised=day(row.promised))
    assert day_back == day(row.due)


def test_the_order_in_which_a_job_was_reported_does_not_matter() -> None:
    parts = ["booked_in 03-02", "assessed 03-02", "ready 03-09", "shipped 03-10", "delivered 03-11"]
    for order in permutations(parts):
        assert due_back(replay(story(", ".join(order))), JOBURG, TERMS) == date(2026, 3, 13), order


LENT = [
    ("", False),
    ("booked_in 03-02", False),
    (f"{RUNNING}, loan_offered 03-05, loan_reserved 03-05", False),
    (f"{RUNNING}, loan_offered 03-05, loan_reserved 03-05, loan_cancelled 03-06", False),
    (f"{RUNNING}, loan_out 03-06", True),
    (f"{RUNNING}, loan_out 03-06, loan_returned 03-09", False),
    (f"{RUNNING}, loan_out 03-06, loan_returned 03-06", False),  # in the same minute
    (f"{RUNNING}, loan_out 03-06, loan_returned 03-06, loan_out 03-06", True),
    (f"{SHIPPED}, loan_out 03-06, closed 03-11", True),
    (f"{SHIPPED}, loan_out 03-06, closed 03-11, loan_returned 03-12", False),
    ("booked_in 03-02, loan_out 03-06, cancelled 03-09", True),
    ("booked_in 03-02, loan_out 03-06, cancelled 03-09, loan_returned 03-12", False),
    ("loan_out 03-06, booked_in 03-09", True),  # booked in again later, reported late
]


@each_row("text, expected", LENT)
def test_whether_the_loan_is_out_follows_from_the_events(text: str, expected: bool) -> None:
    assert is_lent(story(text)) is expected
