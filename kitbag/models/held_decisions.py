"""Decisions of staff that are held for a moment, so that they can be taken back (R54)."""

from datetime import datetime
from typing import Self, cast

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from kitbag.enums import ClaimOutcome, DecisionKind, HeldState, RefusalReason
from kitbag.models.ownership import Claim
from kitbag.models.registrations import Registration
from members.models import User

MAX_TEXT_LENGTH = 2500  # of the reason of a claim
MAX_NOTE_LENGTH = 300
HELD = Q(state="held")


class HeldDecisionQuerySet(models.QuerySet["HeldDecision"]):
    def due(self, at: datetime) -> Self:
        """Those whose time to be taken back is over, the oldest first."""
        return self.filter(HELD, apply_at__lte=at).order_by("apply_at", "pk")

    def shown(self, by: User, at: datetime) -> Self:
        """Those that this person can still take back, and those that were dropped and not read about; latest first."""
        dropped = Q(state=HeldState.DROPPED, read_at=None)
        return self.filter((HELD & Q(apply_at__gt=at)) | dropped, by=by).order_by("-pk")

    def held_with(self, decision: "HeldDecision") -> Self:
        """Those that one press held with this one, on the contact sheet; itself among them.

        They have the same person and moment, to the microsecond.
        """
        return self.filter(by=decision.by_id, held_at=decision.held_at)

    def dropped(self, by: User) -> Self:
        """Those of this person that were dropped, and that the person has not read about yet."""
        return self.filter(state=HeldState.DROPPED, by=by, read_at=None).order_by("pk")

    def with_subjects(self) -> Self:
        return self.select_related(
            "registration__product", "registration__member", "claim__claimant__product", "claim__claimant__member"
        )


class HeldDecision(models.Model):
    """What somebody decided about a registration or a claim, until a worker applies it at `apply_at`.

    Nothing leaves the portal and no points move before. `version` is what the person saw: if that has changed by then,
    the decision is dropped, and `note` says why. `refused_by` is who may not decide, because an appeal needs a second
    person (R19).
    """

    kind = models.CharField(_("decision"), max_length=10, choices=DecisionKind)
    registration = models.ForeignKey(
        Registration, models.PROTECT, null=True, related_name="held_decisions", verbose_name=_("registration")
    )
    claim = models.ForeignKey(Claim, models.PROTECT, null=True, related_name="held_decisions", verbose_name=_("claim"))
    reason = models.CharField(_("refused because"), max_length=20, choices=RefusalReason, blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=ClaimOutcome, blank=True)
    text = models.TextField(_("text that members read"), max_length=MAX_TEXT_LENGTH, blank=True)
    version = models.CharField(max_length=200, editable=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("decided by"))
    refused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("refused first by"),
        db_index=False,
    )
    held_at = models.DateTimeField(_("decided"))
    apply_at = models.DateTimeField(_("applied from"))
    state = models.CharField(_("state"), max_length=10, choices=HeldState, default=HeldState.HELD)
    ended_at = models.DateTimeField(_("ended"), null=True)
    note = models.CharField(_("why it was dropped"), max_length=MAX_NOTE_LENGTH, blank=True)
    read_at = models.DateTimeField(_("read"), null=True)

    objects = HeldDecisionQuerySet.as_manager()

    class Meta:
        verbose_name = _("held decision")
        verbose_name_plural = _("held decisions")
        indexes = [
            models.Index(fields=["apply_at"], name="held_due", condition=HELD),
            models.Index(fields=["by"], name="held_dropped", condition=Q(state="dropped", read_at=None)),
            models.Index(fields=["ended_at"], name="held_ended", condition=Q(ended_at__isnull=False)),
        ]
        constraints = [
            models.UniqueConstraint(fields=["registration"], name="held_one_a_registration", condition=HELD),
            models.UniqueConstraint(fields=["claim"], name="held_one_a_claim", condition=HELD),
            models.CheckConstraint(
                name="held_about_one",
                condition=Q(kind="claim", claim__isnull=False, registration=None)
                | (Q(kind__in=["approve", "refuse", "ask"], claim=None) & Q(registration__isnull=False)),
            ),
            models.CheckConstraint(
                name="held_details",
                condition=Q(kind="approve", reason="", outcome="", text="")
                | (Q(kind="refuse", outcome="", text="") & ~Q(reason=""))
                | (Q(kind="ask", outcome="", reason="") & ~Q(text=""))
                | (Q(kind="claim", reason="") & ~Q(outcome="") & ~Q(text="")),
            ),
            models.CheckConstraint(
                name="held_state_agrees",
                condition=Q(state="held", ended_at=None)
                | Q(state__in=["applied", "undone", "dropped"], ended_at__isnull=False),
            ),
            models.CheckConstraint(
                name="held_second_person",
                condition=Q(refused_by=None) | ~Q(by=F("refused_by")),
                violation_error_message=_("An appeal has to be decided by someone other than the person who refused."),
            ),
            models.CheckConstraint(name="held_for_a_while", condition=Q(apply_at__gt=F("held_at"))),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.subject}"

    @property
    def subject(self) -> Registration:
        """The registration that it is about; of a claim, the one that claims."""
        return self.claim.claimant if self.claim else cast(Registration, self.registration)
