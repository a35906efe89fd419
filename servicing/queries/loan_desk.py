"""The loan units of a centre and who has them (R53)."""

from collections.abc import Sequence

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Upper

from cps_portal.core.lib.reference import parse_reference
from cps_portal.core.lib.text import clean_code
from members.models import User
from servicing.enums import OPEN_LOANS, LoanState
from servicing.models import Loan, LoanUnit

MAX_LOANS = 100  # on one page


def open_loans(user: User) -> QuerySet[Loan]:
    """The loans that are out or promised, what is due first. Nobody handles a loan of their own."""
    related = ("unit__product", "unit__centre", "member", "ticket__parcel", "ticket__centre")
    loans = Loan.objects.seen_by(user).open().exclude(member__user=user).select_related(*related)
    return loans.order_by("state", "due_back", "reserved_at", "pk")


def units_on_shelf(user: User) -> QuerySet[LoanUnit]:
    """The units that nobody has: free ones first, then those that are not lent for now."""
    units = LoanUnit.objects.seen_by(user).exclude(Exists(Loan.objects.open().filter(unit=OuterRef("pk"))))
    return units.select_related("product", "centre").order_by("-in_pool", "product__name", "serial", "pk")


def find_loans(text: str, user: User) -> Sequence[Loan]:
    """The open loans of the unit, or of the job, that was scanned."""
    reference, serial = parse_reference(text), clean_code(text)
    found = Q(ticket__reference=reference) if reference else Q()
    loans = open_loans(user).annotate(unit_code=Upper("unit__serial"))
    return list(loans.filter(found | Q(unit_code=serial))[:2]) if serial or reference else []


def is_free_unit(text: str, user: User) -> bool:
    """Whether the scanned unit is one of the centre’s that nobody has."""
    return units_on_shelf(user).filter(serial__iexact=clean_code(text)).exists()


def count_by_state(user: User) -> dict[str, int]:
    """How many units are out, promised, free and not lent for now."""
    states = list(Loan.objects.seen_by(user).filter(state__in=OPEN_LOANS).values_list("state", flat=True))
    shelf = list(units_on_shelf(user).values_list("in_pool", flat=True))
    return {
        "out": states.count(LoanState.OUT),
        "promised": states.count(LoanState.RESERVED),
        "free": shelf.count(True),
        "resting": shelf.count(False),
    }
