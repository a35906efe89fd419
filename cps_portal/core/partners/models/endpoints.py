"""Webhook endpoints of partners, their secrets, and delivery attempts (R38)."""

from datetime import datetime
from typing import Self

import pghistory
from django.contrib.postgres.aggregates import JSONBAgg
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import JSONObject
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.dates import write_day
from cps_portal.core.partners.enums import EndpointState, Payload, Version
from cps_portal.core.partners.models.organisations import Partner


def live_endpoints(partner: str) -> Subquery:
    """The endpoints of the partner in this column, if it is active, as JSON: [{"pk", "url", "types"}, ...]; or None.

    With it a query of something else reads what `webhook_messages` needs (`subscribers`).
    """
    rows = WebhookEndpoint.objects.live().filter(partner=OuterRef(partner), partner__active=True)
    columns = JSONObject(pk="pk", url="url", types="types")
    return Subquery(
        rows.order_by().values("partner").annotate(all=JSONBAgg(columns)).values("all"), output_field=models.TextField()
    )


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    def live(self) -> Self:
        return self.filter(ended_at=None)

    def subscribed_to(self, type: str) -> Self:  # noqa: A002
        return self.live().filter(Q(types=[]) | Q(types__contains=[type]))

    def in_trouble(self, since: datetime) -> Self:
        """Endpoints that have been failing or suspended since then or longer."""
        return self.live().filter(Q(failing_since__lte=since) | Q(suspended_at__lte=since))

    def dead(self, failing_before: datetime) -> Self:
        """Active endpoints that have failed since before then, of partners whom we can write to."""
        active = self.live().filter(state=EndpointState.ACTIVE, failing_since__lte=failing_before)
        return active.filter(partner__active=True).exclude(partner__technical_contact="")

    def locked(self, pk: int) -> "WebhookEndpoint":
        return self.select_for_update(of=("self",), no_key=True).select_related("partner").get(pk=pk)


@pghistory.track(exclude=["failing_since", "quiet_until", "suspends_at"], model_name="WebhookEndpointEvent")
class WebhookEndpoint(models.Model):
    """An address to which webhooks are sent. `types` are the events it subscribes to; empty means all.

    A deleted endpoint has `ended_at` and keeps its messages for staff. `failing_since` and `quiet_until` make up its
    backoff: a receiver that does not answer is not tried until then, so that it does not delay the others.
    `suspends_at` is set when the partner's technical contact is told of an outage: if it lasts, the endpoint is
    suspended then. `version` and `payload` say what a body looks like when it is sent, see `rules.webhook_body`.
    """

    partner = models.ForeignKey(Partner, models.PROTECT, related_name="endpoints", verbose_name=_("partner"))
    url = models.URLField(_("address"), max_length=500)
    types = ArrayField(models.CharField(max_length=60), verbose_name=_("events"), default=list, blank=True)
    version = models.PositiveSmallIntegerField(
        _("version"), choices=Version, default=Version.FIRST, db_default=Version.FIRST
    )
    payload = models.CharField(
        _("content"), max_length=4, choices=Payload, default=Payload.FULL, db_default=Payload.FULL
    )
    state = models.CharField(_("state"), max_length=10, choices=EndpointState, default=EndpointState.ACTIVE)
    reason = models.CharField(_("why suspended"), max_length=200, blank=True)
    suspended_at = models.DateTimeField(_("suspended"), null=True, blank=True)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True)
    quiet_until = models.DateTimeField(_("left alone until"), null=True, blank=True)
    suspends_at = models.DateTimeField(_("is suspended on"), null=True, blank=True)
    since = models.DateTimeField(_("since"))
    ended_at = models.DateTimeField(_("deleted"), null=True, blank=True)

    objects = WebhookEndpointQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook endpoint")
        verbose_name_plural = _("webhook endpoints")
        permissions = [("operate_webhookendpoint", "Can suspend and resume webhook endpoints and send again")]
        ordering = ["partner", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["partner", "url"],
                name="webhook_endpoint_once",
                condition=Q(ended_at=None),
                violation_error_message=_("This partner has this address already."),
            ),
            models.CheckConstraint(
                name="webhook_endpoint_suspended",
                condition=Q(state=EndpointState.ACTIVE, suspended_at=None, reason="")
                | (Q(state=EndpointState.SUSPENDED, suspended_at__isnull=False) & ~Q(reason="")),
            ),
            models.CheckConstraint(name="webhook_endpoint_version_known", condition=Q(version__in=Version.values)),
            models.CheckConstraint(
                name="webhook_endpoint_payload_known",
                condition=Q(payload=Payload.FULL) | Q(payload=Payload.THIN, version__gt=Version.FIRST),
                violation_error_message=_("Thin webhooks need version 2 or later."),
            ),
        ]

    def __str__(self) -> str:
        return self.url

    @property
    def ordering_key(self) -> str:
        """Its messages in the outbox are sent one at a time, in order."""
        return f"endpoint-{self.pk}"


class EndpointSecretQuerySet(models.QuerySet["EndpointSecret"]):
    def live(self, at: datetime) -> Self:
        """Valid at that time, the newest first."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=at)).order_by("-since", "-pk")


@pghistory.track(exclude=["sealed"])
class EndpointSecret(models.Model):
    """A signing secret, encrypted. Two are valid while one replaces the other."""

    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="secrets", verbose_name=_("endpoint"))
    sealed = models.TextField(_("secret"), editable=False)
    since = models.DateTimeField(_("since"))
    expires_at = models.DateTimeField(_("until"), null=True, blank=True)

    objects = EndpointSecretQuerySet.as_manager()

    class Meta:
        verbose_name = _("secret of an endpoint")
        verbose_name_plural = _("secrets of endpoints")
        ordering = ["-since", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint"], name="endpoint_secret_one_lasting", condition=Q(expires_at=None)
            )
        ]

    def __str__(self) -> str:
        return f"{self.endpoint_id}, {write_day(self.since)}"


class Attempt(models.Model):
    """A delivery attempt. `status` is the HTTP status, 0 if no response came."""

    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="attempts", verbose_name=_("endpoint"))
    key = models.CharField(_("message"), max_length=200)
    type = models.CharField(_("event"), max_length=60)
    at = models.DateTimeField(_("at"))
    status = models.PositiveSmallIntegerField(_("status"), default=0)
    took_ms = models.PositiveIntegerField(_("took (ms)"))
    answer = models.CharField(_("answer"), max_length=500, blank=True)
    error = models.CharField(_("error"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["endpoint", "-at"], name="attempt_of_endpoint"),
            models.Index(fields=["key"], name="attempt_of_message"),
            models.Index(fields=["at"], name="attempt_to_delete"),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.status}"
