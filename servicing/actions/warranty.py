"""Whether the warranty covers a repair: the centre decides, and the member reads why (R60)."""

from typing import Unpack

from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from servicing.actions.events import EventDetails, find_by_external_id, locks_ticket, record_event
from servicing.actions.tickets import at_intake
from servicing.enums import EventKind, ServiceKind, TicketFileKind, Warranty, WhyNoWarranty
from servicing.models import Ticket, TicketEvent
from servicing.queries.entitlement import EntitlementChecker
from servicing.rules.entitlement import OWN_CENTRES

WARRANTY_FIELDS = ["warranty", "why_no_warranty", "free_return"]


@locks_ticket
def decide_warranty(
    *, ticket: Ticket, in_warranty: bool, why: str = "", proof_seen: bool = False, **details: Unpack[EventDetails]
) -> TicketEvent:
    """In warranty, or refused for the reason `why`, a `WhyNoWarranty`. Sets whether return shipping is free (R51).

    `proof_seen`: the proof of purchase was shown at the counter.
    Raises Refusal: `not_a_repair`, `proof_missing`, `why` without a reason, and as `record_event`.
    """
    if not find_by_external_id(ticket, details.get("external_id", "")):
        if in_warranty:
            _require_coverable(ticket, proof_seen=proof_seen)
        elif why not in WhyNoWarranty.values:
            raise Refusal("why", _("Choose why it is not covered. The member reads it."), "why")
        ticket.warranty = Warranty.IN_WARRANTY if in_warranty else Warranty.REFUSED
        ticket.why_no_warranty = "" if in_warranty else why
        ticket.free_return = not in_warranty and _gives_free_return(ticket)
    return record_event(
        ticket=ticket,
        kind=EventKind.WARRANTY_DECIDED,
        data={"warranty": ticket.warranty, "why": ticket.why_no_warranty},
        changed=WARRANTY_FIELDS,
        **details,
    )


def _require_coverable(ticket: Ticket, *, proof_seen: bool) -> None:
    if ticket.service != ServiceKind.REPAIR:
        raise Refusal("not_a_repair", WhyNoWarranty.NOT_A_REPAIR.label, "in_warranty")
    if not proof_seen and not ticket.files.filter(kind=TicketFileKind.PROOF).exists():
        raise Refusal(
            "proof_missing",
            _("There is no proof of purchase. Ask the member for one, or confirm that you have seen it."),
            "proof_seen",
        )


def _gives_free_return(ticket: Ticket) -> bool:
    """Whether the level at intake gives free return shipping of a chargeable repair at a centre of our own (R50, R51).

    A warranty repair is free of charge anyway.
    """
    if ticket.member is None or ticket.service != ServiceKind.REPAIR or ticket.centre.kind not in OWN_CENTRES:
        return False
    return EntitlementChecker(ticket.member, **at_intake(ticket)).benefits_at(ticket.centre).free_return
