"""What members look for in the catalogue and do not find (R16)."""

from datetime import date
from typing import Any, Self

from django.db import models
from django.db.models import QuerySet, Sum
from django.utils.translation import gettext_lazy as _

MAX_TEXT_LENGTH = 60


class MissedSearchQuerySet(models.QuerySet["MissedSearch"]):
    def since(self, day: date) -> Self:
        return self.filter(day__gte=day)

    def most_wanted(self) -> "QuerySet[MissedSearch, Any]":
        """`text` with its `searches`, of those that more than one search missed; the most frequent first."""
        totals: Any = self.order_by().values("text").annotate(searches=Sum("count")).filter(searches__gt=1)
        ordered: QuerySet[MissedSearch, Any] = totals.order_by("-searches", "text")
        return ordered


class MissedSearch(models.Model):
    """How often a text was searched on a day without a product to show. Who searched is not kept."""

    day = models.DateField(_("day"))
    text = models.CharField(_("text"), max_length=MAX_TEXT_LENGTH)
    count = models.PositiveIntegerField(_("searches"))
    counted_at = models.DateTimeField(_("counted last"))

    objects = MissedSearchQuerySet.as_manager()

    class Meta:
        verbose_name = _("search without a result")
        verbose_name_plural = _("searches without a result")
        ordering = ["-day", "-count", "text"]
        constraints = [models.UniqueConstraint(fields=["day", "text"], name="missed_search_once")]

    def __str__(self) -> str:
        return self.text
