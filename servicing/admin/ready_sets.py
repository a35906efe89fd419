"""The lines that a centre reuses in its estimates, edited by its own staff (R62)."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.forms import ModelChoiceField
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import PortalModelAdmin, PortalTabularInline, ReadOnlyAdmin
from members.models import User
from servicing.actions.estimates import MAX_LINES
from servicing.models import ReadySet, ReadySetLine, ServiceCentre


class ReadySetLineInline(PortalTabularInline):
    model = ReadySetLine
    extra = 2
    max_num = MAX_LINES
    fields = ["position", "kind", "text", "quantity", "price"]


@admin.register(ReadySet)
class ReadySetAdmin(PortalModelAdmin[ReadySet]):
    """Centre staff see and change only the sets of their own centre."""

    list_display = ["name", "centre", "line_count", "position"]
    list_filter = [("centre", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["centre"]
    search_fields = ["name", "lines__text"]
    fields = ["centre", "name", "position"]
    inlines = [ReadySetLineInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReadySet]:
        centres = ServiceCentre.objects.seen_by(_user(request))
        return super().get_queryset(request).filter(centre__in=centres).annotate(line_count=Count("lines"))

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        if db_field.name == "centre":
            kwargs["queryset"] = ServiceCentre.objects.seen_by(_user(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The centre of the person, if it is only one."""
        centres = list(ServiceCentre.objects.seen_by(_user(request)).values_list("pk", flat=True)[:2])
        only = {"centre": str(centres[0])} if len(centres) == 1 else {}
        return {**only, **super().get_changeform_initial_data(request)}

    def has_delete_permission(self, request: HttpRequest, obj: ReadySet | None = None) -> bool:
        return bool(request.user.has_perm("servicing.delete_readyset"))

    @admin.display(description=_("lines"), ordering="line_count")
    def line_count(self, ready_set: ReadySet) -> int:
        return int(getattr(ready_set, "line_count", 0))


@admin.register(ReadySetLine)
class ReadySetLineAdmin(ReadOnlyAdmin[ReadySetLine]):
    """A list of all lines. They are changed on the page of their set."""

    list_display = ["text", "ready_set", "kind", "quantity", "price"]
    list_select_related = ["ready_set"]
    search_fields = ["text", "ready_set__name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReadySetLine]:
        centres = ServiceCentre.objects.seen_by(_user(request))
        return super().get_queryset(request).filter(ready_set__centre__in=centres)

    def has_delete_permission(self, request: HttpRequest, obj: ReadySetLine | None = None) -> bool:
        """Django asks it for the lines of a set that is deleted."""
        return bool(request.user.has_perm("servicing.delete_readysetline"))


def _user(request: HttpRequest) -> User:
    user: Any = request.user
    worker: User = user
    return worker
