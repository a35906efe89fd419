"""Welcome Pack requests and reports by CSV file, for a fulfilment partner without a system of its own (R38)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count, F, Q
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.spreadsheets import LineError
from members.models import User
from members.offers.actions.card_requests import record_card_report
from members.offers.actions.packs import Report, record_report
from members.offers.enums import PackState, PackStep
from members.offers.models import Card, CardRequest, PackEvent, WelcomePack
from members.queries import active_countries

MAX_PACKS_PER_FILE = 1000
FILES_SHOWN = 10


@dataclass(frozen=True)
class ReportLine:
    """A line of a file of reports, with its line number."""

    number: int
    reference: str
    report: Report


def waiting_for_file() -> Q:
    """Requests that have to go by file, because their partner has no webhook endpoint."""
    active = Q(member__country__in=active_countries())
    return active & Q(state=PackState.REQUESTED, blanked_at=None, partner__endpoints=None)


@transaction.atomic
def export_requests(*, by: User, at: datetime) -> list[WelcomePack]:
    """The requests for the next file. They are recorded as accepted, since whoever has the file has the requests."""
    waiting = WelcomePack.objects.filter(waiting_for_file()).order_by("sending_since", "pk")
    keys = list(waiting.values_list("pk", flat=True)[:MAX_PACKS_PER_FILE])
    WelcomePack.objects.filter(pk__in=keys).lock_members()
    locked = [WelcomePack.objects.locked(pk) for pk in keys]
    packs = [pack for pack in locked if pack.state == PackState.REQUESTED]
    for pack in packs:
        report = Report(PackStep.ACCEPTED, pack.sending, at, f"{pack.key}-file", {"file": at.isoformat()})
        record_report(pack=pack, report=report, by=by, at=at)
    return packs


def exported_at(moment: str) -> list[WelcomePack]:
    """The packs of an earlier file, to download it once more.

    Leaves out packs that were cancelled or received since, and those sent again: their next sending is in a file of
    its own.
    """
    in_file = Q(story__step=PackStep.ACCEPTED, story__data__file=moment, story__sending=F("sending"))
    packs = WelcomePack.objects.filter(in_file, blanked_at=None)
    packs = packs.exclude(state__in=[PackState.CANCELLED, PackState.RECEIVED])
    return list(packs.select_related("member").order_by("sending_since", "pk"))


def recent_exports() -> list[tuple[str, str, int]]:
    """The latest files: (moment of export, e-mail address of who exported it, number of packs)."""
    accepted = PackEvent.objects.filter(step=PackStep.ACCEPTED, data__has_key="file")
    files = accepted.values_list("data__file", "by__email").annotate(packs=Count("pk")).order_by("-data__file")
    return list(files[:FILES_SHOWN])


def cards_of(packs: Iterable[WelcomePack]) -> dict[int, Card]:
    """The valid card that goes into each pack, by key of the account that the member signs in to (R69)."""
    members = {pack.person.pk for pack in packs}
    return {card.member_id: card for card in Card.objects.live().filter(member__in=members)}


def import_reports(*, lines: Sequence[ReportLine], by: User, at: datetime) -> tuple[int, list[LineError]]:
    """Record the lines of a file, each on its own. Idempotent.

    Returns the number of new reports, and the lines that were refused.
    """
    new, refused = 0, []
    for line in lines:
        try:
            recorded = _record(line, by, at)
        except Refusal as refusal:
            refused.append(LineError(line.number, refusal.field or "", str(refusal.message)))
        else:
            new += recorded
    return new, refused


def _record(line: ReportLine, by: User, at: datetime) -> bool:
    """Record a line about a pack or a card. Returns whether it is new. Raises Refusal."""
    report = line.report
    if pack := WelcomePack.objects.filter(reference=line.reference).first():
        _pack, recorded = record_report(pack=pack, report=report, by=by, at=at)
        return recorded
    request = CardRequest.objects.filter(reference=line.reference).first()
    if request is None:
        raise Refusal("reference", _("There is no Welcome Pack and no card with this reference."), "reference")
    if report.sending != 1:
        raise Refusal("sending", _("A card has one sending. Sent again, it has another reference."), "sending")
    _request, recorded = record_card_report(
        request=request, step=report.step, occurred_at=report.occurred_at, data=report.data, at=at
    )
    return recorded
