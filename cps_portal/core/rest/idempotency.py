"""The same request again gets the same answer (R55): one transaction for the lock, what is done, and its answer."""

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
from django.http import HttpResponse
from django.utils import timezone
from rest_framework import exceptions, status
from rest_framework.request import Request

from cps_portal.core.rest.errors import BadHeader
from cps_portal.core.rest.views import PartnerView

HEADER = "Idempotency-Key"
KEY = re.compile(r"[\x21-\x7e]{1,100}")
FORM = "multipart/form-data"
KEPT_HEADERS = ("ETag", "Location")
KEPT = frozenset({200, 201, 202, 204, 404, 409, 412})  # what was decided; 400 and the like decided nothing


class RequestInProgress(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "running"
    default_detail = "The same request is still running. Ask again in a second."
    wait = 1


class KeyReused(exceptions.APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "idempotency_key_used"
    default_detail = "This Idempotency-Key was used for another request. Use a new one."


def idempotent(
    *, required: bool = True, first: Callable[..., None] | None = None
) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Decorate `post` of a PartnerView. `required`: what changes something has to come with a key.

    `first` is called with the same before the transaction, unless the answer is known: for what has to stay though the
    rest is rolled back. It changes nothing that anybody sees; what it raises is answered and not kept.
    """

    def decorate(method: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(method)
        def post(view: PartnerView, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
            key = request.META.get("HTTP_IDEMPOTENCY_KEY")
            if key is None and not required:
                return method(view, request, *args, **kwargs)
            if key is None or not KEY.fullmatch(key):
                words = "Send a key of your own for this request, of 1 to 100 visible characters, such as a UUID."
                raise BadHeader({HEADER: [exceptions.ErrorDetail(words, "required" if not key else "invalid")]})
            request.data  # noqa: B018 (a body that cannot be read is refused before anything is locked)
            once = _Once(view.partner.pk, key, _hash(request), timezone.now())
            if first is not None:
                with transaction.atomic():
                    kept = once.begin()
                if kept:
                    return kept
                first(view, request, *args, **kwargs)
            return _once(view, once, lambda: method(view, request, *args, **kwargs))

        post.idempotency_key_required = required  # type: ignore[attr-defined]
        return post

    return decorate


def _once(view: PartnerView, once: "_Once", run: Callable[[], HttpResponse]) -> HttpResponse:
    """Effect and answer commit together. What is refused is rolled back first, and the refusal kept by itself."""
    with suppress(LostRace):
        try:
            with transaction.atomic():
                kept = once.begin()
                if kept:
                    return kept
                found = run()
                once.keep(found)
                return found
        except (LostRace, RequestInProgress, KeyReused):
            raise
        except Exception as exc:  # noqa: BLE001 (its own answer is worked out as for any other request)
            found = cast(HttpResponse, view.handle_exception(exc))
        with transaction.atomic():
            kept = once.begin()
            if kept:
                return kept
            once.keep(found)
            return found
    with transaction.atomic():  # whoever was quicker has kept the answer meanwhile
        kept = once.begin()
    if kept is None:
        raise RequestInProgress
    return kept


class LostRace(Exception):
    """Somebody kept an answer for the same key between our look and our own."""


@dataclass(frozen=True)
class _Once:
    """One key of one partner, and what its request is."""

    partner: int
    key: str
    request_hash: str
    now: datetime

    def begin(self) -> HttpResponse | None:
        """Lock the key until the transaction ends, however it does; the answer if there is one.

        The look may be older than the lock by a moment, in which somebody else came to an end: `keep` finds that out.
        Raises StillRunning, OtherRequest.
        """
        with connection.cursor() as cursor:
            cursor.execute(
                "select pg_try_advisory_xact_lock(%s), kept.request_hash, kept.status, kept.headers::text, kept.body "
                "from (select 1) as one left join partners_keptanswer as kept "
                "on kept.partner_id = %s and kept.key = %s and kept.at > %s",
                [self._lock, self.partner, self.key, self.now - settings.ANSWERS_KEPT],
            )
            mine, request_hash, status, headers, body = cursor.fetchone()
        if request_hash is None:
            if not mine:
                raise RequestInProgress
            return None
        if request_hash != self.request_hash:
            raise KeyReused
        found = HttpResponse(bytes(body), status=status, headers=json.loads(headers))
        found["Idempotency-Replayed"] = "true"
        return found

    def keep(self, found: HttpResponse) -> None:
        """Raises LostRace."""
        if found.status_code not in KEPT:
            return
        headers = {name: found[name] for name in (*KEPT_HEADERS, "Content-Type") if name in found}
        with connection.cursor() as cursor:
            cursor.execute(
                "insert into partners_keptanswer (partner_id, key, request_hash, at, status, headers, body) "
                "values (%s, %s, %s, %s, %s, %s, %s) on conflict (partner_id, key) do update set "
                "request_hash = excluded.request_hash, at = excluded.at, status = excluded.status, "
                "headers = excluded.headers, body = excluded.body "
                "where partners_keptanswer.at <= %s",  # one that has run out
                [
                    self.partner,
                    self.key,
                    self.request_hash,
                    self.now,
                    found.status_code,
                    json.dumps(headers),
                    found.content,
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
    """Of a form its parts, with the content of files: where the line between them is drawn differs every time."""
    if request.content_type.partition(";")[0].strip().lower() != FORM:
        return request._request.body
    digest = sha256()
    for name, values in sorted(request.POST.lists()):
        digest.update(repr((name, values)).encode())
    for name in sorted(request.FILES):
        for file in request.FILES.getlist(name):
            content = sha256()
            for chunk in file.chunks():
                content.update(chunk)
            file.seek(0)
            digest.update(repr((name, file.name, content.hexdigest())).encode())
    return digest.digest()
