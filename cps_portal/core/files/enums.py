from django.db import models
from django.utils.translation import gettext_lazy as _


class FileKind(models.TextChoices):
    """The type of a file, detected from its content."""

    JPEG = "jpeg", _("Image")
    PDF = "pdf", _("PDF")


CONTENT_TYPES = {FileKind.JPEG: "image/jpeg", FileKind.PDF: "application/pdf"}
ENDINGS = {FileKind.JPEG: "jpg", FileKind.PDF: "pdf"}
