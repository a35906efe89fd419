"""A centre replaced the product or its main board, which has a new serial number now (R64)."""

from typing import Unpack

from kitbag.actions import serial_changes
from kitbag.enums import SerialChangeState
from servicing.actions.events import EventDetails, find_by_external_id, locks_ticket, record_event
from servicing.enums import EventKind
from servicing.models import ServiceReport, Ticket, TicketEvent


@locks_ticket
def change_serial(
    *, ticket: Ticket, serial: str, insisted: bool = False, **details: Unpack[EventDetails]
) -> TicketEvent:
    """Record the new number of the product. The job goes on with it, and the registration takes it over.

    `insisted`: an unusual number was compared with the product.
    Raises Refusal as `kitbag.actions.serial_changes.change_serial` and `record_event`.
    """
    if find_by_external_id(ticket, details.get("external_id", "")):
        return record_event(ticket=ticket, kind=EventKind.SERIAL_CHANGED, **details)
    change = serial_changes.change_serial(
        product=ticket.product,
        registration=ticket.registration,
        serial=ticket.serial,
        new_serial=serial,
        insisted=insisted,
        by=details["actor"].user,
        partner=details["actor"].partner,
        at=details["at"],
    )
    ticket.serial, ticket.serial_key = change.new_serial, change.new_key
    ServiceReport.objects.filter(ticket=ticket).update(serial_key=change.new_key)
    data: dict[str, int | bool] = {"serial_change": change.pk}
    if change.state == SerialChangeState.CLAIMED:
        data["claimed"] = True
    return record_event(
        ticket=ticket, kind=EventKind.SERIAL_CHANGED, data=data, changed=["serial", "serial_key"], **details
    )
