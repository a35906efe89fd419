"""Counters with an end. The table is unlogged: after a crash of the database all counting begins again."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Counter(models.Model):
    """A number, or whatever else a library remembers to limit attempts by, until it expires."""

    key = models.CharField(primary_key=True, max_length=300)
    value = models.JSONField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "limits_counter"
        verbose_name = _("counter")
        verbose_name_plural = _("counters")

    def __str__(self) -> str:
        return self.key
