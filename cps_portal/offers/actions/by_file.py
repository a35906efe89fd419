"""A fulfilment house without a system works with files: one out, one back (R38)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.lib.errors import Refusal
from cps_portal.offers.actions.packs import Report, record_report
from cps_portal.offers.enums import PackState, PackStep
from cps_portal.offers.models import PackEvent, WelcomePack
from members.models import User

BATCH = 1000


@dataclass(frozen=True)
class Line:
    """One line of the file that came back, numbered as in the file."""

    number: int
    reference: str
    report: Report


@transaction.atomic
def take_out(*, by: User, at: datetime) -> list[WelcomePack]:
    """The requests of houses that hear of nothing by themselves, marked as accepted: whoever has the file has them."""
    waiting = WelcomePack.objects.filter(state=PackState.REQUESTED, blanked_at=None, house__endpoints=None)
    waiting = waiting.order_by("sending_since", "pk")
    packs = [WelcomePack.objects.locked(key) for key in waiting.values_list("pk", flat=True)[:BATCH]]
    taken = [pack for pack in packs if pack.state == PackState.REQUESTED]
    for pack in taken:
        report = Report(PackStep.ACCEPTED, pack.sending, at, f"{pack.key}-file", {"file": at.isoformat()})
        record_report(pack=pack, report=report, by=by, at=at)
    return taken


def taken_at(moment: str) -> list[WelcomePack]:
    """The packs of a file that was taken before: it can be had again, and nothing is counted twice."""
    keys = PackEvent.objects.filter(step=PackStep.ACCEPTED, data__file=moment).values("pack")
    rows = WelcomePack.objects.filter(pk__in=keys, blanked_at=None).select_related("member")
    return list(rows.order_by("sending_since", "pk"))


def bring_back(*, lines: Sequence[Line], by: User, at: datetime) -> tuple[int, list[tuple[int, str]]]:
    """Record what the house wrote, line by line; the same file again changes nothing.

    Returns how many lines were new, and number and reason of those that were refused.
    """
    new, refused = 0, []
    for line in lines:
        pack = WelcomePack.objects.filter(reference=line.reference).first()
        if pack is None:
            refused.append((line.number, str(_("There is no Welcome Pack with this reference."))))
            continue
        try:
            _row, recorded = record_report(pack=pack, report=line.report, by=by, at=at)
        except Refusal as refusal:
            refused.append((line.number, str(refusal.message)))
        else:
            new += recorded
    return new, refused
