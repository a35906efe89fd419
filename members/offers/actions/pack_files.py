"""A fulfilment house without a system works with files: one out, one back (R38)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count, F, Q
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from members.models import Member, User
from members.offers.actions.packs import Report, record_report
from members.offers.enums import PackState, PackStep
from members.offers.models import Card, PackEvent, WelcomePack

BATCH = 1000
FILES_SHOWN = 10
NOT_WANTED = [PackState.CANCELLED, PackState.RECEIVED]


@dataclass(frozen=True)
class Line:
    """One line of the file that came back, numbered as in the file."""

    number: int
    reference: str
    report: Report


@dataclass(frozen=True)
class Problem:
    """Why a line of the file that came back was not recorded; `column` is "" if it is none of them."""

    number: int
    column: str
    why: str


def waiting() -> Q:
    """The requests that go by file: their house hears of nothing by itself."""
    return Q(state=PackState.REQUESTED, blanked_at=None, house__endpoints=None)


@transaction.atomic
def export_requests(*, by: User, at: datetime) -> list[WelcomePack]:
    """The requests of houses that hear of nothing by themselves, marked as accepted: whoever has the file has them."""
    found = WelcomePack.objects.filter(waiting()).order_by("sending_since", "pk")
    packs = [WelcomePack.objects.locked(key) for key in found.values_list("pk", flat=True)[:BATCH]]
    taken = [pack for pack in packs if pack.state == PackState.REQUESTED]
    for pack in taken:
        report = Report(PackStep.ACCEPTED, pack.sending, at, f"{pack.key}-file", {"file": at.isoformat()})
        record_report(pack=pack, report=report, by=by, at=at)
    return taken


def exported_at(moment: str) -> list[WelcomePack]:
    """The packs of a file that was taken before: it can be had again, and nothing is counted twice.

    Without those not wanted any more, and those sent again since: their next sending has a file of its own.
    """
    of_file = Q(story__step=PackStep.ACCEPTED, story__data__file=moment, story__sending=F("sending"))
    rows = WelcomePack.objects.filter(of_file, blanked_at=None).exclude(state__in=NOT_WANTED)
    return list(rows.select_related("member").order_by("sending_since", "pk"))


def recent_exports() -> list[tuple[str, str, int]]:
    """The latest files: the moment that names it, who took it, how many packs were in it."""
    taken = PackEvent.objects.filter(step=PackStep.ACCEPTED, data__has_key="file")
    rows = taken.values_list("data__file", "by__email").annotate(packs=Count("pk")).order_by("-data__file")
    return list(rows[:FILES_SHOWN])


def cards_of(packs: Iterable[WelcomePack]) -> dict[int, Card]:
    """The card that goes into each pack, by member."""
    members = Member.objects.filter(pk__in=[pack.member_id for pack in packs])
    return {card.member_id: card for card in Card.objects.live().filter(member__in=members)}


def import_reports(*, lines: Sequence[Line], by: User, at: datetime) -> tuple[int, list[Problem]]:
    """Record what the house wrote, each line for itself; the same file again changes nothing.

    Returns how many lines were new, and which were refused.
    """
    new, refused = 0, []
    for line in lines:
        pack = WelcomePack.objects.filter(reference=line.reference).first()
        if pack is None:
            refused.append(Problem(line.number, "reference", str(_("There is no Welcome Pack with this reference."))))
            continue
        try:
            _row, recorded = record_report(pack=pack, report=line.report, by=by, at=at)
        except Refusal as refusal:
            refused.append(Problem(line.number, refusal.field or "", str(refusal.message)))
        else:
            new += recorded
    return new, refused
