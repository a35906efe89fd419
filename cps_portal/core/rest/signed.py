"""What partners send us signed, as Standard Webhooks describes: the same rules that hold for what we send them."""

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
from cps_portal.core.rest.parsers import StrictJSONParser, length_of

MAX_BYTES = 64 * 1024
NOBODYS = "whsec_bm9ib2R5IHNpZ25zIHdpdGggdGhpcyBvbmU="  # so that what is unknown takes as long as what is wrong
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


@dataclass(frozen=True)
class Signature:
    """`request.auth` of what was signed rightly. `webhook_id` is the sender's: the same again is the same message."""

    webhook_id: str
    timestamp: str


def verify_signed(request: HttpRequest, endpoint_secrets: Iterable[str]) -> Signature | None:
    """Check the signature over the body: with any of the secrets, at most five minutes old (R38). None: not signed.

    Raises TooLarge.
    """
    if length_of(request) > MAX_BYTES:
        raise TooLarge(f"Send at most {MAX_BYTES // 1024} KiB.")
    headers = {name: request.headers.get(name, "") for name in HEADERS}
    found = None
    try:
        body = request.body
    except UnreadablePostError:  # the sender hung up
        return None
    for secret in [*endpoint_secrets] or [NOBODYS]:
        if _fits(secret, body, headers) and secret != NOBODYS:
            found = Signature(headers["webhook-id"], headers["webhook-timestamp"])
    return found


def _fits(secret: str, body: bytes, headers: Mapping[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (
        WebhookVerificationError,
        ValueError,
        TypeError,
    ):  # the library leaves what is no base64, UTF-8 or pair to us
        return False
    return True


class SignedAuthentication(BaseAuthentication):
    """Whoever knows the secret. Whatever is wrong has one answer: also that there is no such thing."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Signature]:
        view = request.parser_context["view"]
        signature = verify_signed(request._request, view.secrets_of(**view.kwargs))
        if signature is None:
            raise exceptions.AuthenticationFailed("The signature does not fit.")
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

    `request.auth` is the Signature; `request.data` what was sent. A subclass says whose signature counts.
    """

    authentication_classes = [SignedAuthentication]
    permission_classes = []
    parser_classes = [StrictJSONParser]
    throttle_classes = []  # only what is signed gets as far as a throttle, and a house reports on many packs at once

    @abstractmethod
    def secrets_of(self, **kwargs: Any) -> Iterable[str]:
        """The live secrets of the partner whose object the URL names; none if there is no such object."""
