"""Who has which loan unit, on a bar of two weeks (R53)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.translation import gettext, ngettext

from cps_portal.core.lib.written_dates import date_format
from servicing.enums import LoanState
from servicing.models import Loan
from servicing.presenters.board import Due

DAYS_BEFORE, DAYS_AFTER = 7, 7  # today is in the middle of the bar
DAY_WIDTH = 10  # units of the drawing
SOON_DAYS = 2
DAY = "D j M"


@dataclass(frozen=True)
class LoanRow:
    """`begin` and `width` are of the bar, in units of a drawing that is 140 wide; `kind`: out, late or promised."""

    loan: Loan
    due: Due
    kind: str
    begin: int
    width: int

    @property
    def is_late(self) -> bool:
        return self.kind == "late"

    @property
    def can_go_out(self) -> bool:
        return self.loan.state == LoanState.RESERVED and self.loan.agreed_at is not None


def loan_rows(loans: Iterable[Loan], at: datetime) -> list[LoanRow]:
    return [loan_row(loan, loan.unit.centre.today(at)) for loan in loans]


def loan_row(loan: Loan, today: date) -> LoanRow:
    kind = "promised" if loan.state == LoanState.RESERVED else "late" if loan.is_overdue(today) else "out"
    begin, end = _days_of(loan, today, kind)
    return LoanRow(loan, _due(loan, today, kind), kind, begin * DAY_WIDTH, max(end - begin, 1) * DAY_WIDTH)


def two_weeks(today: date) -> tuple[date, date]:
    """The first and the last day of the bar."""
    return today - timedelta(days=DAYS_BEFORE), today + timedelta(days=DAYS_AFTER - 1)


def _days_of(loan: Loan, today: date, kind: str) -> tuple[int, int]:
    """Where the bar begins and ends, in days from its left edge. A loan that follows the repair has no end yet."""
    first, _last = two_weeks(today)
    began = loan.unit.centre.today(loan.out_at) if loan.out_at else today
    begin = max((began - first).days, 0)
    if kind == "late":
        return min(begin, DAYS_BEFORE - 1), DAYS_BEFORE
    end = (loan.due_back - first).days + 1 if loan.due_back else DAYS_BEFORE + DAYS_AFTER
    return min(begin, DAYS_BEFORE), min(max(end, DAYS_BEFORE + 1), DAYS_BEFORE + DAYS_AFTER)


def _due(loan: Loan, today: date, kind: str) -> Due:
    if kind == "promised":
        return Due("on", gettext("Hand it out") if loan.agreed_at else gettext("Agreement not accepted yet"))
    if loan.due_back is None:
        return Due("on", gettext("After their own is back"))
    day = date_format(loan.due_back, DAY)
    left = (loan.due_back - today).days
    if kind == "late":
        over = ngettext("%(day)s, %(n)s day over", "%(day)s, %(n)s days over", -left)
        return Due("late", over % {"day": day, "n": -left}, 100)
    if left < 0:  # their own product is still here
        return Due("on", gettext("After their own is back"))
    out_days = (loan.due_back - loan.unit.centre.today(loan.out_at)).days if loan.out_at else 0
    share = 100 - round(100 * left / out_days) if out_days > 0 else 100
    return Due("soon" if left <= SOON_DAYS else "on", day, max(min(share, 100), 0))
