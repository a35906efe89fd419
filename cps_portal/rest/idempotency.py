"""The same request again gets the same answer (R55): one transaction for the lock, what is done, and its answer."""

import re
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from hashlib import blake2b, sha256
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpResponse
from django.utils import timezone
from rest_framework import exceptions, status
from rest_framework.request import Request

from cps_portal.partners.models import KeptAnswer, Partner
from cps_portal.rest.errors import BadHeader
from cps_portal.rest.views import PartnerView

HEADER = "Idempotency-Key"
KEY = re.compile(r"[\x21-\x7e]{1,100}")
KEPT_HEADERS = ("ETag", "Location")
KEPT = frozenset({200, 201, 202, 204, 404, 409, 412})  # what was decided; 400 and the like decided nothing


class StillRunning(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "running"
    default_detail = "The same request is still running. Ask again in a second."
    wait = 1


class OtherRequest(exceptions.APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "idempotency_key_used"
    default_detail = "This Idempotency-Key was used for another request. Use a new one."


def idempotent(*, required: bool = True) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Decorate `post` of a PartnerView. `required`: what changes something has to come with a key."""

    def decorate(method: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(method)
        def post(view: PartnerView, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
            key = request.META.get("HTTP_IDEMPOTENCY_KEY", "")
            if not key and not required:
                return method(view, request, *args, **kwargs)
            if not KEY.fullmatch(key):
                words = "Send a key of your own for this request, of 1 to 100 visible characters, such as a UUID."
                raise BadHeader({HEADER: [exceptions.ErrorDetail(words, "required" if not key else "invalid")]})
            return _once(view, request, key, lambda: method(view, request, *args, **kwargs))

        post.idempotency_key_required = required  # type: ignore[attr-defined]
        return post

    return decorate


def _once(view: PartnerView, request: Request, key: str, run: Callable[[], HttpResponse]) -> HttpResponse:
    now = timezone.now()
    request.data  # noqa: B018 (a body that cannot be read is refused before anything is locked)
    wanted = _hash(request)
    with transaction.atomic():
        _lock(view.partner, key)
        kept = KeptAnswer.objects.filter(partner=view.partner, key=key, at__gt=now - settings.ANSWERS_KEPT).first()
        if kept:
            return _again(kept, wanted)
        try:
            with transaction.atomic():
                found = run()
        except Exception as exc:  # noqa: BLE001 (what it did is rolled back; what it answered is kept)
            found = view.handle_exception(exc)
        if found.status_code in KEPT:
            _keep(view.partner, key, wanted, found, now)
    return found


def _lock(partner: Partner, key: str) -> None:
    """Until the transaction ends, however it does. Raises StillRunning if somebody else has it."""
    name = int.from_bytes(blake2b(f"{partner.pk}:{key}".encode(), digest_size=8, person=b"idempotency").digest(),
                          signed=True)  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s)", [name])
        (mine,) = cursor.fetchone()
    if not mine:
        raise StillRunning


def _hash(request: Request) -> str:
    digest = sha256(f"{request.method} {request.get_full_path()}\n".encode())
    for name in ("CONTENT_TYPE", "HTTP_IF_MATCH"):
        digest.update(f"{request.META.get(name, '').partition(';')[0]}\n".encode())
    digest.update(_body(request))
    return digest.hexdigest()


def _body(request: Request) -> bytes:
    """Of a form with files their content: where the browser draws the line between parts differs every time."""
    if not request.FILES:
        return request._request.body
    digest = sha256()
    for name, values in sorted(request.POST.lists()):
        digest.update(repr((name, values)).encode())
    for name in sorted(request.FILES):
        for file in request.FILES.getlist(name):
            digest.update(repr((name, file.name)).encode())
            for chunk in file.chunks():
                digest.update(chunk)
            file.seek(0)
    return digest.digest()


def _again(kept: KeptAnswer, wanted: str) -> HttpResponse:
    if kept.request_hash != wanted:
        raise OtherRequest
    found = HttpResponse(bytes(kept.body), status=kept.status, headers=kept.headers)
    found["Idempotency-Replayed"] = "true"
    return found


def _keep(partner: Partner, key: str, wanted: str, found: HttpResponse, now: datetime) -> None:
    headers = {name: found[name] for name in (*KEPT_HEADERS, "Content-Type") if name in found}
    row = {"request_hash": wanted, "at": now, "status": found.status_code, "headers": headers, "body": found.content}
    KeptAnswer.objects.bulk_create(
        [KeptAnswer(partner=partner, key=key, **row)],
        update_conflicts=True, unique_fields=["partner", "key"], update_fields=list(row),  # one that has run out
    )  # fmt: skip
