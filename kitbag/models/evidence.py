"""Evidence for registrations: receipts, photos of serial numbers (R24, R25)."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.models import StoredFile
from kitbag.enums import EvidenceKind
from kitbag.models.registrations import Registration


class EvidenceQuerySet(models.QuerySet["Evidence"]):
    def about(self, registration: Registration) -> Self:
        """Those of a registration, and of those that it counts instead of since two accounts became one (R69)."""
        return self.filter(Q(registration=registration) | Q(registration__merged_as__became=registration))

    def kept(self) -> Self:
        """Those whose content has not been erased, with their files."""
        return self.filter(file__erased_at=None).select_related("file")

    def proofs(self) -> Self:
        """Those that can be a proof of purchase: all but photos of the serial number (R25)."""
        return self.kept().exclude(kind=EvidenceKind.SERIAL)


class Evidence(models.Model):
    """A file attached to a registration. If the member removes it, its content is erased and the row stays."""

    registration = models.ForeignKey(
        Registration, models.PROTECT, related_name="evidence", verbose_name=_("registration")
    )
    file = models.OneToOneField(StoredFile, models.PROTECT, related_name="evidence", verbose_name=_("file"))
    kind = models.CharField(_("kind"), max_length=10, choices=EvidenceKind, default=EvidenceKind.OTHER)
    added_at = models.DateTimeField(_("added"))

    objects = EvidenceQuerySet.as_manager()

    class Meta:
        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(name="evidence_kind_known", condition=Q(kind__in=EvidenceKind.values)),
        ]

    def __str__(self) -> str:
        return f"{self.registration_id}: {self.get_kind_display()}"
