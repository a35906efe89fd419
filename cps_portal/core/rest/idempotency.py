"""Idempotency keys: the same request again gets the same response (R55).

The lock on the key, the effect of the request and the record of its response share one transaction: so there is never
an effect without a record, or the other way round.
"""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from hashlib import blake2b, sha256
from typing import Any, cast

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from rest_framework import exceptions, status
from rest_framework.request import Request

from cps_portal.core.lib.form_body import hash_form
from cps_portal.core.rest.errors import BadHeader
from cps_portal.core.rest.views import PartnerView

HEADER, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
KEY = re.compile(r"[\x21-\x7e]{1,100}")
FORM = "multipart/form-data"
RECORDED_HEADERS = ("ETag", "Location")
RECORDED_STATUSES = frozenset({200, 201, 202, 204, 404, 409, 412})  # other errors may be corrected and sent again


class RequestInProgress(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "running"
    default_detail = "The same request is still being processed. Try again in a second."
    wait = 1


class KeyReused(exceptions.APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "idempotency_key_used"
    default_detail = "This Idempotency-Key was used for a different request. Use a new one."


def idempotent(
    *,
    required: bool = True,
    first: Callable[..., None] | None = None,
    afterwards: Callable[[], None] | None = None,
) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Decorator of `post` of a PartnerView. With `required` a request without a key is refused.

    `first` is called with the same arguments before the transaction, unless there is a record already: for work that
    must survive a rollback, such as storing a file. What it raises is answered, but not recorded. `afterwards` is
    called once the effect is committed: for work with transactions of its own. What it raises is answered, though the
    record says otherwise, so it has to be work that somebody else would do later.
    """

    def decorate(method: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(method)
        def post(view: PartnerView, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
            key = request.META.get("HTTP_IDEMPOTENCY_KEY")
            if key is None and not required:
                return method(view, request, *args, **kwargs)
            if key is None or not KEY.fullmatch(key):
                sentence = "Send a unique key for this request, of 1 to 100 visible ASCII characters, such as a UUID."
                raise BadHeader({HEADER: [exceptions.ErrorDetail(sentence, "required" if not key else "invalid")]})
            request.data  # noqa: B018 (refuses an unreadable body before anything is locked)
            attempt = _Attempt(view.partner.pk, key, _hash(request), timezone.now())
            if first is not None:
                with transaction.atomic():
                    recorded = attempt.begin()
                if recorded:
                    return recorded
                first(view, request, *args, **kwargs)
            response = _run_once(view, attempt, lambda: method(view, request, *args, **kwargs))
            if afterwards is not None and status.is_success(response.status_code) and REPLAYED not in response:
                afterwards()
            return response

        post.idempotency_key_required = required  # type: ignore[attr-defined]
        return post

    return decorate


def _run_once(view: PartnerView, attempt: "_Attempt", run: Callable[[], HttpResponse]) -> HttpResponse:
    """Commit effect and record together. After a refusal, roll back, and record the refusal in a second transaction."""
    with suppress(LostRace):
        try:
            with transaction.atomic():
                recorded = attempt.begin()
                if recorded:
                    return recorded
                response = run()
                attempt.record(response)
                return response
        except (LostRace, RequestInProgress, KeyReused):
            raise
        except Exception as exc:  # noqa: BLE001 (becomes the same response as without a key)
            response = cast(HttpResponse, view.handle_exception(exc))
        with transaction.atomic():
            recorded = attempt.begin()
            if recorded:
                return recorded
            attempt.record(response)
            return response
    with transaction.atomic():  # another request with this key has been recorded in the meantime
        recorded = attempt.begin()
    if recorded is None:
        raise RequestInProgress
    return recorded


class LostRace(Exception):
    """Another request with the same key was recorded after this one looked for a record."""


@dataclass(frozen=True)
class _Attempt:
    """A request with the key of a partner."""

    partner: int
    key: str
    request_hash: str
    now: datetime

    def begin(self) -> HttpResponse | None:
        """Lock the key until the transaction ends. Returns the recorded response, if there is one.

        One statement locks and reads, so what it reads may be slightly older than the lock: a request that was recorded
        in between is noticed by `record`. Raises RequestInProgress, KeyReused.
        """
        with connection.cursor() as cursor:
            cursor.execute(
                "select pg_try_advisory_xact_lock(%s), record.request_hash, record.status, record.headers::text, "
                "record.body from (select 1) as one left join partners_keptanswer as record "
                "on record.partner_id = %s and record.key = %s and record.at > %s",
                [self._lock, self.partner, self.key, self.now - settings.ANSWERS_KEPT],
            )
            locked, request_hash, status, headers, body = cursor.fetchone()
        if request_hash is None:
            if not locked:
                raise RequestInProgress
            return None
        if request_hash != self.request_hash:
            raise KeyReused
        response = HttpResponse(bytes(body), status=status, headers=json.loads(headers))
        response[REPLAYED] = "true"
        return response

    def record(self, response: HttpResponse) -> None:
        """Raises LostRace."""
        if response.status_code not in RECORDED_STATUSES:
            return
        headers = {name: response[name] for name in (*RECORDED_HEADERS, "Content-Type") if name in response}
        with connection.cursor() as cursor:
            cursor.execute(
                "insert into partners_keptanswer (partner_id, key, request_hash, at, status, headers, body) "
                "values (%s, %s, %s, %s, %s, %s, %s) on conflict (partner_id, key) do update set "
                "request_hash = excluded.request_hash, at = excluded.at, status = excluded.status, "
                "headers = excluded.headers, body = excluded.body "
                "where partners_keptanswer.at <= %s",  # replaces an expired record
                [
                    self.partner,
                    self.key,
                    self.request_hash,
                    self.now,
                    response.status_code,
                    json.dumps(headers),
                    response.content,
                    self.now - settings.ANSWERS_KEPT,
                ],
            )
            if cursor.rowcount == 0:
                raise LostRace

    @property
    def _lock(self) -> int:
        name = blake2b(f"{self.partner}:{self.key}".encode(), digest_size=8, person=b"idempotency")
        return int.from_bytes(name.digest(), signed=True)


def _hash(request: Request) -> str:
    digest = sha256(f"{request.method} {request.get_full_path()}\n".encode())
    for name in ("CONTENT_TYPE", "HTTP_IF_MATCH"):
        digest.update(f"{request.META.get(name, '').partition(';')[0]}\n".encode())
    digest.update(_body(request))
    return digest.hexdigest()


def _body(request: Request) -> bytes:
    """Hash of what was sent. For a form that of its parts, because the boundary between them is random."""
    if request.content_type.partition(";")[0].strip().lower() != FORM:
        return request._request.body
    return hash_form(cast(HttpRequest, request)).encode()
