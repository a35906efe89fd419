"""The audit trail of a member, from the histories and logs of all apps (R54).

Nothing is stored for it: histories of tracked rows, append-only logs, and what staff opened are read in one order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db.models import BigIntegerField, DateTimeField, F, Model, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from members.models import Member, User

Conditions = Callable[[Member], Q]
SUBJECTS = {
    "person": _("Person and account"),
    "points": _("Points and level"),
    "kit": _("Kit"),
    "jobs": _("Jobs and loans"),
    "cases": _("Cases"),
    "offers": _("Pack and card"),
    "staff": _("Opened by staff"),
}
WHO = {"staff": _("Staff"), "member": _("The member"), "portal": _("The portal and partners")}


@dataclass(frozen=True)
class Source:
    """A table of the trail: whose its rows are, when each was written and by whom.

    `ways` are lookups to the member, or a condition. `by` is the column of a user; of a history it is the context.
    `rights`: any of them lets staff see these rows; if there are none, those to see the model or its history.
    """

    model: str
    subject: str
    ways: tuple[str, ...] | Conditions
    at: str = "pgh_created_at"
    by: str = ""
    rights: tuple[str, ...] = ()

    @property
    def table(self) -> type[Model]:
        return apps.get_model(self.model)

    @property
    def is_history(self) -> bool:
        return hasattr(self.table, "pgh_tracked_model")

    def rows(self, member: Member) -> QuerySet[Any]:
        ways = self.ways
        condition = ways(member) if callable(ways) else reduce(or_, (Q(**{way: member.pk}) for way in ways))
        return self.table._default_manager.filter(condition)

    def is_open_to(self, user: User) -> bool:
        models = {self.table, getattr(self.table, "pgh_tracked_model", self.table)}
        rights = self.rights or [f"{model._meta.app_label}.view_{model._meta.model_name}" for model in models]
        return any(user.has_perm(right) for right in rights)


def _about_account(member: Member) -> Q:
    """What staff did in the admin with the sign-in account, which has no history of its own."""
    kind = ContentType.objects.get_for_model(User)
    return Q(content_type=kind, object_id=str(member.user_id))


SOURCES = (
    Source("members.MemberEvent", "person", ("pgh_obj",)),
    Source("members.LostAddressEvent", "person", ("pgh_obj__member",)),
    Source("members.AccountMergeEvent", "person", ("pgh_obj__survivor", "pgh_obj__ended")),
    Source("members.TermsAcceptance", "person", ("member",), "at"),
    Source("members.EmailChange", "person", ("user__member",), "at", "user", ("members.view_memberevent",)),
    Source("admin.LogEntry", "person", _about_account, "action_time", "user", ("members.view_memberevent",)),
    Source("members.LevelChange", "points", ("member",), "at"),
    Source("kitbag.PointsEntry", "points", ("member",), "at", "by"),
    Source("kitbag.AdjustmentEvent", "points", ("member",)),
    Source("kitbag.RegistrationEvent", "kit", ("member",)),
    Source("kitbag.ClaimEvent", "kit", ("claimant__member", "holder__member")),
    Source("kitbag.AppealEvent", "kit", ("registration__member",)),
    Source("kitbag.HandoverEvent", "kit", ("registration__member", "redeemed_as__member")),
    Source("kitbag.StolenReportEvent", "kit", ("member", "registration__member")),
    Source("kitbag.SerialChangeEvent", "kit", ("registration__member",)),
    Source("servicing.TicketHistoryEvent", "jobs", ("pgh_obj__member",)),
    Source("servicing.TicketEvent", "jobs", ("ticket__member",), "received_at", "by"),
    Source("servicing.EstimateHistoryEvent", "jobs", ("pgh_obj__ticket__member",)),
    Source("servicing.ServiceReportHistoryEvent", "jobs", ("pgh_obj__ticket__member",)),
    Source("servicing.LoanHistoryEvent", "jobs", ("pgh_obj__member",)),
    Source("cases.CaseEvent", "cases", ("pgh_obj__member",)),
    Source("offers.CardEvent", "offers", ("member",)),
    Source("offers.WelcomePackEvent", "offers", ("member",)),
    Source("offers.PackEvent", "offers", ("pack__member",), "received_at", "by"),
    Source("members.StaffAccess", "staff", ("member",), "at", "by"),
    Source("members.MemberView", "staff", ("member",), "at", "by"),
)


@dataclass(frozen=True)
class Entry:
    """A row of the trail; of a history also the state `before` it, None if it is the first that is kept."""

    source: Source
    row: Any
    before: Any
    at: datetime
    actor: int | None


@dataclass(frozen=True)
class Selection:
    """Which part of the trail: a key of SUBJECTS and one of WHO, "" for all."""

    subject: str = ""
    who: str = ""


def count_entries(member: Member, user: User, selection: Selection) -> int:
    arms = _arms(member, user, selection)
    return arms[0].union(*arms[1:], all=True).count() if arms else 0


def read_entries(member: Member, user: User, selection: Selection, *, start: int, limit: int) -> list[Entry]:
    """The newest first, as far as the rights of `user` go. One query for the order, two for each table in it."""
    arms = _arms(member, user, selection)
    if not arms:
        return []
    ordered = arms[0].union(*arms[1:], all=True).order_by("-trail_at", "-trail_source", "-trail_key")
    chosen = list(ordered[start : start + limit])
    rows = {
        number: _load(SOURCES[number], [key for source, key, _at, _actor in chosen if source == number])
        for number in {source for source, *_rest in chosen}
    }
    return [
        Entry(SOURCES[number], *rows[number][key], at, actor)
        for number, key, at, actor in chosen
        if key in rows[number]  # the time of a row may be over between the two queries
    ]


def _arms(member: Member, user: User, selection: Selection) -> list[QuerySet[Any, Any]]:
    """For each table: (its place in SOURCES, key, moment, actor) of the rows in the selection."""
    return [
        _arm(number, source, member, selection)
        for number, source in enumerate(SOURCES)
        if selection.subject in ("", source.subject) and source.is_open_to(user)
    ]


def _arm(number: int, source: Source, member: Member, selection: Selection) -> QuerySet[Any, Any]:
    rows = source.rows(member).annotate(
        trail_source=Value(number),
        trail_key=F("pk"),
        trail_at=Cast(source.at, DateTimeField()),
        trail_actor=_actor(source),
    )
    conditions = {
        "staff": Q(trail_actor__isnull=False) & ~Q(trail_actor=member.user_id),
        "member": Q(trail_actor=member.user_id),
        "portal": Q(trail_actor=None),
    }
    chosen: QuerySet[Any] = rows.filter(conditions.get(selection.who, Q())).order_by()
    columns: QuerySet[Any, Any] = chosen.values_list("trail_source", "trail_key", "trail_at", "trail_actor")
    return columns


def _actor(source: Source) -> Any:
    """The key of the user who did it, as an expression."""
    if source.is_history:
        return Cast(KeyTextTransform("user", "pgh_context__metadata"), BigIntegerField())
    return Cast(f"{source.by}_id", BigIntegerField()) if source.by else Value(None, BigIntegerField())


def _load(source: Source, keys: Sequence[int]) -> dict[int, tuple[Any, Any]]:
    """The rows by key, each with the state before it."""
    rows: Any = source.table._default_manager.filter(pk__in=keys)
    if not source.is_history:
        return {row.pk: (row, None) for row in rows.select_related(*_partners(source))}
    earlier = source.table._default_manager.filter(pgh_obj=OuterRef("pgh_obj"), pgh_id__lt=OuterRef("pgh_id"))
    found = list(
        rows.select_related("pgh_context").annotate(
            before_key=Subquery(earlier.order_by("-pgh_id").values("pgh_id")[:1])
        )
    )
    before = source.table._default_manager.in_bulk([row.before_key for row in found if row.before_key])
    return {row.pk: (row, before.get(row.before_key)) for row in found}


def _partners(source: Source) -> list[str]:
    return ["partner"] if any(field.name == "partner" for field in source.table._meta.fields) else []
