"""What the contract says before its first operation: how to come in, and the rules that hold everywhere (R55)."""

from typing import Any

TEXT = """\
One REST API for **service centres**, **retailers** and **fulfilment houses**.

**Coming in.** Staff issue your credential. With its id and secret fetch a token that works for an hour
(`POST /api/v1/oauth/token`, client credentials), and send it as `Authorization: Bearer ...`. Its scopes say what you
may do. You see only what is yours: anything else is answered 404.

**Repeating.** Every `POST` that changes something takes an `Idempotency-Key` of your own: the same request again gets
the same answer for 24 hours, and nothing is done twice.

**Versions of a thing.** What you read one by one has an `ETag`: `If-None-Match` gets 304 while it is the same,
`If-Match` gets 412 once it has changed.

**Lists** come in pages: give the answer's `next` as `cursor`. `fields` names the columns that you want.

**Errors** are `application/problem+json` (RFC 9457). `code` is stable, `errors` points at the fields at fault.
A 429 and a 503 say in `Retry-After` when to come back; `RateLimit` tells on every answer what is left of a minute.

**Times** are UTC, to the microsecond. Unknown fields and parameters are refused, so that a mistyped one is noticed.

**Changes.** Fields and operations are added without notice: ignore what you do not know. What is to go is marked
`deprecated`, and answers with `Deprecation` and `Sunset` headers before it goes.
"""
TAGS = {
    "Tokens": "Where every program begins.",
    "Intake": "Somebody stands at the counter: what they are entitled to, and the job that is opened.",
    "Tickets": "The jobs of your centres, and what happens to them.",
    "Work": "Estimates, parts, messages and documents of a job.",
    "Loans": "Loan equipment, while a job takes too long.",
    "Cards": "Whether a membership card is valid.",
    "Sales": "What your shops sold: a registration that fits counts at once.",
    "Catalogue": "Products, their points and stages, and what changes.",
    "Fulfilment": "The Welcome Packs that you are asked to send.",
    "Webhooks": "What you are told without asking.",
}


def introduce(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:  # noqa: FBT001
    """Put the introduction, and the subjects in the order of a repair, into the contract."""
    result["info"]["description"] = TEXT
    result["tags"] = [{"name": name, "description": words} for name, words in TAGS.items()]
    return result
