"""Who and what the examples of the OpenAPI document are about: see `story`."""

TICKET, FOLLOW_UP, VISITOR_TICKET, PARCEL = "3F7K2M9A", "5QX8R2TD", "7HB4N6WC", "2C9T4V8E"
PACK, CARD_REQUEST = "2K70MQ26", "8DW3Y5PM"
CENTRE = {"slug": "johannesburg-professional-service-centre", "name": "Johannesburg Professional Service Centre"}
PRODUCT = {"slug": "eos-r5-mark-ii", "name": "EOS R5 Mark II"}
LENT = {"slug": "eos-r5", "name": "EOS R5"}
SERIAL, LENT_SERIAL = "212345678901", "212300000042"  # no leading zero: parsers of YAML 1.2 would read a number
NAME, NUMBER, CARD, PHONE = "Thandi Nkosi", "100200300400", "880000000017", "+27821234567"
SOLD, BOUGHT = "2024-08-24", "2024-08-24T12:20:00Z"
OPENED, BOOKED_IN, ASSESSED = "2026-02-27T14:05:00Z", "2026-03-02T07:30:00Z", "2026-03-02T09:30:00Z"
DUE, READY, SHIPPED, DELIVERED = (
    "2026-03-05T15:00:00Z",
    "2026-03-05T09:10:00Z",
    "2026-03-05T13:40:00Z",
    "2026-03-06T08:15:00Z",
)
FAULT, CONDITION = "Dropped on a stone floor. The lens mount is bent.", "Mount bent, a scratch beside the viewfinder"
ADDRESS = {
    "name": NAME,
    "country_code": "ZA",
    "country_area": "",
    "city": "Johannesburg",
    "city_area": "",
    "street_address": "14 Sample Street",
    "postal_code": "2092",
    "sorting_code": "",
    "lines": [NAME, "14 Sample Street", "JOHANNESBURG", "2092", "SOUTH AFRICA"],
    "phone": PHONE,
}
HOLDER = {"name": NAME, "number": NUMBER, "level": "gold"}
MOVES = ["assessed", "cancelled", "warranty_decided", "no_charge", "question_answered", "serial_changed"]
MOVES_WHEN_ASSESSED = ["ready", "warranty_decided", "no_charge", "question_answered", "serial_changed"]
MOVES_BEFORE = ["accepted", "sent", "booked_in", "cancelled", "warranty_decided", "no_charge", "question_answered"]
LINE = {
    "kind": "work",
    "text": "New lens mount",
    "quantity": "1.00",
    "price": "4200.00",
    "tax_percent": "15.00",
}
ENDPOINT = {
    "id": 3,
    "url": "https://workshop.example.org/cps/webhooks",
    "types": ["ticket.opened", "ticket.event", "ticket.message"],
    "version": 2,
    "payload": "full",
    "state": "active",
    "reason": "",
    "since": "2026-01-12T08:00:00Z",
    "failing_since": None,
    "quiet_until": None,
    "suspends_at": None,
}
EVENT = {
    "id": 41,
    "kind": "assessed",
    "occurred_at": ASSESSED,
    "received_at": "2026-03-02T09:30:04Z",
    "external_id": "WS-2026-0017-2",
    "by": "partner",
}
JOB_IN_WEBHOOKS = {
    "reference": TICKET,
    "centre": CENTRE["slug"],
    "product": PRODUCT["slug"],
    "serial": SERIAL,
    "service": "repair",
    "state": "assessed",
    "track": "fast",
    "due_at": DUE,
    "paused": False,
    "changed_at": "2026-03-02T09:30:04Z",
}
SERVICE = {
    "service": "repair",
    "possible": True,
    "refused": [],
    "track": "fast",
    "target_days": 3,
    "why_standard": [],
    "fast_track_days": 3,
    "needs_choice": False,
    "discount_percent": 15,
    "free_return": True,
    "loan_possible": True,
    "warranty": "chargeable",
    "why_no_warranty": [],
}
VISITING_SERVICE = {
    **SERVICE,
    "track": "standard",
    "target_days": 10,
    "why_standard": ["visiting"],
    "fast_track_days": None,
    "discount_percent": 0,
    "free_return": False,
    "loan_possible": False,
}
LOAN = {
    "id": 7,
    "ticket": TICKET,
    "unit": 12,
    "product": LENT,
    "serial": LENT_SERIAL,
    "state": "reserved",
    "reserved_at": "2026-03-02T11:00:00Z",
    "agreed_at": "2026-03-02T11:02:00Z",
    "out_at": None,
    "condition_out": "",
    "due_back": None,
    "returned_at": None,
    "condition_in": "",
    "cancelled_at": None,
}
LOAN_OUT = {
    "state": "out",
    "out_at": "2026-03-02T12:30:00Z",
    "condition_out": "As new, with strap and charger",
    "due_back": "2026-03-09",
}
PART = {"id": 5, "name": "Lens mount", "ordered_at": "2026-03-02T13:00:00Z", "expected_on": "2026-03-04"}
SALE = {
    "id": 17,
    "external_id": "2024-0817",
    "product": PRODUCT["slug"],
    "serial": SERIAL,
    "country": "ZA",
    "sold_on": SOLD,
    "receipt": "R-0817",
    "state": "confirmed",
    "confirmed_at": BOUGHT,
    "matched_at": None,
    "withdrawn_at": None,
}
SALE_SENT = {name: SALE[name] for name in ("external_id", "product", "serial", "country", "sold_on", "receipt")}
MESSAGE = {
    "id": 88,
    "message": "ticket-event-41",
    "type": "ticket.event",
    "subject": f"tickets/{TICKET}",
    "sequence": 41,
    "state": "sent",
    "attempts": 1,
    "created_at": "2026-03-02T09:30:04Z",
    "next_at": None,
    "sent_at": "2026-03-02T09:30:05Z",
}
TEST_MESSAGE = {
    "id": 90,
    "message": "endpoint-test-3-1772442000000",
    "type": "endpoint.test",
    "subject": "webhook-endpoints/3",
    "sequence": 1772442000000,
    "state": "queued",
    "attempts": 0,
    "created_at": "2026-03-02T09:00:00Z",
    "next_at": "2026-03-02T09:00:00Z",
    "sent_at": None,
}
STEP = {"external_id": "WS-2026-0017-5", "occurred_at": "2026-03-04T08:00:00Z"}
BOOKING_IN = {
    "kind": "booked_in",
    "external_id": "WS-2026-0017-1",
    "occurred_at": BOOKED_IN,
    "condition": CONDITION,
    "accessories": "Body cap",
}
PACK_STEP = {
    "kind": "dispatched",
    "sending": 1,
    "occurred_at": "2025-11-05T15:10:00Z",
    "carrier": "sample-post",
    "tracking": "SP123",
    "tracking_url": "https://post.example.org/track/SP123",
}
PACK_FIELDS = {
    "reference": PACK,
    "sending": 1,
    "state": "requested",
    "sending_since": "2025-11-03T09:30:00Z",
    "country": "ZA",
    "language": "en",
    "contents": ["letter", "card"],
    "changed_at": "2025-11-03T09:30:00Z",
}
PACK_WANTED = {
    "reference": PACK,
    "sending": 1,
    "key": f"{PACK}-1",
    "asked_at": "2025-11-03T09:30:00+00:00",
    "language": "en",
    "contents": ["letter", "card"],
    "member": HOLDER,
    "card": {"number": CARD, "url": "https://portal.example.org/c/AbC1-sample-token/"},
    "address": ADDRESS,
}
CARD_FIELDS = {
    "reference": CARD_REQUEST,
    "state": "requested",
    "asked_at": "2026-02-10T10:00:00Z",
    "country": "ZA",
    "language": "en",
    "changed_at": "2026-02-10T10:00:00Z",
}
CARD_WANTED = {
    "reference": CARD_REQUEST,
    "key": "card-880000000029",
    "asked_at": "2026-02-10T10:00:00+00:00",
    "language": "en",
    "member": HOLDER,
    "card": {"number": "880000000029", "url": "https://portal.example.org/c/DeF2-sample-token/"},
    "address": ADDRESS,
}
DETAILS = {
    "name": "Maya Torres",
    "email": "maya@example.org",
    "phone": "+15550100200",
    "region": "americas",
    "card_number": "CA-77120",
    "expires_on": "2027-05-31",
}
OPENING = {
    "centre": CENTRE["slug"],
    "service": "repair",
    "fault": FAULT,
    "condition": CONDITION,
    "accessories": "Body cap",
    "book_in": True,
}
KEY = "opaque-key-of-the-look-up"
