"""One table of the download of everything held about a member (R14)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import QuerySet

from members.models import Member

ROWS_PER_QUERY = 500


@dataclass(frozen=True)
class Table:
    """One table of the download: its file name, the rows of a member, and the fields of each.

    `owner` is the lookup that leads from a row to its member, or a function that gives the member's rows.
    """

    name: str
    model: type[models.Model]
    owner: str | Callable[[Member], QuerySet[Any]]
    fields: tuple[str, ...]

    def rows(self, member: Member) -> Iterator[dict[str, Any]]:
        if isinstance(self.owner, str):
            rows = self.model._default_manager.filter(**{self.owner: member.pk})
        else:
            rows = self.owner(member)
        return rows.order_by("pk").values(*self.fields).iterator(chunk_size=ROWS_PER_QUERY)
