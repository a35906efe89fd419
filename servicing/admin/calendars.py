"""Special days of centres and countries, and estimated holidays to confirm, for the programme's staff (R72)."""

from typing import Any

from django.contrib import admin, messages
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import PortalModelAdmin, ReadOnlyAdmin, TranslatedAdmin
from cps_portal.core.lib.admin_lists import country_column
from cps_portal.core.lib.errors import Refusal
from servicing.actions import calendars
from servicing.enums import HolidayAnswer
from servicing.forms.calendars import EstimatedHolidayForm
from servicing.models import CalendarException, CalendarSnapshot, EstimatedHoliday


@admin.register(CalendarException)
class CalendarExceptionAdmin(TranslatedAdmin, PortalModelAdmin[CalendarException]):
    """All special days. Those of one centre can be edited on its page too; here also those of a whole country."""

    list_display = ["__str__", "centre", country_column, "opens", "closes", "why", "not_translated"]
    list_filter = ["kind", "country", "first"]
    list_select_related = ["centre"]
    search_fields = ["centre__name", "why"]
    autocomplete_fields = ["centre"]
    fields = ["country", "centre", "kind", "first", "last", "opens", "closes", "why", "translations"]
    ordering = ["-first", "-pk"]

    def has_delete_permission(self, request: HttpRequest, obj: CalendarException | None = None) -> bool:
        return bool(request.user.has_perm("servicing.delete_calendarexception"))


@admin.register(CalendarSnapshot)
class CalendarSnapshotAdmin(ReadOnlyAdmin[CalendarSnapshot]):
    """The calendars for which the targets of open jobs were computed; kept by a task."""

    list_display = ["centre", "differs_since"]
    list_select_related = ["centre"]
    search_fields = ["centre__name"]


@admin.register(EstimatedHoliday)
class EstimatedHolidayAdmin(PortalModelAdmin[EstimatedHoliday]):
    """Each is asked once; an answer that turns out wrong is corrected in the special days of the country."""

    form = EstimatedHolidayForm
    list_display = ["name", country_column, "day", "answer", "moved_to", "answered_by"]
    list_filter = [("answer", admin.AllValuesFieldListFilter), "country"]
    list_select_related = ["answered_by"]
    search_fields = ["name"]
    fields = ["name", "country", "day", "answer", "moved_to", "answered_at", "answered_by"]
    readonly_fields = ["name", "country", "day", "answered_at", "answered_by"]
    ordering = ["answer", "day"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: EstimatedHoliday | None = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and obj.answer and not request.POST)

    def save_model(
        self, request: HttpRequest, obj: EstimatedHoliday, form: ModelForm[EstimatedHoliday], change: Any
    ) -> None:
        try:
            calendars.answer_holiday(
                holiday=obj,
                answer=HolidayAnswer(form.cleaned_data["answer"]),
                moved_to=form.cleaned_data["moved_to"],
                by=request.user,  # type: ignore[arg-type]
                at=timezone.now(),
            )
        except Refusal as refusal:  # a colleague was faster
            messages.error(request, str(refusal))
        else:
            messages.info(request, _("Targets of open jobs follow within some minutes."))
