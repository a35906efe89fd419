"""The points statement as a PDF: every change with its reason (R21)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cps_portal.core.lib.pdf import PreparedPdf, prepare_pdf
from cps_portal.core.lib.print_text import isolated
from cps_portal.core.lib.written_dates import date_format
from cps_portal.core.lib.written_numbers import signed
from kitbag.models import PointsEntry
from kitbag.presenters.ledger import entry_title, explain_entry
from members.enums import Level
from members.models import Member

MAX_PRINTED = 1000  # entries


def points_statement(
    member: Member, entries: Sequence[PointsEntry], notified_at: Mapping[int, datetime], *, count: int, at: datetime
) -> PreparedPdf:
    """`entries` with their totals, the newest first. `count` is how many there are: what is missing on paper is said.

    `notified_at` comes from `notified_at_by_change`.
    """
    day = date_format(at, "j F Y")
    name, number = isolated(member.full_name), member.number_in_groups
    notes = [_("Points can’t be redeemed, exchanged or passed on. They only set your level.")]
    if missing := count - len(entries):
        text = ngettext("%(n)s older change is not printed here.", "%(n)s older changes are not printed here.", missing)
        notes.append(text % {"n": intcomma(missing)})
    return prepare_pdf(
        "points",
        {
            "title": _("Points statement"),
            "author": member.full_name,
            "bar": [number, day],
            "lead": _("Every change of the points of %(name)s, newest first.") % {"name": name},
            "facts": [
                {
                    "name": _("Member"),
                    "value": member.full_name,
                    "note": _("Member since %(month)s") % {"month": date_format(member.joined_at, "F Y")},
                },
                {"name": _("Points on %(day)s") % {"day": day}, "value": intcomma(member.points), "big": True},
                {"name": _("Level"), "value": str(Level(member.level).label)},
            ],
            "head": [_("Day"), _("What happened"), _("Points"), _("Total")],
            "rows": [_row(entry, notified_at) for entry in entries],
            "notes": notes,
            "foot": _("Points statement of %(name)s, %(number)s, %(day)s")
            % {"name": name, "number": number, "day": day},
        },
    )


def _row(entry: PointsEntry, notified_at: Mapping[int, datetime]) -> dict[str, object]:
    total: int = entry.total  # type: ignore[attr-defined]  # annotated by with_total
    return {
        "day": date_format(timezone.localtime(entry.at), "j M Y"),
        "name": entry_title(entry.cause, entry.registration.product.name if entry.registration else ""),
        "reason": explain_entry(entry, notified_at),
        "amount": signed(entry.amount),
        "total": intcomma(total),
        "less": entry.amount < 0,
    }
