"""Admin pages of serial number shapes: edit them, try them first, see how they do (R30)."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import PortalModelAdmin
from kitbag import rules
from kitbag.models import SerialShape
from kitbag.queries.serial_shapes import MAX_FALSE_ALARM_RATE, TrialTimeout, shape_figures, try_shape

PROBLEMS = {
    "unreadable": _("This is not a regular expression. Look for a bracket that is not closed."),
    "form": _(r"Use only capitals, digits, \d, [A-Z], groups with |, and the counts ? * + {2} {2,4}."),
    "nested": _("A group may only be followed by “?”. Put a count on each thing inside the group instead."),
    "choices": _("This allows so many variants that a check could take long. Split it into two shapes."),
}


class SerialShapeForm(forms.ModelForm[SerialShape]):
    class Meta:
        model = SerialShape
        fields = ["categories", "period", "year_from", "year_to", "pattern", "use", "example"]
        widgets = {"categories": forms.Textarea(attrs={"rows": 2, "cols": 40})}

    def clean_categories(self) -> list[str]:
        names = self.cleaned_data["categories"]
        if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
            raise ValidationError(_('Write a list of names, such as ["lens-rf", "accessory-*"].'))
        return names

    def clean_pattern(self) -> str:
        pattern = str(self.cleaned_data["pattern"])
        if problem := rules.pattern_problem(pattern):
            raise ValidationError(PROBLEMS[problem])
        return pattern

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        pattern, example = data.get("pattern"), data.get("example")
        if pattern and example and rules.check_serial(example, [rules.Shape(pattern)]).code:
            self.add_error(
                "example", _("The check would warn about this example, which members are shown. Change one of the two.")
            )
        if data.get("year_from") and data.get("year_to") and data["year_from"] > data["year_to"]:
            self.add_error("year_to", _("This is before the first year."))
        return data


@admin.register(SerialShape)
class SerialShapeAdmin(PortalModelAdmin[SerialShape]):
    form = SerialShapeForm
    list_display = ["period", "categories", "year_from", "year_to", "pattern", "use", "example"]
    list_filter = ["use"]
    search_fields = ["period", "categories", "pattern"]
    ordering = ["categories", "period"]
    change_list_template = "admin/kitbag/serialshape/change_list.html"
    change_form_template = "admin/kitbag/serialshape/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("report/", view(self.report_view), name="kitbag_serialshape_report"),
            path("try/", view(self.try_view), name="kitbag_serialshape_try_new"),
            path("<int:pk>/try/", view(self.try_view), name="kitbag_serialshape_try"),
            *super().get_urls(),
        ]

    def report_view(self, request: HttpRequest) -> HttpResponse:
        """How often each shape warned, and how often the warning was a false alarm."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("How often each shape warns"),
            "reports": shape_figures(timezone.now()),
            "max_rate": f"{MAX_FALSE_ALARM_RATE:.0%}",
        }
        return TemplateResponse(request, "admin/kitbag/serialshape/report.html", context)

    def try_view(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """What the shape in the form would do to the serial numbers that count. Nothing is saved."""
        shape = get_object_or_404(SerialShape, pk=pk) if pk else None
        if not (self.has_change_permission(request, shape) if shape else self.has_add_permission(request)):
            raise PermissionDenied
        names = ("change", "try") if pk else ("add", "try_new")
        arguments = [pk] if pk else []
        save, again = (reverse(f"admin:kitbag_serialshape_{name}", args=arguments) for name in names)
        if request.method != "POST":
            return HttpResponseRedirect(save)
        form = SerialShapeForm(request.POST, instance=shape)
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Try a shape"),
            "original": str(SerialShape.objects.get(pk=pk)) if pk else "",
            "form": form,
            "save": save,
            "again": again,
        }
        if form.is_valid():
            try:
                context["trial"] = try_shape(form.save(commit=False))
            except TrialTimeout:
                form.add_error("pattern", _("Comparing it took too long. Make the pattern simpler."))
        return TemplateResponse(request, "admin/kitbag/serialshape/try.html", context)
