"""What the pages of the Kitbag share: whose page it is, how a registration is shown, where its dot leads."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.text import capfirst, format_lazy
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django_htmx.http import HttpResponseClientRedirect

from kitbag import rules
from kitbag.enums import RefusalReason, RegistrationState, Stage
from kitbag.forms import FIELD_IDS, turn_fields
from kitbag.models import Registration, StageChange
from members.access import MemberRequest
from members.enums import PointsCause, Programme
from members.models import CountryProgramme, LevelBenefit, Member

MAX_QUERY_LENGTH = 100
FIELD_WORDS = {
    "serial": _("serial number"),
    "country": _("country of purchase"),
    "purchased_on": _("date of purchase"),
    "store": _("store"),
}
ENTRY_TITLES = {
    PointsCause.VALIDATED: _("%(product)s counted"),
    PointsCause.REMOVED: _("%(product)s removed"),
    PointsCause.SUPERSEDED: _("%(product)s superseded"),
    PointsCause.UNSERVICEABLE: _("%(product)s no longer serviceable"),
    PointsCause.RESTORED: _("%(product)s current again"),
    PointsCause.REVALUED: _("%(product)s revalued"),
    PointsCause.CHECK: _("%(product)s refused"),
    PointsCause.TRANSFERRED: _("%(product)s handed over"),
    PointsCause.RETURNED: _("%(product)s taken back"),
    PointsCause.ADJUSTED: _("Points from our staff"),
    PointsCause.ADJUSTMENT_ENDED: _("Points from our staff ended"),
    PointsCause.THRESHOLDS: _("The levels changed"),
    PointsCause.MENDED: _("%(product)s corrected"),
}


@dataclass(frozen=True)
class Kit:
    """One registration as the pages show it (R18, R20).

    ``look`` is counted, pending, superseded or unserviceable; ``dot`` the blue dot and ``href`` where it leads;
    ``polling`` says that the machine is still checking it; ``days`` is the Fast Track target of this member.
    """

    row: Registration
    look: str
    dot: bool
    href: str
    meta: str | Promise
    polling: bool
    days: int | None

    @property
    def points(self) -> int:
        return self.row.product.points

    @property
    def was(self) -> int | None:
        """The points it had when current, where they have fallen since."""
        full = self.row.product.points_current
        return full if self.look in (Stage.SUPERSEDED, Stage.UNSERVICEABLE) and full != self.points else None


def own(request: MemberRequest, pk: int) -> Registration:
    """The member's own registration, in any state; anybody else's does not exist."""
    return get_object_or_404(Registration.objects.of(request.member).select_related("product", "member"), pk=pk)


def go(request: MemberRequest, url: str) -> HttpResponse:
    """Where to go after a POST: a redirect, or for htmx an order to the browser."""
    return HttpResponseClientRedirect(url) if request.htmx else HttpResponseRedirect(url)


def typed(request: HttpRequest, name: str) -> str:
    """A text of the query string, whatever was put there."""
    return request.GET.get(name, "").replace("\x00", "").strip()[:MAX_QUERY_LENGTH]


def page_of(request: HttpRequest, rows: QuerySet[Any], size: int) -> Page[Any]:
    """The page asked for; nonsense is the first page, too far is the last."""
    return Paginator(rows, size).get_page(request.GET.get("page"))


def address(name: str, **parameters: str | int) -> str:
    """The address of a page with those query parameters that say something."""
    query = urlencode({key: value for key, value in parameters.items() if value})
    return f"{reverse(name)}?{query}" if query else reverse(name)


def days_by_level(member: Member) -> dict[str, int | None]:
    """The Fast Track target of each level in the member's country, before what the product says (R3, R43, R44)."""
    programme = CountryProgramme.objects.in_force().filter(country=member.country).first()
    if programme is None or programme.kind != Programme.FREE:
        return {}
    benefits = LevelBenefit.objects.filter(
        service_level=programme.service_level, country__in=["", member.country.code]
    ).order_by("country")  # the country's own row comes last and wins
    return {benefit.level: benefit.fast_track_days for benefit in benefits}


def is_checking(row: Registration) -> bool:
    """Whether the machine has it, which takes seconds; a person has it once there is a review reason."""
    return row.state == RegistrationState.SUBMITTED and not row.review_reason


def show(row: Registration, level_days: int | None) -> Kit:
    """A registration with everything that a card, a table row or a page says about it."""
    product = row.product
    pending = row.state != RegistrationState.VALIDATED
    stage = "counted" if product.stage == Stage.CURRENT else product.stage
    return Kit(
        row=row,
        look="pending" if pending else stage,
        dot=row.needs_member,
        href=_href(row),
        meta=_meta(row),
        polling=is_checking(row),
        days=rules.target_days(level_days, fast_track=product.is_fast_track, video_class=product.video_class),
    )


def finish_address(row: Registration) -> str:
    """The finish page at the very field that is missing or was refused (R18)."""
    field = next(iter(turn_fields(row)), "serial")
    return f"{reverse('kitbag:finish', args=[row.pk])}#{FIELD_IDS[field]}"


def _href(row: Registration) -> str:
    return finish_address(row) if row.needs_member else row.get_absolute_url()


def _meta(row: Registration) -> str | Promise:
    match row.state:
        case RegistrationState.DRAFT:
            return _missing(row.missing)
        case RegistrationState.REJECTED:
            return RefusalReason(row.refusal_reason).label
        case RegistrationState.SUBMITTED:
            return _("A person is looking at it.") if row.review_reason else _("Being checked")
        case _:
            return _keeps(row) if row.product.stage != Stage.CURRENT else ""


def _missing(missing: list[str]) -> str | Promise:
    if not missing:
        return _("All there. Hand it in")
    if len(missing) == len(FIELD_WORDS):
        return _("Add the four details")
    return _t("Add %(details)s") % {"details": ", ".join(str(FIELD_WORDS[name]) for name in missing)}


def _keeps(row: Registration) -> Promise:
    points = row.product.points
    keeps = ngettext("Keeps %(points)s point.", "Keeps %(points)s points.", points) % {"points": points}
    superseded = row.product.stage == Stage.SUPERSEDED
    why = _("A newer model is out.") if superseded else _("We can no longer service it.")
    return format_lazy("{why} {keeps}", why=why, keeps=keeps)


def entry_title(cause: str, product: str) -> str:
    """What a ledger entry did, as a heading: "EOS R5 counted". About an adjustment it names no product."""
    about = product or _t("Points from our staff")
    return capfirst(str(ENTRY_TITLES[PointsCause(cause)]) % {"product": about})


def ahead_sentences(products: Iterable[int]) -> dict[int, str]:
    """What is planned for these products, told before anybody hands one in (R22)."""
    planned = StageChange.objects.planned().filter(product__in=products, effective_on__gt=timezone.localdate())
    words: dict[int, list[str]] = defaultdict(list)
    counts: dict[int, int] = {}
    for change in planned.only("product", "effective_on", "before", "after"):
        sentence = _t("From %(day)s it counts %(after)s instead of %(before)s.")
        words[change.product_id].append(
            sentence
            % {
                "day": date_format(change.effective_on, "j F Y"),
                "after": intcomma(change.after),
                "before": intcomma(counts.get(change.product_id, change.before)),
            }
        )
        counts[change.product_id] = change.after
    return {product: " ".join(sentences) for product, sentences in words.items()}
