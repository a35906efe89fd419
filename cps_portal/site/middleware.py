"""Records what staff open: pages about a member, files and downloads; not lists, nor what is typed into a search (R54).

Outside of the snapshot of the page, which is read-only. What can't be recorded is not shown: the error is the answer.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from cps_portal.core.files.models import StoredFile
from cps_portal.core.outbox.models import Message, Suppression
from cps_portal.site.actions import OWNED_BY_USER, ways_to
from cps_portal.site.presenters.list_export import ExportedList
from members.actions.staff_access import record_access
from members.enums import AccessKind, Door
from members.models import Device, EmailChange, Member, PushSubscription, StaffAccess, User
from servicing.models import Parcel, Shipment, TicketFile, VisitingMember

SHOWN = (200, 422)  # a form with errors shows the row as well
RECORDED_METHODS = frozenset({"GET", "POST"})
SAME_PAGE_FOR = timedelta(minutes=15)  # parts of a page that it asks for again by itself are recorded once in this time
MAX_MEMBERS = 50  # of one row: jobs in one box
TABLES = ("text/csv", "application/vnd.openxmlformats")
# Lookups from rows that lead to a member in another way than by their own foreign keys.
MORE_WAYS: dict[type[Model], tuple[str, ...]] = {
    Parcel: ("tickets__member",),
    Shipment: ("tickets__member",),
    StoredFile: (
        "evidence__registration__member",
        "case_attachment__message__case__member",
        "product_photo__registration__member",
        "product_thumbnail__registration__member",
    ),
}
ADDRESSED: dict[type[Model], str] = {Message: "to", Suppression: "address"}  # and the column with the e-mail address
OTHER_PEOPLE = (VisitingMember,)
NAMED_KEYS: dict[str, type[Model]] = {
    "member_pk": Member,
    "parcel": Parcel,
}  # in addresses that begin with other things


@dataclass(frozen=True)
class Opened:
    """The row that a page is about; none for a list."""

    model: type[Model] | None = None
    key: int | None = None

    @property
    def label(self) -> str:
        return self.model._meta.label_lower if self.model else ""


class StaffAccessMiddleware:
    """Before SnapshotMiddleware in MIDDLEWARE."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code in SHOWN and request.method in RECORDED_METHODS and request.resolver_match:
            _record(request, response)
        return response


def _record(request: HttpRequest, response: HttpResponseBase) -> None:
    match: Any = request.resolver_match
    is_admin = match.namespaces[:1] == ["admin"]
    if not (is_admin or match.view_name == "files:file") or not _is_staff(request):
        return
    opened = _row_in_admin(request.path, match.kwargs) if is_admin else _file(request, match.kwargs["key"])
    kind = _kind(request, response, opened)
    if kind is None:
        return
    whose = _members_of(opened)
    if whose is None and kind != AccessKind.EXPORT:
        return
    _write(request, kind, Door.DESK if is_admin else Door.SITE, opened, whose or ())


def _is_staff(request: HttpRequest) -> bool:
    return bool(request.user.is_authenticated and request.user.is_staff)


def _row_in_admin(path: str, arguments: dict[str, Any]) -> Opened:
    """The row in an address such as /admin/kitbag/registration/5/change/."""
    for name, model in NAMED_KEYS.items():
        if name in arguments:
            return Opened(model, int(arguments[name]))
    parts = path.removeprefix(reverse("admin:index")).split("/")
    if len(parts) < 3 or not (parts[2].isascii() and parts[2].isdecimal()):  # app, model, key
        return Opened()
    try:
        return Opened(apps.get_model(parts[0], parts[1]), int(parts[2]))
    except LookupError:
        return Opened()


def _file(request: HttpRequest, key: str) -> Opened:
    """A file of somebody else; one's own is nothing to record."""
    others = StoredFile.objects.filter(key=key).exclude(owner=request.user.pk)
    found = others.values_list("pk", flat=True).first()
    return Opened(StoredFile, found) if found else Opened()


def _kind(request: HttpRequest, response: HttpResponseBase, opened: Opened) -> AccessKind | None:
    """None for what is not recorded, such as a list on a page."""
    content_type = response.get("Content-Type", "")
    if content_type.startswith(TABLES):
        return AccessKind.EXPORT
    if "Content-Disposition" in response and (opened.model or request.path.startswith(reverse("admin:index"))):
        return AccessKind.FILE if opened.model else AccessKind.EXPORT
    if hasattr(request, "viewed_page"):
        return AccessKind.VIEW_AS
    return AccessKind.PAGE if opened.model else None


def _members_of(opened: Opened) -> set[int] | None:
    """Keys of the members that the row is about; None if it can't be about a person, such as a product."""
    if opened.model is None:
        return None
    if opened.model is Member:
        return {opened.key} if opened.key else set()
    if opened.model in ADDRESSED:
        return _addressees(opened)
    ways = _ways(opened.model)
    if not ways:
        return set() if opened.model in OTHER_PEOPLE else None
    rows: QuerySet[Any] = opened.model._default_manager.filter(pk=opened.key)
    keys = {key for row in rows.values_list(*ways)[:MAX_MEMBERS] for key in row if key}
    return keys or (_members_of_ticket_file(opened.key) if opened.model is StoredFile else keys)


def _members_of_ticket_file(file: int | None) -> set[int]:
    """A file of a job leads back to it only from the other side."""
    owners = TicketFile.objects.filter(file=file, ticket__member__isnull=False)
    return set(owners.values_list("ticket__member", flat=True))


@cache
def _ways(model: type[Model]) -> tuple[str, ...]:
    if model is LogEntry:
        return ()
    owners: dict[type[Model], str] = {
        **OWNED_BY_USER,
        Device: "user",
        EmailChange: "user",
        PushSubscription: "device__user",
    }
    owner = owners.get(model)
    by_user = ("member",) if model is User else (f"{owner}__member",) if owner else ()
    return (*ways_to(Member, model), *by_user, *MORE_WAYS.get(model, ()))


def _addressees(opened: Opened) -> set[int]:
    model: Any = opened.model
    addresses = model._default_manager.filter(pk=opened.key).values(ADDRESSED[model])
    return set(Member.objects.filter(user__email__in=addresses).values_list("pk", flat=True))


def _write(request: HttpRequest, kind: AccessKind, door: Door, opened: Opened, members: Iterable[int]) -> None:
    user: Any = request.user
    match: Any = request.resolver_match
    now, page = timezone.now(), getattr(request, "viewed_page", match.view_name)
    is_part = bool(getattr(request, "htmx", False))
    same = StaffAccess.objects.filter(by=user, page=page, model=opened.label, key=opened.key)
    if is_part and same.filter(at__gt=now - SAME_PAGE_FOR).exists():
        return
    exported: ExportedList | None = getattr(request, "exported", None)
    record_access(
        by=user,
        at=now,
        kind=kind,
        door=door,
        page=page,
        members=members,
        model=exported.model if exported else opened.label,
        key=opened.key,
        rows=exported.rows if exported else None,
        filters=exported.filters if exported else "",
    )
