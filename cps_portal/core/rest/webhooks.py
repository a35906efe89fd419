"""The endpoints with which partners manage their webhook endpoints (R38, R55).

They are here and not in `core.partners`, which must not depend on REST framework.
"""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from cps_portal.core.outbox.enums import State
from cps_portal.core.outbox.models import Message
from cps_portal.core.partners import actions
from cps_portal.core.partners.enums import LATEST_VERSION, EndpointState, Payload, Scope, Version
from cps_portal.core.partners.models import Attempt, WebhookEndpoint
from cps_portal.core.rest.fields import LineField, StrictSerializer
from cps_portal.core.rest.idempotency import idempotent
from cps_portal.core.rest.lists import ListQuery, paginate, parse_query
from cps_portal.core.rest.resources import Resource, SparseSerializer, computed, json_response, json_response_with_etag
from cps_portal.core.rest.schema import IF_NONE_MATCH, NOT_MODIFIED, described, page_schema, problem_responses
from cps_portal.core.rest.views import PartnerView

VERSION_HELP = "What a message looks like. An endpoint keeps its version until you change it."
PAYLOAD_HELP = "`full`: with the data. `thin`, from version 2 on: you read the object at its address."


class EndpointSerializer(SparseSerializer):
    """An address that events are sent to. If `types` is empty, it gets all events."""

    id = serializers.IntegerField(source="pk")
    url = serializers.CharField()
    types = serializers.ListField(child=serializers.CharField())
    version = serializers.ChoiceField(choices=Version.choices)
    payload = serializers.ChoiceField(choices=Payload.choices)
    state = serializers.ChoiceField(choices=EndpointState.choices)
    reason = serializers.CharField(allow_blank=True, help_text="Why it is suspended.")
    since = serializers.DateTimeField()
    failing_since = serializers.DateTimeField(allow_null=True)
    quiet_until = serializers.DateTimeField(
        allow_null=True, help_text="We do not try again before, because deliveries failed."
    )
    suspends_at = serializers.DateTimeField(
        allow_null=True, help_text="If it still fails then, we suspend it. Your technical contact has been told."
    )


ENDPOINT = Resource(EndpointSerializer)


class EndpointInSerializer(StrictSerializer):
    url = serializers.CharField(max_length=500, help_text="A public address that begins with https://.")
    types = serializers.ListField(
        child=serializers.ChoiceField(choices=sorted(settings.WEBHOOK_TYPES)),
        required=False,
        default=list,
        max_length=50,
        help_text="The events to subscribe to. Empty: all that concern you.",
    )
    version = serializers.ChoiceField(
        choices=Version.choices, required=False, default=LATEST_VERSION, help_text=VERSION_HELP
    )
    payload = serializers.ChoiceField(
        choices=Payload.choices, required=False, default=Payload.FULL.value, help_text=PAYLOAD_HELP
    )


class EndpointChangeSerializer(StrictSerializer):
    types = serializers.ListField(
        child=serializers.ChoiceField(choices=sorted(settings.WEBHOOK_TYPES)),
        required=False,
        max_length=50,
        help_text="The events to subscribe to. Empty: all that concern you.",
    )
    version = serializers.ChoiceField(choices=Version.choices, required=False, help_text=VERSION_HELP)
    payload = serializers.ChoiceField(choices=Payload.choices, required=False, help_text=PAYLOAD_HELP)


class SecretSerializer(serializers.Serializer[Any]):
    """The secret, which is shown only once."""

    endpoint: Any = EndpointSerializer()
    secret = serializers.CharField()


class SuspendSerializer(StrictSerializer):
    reason = LineField(max_length=200)


class NothingSerializer(StrictSerializer):
    """An empty object."""


class EndpointView(PartnerView):
    scope = Scope.WEBHOOKS

    def rows(self) -> QuerySet[WebhookEndpoint]:
        return WebhookEndpoint.objects.live().filter(partner=self.partner)

    def endpoint(self, pk: int) -> WebhookEndpoint:
        row = self.rows().filter(pk=pk).first()
        if row is None:
            raise Http404
        return row

    def resource_of(self, pk: int) -> dict[str, Any] | None:
        return ENDPOINT.get(WebhookEndpoint.objects.filter(pk=pk))

    def response_with_secret(self, pk: int, secret: str, status: int) -> HttpResponse:
        """With the secret; no proxy or browser may keep the response."""
        data = {"endpoint": self.resource_of(pk), "secret": secret}
        return json_response(data, status=status, headers={"Cache-Control": "no-store"})

    def validated(self, request: Request, form: type[StrictSerializer]) -> dict[str, Any]:
        serializer = form(data=request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


class EndpointsView(EndpointView):
    @extend_schema(
        operation_id="listWebhookEndpoints",
        tags=["Webhooks"],
        parameters=[ListQuery],
        responses={200: described(page_schema(EndpointSerializer, "WebhookEndpointPage"), "A page of your endpoints.")},
    )
    def get(self, request: Request) -> HttpResponse:
        """Your endpoints."""
        return json_response(paginate([self.rows()], ENDPOINT, parse_query(request, ListQuery), order="id"))

    @extend_schema(
        operation_id="addWebhookEndpoint",
        tags=["Webhooks"],
        request=EndpointInSerializer,
        responses={
            201: described(SecretSerializer, "The endpoint, and its secret, which is not shown again."),
            **problem_responses(409),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Add an address for webhooks. The secret is shown once. There is no Idempotency-Key, because we do not keep
        the secret; adding the same address twice is refused."""
        payload = self.validated(request, EndpointInSerializer)
        row, secret = actions.add_endpoint(partner=self.partner, by=None, at=timezone.now(), **payload)
        return self.response_with_secret(row.pk, secret, 201)


class OneEndpointView(EndpointView):
    @extend_schema(
        operation_id="getWebhookEndpoint",
        tags=["Webhooks"],
        parameters=[IF_NONE_MATCH],
        responses={200: described(EndpointSerializer, "The endpoint and its state."), 304: NOT_MODIFIED},
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        """One endpoint and its state."""
        return json_response_with_etag(request, self.resource_of(self.endpoint(pk).pk))

    @extend_schema(
        operation_id="changeWebhookEndpoint",
        tags=["Webhooks"],
        request=EndpointChangeSerializer,
        responses={200: described(EndpointSerializer, "The endpoint, changed."), **problem_responses(409)},
    )
    def patch(self, request: Request, pk: int) -> HttpResponse:
        """Subscribe to other events, or get them in another version, full or thin. What waits already is sent as you
        want it now. To change the address, add another endpoint: so no message gets lost."""
        payload = self.validated(request, EndpointChangeSerializer)
        row = self.endpoint(pk)
        if payload:
            actions.change_endpoint(endpoint=row, by=None, **payload)
        return json_response(self.resource_of(row.pk))

    @extend_schema(
        operation_id="deleteWebhookEndpoint",
        tags=["Webhooks"],
        responses={204: described(None, "Deleted. Nothing more is sent there."), **problem_responses(409)},
    )
    def delete(self, request: Request, pk: int) -> HttpResponse:
        """Stop all webhooks to this address, including waiting messages. Requests that you sign with its secrets are
        refused from now on. You may add the address again."""
        actions.delete_endpoint(endpoint=self.endpoint(pk), by=None, at=timezone.now())
        return HttpResponse(status=204)


class RotateSecretView(EndpointView):
    @extend_schema(
        operation_id="rotateWebhookSecret",
        tags=["Webhooks"],
        request=NothingSerializer,
        responses={
            200: described(SecretSerializer, "The endpoint, and its new secret, which is not shown again."),
            **problem_responses(409),
        },
    )
    def post(self, request: Request, pk: int) -> HttpResponse:
        """Get a new secret, which is shown once. For a day every message is signed with both."""
        self.validated(request, NothingSerializer)
        row = self.endpoint(pk)
        return self.response_with_secret(row.pk, actions.rotate_secret(endpoint=row, by=None, at=timezone.now()), 200)


class SuspendEndpointView(EndpointView):
    @extend_schema(
        operation_id="suspendWebhookEndpoint",
        tags=["Webhooks"],
        request=SuspendSerializer,
        responses={200: described(EndpointSerializer, "The endpoint, suspended.")},
    )
    @idempotent()
    def post(self, request: Request, pk: int) -> HttpResponse:
        """Stop sending for now. Messages wait until you resume it."""
        payload = self.validated(request, SuspendSerializer)
        return json_response(
            self.resource_of(
                actions.suspend_endpoint(endpoint=self.endpoint(pk), by=None, at=timezone.now(), **payload).pk
            )
        )


class ResumeEndpointView(EndpointView):
    @extend_schema(
        operation_id="resumeWebhookEndpoint",
        tags=["Webhooks"],
        request=NothingSerializer,
        responses={200: described(EndpointSerializer, "The endpoint, active. What has waited is being sent.")},
    )
    @idempotent()
    def post(self, request: Request, pk: int) -> HttpResponse:
        """Start sending again, beginning with the waiting messages."""
        self.validated(request, NothingSerializer)
        endpoint = actions.resume_endpoint(endpoint=self.endpoint(pk), by=None, at=timezone.now())
        return json_response(self.resource_of(endpoint.pk))


class AttemptSerializer(SparseSerializer):
    """A delivery attempt. `status` is 0 if there was no response."""

    id = serializers.IntegerField(source="pk")
    message = serializers.CharField(help_text="The webhook-id.")
    type = serializers.CharField()
    at = serializers.DateTimeField()
    status = serializers.IntegerField()
    took_ms = serializers.IntegerField()
    answer = serializers.CharField(allow_blank=True)
    error = serializers.CharField(allow_blank=True)


def _webhook_id(key: str) -> str:
    return key.rpartition("@")[0] or key


ATTEMPT = Resource(AttemptSerializer, message=computed("key", make=_webhook_id))


class AttemptsView(EndpointView):
    @extend_schema(
        operation_id="listWebhookAttempts",
        tags=["Webhooks"],
        parameters=[ListQuery],
        responses={200: described(page_schema(AttemptSerializer, "WebhookAttemptPage"), "A page of the attempts.")},
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        """The delivery attempts, the latest first."""
        rows = Attempt.objects.filter(endpoint=self.endpoint(pk))
        return json_response(paginate([rows], ATTEMPT, parse_query(request, ListQuery), order="-at"))


class WebhookMessageSerializer(SparseSerializer):
    """An event that was or will be sent to you."""

    id = serializers.IntegerField(source="pk")
    message = serializers.CharField(help_text="The webhook-id.")
    type = serializers.CharField(source="payload.type", allow_null=True)
    subject = serializers.CharField(source="payload.subject", allow_null=True)
    sequence = serializers.IntegerField(
        source="payload.sequence", allow_null=True, help_text="Increases within a subject."
    )
    state = serializers.ChoiceField(choices=State.choices)
    attempts = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    next_at = serializers.DateTimeField(allow_null=True)
    sent_at = serializers.DateTimeField(allow_null=True)


MESSAGE = Resource(WebhookMessageSerializer, message=computed("key", make=_webhook_id))


class MessagesView(EndpointView):
    @extend_schema(
        operation_id="listWebhookMessages",
        tags=["Webhooks"],
        parameters=[ListQuery],
        responses={
            200: described(page_schema(WebhookMessageSerializer, "WebhookMessagePage"), "A page of the messages.")
        },
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        """The messages of an endpoint, sent and waiting, the latest first."""
        rows = Message.objects.filter(ordering_key=self.endpoint(pk).ordering_key)
        return json_response(paginate([rows], MESSAGE, parse_query(request, ListQuery), order="-created_at"))


class ReplayView(EndpointView):
    @extend_schema(
        operation_id="replayWebhookMessage",
        tags=["Webhooks"],
        request=NothingSerializer,
        responses={
            200: described(WebhookMessageSerializer, "The message, which is being sent again."),
            **problem_responses(409),
        },
    )
    @idempotent()
    def post(self, request: Request, pk: int, message: int) -> HttpResponse:
        """Send a message again, at once. It keeps its webhook-id."""
        self.validated(request, NothingSerializer)
        row = Message.objects.filter(ordering_key=self.endpoint(pk).ordering_key, pk=message).first()
        if row is None:
            raise Http404
        sent = actions.resend_webhook(message=row, by=None, at=timezone.now())
        return json_response(MESSAGE.get(Message.objects.filter(pk=sent.pk)))


class PingView(EndpointView):
    @extend_schema(
        operation_id="pingWebhookEndpoint",
        tags=["Webhooks"],
        request=NothingSerializer,
        responses={
            202: described(WebhookMessageSerializer, "The test message, which is being sent."),
            **problem_responses(409),
        },
    )
    @idempotent()
    def post(self, request: Request, pk: int) -> HttpResponse:
        """Send a signed `endpoint.test` at once, whatever the endpoint subscribes to. See its attempts."""
        self.validated(request, NothingSerializer)
        sent = actions.ping_endpoint(endpoint=self.endpoint(pk), by=None, at=timezone.now())
        return json_response(MESSAGE.get(Message.objects.filter(pk=sent.pk)), status=202)
