"""Which actions are allowed in which state of a case, and in which group of the inbox it stands."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from members.support.enums import CaseGroup, CaseKind, CaseState

EVENING, MORNING = time(18), time(9)
ENDS_WITH_DECISION = frozenset({CaseKind.CLAIM, CaseKind.APPEAL})

ALLOWED_STATES = {
    "write": {CaseState.OPEN, CaseState.WAITING, CaseState.ANSWERED, CaseState.CLOSED},
    "answer": {CaseState.OPEN, CaseState.WAITING, CaseState.ANSWERED},
    "snooze": {CaseState.OPEN, CaseState.WAITING, CaseState.ANSWERED},
    "close": {CaseState.OPEN, CaseState.WAITING, CaseState.ANSWERED},
    "reopen": {CaseState.CLOSED, CaseState.ANSWERED, CaseState.WAITING},
}


def group_of(*, state: str, due_at: datetime | None, is_snoozed: bool, at: datetime) -> CaseGroup:
    """Where a case stands in the inbox (R54). A snooze never hides an answer that is overdue."""
    if state == CaseState.CLOSED:
        return CaseGroup.CLOSED
    if due_at is not None and due_at < at:
        return CaseGroup.OVERDUE
    if is_snoozed:
        return CaseGroup.SNOOZED
    return CaseGroup.OURS if state == CaseState.OPEN else CaseGroup.THEIRS


def is_snoozed(
    *, snoozed_at: datetime | None, snoozed_until: datetime | None, job_moved_at: datetime | None, at: datetime
) -> bool:
    """Whether a snooze lasts. `job_moved_at` is the last change of the job that it waits for, None if for none."""
    if snoozed_at is None:
        return False
    if snoozed_until is not None:
        return snoozed_until > at
    return job_moved_at is None or job_moved_at <= snoozed_at


def snooze_times(at: datetime, zone: ZoneInfo) -> dict[str, datetime]:
    """Until when a case can be snoozed by one press, by name: times of that zone, all after `at`."""
    today = at.astimezone(zone).date()
    monday = today + timedelta(days=7 - today.weekday())
    times = {
        "evening": datetime.combine(today, EVENING, zone),
        "tomorrow": datetime.combine(today + timedelta(days=1), MORNING, zone),
        "monday": datetime.combine(monday, MORNING, zone),
    }
    return {name: moment for name, moment in times.items() if moment > at}
