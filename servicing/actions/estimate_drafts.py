"""An estimate that is not finished: kept with the job until it is sent, for staff alone (R52, R54)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.text import clean_name, clean_text
from members.models import User
from servicing.actions.estimates import MAX_LINES, MAX_NOTE_LENGTH, MAX_TEXT_LENGTH
from servicing.actions.events import locks_ticket
from servicing.enums import EventKind
from servicing.models import EstimateDraft, Ticket
from servicing.rules import next_moves

MAX_FIELD_LENGTH = 40  # of a number or a day as typed


@dataclass(frozen=True)
class Typed:
    """What somebody has typed so far: the fields of each line by name, and what stands beside the lines."""

    lines: Sequence[Mapping[str, str]]
    valid_until: str = ""
    note: str = ""
    occurred_at: str = ""


@locks_ticket
def save_draft(*, ticket: Ticket, typed: Typed, seen: str, by: User, at: datetime) -> EstimateDraft:
    """Keep what was typed in the place of the draft before it. Nothing is sent, and no event is recorded.

    `seen`: the version of the draft that the person began with, "" for none. Raises Refusal: `move` if no estimate can
    be sent at this step, `empty`, `changed` if somebody else has saved one since, and `long` beside `lines.N.…` of the
    N-th line, `note`, `valid_until` or `occurred_at`.
    """
    if EventKind.ESTIMATE_SENT not in next_moves(ticket.state, ticket.charge):
        raise Refusal("move", _("An estimate can’t be sent at this step of the job."))
    lines = [{name: clean_name(value) for name, value in line.items()} for line in typed.lines[:MAX_LINES]]
    values = {
        "valid_until": clean_name(typed.valid_until),
        "note": clean_text(typed.note),
        "occurred_at": clean_name(typed.occurred_at),
    }
    if not lines and not values["note"]:
        raise Refusal("empty", _("There’s nothing to save yet. Type a line first."))
    for field, value, limit in _with_limits(lines, values):
        if len(value) > limit:
            raise Refusal("long", _("This is too long. Use at most %(n)d characters.") % {"n": limit}, field)
    last = EstimateDraft.objects.filter(ticket=ticket).select_related("by").first()
    if last and last.version != seen:
        sentence = _("%(who)s has saved a draft since you opened this page. Save again to put yours in its place.")
        raise Refusal("changed", sentence % {"who": last.by or _("Somebody")})
    draft, _created = EstimateDraft.objects.update_or_create(
        ticket=ticket, defaults={**values, "lines": lines, "by": by, "saved_at": at}
    )
    return draft


@locks_ticket
def discard_draft(*, ticket: Ticket) -> bool:
    """Delete the draft of a job. Returns whether there was one."""
    deleted, _by_model = EstimateDraft.objects.filter(ticket=ticket).delete()
    return bool(deleted)


def _with_limits(lines: Sequence[Mapping[str, str]], values: Mapping[str, str]) -> Iterator[tuple[str, str, int]]:
    """Each field with its text and the number of characters that it holds."""
    for number, line in enumerate(lines):
        for name, value in line.items():
            yield f"lines.{number}.{name}", value, MAX_TEXT_LENGTH if name == "text" else MAX_FIELD_LENGTH
    for name, value in values.items():
        yield name, value, MAX_NOTE_LENGTH if name == "note" else MAX_FIELD_LENGTH
