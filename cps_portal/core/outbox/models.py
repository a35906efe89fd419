"""Outgoing messages."""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from cps_portal.core.outbox.enums import FINISHED, OPEN, Kind, State, SuppressionReason


class MessageQuerySet(models.QuerySet["Message"]):
    def due(self, at: datetime) -> "MessageQuerySet":
        """To be sent now: queued, or taken by a worker whose lease has run out."""
        return self.filter(state__in=OPEN, next_at__lte=at)

    def queued_with(self, ordering_key: str) -> "MessageQuerySet":
        return self.filter(ordering_key=ordering_key, state=State.QUEUED)

    def finished_before(self, at: datetime) -> "MessageQuerySet":
        return self.filter(state__in=FINISHED, created_at__lt=at)


class Message(models.Model):
    """An e-mail or a webhook, to be sent once the transaction that wrote it has committed.

    ``next_at`` is the time of the next attempt; while the message is being sent, the end of the lease.
    ``claim`` identifies the attempt that holds the lease; only its outcome is recorded.
    ``ordering_key`` names the receiver. Messages with the same key are sent one at a time, in order, and a receiver
    that is down delays only its own. Messages whose key is just their kind, such as all mails, are sent in any order.
    ``request_id`` is that of the request or task that wrote it: it goes with the message, into logs and headers.
    """

    key = models.CharField(_("key"), max_length=200, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    ordering_key = models.CharField(
        _("ordering key"), max_length=40, default=Kind.MAIL, db_default=Kind.MAIL, db_column="lane"
    )
    to = models.CharField(_("to"), max_length=500, blank=True)
    payload = models.JSONField[dict[str, Any]](_("content"), default=dict, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    created_at = models.DateTimeField(_("written"))
    next_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    claim = models.UUIDField(_("claim"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    answer = models.TextField(_("last answer"), blank=True)
    blanked_at = models.DateTimeField(_("blanked"), null=True, blank=True)
    request_id = models.CharField(_("request"), max_length=64, blank=True, default="", db_default="")

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        indexes = [
            models.Index(fields=["next_at", "id"], name="outbox_message_due", condition=Q(state__in=OPEN)),
            models.Index(
                fields=["ordering_key", "next_at", "id"], name="outbox_message_lane", condition=Q(state__in=OPEN)
            ),
            models.Index(fields=["created_at"], name="outbox_message_to_blank", condition=Q(blanked_at=None)),
            models.Index(
                Lower("to"), models.F("id").desc(), name="outbox_message_recipient", condition=Q(blanked_at=None)
            ),
            models.Index(
                fields=["created_at"], name="outbox_message_trouble", condition=Q(state__in=(State.FAILED, State.HELD))
            ),
        ]
        constraints = [
            models.CheckConstraint(name="outbox_message_state_known", condition=Q(state__in=State.values)),
            models.CheckConstraint(
                name="outbox_message_next_at_while_open",
                condition=Q(state__in=OPEN, next_at__isnull=False) | Q(state__in=[*FINISHED, State.HELD], next_at=None),
            ),
            models.CheckConstraint(
                name="outbox_message_claim_while_sending",
                condition=Q(state=State.SENDING, claim__isnull=False) | Q(~Q(state=State.SENDING), claim=None),
            ),
            models.CheckConstraint(
                name="outbox_message_sent_at_when_sent",
                condition=Q(state=State.SENT, sent_at__isnull=False) | Q(~Q(state=State.SENT), sent_at=None),
            ),
            models.CheckConstraint(
                name="outbox_message_blanked_is_empty",
                condition=Q(blanked_at=None) | Q(state__in=FINISHED, to="", payload={}, answer=""),
            ),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def is_ordered(self) -> bool:
        return self.ordering_key != self.kind


class SuppressionQuerySet(models.QuerySet["Suppression"]):
    def active(self) -> "SuppressionQuerySet":
        return self.filter(lifted_at=None)


class Suppression(models.Model):
    """An address that gets only essential mails, because others came back or were marked as spam.

    When it is lifted the row stays: an older report that arrives late must not suppress the address again.
    """

    address = models.CharField(_("address"), max_length=254, unique=True)  # in lower case
    reason = models.CharField(_("reason"), max_length=10, choices=SuppressionReason)
    since = models.DateTimeField(_("since"))
    answer = models.TextField(_("answer of the receiver"), blank=True)
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True)

    objects = SuppressionQuerySet.as_manager()

    class Meta:
        verbose_name = _("suppressed address")
        verbose_name_plural = _("suppressed addresses")
        ordering = ["-since", "-pk"]
        constraints = [
            models.CheckConstraint(name="suppression_reason_known", condition=Q(reason__in=SuppressionReason.values)),
            models.CheckConstraint(name="suppression_address_in_lower_case", condition=Q(address=Lower("address"))),
        ]

    def __str__(self) -> str:
        return self.address
