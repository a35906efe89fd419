"""What all planned changes have in common that members are told of in advance (R22)."""

from datetime import timedelta
from typing import Self, TypeVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from members.enums import OPEN_CHANGES, ChangeState
from members.models.people import User

P = TypeVar("P", bound="AnnouncedPlan")


class AnnouncedPlanQuerySet(models.QuerySet[P]):
    def planned(self) -> Self:
        return self.filter(state=ChangeState.PLANNED).order_by("effective_on")

    def open(self) -> Self:
        """Planned, or being applied since its day."""
        return self.filter(state__in=OPEN_CHANGES).order_by("effective_on")


class AnnouncedPlan(models.Model):
    """Something that changes on a day, announced in advance like any change of points (R22).

    `cursor` is the key of the last row that the run in progress has processed, so that it can go on where it stopped.
    """

    effective_on = models.DateField(_("from"))
    short_notice_reason = models.CharField(_("reason for short notice"), max_length=200, blank=True)
    state = models.CharField(
        _("state"), max_length=10, choices=ChangeState, default=ChangeState.PLANNED, editable=False
    )
    planned_at = models.DateTimeField(_("planned"))
    planned_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("planned by")
    )
    announced_at = models.DateTimeField(_("all members notified"), null=True, blank=True, editable=False)
    begun_at = models.DateTimeField(_("took effect"), null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(_("applied to all members"), null=True, blank=True, editable=False)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True, editable=False)
    recalled_at = models.DateTimeField(
        _("all members notified of the cancellation"), null=True, blank=True, editable=False
    )
    told = models.PositiveIntegerField(_("members notified"), default=0, editable=False)
    cursor = models.BigIntegerField(default=0, editable=False)
    stepped_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True

    @property
    def told_in_time(self) -> bool:
        """Whether members got NOTICE_DAYS of notice, or nobody was affected, or staff gave a reason (R22)."""
        if self.announced_at is None:
            return False
        early = timezone.localdate(self.announced_at) + timedelta(days=settings.NOTICE_DAYS) <= self.effective_on
        return early or not self.told or bool(self.short_notice_reason)


def state_and_times(name: str) -> models.CheckConstraint:
    """Each state has its moments, and no others."""
    return models.CheckConstraint(
        name=name,
        condition=Q(state=ChangeState.PLANNED, begun_at=None, finished_at=None, cancelled_at=None)
        | Q(state=ChangeState.RUNNING, begun_at__isnull=False, finished_at=None, cancelled_at=None)
        | Q(state=ChangeState.DONE, begun_at__isnull=False, finished_at__isnull=False, cancelled_at=None)
        | Q(state=ChangeState.CANCELLED, begun_at=None, finished_at=None, cancelled_at__isnull=False),
    )
