"""Countries with their programme and terms, and offers, in the words of the desk (R1, R9, R54, R59)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Model
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.charts import Text, grouped, percent
from cps_portal.core.lib.written_dates import date_format
from cps_portal.site.queries.programme import CHANGED_FOR, ENDS_SOON, CountryLine, TermsLine, is_pack
from members.enums import ChangeState, Level, Programme
from members.models import CountryPlan, CountryProgramme, User
from members.offers.enums import OfferState
from members.offers.models import Offer

WIDTH, GAP = 360, 2  # of a bar in parts, in units of its view box


def page_of(row: Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def day_text(day: date) -> str:
    return date_format(day, "j M Y")


def widths(numbers: Sequence[int]) -> list[tuple[str, str]]:
    """Where each part of one bar begins, and how wide it is."""
    total, x, found = sum(numbers), 0.0, []
    for number in numbers:
        width = WIDTH * number / total if total else 0.0
        found.append((f"{x:.1f}", f"{max(width - GAP, 0):.1f}"))
        x += width
    return found


# --- Searched and not found ------------------------------------------------------------------------


@dataclass(frozen=True)
class WantedRow:
    """A text that members searched without a result; `url` lists products, one of which may get it as a name."""

    text: str
    searches: str
    url: str


def wanted_rows(wanted: Mapping[str, tuple[int, int]], user: User) -> list[WantedRow]:
    products = reverse("admin:kitbag_product_changelist") if user.has_perm("kitbag.change_product") else ""
    return [
        WantedRow(
            text=text,
            searches=ngettext("%(count)s search", "%(count)s searches", total) % {"count": grouped(total)},
            url=products and f"{products}?{urlencode({'q': text})}",
        )
        for text, (total, _more) in sorted(wanted.items(), key=lambda item: (-item[1][0], item[0]))
    ]


# --- Countries and terms -------------------------------------------------------------------------


def programme_text(entry: CountryProgramme | None) -> str:
    if entry is None or entry.kind == Programme.NONE:
        return gettext("No programme")
    level = f", {entry.get_service_level_display()}" if entry.service_level else ""
    return f"{entry.get_kind_display()}{level}"


@dataclass(frozen=True)
class CountryRow:
    name: str
    url: str
    programme: str
    since: date | None
    coming: list[str]
    members: int
    new: int
    accepted: int
    share: int


def country_rows(
    lines: Iterable[CountryLine], members: dict[str, tuple[int, int, int]], plans: Iterable[CountryPlan]
) -> list[CountryRow]:
    """Those with most members first. Countries of members without an entry are last."""
    rest, planned = dict(members), {plan.country.code: plan for plan in plans}
    rows = [
        _country_row(line, planned.get(line.country.code), *rest.pop(line.country.code, (0, 0, 0))) for line in lines
    ]
    rows += [
        CountryRow(code, "", programme_text(None), None, [], n, new, accepted, percent(accepted, n))
        for code, (n, new, accepted) in sorted(rest.items())
    ]
    return sorted(rows, key=lambda row: (-row.members, row.name))


def _country_row(line: CountryLine, plan: CountryPlan | None, members: int, new: int, accepted: int) -> CountryRow:
    shown = line.now or line.coming[0]
    entries = [*line.coming, *([plan.as_programme()] if plan and plan.state == ChangeState.PLANNED else [])]
    coming = [
        gettext("%(programme)s from %(day)s") % {"programme": programme_text(entry), "day": day_text(entry.valid_from)}
        for entry in entries
    ]
    since = line.now.valid_from if line.now else None
    share = percent(accepted, members)
    return CountryRow(
        line.country.name, page_of(shown), programme_text(line.now), since, coming, members, new, accepted, share
    )


@dataclass(frozen=True)
class KindPart:
    name: Text
    countries: int
    x: str
    width: str
    style: str


def kind_parts(lines: Sequence[CountryLine]) -> list[KindPart]:
    """How many countries take part in what: parts of one bar."""
    styles = {Programme.FREE: "sc-b1", Programme.SUBSCRIPTION: "sc-b2", Programme.NONE: "sc-b4"}
    kinds = [line.now.kind if line.now else Programme.NONE for line in lines]
    counts = [kinds.count(kind) for kind in styles]
    return [
        KindPart(kind.label, n, *place, style)
        for (kind, style), n, place in zip(styles.items(), counts, widths(counts), strict=True)
    ]


@dataclass(frozen=True)
class CountryChange:
    """A country whose programme has changed of late or will."""

    name: str
    before: str
    after: str
    on: date
    is_coming: bool


def countries_changed(lines: Iterable[CountryLine], since: date) -> list[CountryChange]:
    """The latest first. The first entry of a country is no change."""
    found = []
    for line in lines:
        before = line.now
        for entry in line.coming:
            found.append(_country_change(before, entry, is_coming=True))
            before = entry
        if line.now and line.before and line.now.valid_from >= since:
            found.append(_country_change(line.before, line.now, is_coming=False))
    return sorted(found, key=lambda change: change.on, reverse=True)


def _country_change(before: CountryProgramme | None, entry: CountryProgramme, *, is_coming: bool) -> CountryChange:
    return CountryChange(entry.country.name, programme_text(before), programme_text(entry), entry.valid_from, is_coming)


def terms_state(line: TermsLine) -> tuple[str, str]:
    """In words, and its tone."""
    if line.coming:
        return gettext("counts from then on"), "warn"
    return (gettext("in force"), "ok") if line.in_force else (gettext("earlier"), "line")


# --- Offers --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OfferRow:
    """An offer: when it ends, who sees it, and how often it was used. `group` is one of OFFER_GROUPS."""

    offer: Offer
    url: str
    group: str
    levels: str
    countries: str
    used: str
    waits: int


OFFER_GROUPS: dict[str, Text] = {
    "ending": format_lazy(_("Ends within {days} days"), days=ENDS_SOON.days),
    "live": _("Live"),
    "coming": _("To come"),
    "draft": _("Drafts"),
    "ended": format_lazy(_("Ended in the last {days} days"), days=CHANGED_FOR.days),
}


def offer_groups(rows: Iterable[OfferRow]) -> list[tuple[Text, list[OfferRow]]]:
    """Groups with something in them."""
    found: dict[str, list[OfferRow]] = {}
    for row in rows:
        found.setdefault(row.group, []).append(row)
    return [(name, found[key]) for key, name in OFFER_GROUPS.items() if key in found]


def offer_group(offer: Offer, at: datetime, soon: datetime) -> str:
    if offer.state == OfferState.DRAFT:
        return "draft"
    if offer.until and offer.until <= at:
        return "ended"
    if offer.since > at:
        return "coming"
    return "ending" if offer.until and offer.until < soon else "live"


def offer_row(offer: Any, at: datetime, soon: datetime) -> OfferRow:
    """Of an offer with the counts of `queries.programme.offers_in_view`."""
    levels = ", ".join(str(Level(level).label) for level in Level.values if level in offer.levels)
    countries = len(offer.countries)
    return OfferRow(
        offer,
        page_of(offer),
        offer_group(offer, at, soon),
        levels,
        ngettext("%(n)s country", "%(n)s countries", countries) % {"n": countries} if countries else gettext("all"),
        _used(offer),
        offer.in_line,
    )


def _used(offer: Any) -> str:
    if is_pack(offer):
        return ngettext("%(n)s pack", "%(n)s packs", offer.packs) % {"n": grouped(offer.packs)}
    if offer.places:
        held = {"n": grouped(offer.held), "places": grouped(offer.places)}
        return gettext("%(n)s of %(places)s places") % held
    return ngettext("%(n)s signed up", "%(n)s signed up", offer.held) % {"n": grouped(offer.held)}
