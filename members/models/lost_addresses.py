"""A lost sign-in address that staff replace, and accounts that the old mailbox has stopped (R69)."""

from datetime import datetime, timedelta
from typing import Self

import pghistory
import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.dates import write_moment
from members.enums import LostAddressState
from members.models.people import Member

MAX_REASON_LENGTH = 2000  # characters

# Who asked for it, for whom and for which address is what the second person has looked at. Erasing the member (R14)
# blanks the addresses.
KEEP_REQUEST_SQL = """
IF (NEW.member_id, NEW.requested_by_id, NEW.requested_at)
    IS DISTINCT FROM (OLD.member_id, OLD.requested_by_id, OLD.requested_at)
OR (NEW.new_email <> OLD.new_email AND NEW.new_email <> '')
OR (OLD.state <> 'open' AND (NEW.state, NEW.decided_by_id, NEW.decided_at)
    IS DISTINCT FROM (OLD.state, OLD.decided_by_id, OLD.decided_at))
THEN RAISE EXCEPTION 'a request to change a lost address stays as it was made and decided';
END IF;
RETURN NEW;
"""


STAYS_RELEASED_SQL = """
IF OLD.released_at IS NOT NULL AND (NEW.asked_by_id, NEW.released_by_id, NEW.released_at)
    IS DISTINCT FROM (OLD.asked_by_id, OLD.released_by_id, OLD.released_at)
THEN RAISE EXCEPTION 'a released account stays released: it is stopped again by another row';
END IF;
RETURN NEW;
"""


class LostAddressQuerySet(models.QuerySet["LostAddress"]):
    def open(self) -> Self:
        return self.filter(state=LostAddressState.OPEN)

    def holding(self, at: datetime) -> Self:
        """Changes so young that the account can neither hand kit over nor be closed."""
        since = at - timedelta(days=settings.LOST_ADDRESS_HOLD_DAYS)
        return self.filter(state=LostAddressState.APPROVED, decided_at__gt=since)

    def with_link(self, at: datetime) -> Self:
        """Those whose link in the old mailbox works: undecided, or decided not long ago."""
        since = at - timedelta(days=settings.LOST_ADDRESS_HOLD_DAYS)
        return self.filter(Q(state=LostAddressState.OPEN) | Q(decided_at__gt=since))


@pghistory.track(fields=["state"], model_name="LostAddressEvent")
class LostAddress(models.Model):
    """A member cannot reach their sign-in address: one of the staff asks for another, a second person decides (R69)."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="lost_addresses", verbose_name=_("member"))
    old_email = models.EmailField(_("old address"), max_length=254, blank=True)
    new_email = models.EmailField(_("new address"), max_length=254, blank=True)
    reason = models.TextField(_("how we know that it is them"), max_length=MAX_REASON_LENGTH, blank=True)
    state = models.CharField(
        _("state"), max_length=8, choices=LostAddressState, default=LostAddressState.OPEN, editable=False
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("requested by")
    )
    requested_at = models.DateTimeField(_("requested"))
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

    objects = LostAddressQuerySet.as_manager()

    class Meta:
        verbose_name = _("lost address")
        verbose_name_plural = _("lost addresses")
        ordering = ["-requested_at", "-pk"]
        permissions = [("change_lost_address", "Can change a lost sign-in address and release a stopped account")]
        constraints = [
            models.UniqueConstraint(
                fields=["member"],
                name="lost_address_one_open",
                condition=Q(state="open"),
                violation_error_message=_("There is an open request for this member already."),
            ),
            models.CheckConstraint(name="lost_address_state_known", condition=Q(state__in=LostAddressState.values)),
            models.CheckConstraint(
                name="lost_address_second_person",
                condition=~Q(state="approved") | (Q(decided_by__isnull=False) & ~Q(decided_by=F("requested_by"))),
                violation_error_message=_("Whoever asked for it can’t approve it as well."),
            ),
            models.CheckConstraint(
                name="lost_address_decided",
                condition=Q(state="open", decided_by=None, decided_at=None)
                | (~Q(state="open") & Q(decided_by__isnull=False, decided_at__isnull=False)),
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="keep_request", when=pgtrigger.Before, operation=pgtrigger.Update, func=KEEP_REQUEST_SQL
            )
        ]

    def __str__(self) -> str:
        return f"{self.old_email} → {self.new_email}"

    @property
    def is_open(self) -> bool:
        return self.state == LostAddressState.OPEN

    @property
    def held_until(self) -> datetime | None:
        """Until when kit cannot be handed over and the account not closed; None unless it was approved."""
        if self.state != LostAddressState.APPROVED or self.decided_at is None:
            return None
        return self.decided_at + timedelta(days=settings.LOST_ADDRESS_HOLD_DAYS)


class LostAddressFile(models.Model):
    """A document or photo that shows that it is them. Staff who may decide can open it, nobody else."""

    request = models.ForeignKey(LostAddress, models.PROTECT, related_name="files", verbose_name=_("lost address"))
    file = models.OneToOneField(StoredFile, models.PROTECT, related_name="lost_address", verbose_name=_("file"))

    class Meta:
        verbose_name = _("evidence of a lost address")
        verbose_name_plural = _("evidence of lost addresses")
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.request_id}: {self.file}"


class AccountFreezeQuerySet(models.QuerySet["AccountFreeze"]):
    def standing(self) -> Self:
        return self.filter(released_at=None)


class AccountFreeze(models.Model):
    """Nobody can sign in to the account: the old mailbox says that a change was not theirs (R69).

    It ends when one of the staff asks for that and a second person agrees.
    """

    member = models.ForeignKey(Member, models.PROTECT, related_name="freezes", verbose_name=_("member"))
    lost_address = models.ForeignKey(
        LostAddress, models.PROTECT, related_name="freezes", verbose_name=_("lost address")
    )
    at = models.DateTimeField(_("since"))
    reason = models.TextField(_("why it can be released"), max_length=MAX_REASON_LENGTH, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        verbose_name=_("release asked for by"),
        null=True,
        blank=True,
    )
    asked_at = models.DateTimeField(_("release asked for"), null=True, blank=True)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        verbose_name=_("released by"),
        null=True,
        blank=True,
    )
    released_at = models.DateTimeField(_("released"), null=True, blank=True)

    objects = AccountFreezeQuerySet.as_manager()

    class Meta:
        verbose_name = _("stopped account")
        verbose_name_plural = _("stopped accounts")
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["member"], name="freeze_one_standing", condition=Q(released_at=None)),
            models.CheckConstraint(
                name="freeze_asked",
                condition=Q(asked_by=None, asked_at=None) | Q(asked_by__isnull=False, asked_at__isnull=False),
            ),
            models.CheckConstraint(
                name="freeze_second_person",
                condition=Q(released_by=None, released_at=None)
                | (
                    Q(released_at__isnull=False, released_by__isnull=False, asked_by__isnull=False)
                    & ~Q(released_by=F("asked_by"))
                ),
                violation_error_message=_("Whoever asked for it can’t release the account as well."),
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="stays_released", when=pgtrigger.Before, operation=pgtrigger.Update, func=STAYS_RELEASED_SQL
            )
        ]

    def __str__(self) -> str:
        return f"{self.member_id}, {write_moment(self.at)}"
