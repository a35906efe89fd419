"""The audit trail of a member in words: who, when, through which door, before → after (R54)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.db.models import Field, ForeignKey, Model, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_countries.fields import CountryField

from cps_portal.core.lib.countries import country_name
from cps_portal.core.lib.written_dates import date_format
from cps_portal.core.partners.models import Partner
from cps_portal.site.presenters.viewed_page import VIEWED_PAGES
from cps_portal.site.queries.trail import Entry, Selection, count_entries, read_entries
from kitbag.models import Adjustment, PointsEntry, Product, Registration
from members.enums import AccessKind, Door
from members.models import (
    AccountMerge,
    EmailChange,
    LevelChange,
    LostAddress,
    Member,
    MemberView,
    StaffAccess,
    TermsAcceptance,
    User,
)
from members.offers.models import PackEvent, WelcomePack
from members.support.models import Case
from servicing.models import Estimate, Loan, ServiceCentre, ServiceReport, Ticket, TicketEvent

MOMENT = "DATETIME_FORMAT"
DAY = "DATE_FORMAT"
NOTHING = "–"
# Never shown, not even that they changed from what to what: a name that contains one of these.
SECRET_WORDS = ("password", "token", "digest", "secret", "hash", "session", "totp", "recovery")
# Columns that other columns say better.
COMPUTED = frozenset({"id", "serial_key", "new_key", "name_words", "changed_at", "member", "user"})
Row = tuple[type[Model], int]


@dataclass(frozen=True)
class Change:
    """What one field was and became, in words."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Line:
    at: datetime
    who: str
    what: str
    changes: list[Change]
    door: str


@dataclass(frozen=True)
class Trail:
    """A part of the trail, and how many lines the whole selection has."""

    lines: list[Line]
    total: int


def build_trail(member: Member, user: User, selection: Selection | None = None, *, start: int, limit: int) -> Trail:
    """Lines `start` to `start + limit` of what `user` may see, the newest first. The queries do not grow with them."""
    chosen = selection or Selection()
    entries = read_entries(member, user, chosen, start=start, limit=limit)
    return Trail(_lines(member, entries), count_entries(member, user, chosen))


def iterate_lines(member: Member, user: User, selection: Selection, *, batch: int) -> Iterator[Line]:
    """The whole selection, for a file."""
    start = 0
    while entries := read_entries(member, user, selection, start=start, limit=batch):
        yield from _lines(member, entries)
        start += batch


def _lines(member: Member, entries: list[Entry]) -> list[Line]:
    names = Names(entries)
    return [
        Line(entry.at, _who(entry, member, names), _what(entry, names), _changes(entry, names), _door(entry))
        for entry in entries
    ]


# --- Who, and through which door ------------------------------------------------------------------


def _who(entry: Entry, member: Member, names: "Names") -> str:
    if partner := _partner_of(entry):
        return names.partners.get(partner, partner)
    if entry.actor is None:
        return _("the portal itself")
    if entry.actor == member.user_id:
        return member.full_name or _("the member")
    return names.of(User, entry.actor) or _("somebody of the staff")


def _partner_of(entry: Entry) -> str:
    """The short name of the partner who did it, "" for anybody else."""
    if partner := getattr(entry.row, "partner", None):
        return str(partner.slug)
    return str(_metadata(entry).get("partner", ""))


def _metadata(entry: Entry) -> Mapping[str, Any]:
    context = getattr(entry.row, "pgh_context", None)
    return context.metadata if context else {}


def _door(entry: Entry) -> str:
    row = entry.row
    if isinstance(row, StaffAccess):
        return str(row.get_door_display())
    if isinstance(row, LogEntry | MemberView):
        return str(Door.DESK.label)
    path = str(_metadata(entry).get("url", ""))
    if _partner_of(entry) or path.startswith("/api/"):
        return str(Door.API.label)
    if path.startswith(reverse("admin:index")):
        return str(Door.DESK.label)
    if path or isinstance(row, TermsAcceptance | EmailChange):
        return str(Door.SITE.label)
    return NOTHING if entry.actor else str(Door.WORKER.label)


# --- What ------------------------------------------------------------------------------------------


def _what(entry: Entry, names: "Names") -> str:
    """What happened, or to what."""
    row = entry.row
    if sentence := SENTENCES.get(type(row)):
        return sentence(row, names)
    tracked = row.pgh_tracked_model
    about = names.of(tracked, row.pgh_obj_id) or next((name for name in map(names.of_row, _links(row)) if name), "")
    what = f"{capfirst(tracked._meta.verbose_name)}: {about}" if about else str(capfirst(tracked._meta.verbose_name))
    if row.pgh_label == "delete":
        return _("%(what)s, deleted") % {"what": what}
    return _("%(what)s, new") % {"what": what} if entry.before is None and row.pgh_label == "insert" else what


def _points(entry: PointsEntry, names: "Names") -> str:
    about = names.of(Registration, entry.registration_id) or names.of(Adjustment, entry.adjustment_id)
    return _("%(points)s points: %(cause)s. %(about)s") % {
        "points": f"{entry.amount:+d}",
        "cause": entry.get_cause_display(),
        "about": about,
    }


def _opened(access: StaffAccess, names: "Names") -> str:
    if access.kind == AccessKind.VIEW_AS:
        return f"{access.get_kind_display()}: {VIEWED_PAGES.get(access.page, access.page)}"
    what = capfirst(apps.get_model(access.model)._meta.verbose_name) if access.model else _("Page")
    row = names.of(apps.get_model(access.model), access.key) if access.model and access.key else ""
    return f"{access.get_kind_display()}: {what} {row}".strip()


def _seen_as(view: MemberView, names: "Names") -> str:
    minutes = -int(-((view.ended_at or view.until) - view.at).total_seconds() // 60)
    sentence = ngettext(
        "Looked at the portal as the member, for %(minutes)s minute at most: %(reason)s",
        "Looked at the portal as the member, for %(minutes)s minutes at most: %(reason)s",
        minutes,
    )
    return sentence % {"minutes": number_format(minutes), "reason": view.reason or NOTHING}


SENTENCES: dict[type[Model], Callable[[Any, "Names"], str]] = {
    TermsAcceptance: lambda row, _names: _("Accepted the terms of %(version)s") % {"version": row.terms},
    EmailChange: lambda row, _names: _("Email address"),
    LevelChange: lambda row, _names: (
        _("Level: %(cause)s. %(about)s") % {"cause": row.get_cause_display(), "about": row.about}
    ),
    PointsEntry: _points,
    TicketEvent: lambda row, names: f"{names.of(Ticket, row.ticket_id)}: {row.get_kind_display()}",
    PackEvent: lambda row, names: f"{names.of(WelcomePack, row.pack_id)}: {row.get_step_display()}",
    StaffAccess: _opened,
    MemberView: _seen_as,
    LogEntry: lambda row, _names: _("Sign-in account: %(what)s") % {"what": row.get_change_message()},
}


# --- Before → after --------------------------------------------------------------------------------


def _changes(entry: Entry, names: "Names") -> list[Change]:
    row = entry.row
    if isinstance(row, LevelChange):
        return [Change(_("Level"), str(row.get_from_level_display()), str(row.get_to_level_display()))]
    if isinstance(row, EmailChange):
        return [Change(_("Email"), row.old_email, row.new_email)]
    if not entry.source.is_history:
        return []
    return [
        _change(field, entry.before, row, names)
        for field in row._meta.concrete_fields
        if _is_shown(field) and _differs(field, entry.before, row)
    ]


def _is_shown(field: Field[Any, Any]) -> bool:
    return not field.name.startswith("pgh_") and field.name not in COMPUTED


def _differs(field: Field[Any, Any], before: Any, row: Any) -> bool:
    """Of the first state that is kept, what was filled in."""
    after = getattr(row, field.attname)
    if before is not None:
        return bool(getattr(before, field.attname) != after)
    return after not in (None, "", [], {}, False) and (not field.has_default() or after != field.get_default())


def _change(field: Field[Any, Any], before: Any, row: Any, names: "Names") -> Change:
    label = str(capfirst(field.verbose_name))
    if is_secret(field):
        return Change(label, "", _("not shown"))
    was = in_words(field, getattr(before, field.attname), names) if before is not None else ""
    return Change(label, was, in_words(field, getattr(row, field.attname), names))


def is_secret(field: Field[Any, Any]) -> bool:
    return any(word in field.name for word in SECRET_WORDS)


def in_words(field: Field[Any, Any], value: Any, names: "Names") -> str:
    """A value as people say it; a dash for none, also for what was blanked with an erased person (R14)."""
    if value in (None, "", [], {}):
        return NOTHING
    if isinstance(field, ForeignKey):
        return names.of(field.related_model, value) or f"#{value}"
    if isinstance(field, CountryField):
        return country_name(str(value))
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return date_format(timezone.localtime(value), MOMENT)
    if isinstance(value, date):
        return date_format(value, DAY)
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_plain(part)}" for key, part in value.items())
    return str(value)


# --- Names of other rows ---------------------------------------------------------------------------


def _reference(row: Any) -> str:
    return str(row.reference_in_groups)


# How a row is called, and what has to be loaded with it. Rows of other models are called by their key.
CALLED: dict[type[Model], tuple[tuple[str, ...], Callable[[Any], str]]] = {
    User: ((), lambda row: row.email),
    Member: ((), lambda row: row.number_in_groups),
    AccountMerge: (
        ("survivor", "ended"),
        lambda row: (
            _("%(ended)s into %(survivor)s")
            % {"ended": row.ended.number_in_groups, "survivor": row.survivor.number_in_groups}
        ),
    ),
    LostAddress: ((), lambda row: str(row) if row.new_email else ""),
    Product: ((), lambda row: row.name),
    Registration: (("product",), lambda row: f"{row.product.name} {row.serial}".strip()),
    Adjustment: ((), lambda row: row.reason),
    Case: ((), _reference),
    Ticket: ((), _reference),
    WelcomePack: ((), _reference),
    ServiceCentre: ((), lambda row: row.name),
    Estimate: (("ticket",), lambda row: _reference(row.ticket)),
    ServiceReport: (("ticket",), lambda row: _reference(row.ticket)),
    Loan: (("unit__product", "ticket"), lambda row: f"{row.unit.product.name}, {_reference(row.ticket)}"),
}


class Names:
    """What the rows are called that these entries name: one query for each model."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        entries = list(entries)
        keys: dict[type[Model], set[int]] = {}
        for model, key in (link for entry in entries for link in _links_of(entry)):
            keys.setdefault(model, set()).add(key)
        called = {model: rows for model, rows in keys.items() if model in CALLED}
        self._names = {
            model: {row.pk: CALLED[model][1](row) for row in _load(model, rows)} for model, rows in called.items()
        }
        slugs = {slug for entry in entries if (slug := _partner_of(entry))}
        self.partners = dict(Partner.objects.filter(slug__in=slugs).values_list("slug", "name")) if slugs else {}

    def of(self, model: Any, key: int | None) -> str:
        """ "" if there is no such row, or nothing that it could be called."""
        return self._names.get(model, {}).get(key, "") if key else ""

    def of_row(self, row: Row) -> str:
        return self.of(*row)


def _load(model: type[Model], keys: set[int]) -> QuerySet[Any]:
    return model._default_manager.filter(pk__in=keys).select_related(*CALLED[model][0] or [None])


def _links_of(entry: Entry) -> Iterator[Row]:
    if entry.actor:
        yield User, entry.actor
    if entry.source.is_history:
        yield entry.row.pgh_tracked_model, entry.row.pgh_obj_id
    if isinstance(entry.row, StaffAccess) and entry.row.model and entry.row.key:
        yield apps.get_model(entry.row.model), entry.row.key
    for row in (entry.before, entry.row):
        if row is not None:
            yield from _links(row)


def _links(row: Any) -> Iterator[Row]:
    """The rows that a row points at, the most telling first."""
    fields = [field for field in row._meta.concrete_fields if isinstance(field, ForeignKey)]
    for field in sorted(fields, key=lambda field: field.related_model in (User, Member)):
        key = getattr(row, field.attname)
        if key and isinstance(key, int) and isinstance(field.related_model, type) and not field.name.startswith("pgh_"):
            yield field.related_model, key
