"""Two accounts of one person become one, and can be two again for some days (R69)."""

from datetime import datetime, timedelta
from typing import Self

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from members.enums import MergeState
from members.models.people import Member

MAX_REASON_LENGTH = 2000  # characters

# What the second person has looked at stays as it is, and nothing is decided twice. Only a merge that was made can be
# undone. Erasing the member (R14) blanks the reason.
KEEP_MERGE_SQL = """
IF (NEW.survivor_id, NEW.ended_id, NEW.requested_by_id, NEW.requested_at)
    IS DISTINCT FROM (OLD.survivor_id, OLD.ended_id, OLD.requested_by_id, OLD.requested_at)
OR (OLD.state <> 'open' AND (NEW.decided_by_id, NEW.decided_at) IS DISTINCT FROM (OLD.decided_by_id, OLD.decided_at))
OR (OLD.state <> NEW.state AND (OLD.state, NEW.state)
    NOT IN (('open', 'done'), ('open', 'refused'), ('done', 'undone')))
OR (OLD.state = 'undone' AND (NEW.undone_by_id, NEW.undone_at) IS DISTINCT FROM (OLD.undone_by_id, OLD.undone_at))
THEN RAISE EXCEPTION 'a merge stays as it was proposed, decided and undone';
END IF;
RETURN NEW;
"""


class AccountMergeQuerySet(models.QuerySet["AccountMerge"]):
    def open(self) -> Self:
        return self.filter(state=MergeState.OPEN)

    def done(self) -> Self:
        """Merges in force."""
        return self.filter(state=MergeState.DONE)


@pghistory.track(fields=["state"], model_name="AccountMergeEvent")
class AccountMerge(models.Model):
    """`ended` goes into `survivor`: one of the staff proposes it, a second person decides (R69).

    No row of `ended` gets another owner. What counts there is closed and opened again for `survivor`, and the pages of
    `survivor` read both.
    """

    survivor = models.ForeignKey(Member, models.PROTECT, related_name="merges", verbose_name=_("account that stays"))
    ended = models.ForeignKey(Member, models.PROTECT, related_name="merged_as", verbose_name=_("account that ends"))
    reason = models.TextField(_("why it is one person"), max_length=MAX_REASON_LENGTH, blank=True)
    state = models.CharField(_("state"), max_length=7, choices=MergeState, default=MergeState.OPEN, editable=False)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("proposed by")
    )
    requested_at = models.DateTimeField(_("proposed"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        verbose_name=_("decided by"),
        null=True,
        blank=True,
        editable=False,
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True, editable=False)
    sign_ups = ArrayField(models.BigIntegerField(), default=list, blank=True, editable=False)  # keys of offers (R59)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        verbose_name=_("undone by"),
        null=True,
        blank=True,
        editable=False,
    )
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True, editable=False)

    objects = AccountMergeQuerySet.as_manager()

    class Meta:
        verbose_name = _("merge of accounts")
        verbose_name_plural = _("merges of accounts")
        ordering = ["-requested_at", "-pk"]
        permissions = [("merge_accounts", "Can merge two accounts of one person")]
        constraints = [
            models.UniqueConstraint(
                fields=["ended"], name="merge_one_at_a_time", condition=Q(state__in=["open", "done"])
            ),
            models.CheckConstraint(name="merge_of_two", condition=~Q(survivor=F("ended"))),
            models.CheckConstraint(name="merge_state_known", condition=Q(state__in=MergeState.values)),
            models.CheckConstraint(
                name="merge_second_person",
                condition=~Q(state__in=["done", "undone"])
                | (Q(decided_by__isnull=False) & ~Q(decided_by=F("requested_by"))),
                violation_error_message=_("Whoever proposed it can’t decide it as well."),
            ),
            models.CheckConstraint(
                name="merge_decided",
                condition=Q(state="open", decided_by=None, decided_at=None)
                | (~Q(state="open") & Q(decided_by__isnull=False, decided_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="merge_undone",
                condition=Q(state="undone", undone_by__isnull=False, undone_at__isnull=False)
                | (~Q(state="undone") & Q(undone_by=None, undone_at=None)),
            ),
        ]
        triggers = [
            pgtrigger.Trigger(name="keep_merge", when=pgtrigger.Before, operation=pgtrigger.Update, func=KEEP_MERGE_SQL)
        ]

    def __str__(self) -> str:
        return f"{self.ended_id} → {self.survivor_id}"

    @property
    def is_open(self) -> bool:
        return self.state == MergeState.OPEN

    @property
    def is_done(self) -> bool:
        return self.state == MergeState.DONE

    @property
    def undo_until(self) -> datetime | None:
        """Until when it can be undone; None unless it is in force."""
        if not self.is_done or self.decided_at is None:
            return None
        return self.decided_at + timedelta(days=settings.MERGE_UNDO_DAYS)
