"""When what has to happen again and again last happened."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Tick(models.Model):
    """The last time that a queue ran its tick, or that a backup was finished.

    In PostgreSQL rather than in the cache: a frozen cache must not look like a dead worker. The names are
    ``queue:<name>`` and ``backup``.
    """

    name = models.CharField(_("name"), max_length=60, primary_key=True)
    at = models.DateTimeField(_("last"))

    class Meta:
        verbose_name = _("tick")
        verbose_name_plural = _("state of the system")

    def __str__(self) -> str:
        return self.name
