"""The centre decides who pays, and the member reads why (R60)."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from servicing.actions.heard import heard_before
from servicing.actions.recording import Who, record_on
from servicing.enums import EventKind, ServiceKind, TicketFileKind, Warranty, WhyNoWarranty
from servicing.models import Ticket
from servicing.queries import entitlement as entitled
from servicing.rules.entitlement import OWN_CENTRES


@transaction.atomic
def decide_warranty(
    *,
    ticket: Ticket,
    in_warranty: bool,
    who: Who,
    at: datetime,
    why: str = "",
    proof_seen: bool = False,
    occurred_at: datetime | None = None,
    external_id: str = "",
) -> Ticket:
    """In warranty, or refused with the reason. A chargeable repair has the free return of R51, a free one needs none.

    `proof_seen`: the proof of purchase was shown at the counter.
    Raises Refusal: `not_a_repair`, `proof_missing`, `why` without a reason, and as `record_event`.
    """
    locked = Ticket.objects.locked(ticket.pk)
    if heard_before(locked, external_id):
        return locked
    if in_warranty:
        _may_be(locked, proof_seen=proof_seen)
    elif why not in WhyNoWarranty.values:
        raise Refusal("why", _("Choose why it is not covered: the member reads it."), "why")
    locked.warranty = Warranty.IN_WARRANTY if in_warranty else Warranty.REFUSED
    locked.why_no_warranty = "" if in_warranty else why
    locked.free_return = not in_warranty and _gives_free_return(locked)
    locked.save(update_fields=["warranty", "why_no_warranty", "free_return"])
    done, _event = record_on(
        ticket=locked,
        kind=EventKind.WARRANTY_DECIDED,
        who=who,
        at=at,
        occurred_at=occurred_at,
        external_id=external_id,
        data={"warranty": locked.warranty, "why": locked.why_no_warranty},
    )
    return done


def _may_be(ticket: Ticket, *, proof_seen: bool) -> None:
    if ticket.service != ServiceKind.REPAIR:
        raise Refusal("not_a_repair", WhyNoWarranty.NOT_A_REPAIR.label, "in_warranty")
    if not proof_seen and not ticket.files.filter(kind=TicketFileKind.PROOF).exists():
        raise Refusal(
            "proof_missing",
            _("There is no proof of purchase. Ask the member for one, or say that it was shown to you."),
            "proof_seen",
        )


def _gives_free_return(ticket: Ticket) -> bool:
    """What the level gave at intake on a chargeable repair at a centre of our own (R50, R51)."""
    if ticket.member is None or ticket.service != ServiceKind.REPAIR or ticket.centre.kind not in OWN_CENTRES:
        return False
    level = (ticket.level or ticket.member.level) if ticket.member else None
    benefit = entitled.benefits_of(level).get(ticket.centre.country.code)
    return benefit is not None and benefit.free_return
