"""A list of the desk as the rows of a file: its columns, of the rows that its filters and search choose (R54)."""

import html
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.admin.utils import label_for_field, lookup_field
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import JSONField, ManyToOneRel
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from members.models.staff_access import MAX_FILTERS_LENGTH

BATCH = 500
CODE = re.compile(r"[\w:.,+ -]{0,40}")  # what values of filters look like; an e-mail address does not
DATA = re.compile(r'<data value="([^"]*)">[^<]*</data>')  # a number as people read it, with its value
BREAKS = re.compile(r"<(?:br|/li|/p|/div)\b[^>]*>", re.IGNORECASE)


@dataclass(frozen=True)
class ExportedList:
    """What was downloaded, for the record: the label of the model, how many rows, which filters."""

    model: str
    rows: int
    filters: str


def columns(changes: ChangeList) -> list[Any]:
    """The columns that the list shows, as its ModelAdmin names them, without the boxes to tick."""
    return [name for name in changes.list_display if name != "action_checkbox"]


def headings(changes: ChangeList) -> list[str]:
    """The names of the columns in words."""
    names = columns(changes)
    return [capfirst(str(label_for_field(name, changes.model, changes.model_admin))) for name in names]


def iterate_rows(changes: ChangeList) -> Iterator[list[str]]:
    """The rows as texts, in the order of the list. Holds BATCH of them at a time, and the keys of all."""
    names = columns(changes)
    keys = list(changes.queryset.values_list("pk", flat=True))
    for start in range(0, len(keys), BATCH):
        chosen = keys[start : start + BATCH]
        rows = {row.pk: row for row in changes.queryset.filter(pk__in=chosen)}
        yield from ([_cell(changes, rows[key], name) for name in names] for key in chosen if key in rows)


def describe_filters(changes: ChangeList) -> str:
    """The filters of the address as codes. What somebody typed to search is left out, because it can name a person."""
    parts = []
    for name, values in changes.get_filters_params().items():
        shown = [str(value) if CODE.fullmatch(str(value)) else "…" for value in _as_list(values)]
        parts.append(f"{name}={','.join(shown)}")
    if changes.query:
        parts.append(f"{SEARCH_VAR}=…")
    return "&".join(parts)[:MAX_FILTERS_LENGTH]


def _as_list(values: Any) -> Sequence[Any]:
    return values if isinstance(values, list | tuple) else [values]


def _cell(changes: ChangeList, row: Any, name: Any) -> str:
    try:
        field, _attribute, value = lookup_field(name, row, changes.model_admin)
    except ObjectDoesNotExist:
        return ""
    if field is not None and not field.auto_created:
        if isinstance(field.remote_field, ManyToOneRel):
            value = getattr(row, field.name)
        elif field.flatchoices:
            value = dict(field.flatchoices).get(value, "")
        elif isinstance(field, JSONField):
            value = json.dumps(value, ensure_ascii=False)
    return _text(value)


def _text(value: Any) -> str:
    """As in all files of the portal: days and moments in ISO form, nothing for nothing."""
    match value:
        case None:
            text = ""
        case bool():
            text = _("Yes") if value else _("No")
        case datetime():
            text = timezone.localtime(value).isoformat(timespec="seconds")
        case date():
            text = value.isoformat()
        case list() | tuple():
            text = ", ".join(map(_text, value))
        case SafeString():
            text = html.unescape(strip_tags(BREAKS.sub(" ", DATA.sub(r"\1", value))))
        case _:
            text = str(value)
    return text.strip()
