"""What happens in the examples of the OpenAPI document, operation by operation and webhook by webhook: see `story`."""

from collections.abc import Mapping
from typing import Any

from cps_portal.core.rest.cast import (
    BOOKED_IN,
    CARD_REQUEST,
    DETAILS,
    FOLLOW_UP,
    LENT,
    LOAN_OUT,
    MOVES_BEFORE,
    PACK,
    STEP,
    TEST_MESSAGE,
    TICKET,
    VISITOR_TICKET,
)

VISITOR_TICKET_FIELDS = {
    "reference": VISITOR_TICKET,
    "product": LENT,
    "serial": "212399900077",
    "customer": {"kind": "visiting", "name": DETAILS["name"], "number": DETAILS["card_number"], "language": "en"},
    "level": "",
    "track": "standard",
    "why_standard": ["visiting"],
    "target_days": 10,
    "discount_percent": 0,
    "free_return": False,
    "loan_possible": False,
    "loan_wanted": False,
    "purchased_on": None,
    "fault": "The shutter sticks.",
    "condition": "Light scratches",
    "accessories": "",
    "opened_at": "2026-03-02T10:20:00Z",
    "booked_in_at": "2026-03-02T10:20:00Z",
    "due_at": "2026-03-16T15:00:00Z",
    "changed_at": "2026-03-02T10:20:00Z",
}
# What is different in the response of an operation, because the story has gone on; of a list in its rows.
OPERATIONS: Mapping[str, Mapping[str, Any]] = {
    "fetchToken": {
        "access_token": "an-opaque-token-for-an-hour",
        "expires_in": 3600,
        "scope": "tickets:read tickets:write intake",
    },
    "handOutLoan": LOAN_OUT,
    "extendLoan": {**LOAN_OUT, "due_back": "2026-03-12"},
    "takeBackLoan": {
        **LOAN_OUT,
        "state": "returned",
        "returned_at": "2026-03-09T08:00:00Z",
        "condition_in": "As it went out",
    },
    "cancelLoan": {"state": "cancelled", "cancelled_at": "2026-03-02T12:00:00Z"},
    "recordPartArrived": {"arrived_at": STEP["occurred_at"]},
    "openFollowUp": {
        "reference": FOLLOW_UP,
        "state": "requested",
        "moves": MOVES_BEFORE,
        "follows": TICKET,
        "charge": "no_charge",
        "fault": "",
        "condition": "",
        "accessories": "",
        "opened_at": "2026-03-20T09:00:00Z",
        "booked_in_at": None,
        "due_at": None,
        "changed_at": "2026-03-20T09:00:00Z",
    },
    "openVisitorTicket": VISITOR_TICKET_FIELDS,
    "addCardPhoto": {"has_photo": True},
    "withdrawSale": {"state": "withdrawn", "withdrawn_at": "2024-09-02T10:00:00Z"},
    "getSale": {"state": "matched", "matched_at": "2024-08-26T18:03:00Z"},
    "listSales": {"state": "matched", "matched_at": "2024-08-26T18:03:00Z"},
    "changeWebhookEndpoint": {"types": ["ticket.event"]},
    "suspendWebhookEndpoint": {"state": "suspended", "reason": "Maintenance tonight"},
    "reportOnCardByToken": {"reference": CARD_REQUEST},
    "pingWebhookEndpoint": TEST_MESSAGE,
    "replayWebhookMessage": {"state": "queued", "next_at": "2026-03-02T12:00:00Z"},
    "openTicket": {"opened_at": BOOKED_IN, "loan_wanted": False},
}
# What is different in the body of a request to an operation.
REQUESTS: Mapping[str, Mapping[str, Any]] = {
    "fetchToken": {"client_id": "your-client-id", "client_secret": "your-client-secret", "scope": "tickets:read"},
    "revokeToken": {
        "token": "an-opaque-token-for-an-hour",
        "client_id": "your-client-id",
        "client_secret": "your-client-secret",
    },
}
# The id of a webhook, its subject, its number there, the path of the object, and when it happened.
WEBHOOKS: Mapping[str, tuple[str, str, int, str, str]] = {
    "endpoint.test": (
        "endpoint-test-3-1772442000000",
        "webhook-endpoints/3",
        1772442000000,
        "webhook-endpoints/3",
        "2026-03-02T09:00:00+00:00",
    ),
    "ticket.opened": (
        "ticket-event-38",
        f"tickets/{TICKET}",
        38,
        f"tickets/{TICKET}",
        "2026-02-27T14:05:00+00:00",
    ),
    "ticket.event": ("ticket-event-41", f"tickets/{TICKET}", 41, f"tickets/{TICKET}", "2026-03-02T09:30:04+00:00"),
    "ticket.message": (
        "ticket-message-24",
        f"tickets/{TICKET}/messages",
        24,
        f"tickets/{TICKET}/messages",
        "2026-03-02T10:40:00+00:00",
    ),
    "sale.matched": ("sale-matched-17", "sales/17", 1, "sales/17", "2024-08-26T18:03:00+00:00"),
    "sale.withdrawn": ("sale-withdrawn-17", "sales/17", 2, "sales/17", "2024-09-02T10:00:00+00:00"),
    "welcome_pack.requested": (
        f"pack-{PACK}-1",
        f"welcome_packs/{PACK}",
        1,
        f"fulfilment/requests/{PACK}",
        "2025-11-03T09:30:00+00:00",
    ),
    "welcome_pack.cancelled": (
        f"pack-{PACK}-1-cancelled",
        f"welcome_packs/{PACK}",
        2,
        f"fulfilment/requests/{PACK}",
        "2025-11-04T09:00:00+00:00",
    ),
    "membership_card.requested": (
        "card-880000000029",
        "membership_cards/880000000029",
        1,
        f"fulfilment/cards/{CARD_REQUEST}",
        "2026-02-10T10:00:00+00:00",
    ),
}
