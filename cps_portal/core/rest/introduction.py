"""The introduction of the OpenAPI document: authentication and the rules of all operations (R55)."""

from typing import Any

TEXT = """\
One REST API for **service centres**, **retailers** and **fulfilment partners**.

**Authentication.** Staff issue your credential. Use its id and secret to fetch a token, which is valid for an hour
(`POST /api/v1/oauth/token`, client credentials), and send it as `Authorization: Bearer ...`. Its scopes determine what
you may do. You see only your own objects; anything else is answered with 404.

**Idempotency.** Every `POST` that changes something takes an `Idempotency-Key` that you choose. The same request with
the same key gets the same response for 24 hours, and nothing happens twice.

**ETags.** Single objects have an `ETag`. Send it as `If-None-Match` to get 304 while the object is unchanged, or as
`If-Match` to get 412 if it has changed since you read it.

**Lists** are paginated: send `next` of the response as `cursor`. With `fields` you choose the fields to return.

**Errors** are `application/problem+json` (RFC 9457). `code` is stable, `errors` points to the fields at fault. For 429
and 503 `Retry-After` tells when to try again; `RateLimit` tells in every response what is left of the current minute.

**Times** are in UTC, to the microsecond. Unknown fields and parameters are refused, so that you notice a typing error.

**Language.** `detail`, `title`, `notice` and every other sentence or name of ours is in English, whatever
`Accept-Language` says. What people typed (`fault`, `condition`, messages, notes) is in the language they wrote it in.
`language` of a customer or a request is the one that the person reads (ISO 639): write to them in that one.

**Changes.** Fields and operations are added without notice: ignore what you do not know. Anything that will be removed
is first marked `deprecated`, and its responses have `Deprecation` and `Sunset` headers.
"""
TAGS = {
    "Tokens": "Where every client begins.",
    "Intake": "A customer at the counter: what they are entitled to, and opening a ticket.",
    "Tickets": "The tickets of your centres and their events.",
    "Work": "Estimates, parts, messages and documents of a ticket.",
    "Loans": "Loan equipment while a repair takes too long.",
    "Cards": "Whether a membership card is valid.",
    "Sales": "What your shops sold. A matching registration counts at once.",
    "Catalogue": "Products, their points and stages, and changes to them; centres, carriers, countries and levels.",
    "Fulfilment": "The Welcome Packs that you are asked to send.",
    "Webhooks": "The addresses to which we send events, and what was sent there.",
    "Events": "What we send to your addresses. See `webhooks` of this document.",
}


def introduce(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:  # noqa: FBT001
    """Hook of drf-spectacular: add the introduction and the tags, in the order of a repair."""
    result["info"]["description"] = TEXT
    result["tags"] = [{"name": name, "description": description} for name, description in TAGS.items()]
    return result
