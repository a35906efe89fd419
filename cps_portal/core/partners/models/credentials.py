"""With what partners come in, what they may do with it, and what they did (R55)."""

from datetime import datetime
from typing import Any, Self

import pghistory
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import AbstractApplication

from cps_portal.core.partners import rules
from cps_portal.core.partners.enums import Scope
from cps_portal.core.partners.models.organisations import Partner

DEFAULT_REQUESTS_PER_MINUTE = 600
ADDRESS = "CPS_CLIENT_ADDRESS"  # in the headers that the authorisation server reads: set by us, never by a client


def check_network(text: str) -> None:
    """Raise ValidationError if `text` is neither an address nor a network."""
    if not rules.is_network(text):
        raise ValidationError(_("“%(text)s” isn’t a network. Write it as 192.0.2.0/24."), params={"text": text})


class CredentialQuerySet(models.QuerySet["Credential"]):
    def live(self, at: datetime) -> Self:
        """Credentials that are valid at that moment."""
        valid = Q(expires_at=None) | Q(expires_at__gt=at)
        return self.filter(valid, revoked_at=None, partner__active=True)

    def locked(self, pk: int) -> "Credential":
        return self.select_for_update(of=("self",), no_key=True).select_related("partner").get(pk=pk)


@pghistory.track(
    fields=["partner", "name", "scopes", "networks", "rate", "expires_at", "revoked_at"], model_name="CredentialEvent"
)
class Credential(AbstractApplication):  # type: ignore[misc]
    """A client of OAuth 2.0 that fetches short-lived tokens for one partner. Its secret is stored hashed.

    To rotate it, make the next one, which says what it `replaces`, and let this one run out: for a while both work.
    """

    partner = models.ForeignKey(Partner, models.PROTECT, related_name="credentials", verbose_name=_("partner"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("made by")
    )
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope), verbose_name=_("scopes"))
    networks = ArrayField(
        models.CharField(max_length=43, validators=[check_network]),
        verbose_name=_("networks"),
        default=list,
        blank=True,
        help_text=_("From where it may be used, such as 192.0.2.0/24. None: from anywhere."),
    )
    rate = models.PositiveIntegerField(
        _("requests a minute"),
        default=DEFAULT_REQUESTS_PER_MINUTE,
        validators=[MinValueValidator(1), MaxValueValidator(1_000_000)],
    )
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    replaces = models.OneToOneField(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="replaced_by",
        verbose_name=_("replaces"),
    )
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)
    last_used_from = models.GenericIPAddressField(_("last used from"), null=True, blank=True, editable=False)

    objects = CredentialQuerySet.as_manager()

    class Meta:
        verbose_name = _("credential")
        verbose_name_plural = _("credentials")
        ordering = ["partner", "-created"]
        permissions = [("issue_credential", "Can make, rotate and revoke credentials")]
        constraints = [
            models.CheckConstraint(
                name="credential_for_machines",
                condition=Q(client_type="confidential", authorization_grant_type="client-credentials"),
            ),
            models.CheckConstraint(name="credential_hashed", condition=Q(hash_client_secret=True)),
            models.CheckConstraint(
                name="credential_may_do_something",
                condition=Q(scopes__len__gte=1),
                violation_error_message=_("Choose at least one scope."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.partner}: {self.name or self.client_id}"

    @property
    def get_absolute_url(self) -> Any:
        """It has no page but the desk's. The library says otherwise, and the desk would link there."""
        raise AttributeError("get_absolute_url")

    def is_live(self, at: datetime) -> bool:
        return self.partner.active and self.revoked_at is None and (self.expires_at is None or self.expires_at > at)

    def is_usable(self, request: Any) -> bool:
        """Asked by the authorisation server before a token is given or believed."""
        address = str(request.headers.get(ADDRESS, ""))
        return self.is_live(timezone.now()) and rules.is_within(address, self.networks)

    def get_scopes_display(self) -> list[str]:
        return [str(Scope(scope).label) for scope in self.scopes]


class ApiCall(models.Model):
    """A request of a partner and the status of its response: who read or changed what, and when. No content."""

    credential = models.ForeignKey(Credential, models.CASCADE, related_name="calls", verbose_name=_("credential"))
    at = models.DateTimeField(_("at"))
    request_id = models.CharField(_("request"), max_length=64, unique=True)
    method = models.CharField(_("method"), max_length=7)
    path = models.CharField(_("path"), max_length=300)
    status = models.PositiveSmallIntegerField(_("status"))
    code = models.CharField(_("error"), max_length=60, blank=True)
    took_ms = models.PositiveIntegerField(_("took (ms)"))
    address = models.GenericIPAddressField(_("from"), null=True, blank=True)

    class Meta:
        db_table = "partners_call"
        verbose_name = _("API call")
        verbose_name_plural = _("API calls")
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["credential", "-at"], name="call_of_credential"),
            models.Index(fields=["at"], name="call_to_delete"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path}: {self.status}"


class IdempotencyRecord(models.Model):
    """The response to a request with an Idempotency-Key. It is repeated for the same request, for a day."""

    partner = models.ForeignKey(Partner, models.CASCADE, related_name="+", verbose_name=_("partner"))
    key = models.CharField(_("key"), max_length=100)
    request_hash = models.CharField(_("hash of the request"), max_length=64)
    at = models.DateTimeField(_("at"))
    status = models.PositiveSmallIntegerField(_("status"))
    headers = models.JSONField(_("headers"), default=dict)
    body = models.BinaryField(_("body"), blank=True)

    class Meta:
        db_table = "partners_keptanswer"
        verbose_name = _("idempotency record")
        verbose_name_plural = _("idempotency records")
        ordering = ["-at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["partner", "key"], name="kept_answer_one_a_key")]
        indexes = [models.Index(fields=["at"], name="kept_answer_to_delete")]

    def __str__(self) -> str:
        return f"{self.partner_id}: {self.key}"
