"""What support writes down about a member for colleagues (R54)."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.dates import write_day
from members.models.people import Member, User

MAX_NOTE_LENGTH = 2000


class MemberNote(models.Model):
    """An internal note. The member never sees it; it is deleted with the person (R14). Only its writer changes it."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="notes", verbose_name=_("member"))
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("by"))
    text = models.TextField(_("text"), max_length=MAX_NOTE_LENGTH)
    pinned = models.BooleanField(_("stays on top"), default=False)
    at = models.DateTimeField(_("at"))
    edited_at = models.DateTimeField(_("edited"), null=True, blank=True)

    class Meta:
        verbose_name = _("note on a member")
        verbose_name_plural = _("notes on members")
        ordering = ["-pinned", "-pk"]
        constraints = [models.CheckConstraint(name="member_note_says_something", condition=~models.Q(text=""))]

    def __str__(self) -> str:
        return f"{self.member_id}, {write_day(self.at)}"
