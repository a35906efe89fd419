"""Who owns a product: claims, appeals, handovers, reports of stolen kit (R19, R32, R34, R35)."""

from datetime import datetime
from typing import Self

import pghistory
from django.conf import settings
from django.db import models
from django.db.models import CharField, F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.text import LOOK_ALIKES
from kitbag import rules
from kitbag.enums import ClaimOutcome, HeldState
from kitbag.models.catalogue import Product
from kitbag.models.registrations import Registration
from members.models import Member, User
from members.support.models import Case


class ClaimQuerySet(models.QuerySet["Claim"]):
    def open(self) -> Self:
        return self.filter(outcome="").order_by("respond_by", "pk")

    def waiting(self) -> Self:
        """Open ones that wait for a decision: without those whose decision is held (R54)."""
        return self.open().exclude(held_decisions__state=HeldState.HELD)


@pghistory.track()
class Claim(models.Model):
    """A second registration of a serial number, until staff decide whose it is (R32).

    The holder's registration counts in the meantime. Each member has a case of their own, so that neither learns who
    the other is.
    """

    claimant = models.ForeignKey(Registration, models.PROTECT, related_name="claims_made", verbose_name=_("claimant"))
    holder = models.ForeignKey(Registration, models.PROTECT, related_name="claims_met", verbose_name=_("holder"))
    claimant_case = models.OneToOneField(Case, models.PROTECT, related_name="+", verbose_name=_("case of the claimant"))
    holder_case = models.OneToOneField(Case, models.PROTECT, related_name="+", verbose_name=_("case of the holder"))
    opened_at = models.DateTimeField(_("opened"))
    respond_by = models.DateField(_("respond by"))
    outcome = models.CharField(_("outcome"), max_length=10, choices=ClaimOutcome, blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )

    objects = ClaimQuerySet.as_manager()

    class Meta:
        verbose_name = _("claim")
        verbose_name_plural = _("claims")
        permissions = [("decide_claim", "Can decide claims")]
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["claimant"], name="claim_one_open", condition=Q(outcome="")),
            models.CheckConstraint(
                name="claim_outcome_and_date",
                condition=Q(outcome="", decided_at=None)
                | (Q(outcome__in=ClaimOutcome.values) & Q(decided_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.claimant}"


@pghistory.track(exclude=["text"])
class Appeal(models.Model):
    """A member's appeal against a refusal, possible once and decided by a second person (R19)."""

    registration = models.OneToOneField(
        Registration, models.PROTECT, related_name="appeal", verbose_name=_("registration")
    )
    text = models.TextField(_("the member’s text"), max_length=2000, blank=True)
    refusal_reason = models.CharField(_("refused because"), max_length=20)
    refused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("refused by")
    )
    case = models.OneToOneField(Case, models.PROTECT, related_name="+", verbose_name=_("case"))
    made_at = models.DateTimeField(_("made"))
    granted = models.BooleanField(_("granted"), null=True, blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )

    class Meta:
        verbose_name = _("appeal")
        verbose_name_plural = _("appeals")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="appeal_decided",
                condition=Q(granted=None, decided_at=None, decided_by=None)
                | Q(granted__isnull=False, decided_at__isnull=False, decided_by__isnull=False),
            ),
            models.CheckConstraint(
                name="appeal_second_person",
                condition=Q(decided_by=None) | Q(refused_by=None) | ~Q(decided_by=models.F("refused_by")),
                violation_error_message=_("An appeal has to be decided by someone other than the person who refused."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.registration}"


class HandoverQuerySet(models.QuerySet["Handover"]):
    def usable(self, at: datetime) -> Self:
        return self.filter(redeemed_at=None, revoked_at=None, expires_at__gt=at)


@pghistory.track(exclude=["code_digest"])
class Handover(models.Model):
    """A member releases a product with a one-time code, and another redeems it (R35). Only its digest is stored."""

    registration = models.ForeignKey(
        Registration, models.PROTECT, related_name="handovers", verbose_name=_("registration")
    )
    code_digest = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField(_("made"))
    expires_at = models.DateTimeField(_("valid until"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    redeemed_at = models.DateTimeField(_("redeemed"), null=True, blank=True)
    redeemed_as = models.OneToOneField(
        Registration, models.PROTECT, null=True, blank=True, related_name="came_by", verbose_name=_("redeemed as")
    )

    objects = HandoverQuerySet.as_manager()

    class Meta:
        verbose_name = _("handover")
        verbose_name_plural = _("handovers")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["registration"],
                name="handover_one_open",
                condition=Q(revoked_at=None, redeemed_at=None),
            ),
            models.CheckConstraint(
                name="handover_redeemed_as",
                condition=Q(redeemed_at=None, redeemed_as=None)
                | Q(redeemed_at__isnull=False, redeemed_as__isnull=False, revoked_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.registration}"


_LETTERS = "".join(map(chr, LOOK_ALIKES))
_DIGITS = "".join(chr(sign) for sign in LOOK_ALIKES.values())


class StolenReportQuerySet(models.QuerySet["StolenReport"]):
    def active(self) -> Self:
        """Reports that have not been lifted (R34)."""
        return self.filter(lifted_at=None)

    def presented(self, *serials: str) -> Self:
        """Those with one of these serial numbers; letters that look like digits are read as digits on both sides."""
        digits = Func(F("serial_key"), Value(_LETTERS), Value(_DIGITS), function="translate", output_field=CharField())
        key = Func(digits, Value("0"), function="ltrim", output_field=CharField())
        return self.annotate(look_alike=key).filter(look_alike__in={rules.look_alike_key(text) for text in serials})


@pghistory.track(exclude=["police_reference", "note"])
class StolenReport(models.Model):
    """A report of a stolen product (R34). It applies by product and serial number, whoever registers the product."""

    product = models.ForeignKey(Product, models.PROTECT, related_name="stolen_reports", verbose_name=_("product"))
    serial_key = models.CharField(_("serial number"), max_length=40)
    registration = models.ForeignKey(
        Registration,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="stolen_reports",
        verbose_name=_("registration"),
    )
    member = models.ForeignKey(
        Member, models.PROTECT, null=True, blank=True, related_name="stolen_reports", verbose_name=_("owner")
    )
    police_reference = models.CharField(_("police reference"), max_length=80, blank=True)
    stolen_on = models.DateField(_("stolen on"), null=True, blank=True)
    note = models.CharField(_("where and how"), max_length=500, blank=True)
    reported_at = models.DateTimeField(_("reported"))
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("lifted by")
    )
    lifted_because = models.CharField(_("lifted because"), max_length=200, blank=True)

    objects = StolenReportQuerySet.as_manager()

    class Meta:
        verbose_name = _("report of stolen kit")
        verbose_name_plural = _("reports of stolen kit")
        permissions = [("lift_stolenreport", "Can lift reports of stolen kit")]
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["product", "serial_key"],
                name="stolen_report_one_standing",
                condition=Q(lifted_at=None),
                violation_error_message=_("This has already been reported."),
            ),
            models.CheckConstraint(
                name="stolen_report_lifted",
                condition=Q(lifted_at=None, lifted_by=None, lifted_because="")
                | (Q(lifted_at__isnull=False, lifted_by__isnull=False) & ~Q(lifted_because="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product} {self.serial_key}"


class Sighting(models.Model):
    """Somebody presented a product that is reported stolen (R34). The owner is notified, the presenter is not."""

    report = models.ForeignKey(StolenReport, models.PROTECT, related_name="sightings", verbose_name=_("report"))
    registration = models.ForeignKey(
        Registration, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("registration")
    )
    where = models.CharField(_("where"), max_length=20, default="registration")
    at = models.DateTimeField(_("at"))
    note = models.TextField(_("what happened"), max_length=1000, blank=True, default="", db_default="")
    noted_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("written by")
    )

    class Meta:
        db_table = "kitbag_encounter"
        verbose_name = _("sighting of stolen kit")
        verbose_name_plural = _("sightings of stolen kit")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.report}"
