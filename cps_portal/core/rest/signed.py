"""Requests signed by partners as Standard Webhooks specifies, like the webhooks that we send."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, UnreadablePostError
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.views import APIView
from standardwebhooks import Webhook, WebhookVerificationError

from cps_portal.core.rest.errors import TooLarge
from cps_portal.core.rest.parsers import StrictJSONParser, content_length

MAX_BYTES = 64 * 1024
# Checked when there is no secret, so that the response time does not tell whether an object exists.
DUMMY_KEY = "whsec_bm9ib2R5IHNpZ25zIHdpdGggdGhpcyBvbmU="
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


@dataclass(frozen=True)
class Signature:
    """`request.auth` of a valid request. `webhook_id` is the sender's number of the message, the same when repeated."""

    webhook_id: str
    timestamp: str


def verify_signed(request: HttpRequest, endpoint_secrets: Iterable[str]) -> Signature | None:
    """Verify the signature of the body by any of the secrets; it may be five minutes old (R38). None if it is invalid.

    Raises TooLarge.
    """
    if content_length(request) > MAX_BYTES:
        raise TooLarge(f"Send at most {MAX_BYTES // 1024} KiB.")
    headers = {name: request.headers.get(name, "") for name in HEADERS}
    signature = None
    try:
        body = request.body
    except UnreadablePostError:  # the client disconnected
        return None
    for secret in [*endpoint_secrets] or [DUMMY_KEY]:
        if _verifies(secret, body, headers) and secret != DUMMY_KEY:
            signature = Signature(headers["webhook-id"], headers["webhook-timestamp"])
    return signature


def _verifies(secret: str, body: bytes, headers: Mapping[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError, TypeError):  # the last two for headers that are not base64 or UTF-8
        return False
    return True


class SignedAuthentication(BaseAuthentication):
    """Every failure has the same response, also for an object that does not exist."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Signature]:
        view = request.parser_context["view"]
        signature = verify_signed(request._request, view.secrets_of(**view.kwargs))
        if signature is None:
            raise exceptions.AuthenticationFailed("The signature is not valid.")
        return AnonymousUser(), signature

    def authenticate_header(self, request: Request) -> str:
        return "Webhook-Signature"


class SignedScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = SignedAuthentication
    name = "standardWebhooks"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "webhook-signature",
            "description": "Signed with the secret of your webhook endpoint: https://www.standardwebhooks.com/. "
            "The headers webhook-id and webhook-timestamp go with it.",
        }


class SignedView(APIView):
    """An endpoint for one partner's signed requests about one of its objects.

    `request.auth` is the Signature, `request.data` the body.
    """

    authentication_classes = [SignedAuthentication]
    permission_classes = []
    parser_classes = [StrictJSONParser]
    throttle_classes = []  # only signed requests come this far, and fulfilment partners report many at once

    @abstractmethod
    def secrets_of(self, **kwargs: Any) -> Iterable[str]:
        """The live secrets of the partner that owns the object in the URL; empty if there is no such object."""
