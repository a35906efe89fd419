"""Uploaded files."""

import secrets
from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.enums import CONTENT_TYPES, ENDINGS, FileKind


def new_key() -> str:
    """192 random bits: it cannot be guessed."""
    return secrets.token_urlsafe(24)


class StoredFileQuerySet(models.QuerySet["StoredFile"]):
    def kept(self) -> Self:
        return self.filter(erased_at=None)

    def orphans(self, before: datetime) -> Self:
        """Uploaded before that time and never attached."""
        return self.kept().filter(attached_at=None, created_at__lt=before)


class StoredFile(models.Model):
    """A clean copy of an upload. When it is erased, the content is deleted and the row stays."""

    key = models.CharField(max_length=32, unique=True, default=new_key, editable=False)
    purpose = models.CharField(_("purpose"), max_length=20)
    kind = models.CharField(_("kind"), max_length=5, choices=FileKind)
    size = models.PositiveIntegerField(_("size in bytes"))
    digest = models.CharField(_("SHA-256"), max_length=64, blank=True)
    original_name = models.CharField(_("name when uploaded"), max_length=120, blank=True)
    stored_as = models.CharField(max_length=80, blank=True, editable=False)
    owner = models.ForeignKey(  # null: uploaded through the API
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="stored_files",
        verbose_name=_("uploaded by"),
    )
    created_at = models.DateTimeField(_("uploaded"))
    attached_at = models.DateTimeField(_("attached"), null=True, blank=True)
    erased_at = models.DateTimeField(_("erased"), null=True, blank=True)

    objects = StoredFileQuerySet.as_manager()

    class Meta:
        verbose_name = _("stored file")
        verbose_name_plural = _("stored files")
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["created_at"],
                name="stored_file_orphans",
                condition=Q(attached_at=None, erased_at=None),
            )
        ]
        constraints = [
            models.CheckConstraint(name="stored_file_kind_known", condition=Q(kind__in=FileKind.values)),
            models.CheckConstraint(
                name="stored_file_erased_is_empty",
                condition=(Q(erased_at=None) & ~Q(stored_as=""))
                | Q(erased_at__isnull=False, stored_as="", digest="", original_name=""),
            ),
        ]

    def __str__(self) -> str:
        return self.original_name or self.key

    def get_absolute_url(self) -> str:
        return reverse("files:file", args=[self.key])

    @property
    def content_type(self) -> str:
        return CONTENT_TYPES[FileKind(self.kind)]

    @property
    def download_name(self) -> str:
        return f"{self.purpose}-{self.pk}.{ENDINGS[FileKind(self.kind)]}"

    @property
    def is_image(self) -> bool:
        return self.kind == FileKind.JPEG
