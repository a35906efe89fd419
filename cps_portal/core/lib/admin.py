"""What the admins of all apps share: the site with its second factor, read-only logs, saving only what changed."""

from collections.abc import Callable
from datetime import datetime
from functools import update_wrapper
from typing import Any, TypeVar, cast

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AdminSplitDateTime
from django.contrib.auth import REDIRECT_FIELD_NAME, get_user_model
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import BigIntegerField, Field, Model, OuterRef, Q, QuerySet, Subquery
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.forms import BaseInlineFormSet, CheckboxInput, ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html_join
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from cps_portal.core.lib.admin_lists import BoundedPaginator, PeriodFilter, PortalChangeList
from cps_portal.core.lib.forms import text_field_class
from cps_portal.core.lib.languages import NAMES
from cps_portal.core.lib.second_factor import (
    has_second_factor,
    redirect_to_second_factor,
    redirect_with_next,
    second_factors,
)
from cps_portal.core.lib.translations import Translated

M = TypeVar("M", bound=Model)
View = TypeVar("View", bound=Callable[..., HttpResponseBase])
MAX_SEARCH_LENGTH = 300


class PortalAdminSite(admin.AdminSite):
    """The admin behind the portal's own sign-in, which has rate limits and a second factor."""

    site_header = _("CPS support desk")
    site_title = _("Support desk")
    index_title = _("What would you like to do?")

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and has_second_factor(request)

    def admin_view(self, view: View, cacheable: bool = False) -> View:  # noqa: FBT001, FBT002
        """Without NUL in the query: PostgreSQL has no such text, and a filter meets it long after it was checked."""

        def read_without_nul(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if "%00" in request.META.get("QUERY_STRING", ""):
                # Encoded anew, so that what is left of "%%0000" is no other %00.
                request.GET = QueryDict(request.GET.urlencode().replace("%00", ""))
            return view(request, *args, **kwargs)

        return super().admin_view(cast(View, update_wrapper(read_without_nul, view)), cacheable)

    @method_decorator(never_cache)
    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Redirect to what is missing: signing in, setting up a second factor, or entering it."""
        next_url = self._next(request)
        if not request.user.is_authenticated:
            return redirect_with_next(resolve_url(settings.LOGIN_URL), next_url)
        if not super().has_permission(request):
            raise PermissionDenied
        if has_second_factor(request):
            return HttpResponseRedirect(next_url)
        if not second_factors(request):
            messages.warning(request, _("The support desk needs a second factor. Set one up, then open it again."))
        return redirect_to_second_factor(request, next_url)

    def _next(self, request: HttpRequest) -> str:
        next_url = request.GET.get(REDIRECT_FIELD_NAME, "")
        if url_has_allowed_host_and_scheme(next_url, {request.get_host()}, require_https=request.is_secure()):
            return next_url
        return reverse("admin:index", current_app=self.name)


def label_split_datetime(field: Any) -> None:
    """Label the date and the time input, which have no labels of their own, for screen readers."""
    if isinstance(field.widget, AdminSplitDateTime):
        for widget, part in zip(field.widget.widgets, (_("date"), _("time")), strict=True):
            widget.attrs["aria-label"] = f"{field.label}: {part}"


def with_text_field(db_field: Field[Any, Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """With the form field that cleans what is typed, if the column is free text."""
    form_class = text_field_class(db_field)
    return {"form_class": form_class, **kwargs} if form_class else kwargs


class LabelledDeleteCheckbox(CheckboxInput):
    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"aria-label": _("Delete"), **(attrs or {})})


class InlineFormSet(BaseInlineFormSet[Any, Any, Any]):
    deletion_widget = LabelledDeleteCheckbox


class PortalTabularInline(admin.TabularInline[Any, Any]):
    """A tabular inline whose inputs are labelled by their column for screen readers."""

    formset = InlineFormSet

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **with_text_field(db_field, kwargs))
        if field:
            field.widget.attrs.setdefault("aria-label", str(field.label))
            label_split_datetime(field)
        return field


class PortalModelAdmin(admin.ModelAdmin[M]):
    """Base class: no deletion, and saving writes only the changed fields."""

    has_list = True  # rows in the columns of `list_display`, which can be downloaded; False for a page with none
    list_per_page = 50
    paginator = BoundedPaginator
    empty_value_display = "-"  # as in all our languages; Django's own is translated anew for each cell
    show_full_result_count = False
    view_on_site = False

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **with_text_field(db_field, kwargs))
        if field:
            label_split_datetime(field)
        return field

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return PortalChangeList

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[M], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Of what was chosen only what can be a key: Django asks the database for the rest, too, which fails."""
        sent = request.POST.copy()
        sent.setlist(ACTION_CHECKBOX_NAME, [key for key in sent.getlist(ACTION_CHECKBOX_NAME) if self._is_key(key)])
        request.POST = QueryDict(sent.urlencode())
        return super().response_action(request, queryset, *args, **kwargs)

    def _is_key(self, text: str) -> bool:
        try:
            self.opts.pk.to_python(text)
        except ValidationError:
            return False
        return "\0" not in text

    def search_conditions(self, term: str) -> list[Q]:
        """What a search matches, instead of `search_fields`: any of these."""
        return []

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[M], search_term: str
    ) -> tuple[QuerySet[M], bool]:
        term = search_term.strip()[:MAX_SEARCH_LENGTH].replace("\0", "")
        conditions = self.search_conditions(term) if term else []
        if not conditions:
            return super().get_search_results(request, queryset, search_term)
        # Each condition uses its own index. Combined by OR, every row of the table would be compared.
        keys = [self.model._default_manager.filter(condition).values("pk") for condition in conditions]
        return queryset.filter(pk__in=keys[0].union(*keys[1:])), False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: M, form: ModelForm[M], change: bool) -> None:  # noqa: FBT001
        # Saving all fields would overwrite what an action has changed since the page was opened.
        columns = {field.name for field in obj._meta.concrete_fields}
        obj.save(update_fields=[name for name in form.changed_data if name in columns] if change else None)


class TranslatedAdmin:
    """For rows with texts in other languages: a column says where members read English instead."""

    @admin.display(description=_("not translated"))
    def not_translated(self, row: Translated) -> str:
        return ", ".join(NAMES[language] for language in row.missing_languages())


class ReadOnlyAdmin(PortalModelAdmin[M]):
    """For logs, and rows that only actions write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False


def event_model(model: Any) -> type[Model]:
    """The event model that pghistory keeps for a tracked model."""
    events: type[Model] = model.pgh_event_model
    return events


CHANGES = {"insert": _("Added"), "update": _("Changed"), "delete": _("Deleted")}


class ChangeFilter(admin.SimpleListFilter):
    title = _("change")
    parameter_name = "pgh_label"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(CHANGES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        return queryset.filter(pgh_label=self.value()) if self.value() else queryset


class WhenFilter(PeriodFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("when")


class EventAdmin(ReadOnlyAdmin[Model]):
    """The history of a tracked model: who changed what, when and through which page."""

    list_display = ["when", "change", "what", "who", "where"]
    list_display_links = ["when", "what"]
    list_filter = [ChangeFilter, ("pgh_created_at", WhenFilter)]
    list_select_related = ["pgh_context"]
    search_fields = ["pgh_obj"]
    search_help_text = _("The key of the row")
    ordering = ["-pgh_id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        users = get_user_model().objects.filter(pk=OuterRef("actor"))
        actor = Cast(KeyTextTransform("user", "pgh_context__metadata"), BigIntegerField())
        events: QuerySet[Model] = super().get_queryset(request).annotate(actor=actor)
        named: QuerySet[Model] = events.annotate(actor_email=Subquery(users.values("email")))
        return named

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Model], search_term: str
    ) -> tuple[QuerySet[Model], bool]:
        key = search_term.strip()
        return (queryset.filter(pgh_obj_id=int(key)) if key.isdecimal() else queryset), False

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[Any]:
        own = [field.name for field in self.model._meta.fields if not field.name.startswith("pgh_")]
        return ["when", "change", "who", "where", "differences", *own]

    @admin.display(description=_("when"), ordering="pgh_id")
    def when(self, event: Any) -> datetime:
        moment: datetime = event.pgh_created_at
        return moment

    @admin.display(description=_("change"))
    def change(self, event: Any) -> str:
        return str(CHANGES.get(event.pgh_label, event.pgh_label))

    @admin.display(description=_("what"))
    def what(self, event: Any) -> str:
        # Built from the columns of the event, because the row itself may be deleted.
        tracked = event.pgh_tracked_model
        names = {field.attname for field in tracked._meta.concrete_fields}
        own = {field.attname: getattr(event, field.attname) for field in event._meta.concrete_fields}
        return str(tracked(**{name: value for name, value in own.items() if name in names}))

    @admin.display(description=_("who"))
    def who(self, event: Any) -> str:
        return str(event.actor_email or _("the portal itself"))

    @admin.display(description=_("where"))
    def where(self, event: Any) -> str:
        return str(event.pgh_context.metadata.get("url", "")) if event.pgh_context else ""

    @admin.display(description=_("what changed"))
    def differences(self, event: Any) -> str:
        earlier = type(event).objects.filter(pgh_obj_id=event.pgh_obj_id, pgh_id__lt=event.pgh_id)
        before = earlier.order_by("-pgh_id").values().first() or {}
        rows = [
            (field.verbose_name, before[field.attname], getattr(event, field.attname))
            for field in event._meta.concrete_fields
            if field.attname in before
            and not field.name.startswith("pgh_")
            and before[field.attname] != getattr(event, field.attname)
        ]
        return format_html_join("", "{}: “{}” → “{}”. ", rows)
