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
        """Those of the member, and of accounts that became one with theirs (R69)."""
        for rows in self._of_each_account(member):
            yield from rows.order_by("pk").values(*self.fields).iterator(chunk_size=ROWS_PER_QUERY)

    def _of_each_account(self, member: Member) -> list[QuerySet[Any]]:
        if isinstance(self.owner, str):
            return [self.model._default_manager.filter(**{f"{self.owner}__in": member.accounts})]
        absorbed = Member.objects.filter(pk__in=member.absorbed).order_by("pk") if member.absorbed else []
        return [self.owner(account) for account in (member, *absorbed)]
