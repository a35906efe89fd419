"""What became of the kit of an account that went into another one: the links between closed and opened rows (R69)."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from kitbag.enums import RegistrationState
from kitbag.models.points import Adjustment
from kitbag.models.registrations import Registration
from members.models import AccountMerge


class MergedRegistration(models.Model):
    """A registration of the account that ended, and the one that counts instead of it.

    Undoing the merge gives both their states of before; `state_before` is "" if `became` was made by the merge.
    """

    merge = models.ForeignKey(AccountMerge, models.PROTECT, related_name="registrations", verbose_name=_("merge"))
    registration = models.ForeignKey(
        Registration, models.PROTECT, related_name="merged_as", verbose_name=_("registration that ended")
    )
    became = models.ForeignKey(
        Registration, models.PROTECT, related_name="merged_from", verbose_name=_("registration that counts instead")
    )
    ended_state = models.CharField(_("its state before"), max_length=12, choices=RegistrationState)
    state_before = models.CharField(
        _("state before of the other one"), max_length=12, choices=RegistrationState, blank=True
    )
    state_after = models.CharField(_("state after of the other one"), max_length=12, choices=RegistrationState)

    class Meta:
        verbose_name = _("merged registration")
        verbose_name_plural = _("merged registrations")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["merge", "registration"], name="merged_registration_once"),
            models.UniqueConstraint(fields=["merge", "became"], name="merged_registration_counts_once"),
        ]

    def __str__(self) -> str:
        return f"{self.registration_id} → {self.became_id}"


class MergedAdjustment(models.Model):
    """Points from staff that ended with an account, and those that the other account got instead."""

    merge = models.ForeignKey(AccountMerge, models.PROTECT, related_name="adjustments", verbose_name=_("merge"))
    adjustment = models.ForeignKey(
        Adjustment, models.PROTECT, related_name="merged_as", verbose_name=_("adjustment that ended")
    )
    became = models.OneToOneField(
        Adjustment, models.PROTECT, related_name="merged_from", verbose_name=_("adjustment that counts instead")
    )

    class Meta:
        verbose_name = _("merged adjustment")
        verbose_name_plural = _("merged adjustments")
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["merge", "adjustment"], name="merged_adjustment_once")]

    def __str__(self) -> str:
        return f"{self.adjustment_id} → {self.became_id}"
