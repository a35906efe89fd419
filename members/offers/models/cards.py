"""The membership card: one at a time (R37, R41)."""

import re

import pghistory
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.directions import in_order
from cps_portal.core.lib.text import clean_digits
from members.models import Member, User
from members.offers.enums import CardEnd

TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
NUMBER = re.compile(r"[0-9]{12}")
SCANNED = re.compile(r"/c/([^/\s]+)/?$")


class CardQuerySet(models.QuerySet["Card"]):
    def live(self) -> "CardQuerySet":
        return self.filter(revoked_at=None)

    def with_token(self, token: str) -> "CardQuerySet":
        return self.filter(token=token) if TOKEN.fullmatch(token) else self.none()

    def presented(self, text: str) -> "CardQuerySet":
        """Find cards, revoked ones included, by what was typed or scanned: number, address of the QR code, or token."""
        scanned = SCANNED.search(text)
        token = scanned[1] if scanned else text
        if TOKEN.fullmatch(token):
            return self.filter(token=token)
        digits = clean_digits(text)
        return self.filter(number=digits) if digits.isdecimal() else self.none()

    def can_be(self, text: str) -> bool:
        """Whether this can be what is on a card: a number of twelve digits, the address of a QR code, or a token."""
        scanned = SCANNED.search(text)
        return bool(TOKEN.fullmatch(scanned[1] if scanned else text) or NUMBER.fullmatch(clean_digits(text)))


@pghistory.track(exclude=["token"])
class Card(models.Model):
    """A membership card. `token` is the unguessable part of the address in its QR code."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="cards", verbose_name=_("member"))
    number = models.CharField(_("card number"), max_length=12, unique=True, editable=False)
    token = models.CharField(max_length=43, unique=True, editable=False)
    issued_at = models.DateTimeField(_("issued"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    end = models.CharField(_("reason for ending"), max_length=10, choices=CardEnd, blank=True)
    revoked_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("revoked by")
    )

    objects = CardQuerySet.as_manager()

    class Meta:
        verbose_name = _("card")
        verbose_name_plural = _("cards")
        ordering = ["-issued_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["member"],
                name="card_one_live",
                condition=Q(revoked_at=None),
                violation_error_message=_("This member already has a valid card. Replace it instead."),
            ),
            models.CheckConstraint(name="card_number_form", condition=Q(number__regex=r"^\d{12}$")),
            models.CheckConstraint(
                name="card_end_has_a_reason",
                condition=Q(revoked_at=None, end="", revoked_by=None) | (Q(revoked_at__isnull=False) & ~Q(end="")),
            ),
        ]

    def __str__(self) -> str:
        return self.number_in_groups

    def get_absolute_url(self) -> str:
        return reverse("offers:card")

    @property
    def check_path(self) -> str:
        """The public page behind the QR code. Keep it private: anybody who knows it can present the card."""
        return reverse("card_check", args=[self.token])

    @property
    def number_in_groups(self) -> str:
        return in_order(" ".join(self.number[i : i + 4] for i in range(0, len(self.number), 4)))
