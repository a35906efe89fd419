"""One table says which action records which kind of event (R52)."""

from servicing.actions.dispatch import EVENT_ACTIONS
from servicing.admin.ticket_buttons import BUTTONS
from servicing.api.resources import REPORTED_KINDS
from servicing.enums import EventKind

# Recorded by the portal, by opening a ticket, by a message, by the return address, by correcting a shipment, or by the
# actions of loans.
NOT_REPORTED = {
    EventKind.REQUESTED,
    EventKind.PLACE_AWAITED,
    EventKind.PLACE_GIVEN,
    EventKind.PLACE_LAPSED,
    EventKind.BECAME_FAST_TRACK,
    EventKind.BECAME_STANDARD,
    EventKind.QUESTION_ASKED,
    EventKind.SHIPPING_CHANGED,
    EventKind.SHIPMENT_CORRECTED,
    EventKind.TARGET_CHANGED,
    EventKind.TARGET_MISSED,
    EventKind.LOAN_OFFERED,
    EventKind.LOAN_DECLINED,
    EventKind.LOAN_RESERVED,
    EventKind.LOAN_CANCELLED,
    EventKind.LOAN_OUT,
    EventKind.LOAN_RETURNED,
}


def test_every_kind_has_an_action_or_is_not_reported() -> None:
    assert {*EVENT_ACTIONS} == {*EventKind} - NOT_REPORTED


def test_the_admin_and_the_api_offer_only_what_has_an_action() -> None:
    assert {button.kind for button in BUTTONS.values()} <= {*EVENT_ACTIONS}
    assert {*REPORTED_KINDS} <= {*EVENT_ACTIONS}
