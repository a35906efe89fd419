"""The raw limit: one WSGI function, psycopg2 and orjson. It looks the token up and reads or writes the same rows."""

import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from hashlib import sha256
from threading import local
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import orjson
import psycopg2

URL = urlsplit(os.environ["DATABASE_URL"])
HERE = local()
FIELDS = [
    "reference",
    "state",
    "service",
    "centre",
    "centre_name",
    "product",
    "product_name",
    "serial",
    "first_name",
    "last_name",
    "number",
    "language",
    "level",
    "track",
    "why_standard",
    "target_days",
    "discount",
    "free_return",
    "loan_possible",
    "warranty_asked",
    "warranty",
    "why_no_warranty",
    "fault",
    "condition",
    "accessories",
    "parcel",
    "travel",
    "collect_on",
    "opened_at",
    "booked_in_at",
    "due_at",
    "paused",
    "expected_on",
    "missed_at",
    "ready_at",
    "ended_at",
    "loan_wanted",
    "loan_out",
    "charge",
    "warranty_months",
    "warranty_until",
    "last_message_at",
    "last_message_by",
    "unread_since",
    "waiting_for",
    "changed_at",
]
TOKEN = """
    select c.partner_id, t.scope, t.expires, c.networks from oauth2_provider_accesstoken t
    join partners_credential c on c.id = t.application_id join partners_partner p on p.id = c.partner_id
    where t.token_checksum = %s and t.expires > now() and p.active and c.revoked_at is null
"""
TICKETS = """
    select t.reference, t.state, t.service, c.slug, c.name, pr.slug, pr.name, t.serial, m.first_name, m.last_name,
        m.number, m.language, t.level, t.track, t.why_standard, t.target_days, t.discount, t.free_return,
        t.loan_possible, t.warranty_asked, t.warranty, t.why_no_warranty, t.fault, t.condition, t.accessories,
        pa.reference, pa.travel, pa.collect_on, t.opened_at, t.booked_in_at, t.due_at, t.paused, t.expected_on,
        t.missed_at, t.ready_at, t.ended_at, t.loan_wanted, t.loan_out, t.charge, t.warranty_months, t.warranty_until,
        t.last_message_at, t.last_message_by, t.unread_since, t.waiting_for, t.changed_at
    from servicing_ticket t join servicing_servicecentre c on c.id = t.centre_id
    join kitbag_product pr on pr.id = t.product_id left join members_member m on m.id = t.member_id
    left join servicing_visitingmember v on v.id = t.visitor_id
    join servicing_parcel pa on pa.id = t.parcel_id where
"""
MANY = f"""{TICKETS} t.centre_id = (select id from servicing_servicecentre where partner_id = %s)
    order by t.opened_at desc, t.id desc limit 51"""  # noqa: S608
ONE = f"{TICKETS} t.reference = %s and c.partner_id = %s"
FIND = """
    select t.id, t.member_id, t.state from servicing_ticket t join servicing_servicecentre c on c.id = t.centre_id
    where t.reference = %s and c.partner_id = %s for no key update of t
"""
EVENT = """
    insert into servicing_ticketevent (ticket_id, kind, occurred_at, received_at, external_id, data, partner_id)
    values (%s, %s, %s, %s, %s, '{}', %s) returning id
"""
MOVE = "update servicing_ticket set state = %s, changed_at = %s where id = %s"
NOTICE = "insert into members_notice (key, member_id, code, params, path, at) values (%s, %s, 'ticket', '{}', '', %s)"
MESSAGE = """
    insert into outbox_message (key, kind, lane, "to", payload, state, attempts, created_at, next_at, answer)
    values (%s, 'mail', 'mail', 'a@example.org', %s, 'queued', 0, %s, %s, '')
"""
KEPT = """
    insert into partners_keptanswer (partner_id, key, request_hash, at, status, headers, body)
    values (%s, %s, %s, %s, 201, '{}', %s)
"""
Start = Callable[[str, list[tuple[str, str]]], Any]


def connection() -> Any:
    if not hasattr(HERE, "line"):
        HERE.line = psycopg2.connect(
            host=URL.hostname,
            port=URL.port,
            user=URL.username,
            password=URL.password,
            dbname=os.environ["BENCH_DATABASE"],
        )
        HERE.line.autocommit = True
    return HERE.line


def application(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    with connection().cursor() as cursor:
        token = environ["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
        cursor.execute(TOKEN, [sha256(token.encode()).hexdigest()])
        (partner, *_rest) = cursor.fetchone()
        parts = environ["PATH_INFO"].split("/")[3:]
        if environ["REQUEST_METHOD"] == "POST":
            body = orjson.dumps(record(cursor, partner, parts[1], orjson.loads(environ["wsgi.input"].read())))
        elif len(parts) == 1:
            cursor.execute(MANY, [partner])
            body = orjson.dumps({"results": [dict(zip(FIELDS, row, strict=True)) for row in cursor.fetchall()[:50]]})
        else:
            cursor.execute(ONE, [parts[1], partner])
            body = orjson.dumps(dict(zip(FIELDS, cursor.fetchone(), strict=True)))
    start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def record(cursor: Any, partner: int, reference: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Write the same rows as the portal: event, ticket, notice, e-mail, idempotency record."""
    now, key = datetime.now(UTC), uuid4().hex
    cursor.execute("begin")
    cursor.execute(FIND, [reference, partner])
    ticket, member, _state = cursor.fetchone()
    cursor.execute(EVENT, [ticket, payload["kind"], payload["occurred_at"], now, payload["external_id"], partner])
    (event,) = cursor.fetchone()
    cursor.execute(MOVE, [payload["kind"], now, ticket])
    cursor.execute(NOTICE, [key, member, now])
    cursor.execute(MESSAGE, [key, orjson.dumps({"event": event}).decode(), now, now])
    result = {"event": event, "state": payload["kind"]}
    cursor.execute(KEPT, [partner, key, sha256(key.encode()).hexdigest(), now, orjson.dumps(result)])
    cursor.execute("commit")
    return result
