"""What keeps a list of the admin as fast with a million rows as with a hundred: how it is counted and filtered.

Nothing here reads a whole table: rows are counted as far as anybody turns pages, and the choices of a filter do not
come from the rows. The address of a row is made for the list, not for each row.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import pairwise
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import escape, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django_countries.fields import CountryField

from cps_portal.core.lib.countries import country_name, list_countries

MAX_COUNTED = 10_000  # rows; a list says "more than" that, and ends there
EARLIER_YEARS = 4


class BoundedPaginator(Paginator[Any]):
    """Counts MAX_COUNTED rows and one at most."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: MAX_COUNTED + 1].count())

    @property
    def is_cut(self) -> bool:
        return self.count > MAX_COUNTED

    @property
    def count_in_words(self) -> str:
        if self.is_cut:
            return _("more than %(count)s") % {"count": intcomma(MAX_COUNTED)}
        return str(intcomma(self.count))


class PortalChangeList(ChangeList):
    """Django's, but looks up the address of a row once for all rows whose key is a number."""

    @cached_property
    def _row_address(self) -> tuple[str, str]:
        """What is before and after the key."""
        before, _key, after = super().url_for_result(self.model(pk=0)).rpartition("0")
        return before, after

    def url_for_result(self, result: models.Model) -> str:
        if not isinstance(result.pk, int):  # other keys are escaped
            return str(super().url_for_result(result))
        before, after = self._row_address
        return f"{before}{result.pk}{after}"


class PeriodFilter(admin.DateFieldListFilter):
    """Django's filter of a date, with the years before this one, for what Django's own hierarchy of dates was for."""

    def __init__(self, field: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(field, *args, **kwargs)
        now = timezone.localtime()
        first = now.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
        years = [first.replace(year=first.year - n) for n in range(EARLIER_YEARS + 1)]
        limits: list[Any] = years if isinstance(field, models.DateTimeField) else [year.date() for year in years]
        earlier: Any = tuple(
            (str(since.year), {self.lookup_kwarg_since: str(since), self.lookup_kwarg_until: str(until)})
            for until, since in pairwise(limits)
        )
        has, empty = self.links[:5], self.links[5:]  # what is empty, and what is not, comes last
        self.links = (*has, *earlier, *empty)


def value_filter(column: str, title: Any, values: Callable[[], Iterable[str]]) -> type[admin.SimpleListFilter]:
    """A filter of a column without choices: Django's own would look for all values that the table has."""

    class ValueFilter(admin.SimpleListFilter):
        parameter_name = column

        def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
            return [(value, value) for value in values()]

        def queryset(self, _request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
            return queryset.filter(**{column: self.value()}) if self.value() else queryset

    ValueFilter.title = title
    return ValueFilter


class CountryFilter(admin.FieldListFilter):
    """All countries by their names in a `<select>`, without asking which of them occur."""

    template = "admin/filter_select.html"

    def __init__(self, field: Any, request: Any, params: Any, *others: Any, **named: Any) -> None:
        self.lookup = f"{named['field_path']}__exact"
        self.chosen = (params.get(self.lookup) or [""])[-1]
        self.others: list[tuple[str, str]] = []  # what else the address chooses
        super().__init__(field, request, params, *others, **named)

    def expected_parameters(self) -> list[str | None]:
        return [self.lookup]

    @property
    def chosen_name(self) -> str:
        return country_name(self.chosen)

    @property
    def options(self) -> SafeString:
        options = _country_options(get_language())
        chosen = f'<option value="{escape(self.chosen)}"'
        return SafeString(options.replace(chosen, f"{chosen} selected", 1)) if self.chosen else options

    def choices(self, changelist: Any) -> Any:
        address = QueryDict(changelist.get_query_string(remove=[self.lookup, PAGE_VAR])[1:])
        self.others = [(name, value) for name, values in address.lists() for value in values]
        for code, name in [("", _("All")), *list_countries()]:
            yield {"selected": code == self.chosen, "value": code, "display": name}


@lru_cache(maxsize=16)
def _country_options(_language: str | None) -> SafeString:
    return format_html_join("", '<option value="{}">{}</option>', list_countries())


@admin.display(description=gettext_lazy("country"), ordering="country")
def country_column(row: Any) -> str:
    """The column of a list: Django's own of the field would name all countries anew for each row."""
    return country_name(row.country.code) if row.country else str(admin.site.empty_value_display)


admin.FieldListFilter.register(lambda field: isinstance(field, models.DateField), PeriodFilter, take_priority=True)
admin.FieldListFilter.register(lambda field: isinstance(field, CountryField), CountryFilter, take_priority=True)
