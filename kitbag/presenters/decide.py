"""What the page of a decision shows of a registration: its details with a verdict on each, and earlier traces (R54)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from kitbag.enums import RegistrationState, ShopStatus
from kitbag.models import Registration
from kitbag.presenters.texts import release_sentence, serial_sentence
from kitbag.rules import SerialFinding

FITS, LOOK, NEUTRAL = "ok", "warn", "line"
STATE_TONES = {
    RegistrationState.VALIDATED: ("ok", "check"),
    RegistrationState.REJECTED: ("line", "close"),
    RegistrationState.SUBMITTED: ("warn", "clock"),
}


@dataclass(frozen=True)
class Fact:
    """One detail of the member: what it says, what the portal makes of it, and the tone of the verdict."""

    name: str
    value: str
    note: str
    tone: str
    verdict: str
    mono: bool = False


@dataclass(frozen=True)
class Trace:
    """Something that is known about the serial number from before."""

    at: datetime | None
    member: Any
    state: str
    tone: str
    icon: str
    text: str


def facts_of(
    row: Registration, *, finding: SerialFinding | None, shop: ShopStatus, in_region: bool, on: date
) -> list[Fact]:
    """The five details. `finding` is of the serial number, `in_region` whether the country has a programme."""
    return [
        _serial(row, finding),
        _product(row),
        _country(row, in_region=in_region),
        _date(row, on),
        _store(row, shop),
    ]


def fitting(facts: Iterable[Fact]) -> int:
    return sum(fact.tone != LOOK for fact in facts)


def _fact(name: str, value: object, note: str, tone: str, *, mono: bool = False) -> Fact:
    verdict = {FITS: _("Fits"), LOOK: _("Look"), NEUTRAL: _("Not known")}[tone]
    return Fact(name, str(value), note, tone, verdict, mono)


def _serial(row: Registration, finding: SerialFinding | None) -> Fact:
    name = _("Serial number")
    if row.no_serial:
        return _fact(name, _("None, according to the member"), row.product.get_serial_place_display(), LOOK)
    if finding and finding.code:
        notes = [_unusual(finding), _("The member has confirmed it.") if row.serial_insisted else ""]
        return _fact(name, row.serial, " ".join(filter(None, notes)), LOOK, mono=True)
    place = row.product.get_serial_place_display()
    return _fact(name, row.serial, _("Its form fits this product. %(place)s") % {"place": place}, FITS, mono=True)


def _unusual(finding: SerialFinding) -> str:
    if finding.code == "shape":
        usual = _("Not the form that this product usually has, such as %(example)s.")
        return usual % {"example": finding.example} if finding.example else _("Not the form of this product.")
    return serial_sentence(finding)


def _product(row: Registration) -> Fact:
    points = _("%(points)d points now") % {"points": row.product.points}
    release = f"{row.product.release_date.year}" if row.product.release_date.year else ""
    note = _("%(points)s, out since %(year)s") % {"points": points, "year": release} if release else points
    return _fact(_("Product"), row.product.name, note, FITS)


def _country(row: Registration, *, in_region: bool) -> Fact:
    if row.country == row.member.country:
        note = _("Where the member lives")
    elif in_region:
        note = _("In the region: a warranty repair needs the receipt")
    else:
        note = _("Outside the region: it counts, without a local warranty")
    return _fact(_("Bought in"), row.country.name, note, FITS)


def _date(row: Registration, on: date) -> Fact:
    when = row.purchased_on.strftime("%-d %B %Y") if row.purchased_on else "–"
    if not row.is_before_release:
        return _fact(_("Date of purchase"), when, _("After the product came out"), FITS)
    notes = [release_sentence(row.product, on=on), _("The member has confirmed it.") if row.date_insisted else ""]
    return _fact(_("Date of purchase"), when, " ".join(filter(None, notes)), LOOK)


def _store(row: Registration, shop: ShopStatus) -> Fact:
    notes = {
        ShopStatus.AUTHORISED: _("Authorised on that day"),
        ShopStatus.NOT_AUTHORISED: _("Not authorised on that day: it counts, without a local warranty"),
    }
    tone = FITS if shop in notes else NEUTRAL
    return _fact(_("Store"), row.store, notes.get(shop, _("Not a retailer that we know, or a private seller")), tone)


def traces_of(row: Registration, others: Iterable[Registration], reported_on: datetime | None) -> list[Trace]:
    """Other registrations with this serial number, and a report that it is stolen."""
    traces = [_trace(row, other) for other in others]
    if reported_on:
        text = _("Staff and the owner have been told of this registration.")
        traces.append(Trace(reported_on, None, _("Reported stolen"), "late", "lock", text))
    return traces


def _trace(row: Registration, other: Registration) -> Trace:
    tone, icon = STATE_TONES.get(RegistrationState(other.state), ("line", "edit"))
    said = other.get_refusal_reason_display() if other.state == RegistrationState.REJECTED else ""
    what = other.product.name if other.product_id != row.product_id else ""
    bought = f"{other.purchased_on:%-d %B %Y}, {other.store}" if other.purchased_on and other.store else ""
    text = " · ".join(filter(None, [what, other.serial, bought, said]))
    return Trace(other.submitted_at or other.added_at, other.member, other.get_state_display(), tone, icon, text)
