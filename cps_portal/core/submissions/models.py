"""Forms that were sent: the first answer to each, and what was typed into those that could not be accepted (R71)."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.dates import write_moment

MAX_PAGE_LENGTH = 500  # characters, percent-encoded


class Submission(models.Model):
    """The answer to the last form that was accepted with this token. The same form again gets it once more."""

    nonce = models.CharField(_("token"), max_length=32, unique=True)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+", verbose_name=_("account")
    )
    body_hash = models.CharField(_("hash of the form"), max_length=64)
    location = models.TextField(_("leads to"), blank=True)
    messages = models.JSONField(_("messages"), default=list)  # [level, text, extra tags, is it HTML?]
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("submission")
        verbose_name_plural = _("submissions")
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["at"], name="submission_to_delete")]

    def __str__(self) -> str:
        return f"{write_moment(self.at)}: {self.location}"


class KeptFormQuerySet(models.QuerySet["KeptForm"]):
    def of(self, browser: str, account: int | None) -> Self:
        """What this account typed in this browser; with None what a visitor typed."""
        return self.filter(browser=browser, account=account)


class KeptForm(models.Model):
    """What was typed into a form that arrived after its session or its token had ended. Never passwords or files."""

    browser = models.CharField(max_length=43, db_index=True, editable=False)  # the value of a cookie
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+", verbose_name=_("account")
    )
    page = models.CharField(_("page of the form"), max_length=MAX_PAGE_LENGTH)
    path = models.CharField(_("sent to"), max_length=MAX_PAGE_LENGTH)
    fields = models.JSONField(_("what was typed"), default=list)  # [name, [value, ...]]
    at = models.DateTimeField(_("at"))

    objects = KeptFormQuerySet.as_manager()

    class Meta:
        verbose_name = _("kept form")
        verbose_name_plural = _("kept forms")
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["at"], name="kept_form_to_delete")]
        constraints = [
            models.UniqueConstraint(
                fields=["browser", "account", "page", "path"], name="kept_form_newest", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.page}: {write_moment(self.at)}"

    @property
    def values(self) -> QueryDict:
        """The fields as a form's data."""
        data = QueryDict(mutable=True)
        for name, values in self.fields:
            data.setlist(name, values)
        return data

    def is_fresh(self, at: datetime) -> bool:
        return at - self.at < settings.KEPT_FORM_FOR
