"""A registration as the pages show it: its card, and sentences about what is missing or planned."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import F, Value
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from cps_portal.core.lib.addresses import address_of
from cps_portal.core.lib.compiled_queries import CompiledQuery, IsAmong, joined_keys
from cps_portal.core.lib.lists import in_words
from cps_portal.core.lib.written_dates import date_format
from kitbag import rules
from kitbag.enums import RefusalReason, RegistrationState, Stage
from kitbag.models import Registration, StageChange
from kitbag.queries.in_service import InService

PLANNED: CompiledQuery[tuple[int, date, int, int]] = CompiledQuery(
    lambda products, today: (
        StageChange.objects.planned()
        .filter(IsAmong(F("product"), Value(products)), effective_on__gt=today)
        .values_list("product", "effective_on", "before", "after")
    )
)
DETAIL_WORDS = {
    "serial": _("serial number"),
    "country": _("country of purchase"),
    "purchased_on": _("date of purchase"),
    "store": _("store"),
}
DETAIL_IDS = {
    "serial": "id_serial",
    "country": "id_country",
    "purchased_on": "id_purchased_on_0",
    "store": "id_store",
    "evidence": "evidence",
}
DETAIL_OF_REFUSAL = {
    RefusalReason.SERIAL_WRONG: "serial",
    RefusalReason.SERIAL_UNREADABLE: "serial",
    RefusalReason.HELD_ELSEWHERE: "serial",
    RefusalReason.NEEDS_SERIAL: "serial",
    RefusalReason.DETAILS_WRONG: "purchased_on",
    RefusalReason.NEEDS_EVIDENCE: "evidence",
    RefusalReason.NEEDS_PROOF: "evidence",
    RefusalReason.LOST_CLAIM: "serial",
    RefusalReason.NOT_OURS: "serial",
}


@dataclass(frozen=True)
class RegistrationCard:
    """One registration as a card, a table row or a page shows it (R18, R20).

    ``status`` is counted, pending, superseded or unserviceable. ``needs_member`` shows the blue dot. ``url`` leads to
    the field that needs the member, or else to the product's page. ``is_polling``: the automatic check is running, so
    the card asks for itself again. ``fast_track_days`` is this member's target in working days. ``duplicate_url`` leads
    to the member's other registration of the same product and serial number. ``service``: a centre has it.
    """

    registration: Registration
    status: str
    needs_member: bool
    url: str
    summary: str | Promise
    is_polling: bool
    fast_track_days: int | None
    duplicate_url: str = ""
    service: InService | None = None

    @property
    def key(self) -> int:
        return self.registration.pk

    @property
    def name(self) -> str:
        return self.registration.product.name

    @property
    def serial(self) -> str:
        return self.registration.serial

    @property
    def bought(self) -> str:
        """The month, such as "Sep 2023"."""
        day = self.registration.purchased_on
        return date_format(day, "M Y") if day else ""

    @property
    def target(self) -> str:
        """The Fast Track target in words, once it counts; "" without one."""
        days = None if self.status == "pending" else self.fast_track_days
        return ngettext("%(days)s day", "%(days)s days", days) % {"days": days} if days else ""

    @property
    def address(self) -> str:
        """Where its name leads: to its job while a centre has it, unless it needs the member."""
        return self.service.path if self.service and not self.needs_member else self.url

    @property
    def status_url(self) -> str:
        """What it asks while it is being checked."""
        return address_of("kitbag:status", self.key)

    @property
    def can_be_picked(self) -> bool:
        """Whether it can be finished together with others: a draft that is no second one of the same."""
        return self.registration.state == RegistrationState.DRAFT and not self.duplicate_url

    @property
    def points(self) -> int:
        return self.registration.product.points

    @property
    def former_points(self) -> int | None:
        """The points it had when current, if they have fallen since."""
        full = self.registration.product.points_current
        return full if self.status in (Stage.SUPERSEDED, Stage.UNSERVICEABLE) and full != self.points else None


def build_card(
    registration: Registration,
    level_days: int | None,
    duplicate_of: int | None = None,
    service: InService | None = None,
) -> RegistrationCard:
    """`level_days` is the Fast Track target of the member's level, None if it has none or it is not shown.

    `duplicate_of` is the key of the member's other registration with this product and serial number.
    """
    product = registration.product
    pending = registration.state != RegistrationState.VALIDATED
    stage = "counted" if product.stage == Stage.CURRENT else product.stage
    return RegistrationCard(
        registration=registration,
        status="pending" if pending else stage,
        needs_member=registration.needs_member,
        url=_url(registration, duplicate_of),
        summary=_("You’ve added this one already.") if duplicate_of else _summary(registration),
        is_polling=is_being_checked(registration),
        fast_track_days=rules.target_days(
            level_days, fast_track=product.is_fast_track, video_class=product.video_class
        ),
        duplicate_url=address_of("kitbag:product", duplicate_of) if duplicate_of else "",
        service=service,
    )


def _url(registration: Registration, duplicate_of: int | None) -> str:
    if not registration.needs_member:
        return registration.get_absolute_url()
    if duplicate_of:
        return f"{address_of('kitbag:finish', registration.pk)}#{DETAIL_IDS['serial']}"
    return finish_url(registration)


def is_being_checked(registration: Registration) -> bool:
    """Whether the automatic check has it, which takes seconds. Once there is a review reason, staff have it."""
    return registration.state == RegistrationState.SUBMITTED and not registration.review_reason


def details_to_complete(registration: Registration) -> list[str]:
    """The details that wait for the member (R18, R66).

    Those that are missing or a date before the product came out, or the one that a refusal was about.
    """
    if registration.state == RegistrationState.REJECTED:
        return [DETAIL_OF_REFUSAL[RefusalReason(registration.refusal_reason)]]
    return registration.missing + (["purchased_on"] if registration.is_before_release else [])


def finish_url(registration: Registration) -> str:
    """The finish page, scrolled to the first field that is missing or was refused (R18)."""
    detail = next(iter(details_to_complete(registration)), "serial")
    return f"{address_of('kitbag:finish', registration.pk)}#{DETAIL_IDS[detail]}"


def _summary(registration: Registration) -> str | Promise:
    match registration.state:
        case RegistrationState.DRAFT:
            return _missing(registration)
        case RegistrationState.REJECTED:
            return RefusalReason(registration.refusal_reason).label
        case RegistrationState.SUBMITTED:
            return _("Someone is checking it by hand.") if registration.review_reason else _("Being checked")
        case _:
            return _points_kept(registration) if registration.product.stage != Stage.CURRENT else ""


def _missing(registration: Registration) -> str | Promise:
    missing = registration.missing
    if not missing:
        doubtful = registration.is_before_release
        return _("Check the date of purchase") if doubtful else _("Everything is there. Submit it")
    if len(missing) == len(DETAIL_WORDS):
        return _("Add the details")
    return _t("Add %(details)s") % {"details": in_words(DETAIL_WORDS[name] for name in missing)}


def _points_kept(registration: Registration) -> Promise:
    points = registration.product.points
    keeps = ngettext("Keeps %(points)s point.", "Keeps %(points)s points.", points) % {"points": points}
    superseded = registration.product.stage == Stage.SUPERSEDED
    why = _("A newer model is out.") if superseded else _("We can no longer service it.")
    return format_lazy("{why} {keeps}", why=why, keeps=keeps)


def planned_change_sentences(products: Iterable[int]) -> dict[int, str]:
    """What is planned for these products, by key of the product: members read it before they add one (R22)."""
    changes = PLANNED.all(products=joined_keys(products), today=timezone.localdate())
    sentences: dict[int, list[str]] = defaultdict(list)
    points_before: dict[int, int] = {}
    for product, effective_on, before, after in changes:
        sentence = _t("From %(day)s it counts %(after)s instead of %(before)s.")
        sentences[product].append(
            sentence
            % {
                "day": date_format(effective_on, "j F Y"),
                "after": intcomma(after),
                # Of two planned changes, the second starts from what the first leaves.
                "before": intcomma(points_before.get(product, before)),
            }
        )
        points_before[product] = after
    return {product: " ".join(lines) for product, lines in sentences.items()}
