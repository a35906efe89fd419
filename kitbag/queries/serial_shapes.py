"""Statistics of serial number shapes: how often they warn, and what another pattern would do (R30)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import OperationalError, connection, transaction
from django.db.models import CharField, Count, F, Func, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Upper

from cps_portal.core.lib.time_limits import send_statement_limit, statement_limit
from kitbag import rules
from kitbag.enums import RegistrationState
from kitbag.models import Product, Registration, SerialShape

PERIOD = timedelta(days=365)
MAX_FALSE_ALARM_RATE = 0.01
WARNINGS = ("shape", "letters")  # warnings that depend on a shape; the other codes do not
APPROVED = (RegistrationState.VALIDATED, RegistrationState.REMOVED, RegistrationState.TRANSFERRED)
MAX_TRIAL_MS = 5_000  # milliseconds
FORMS_SHOWN = 20
INVISIBLE_OR_PUNCTUATION = r"[\s\-‐-―_./:#,;|\\\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+"
OTHER_DIGITS = "٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹०१२३४५६७८९০১২৩৪৫৬৭৮৯"
ASCII_DIGITS = "0123456789" * 4


# --- How often each shape warns ---


@dataclass
class Figures:
    """What became of the serial numbers that a shape was applied to."""

    shape: SerialShape
    judged: int = 0  # submitted, of products that the shape covers
    insisted: int = 0  # submitted in spite of its warning
    approved: int = 0  # and right after all: false alarms
    refused: int = 0
    left: int = 0  # warned and not submitted since

    @property
    def warned(self) -> int:
        return self.insisted + self.left

    @property
    def waiting(self) -> int:
        return self.insisted - self.approved - self.refused

    @property
    def percent(self) -> float:
        return 100 * self.approved / self.judged if self.judged else 0.0

    @property
    def is_too_narrow(self) -> bool:
        return self.approved > self.judged * MAX_FALSE_ALARM_RATE


def shape_figures(at: datetime) -> list[Figures]:
    """Figures of the last twelve months, in two queries; those with the highest rate of false alarms first."""
    since = at - PERIOD
    draft = Q(state=RegistrationState.DRAFT)
    warned = Q(warning__in=WARNINGS)
    approved = warned & ~draft & Q(state__in=APPROVED, decided_at__isnull=False, refusal_reason="")
    kinds = (
        Registration.objects.exclude(serial="")
        .filter(Q(submitted_at__gte=since) | draft & Q(added_at__gte=since))
        .values("product__category", "product__released_year")
        .annotate(
            judged=Count("pk", filter=~draft),
            insisted=Count("pk", filter=warned & ~draft),
            approved=Count("pk", filter=approved),
            refused=Count("pk", filter=warned & ~draft & ~Q(refusal_reason="")),
            left=Count("pk", filter=warned & draft),
        )
    )
    all_figures = [Figures(shape) for shape in SerialShape.objects.order_by("categories", "period")]
    for kind in kinds:
        for figures in all_figures:
            if applies_to(figures.shape, kind["product__category"], kind["product__released_year"]):
                for name in ("judged", "insisted", "approved", "refused", "left"):
                    setattr(figures, name, getattr(figures, name) + kind[name])
    return sorted(all_figures, key=lambda figures: (-figures.percent, -figures.warned, -figures.judged))


def applies_to(shape: SerialShape, category: str, year: int | None) -> bool:
    """Whether the shape applies to products of this category and year."""
    return shape.covers(category) and rules.Shape(shape.pattern, shape.year_from, shape.year_to).covers(year)


# --- What another pattern would do ---


@dataclass(frozen=True)
class Trial:
    """What an unsaved shape would do to the numbers of validated registrations."""

    judged: int
    warned_now: int
    warned_then: int
    forms: list[tuple[str, int]]  # the most frequent forms it would warn of, with digits as 9 and letters as A


class TrialTimeout(Exception):
    """The numbers could not be compared in time."""


@transaction.atomic
def try_shape(shape: SerialShape) -> Trial:
    """Compare the numbers of validated registrations with the shapes as they are and as they would be.

    Raises TooSlow.
    """
    saved = list(SerialShape.objects.all())
    others = [other for other in saved if other.pk != shape.pk]
    kinds = [
        (category, year)
        for category, year in Product.objects.values_list("category", "released_year").distinct().order_by()
        if any(applies_to(version, category, year) for version in [shape, *saved] if version.pk == shape.pk)
    ]
    counted = Registration.objects.filter(_of_kinds(kinds), state=RegistrationState.VALIDATED).exclude(serial="")
    compared = counted.alias(plain=plain_serial())
    then = _unusual(kinds, [*others, shape])
    try:
        with statement_limit(MAX_TRIAL_MS / 1000), connection.execute_wrapper(send_statement_limit):
            sums = compared.aggregate(
                judged=Count("pk"),
                now=Count("pk", filter=_unusual(kinds, saved)),
                then=Count("pk", filter=then),
            )
            forms = (
                compared.filter(then)
                .annotate(form=_replaced(_replaced(F("plain"), "[A-Z]", "A"), "[0-9]", "9"))
                .values_list("form")
                .annotate(n=Count("pk"))
                .order_by("-n", "form")
            )
            return Trial(sums["judged"], sums["now"], sums["then"], list(forms[:FORMS_SHOWN]))
    except OperationalError as error:
        raise TrialTimeout from error


def plain_serial() -> Func:
    """An expression with the result of `rules.normalise_serial` for the column `serial`. Keep both in step.

    It reads the digits of the scripts that our members type, not of all.
    """
    plain = Func(Upper(_composed(F("serial"))), template="normalize(%(expressions)s, NFKC)", output_field=CharField())
    bare = _replaced(plain, r"\([^)]*\)|\[[^\]]*\]|\{[^}]*\}", "")
    bare = _replaced(bare, rules.SERIAL_LABEL, "")
    bare = _replaced(bare, INVISIBLE_OR_PUNCTUATION, "")
    bare = _replaced(bare, f"^[{rules.SERIAL_QUOTES}]+|[{rules.SERIAL_QUOTES}]+$", "")
    digits = Func(bare, Value(OTHER_DIGITS), Value(ASCII_DIGITS), function="translate", output_field=CharField())
    return _replaced(digits, r"^(?:SERIAL|NUMBER|SN|NO|NR)+(?=\d)", "")


def _composed(text: F) -> Func:
    return Func(text, template="normalize(%(expressions)s, NFKC)", output_field=CharField())


def _replaced(text: Combinable, pattern: str, by: str) -> Func:
    return Func(text, Value(pattern), Value(by), Value("g"), function="regexp_replace", output_field=CharField())


def _of_kinds(kinds: Iterable[tuple[str, int | None]]) -> Q:
    """Products of one of these categories and years."""
    years: dict[str, list[int | None]] = {}
    for category, year in kinds:
        years.setdefault(category, []).append(year)
    condition = Q(pk__in=[])
    for category, of in years.items():
        of_year = Q(product__released_year__in=[year for year in of if year is not None])
        unknown = Q(product__released_year=None) if None in of else Q(pk__in=[])
        condition |= Q(product__category=category) & (of_year | unknown)
    return condition


def _unusual(kinds: Sequence[tuple[str, int | None]], shapes: Sequence[SerialShape]) -> Q:
    """Numbers that match none of their product's shapes; a product without shapes accepts any number."""
    alike: dict[tuple[str, ...], list[tuple[str, int | None]]] = {}
    for category, year in kinds:
        patterns = tuple(shape.pattern for shape in shapes if applies_to(shape, category, year))
        if patterns:
            alike.setdefault(patterns, []).append((category, year))
    condition = Q(pk__in=[])
    for patterns, of in alike.items():
        fits = Q(plain__regex=f"^(?:{'|'.join(f'(?:{pattern})' for pattern in patterns)})$")
        condition |= _of_kinds(of) & ~fits
    return condition
