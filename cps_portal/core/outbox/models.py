"""What leaves the building is first a row here."""

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cps_portal.core.outbox.enums import FINISHED, OPEN, Kind, State


class MessageQuerySet(models.QuerySet["Message"]):
    def due(self, at: datetime) -> "MessageQuerySet":
        """Waiting and its time has come, or claimed by somebody who never reported back."""
        return self.filter(state__in=OPEN, next_at__lte=at)

    def waiting_in(self, lane: str) -> "MessageQuerySet":
        return self.filter(lane=lane, state=State.QUEUED)

    def finished_before(self, at: datetime) -> "MessageQuerySet":
        return self.filter(state__in=FINISHED, created_at__lt=at)


class Message(models.Model):
    """Something to be sent once the transaction that wrote it has committed.

    ``next_at`` is when it may next be tried: while it is being sent, the moment the lease runs out.
    ``claim`` names the one who is sending it; only the holder's answer is recorded. ``lane`` is who receives it: what
    goes wrong there holds up no other lane. The lane of a kind, such as all mails, is shared by many who send at once;
    in any other one message is sent at a time.
    """

    key = models.CharField(_("key"), max_length=200, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    lane = models.CharField(_("lane"), max_length=40, default=Kind.MAIL, db_default=Kind.MAIL)
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

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        indexes = [
            models.Index(fields=["next_at", "id"], name="outbox_message_due", condition=Q(state__in=OPEN)),
            models.Index(fields=["lane", "next_at", "id"], name="outbox_message_lane", condition=Q(state__in=OPEN)),
            models.Index(fields=["created_at"], name="outbox_message_to_blank", condition=Q(blanked_at=None)),
        ]
        constraints = [
            models.CheckConstraint(name="outbox_message_state_known", condition=Q(state__in=State.values)),
            models.CheckConstraint(
                name="outbox_message_next_at_while_open",
                condition=Q(state__in=OPEN, next_at__isnull=False) | Q(state__in=FINISHED, next_at=None),
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
    def is_one_at_a_time(self) -> bool:
        return self.lane != self.kind
