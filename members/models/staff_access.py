"""What staff opened about members, and when they looked at the portal as a member (R54, R68)."""

from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.dates import write_moment
from cps_portal.core.lib.history import Protection
from members.enums import AccessKind, Door
from members.models.people import Member, User

MAX_REASON_LENGTH = 200
MAX_FILTERS_LENGTH = 500


class StaffAccess(models.Model):
    """Somebody of the staff opened a page, a file or an export. Part of the trail: never changed.

    `model` and `key` name the row that was opened, `member` whose it is; an export can be about nobody in particular.
    Of a list that was downloaded there is no key, but how many rows it had and by which `filters` they were chosen.
    Holds keys and codes only, so that nothing has to be blanked (R14).
    """

    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("by"))
    member = models.ForeignKey(
        Member, models.PROTECT, related_name="staff_accesses", verbose_name=_("member"), null=True, db_index=False
    )
    kind = models.CharField(_("kind"), max_length=10, choices=AccessKind)
    door = models.CharField(_("where"), max_length=10, choices=Door)
    page = models.CharField(_("page"), max_length=100)
    model = models.CharField(_("what"), max_length=80, blank=True)
    key = models.BigIntegerField(_("key"), null=True)
    rows = models.PositiveIntegerField(_("rows"), null=True)
    filters = models.CharField(_("filters"), max_length=MAX_FILTERS_LENGTH, blank=True, default="", db_default="")
    at = models.DateTimeField(_("at"))

    trail: ClassVar = Protection(
        ("id", "by_id", "member_id", "kind", "door", "page", "model", "key", "rows", "filters", "at")
    )

    class Meta:
        verbose_name = _("access by staff")
        verbose_name_plural = _("accesses by staff")
        ordering = ["-pk"]
        permissions = [
            ("export_trail", "Can download the audit trail of a member"),
            ("export_lists", "Can download lists that they may see"),
        ]
        indexes = [models.Index(fields=["member", "-at"], name="staff_access_by_member")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.page}"


class MemberViewQuerySet(models.QuerySet["MemberView"]):
    def running(self, at: datetime) -> Self:
        """Not over by themselves, and not ended."""
        return self.filter(until__gt=at, ended_at=None, member__closed_at=None, member__user__is_staff=False)


class MemberView(models.Model):
    """Somebody of the staff may look at the portal as a member until a moment, for a reason that the member can read.

    Part of the trail: ended once, the reason is blanked when the person is erased, nothing else changes (R14, R68).
    """

    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("by"))
    member = models.ForeignKey(
        Member, models.PROTECT, related_name="viewed_by_staff", verbose_name=_("member"), db_index=False
    )
    reason = models.CharField(_("reason"), max_length=MAX_REASON_LENGTH)
    at = models.DateTimeField(_("from"))
    until = models.DateTimeField(_("until"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    trail: ClassVar = Protection(("id", "by_id", "member_id", "at", "until", "ended_at"), set_once="ended_at")
    objects = MemberViewQuerySet.as_manager()

    class Meta:
        verbose_name = _("view as a member")
        verbose_name_plural = _("views as a member")
        ordering = ["-pk"]
        permissions = [("view_as_member", "Can look at the portal as a member")]
        indexes = [models.Index(fields=["member", "-at"], name="member_view_by_member")]
        constraints = [
            models.CheckConstraint(name="member_view_ends", condition=Q(until__gt=F("at"))),
            models.CheckConstraint(
                name="member_view_ended_in_it", condition=Q(ended_at=None) | Q(ended_at__range=(F("at"), F("until")))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.member_id}: {write_moment(self.at)}"
