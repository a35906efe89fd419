"""A page of the admin on which staff load a partner's file, line by line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext, ngettext

from cps_portal.core.lib.sheet_forms import RowForm, SheetForm, download_report, download_template
from cps_portal.core.lib.spreadsheets import LineError


@dataclass
class Loaded:
    """What came of the lines of a file: how many are new and how many were known, and those that were refused.

    `warnings` are about lines that were taken.
    """

    new: int = 0
    known: int = 0
    refused: list[LineError] = field(default_factory=list)
    warnings: list[LineError] = field(default_factory=list)


class FilePage:
    """For a ModelAdmin: `load_file` shows the page, and calls `load` with the lines that can be read."""

    file_template: ClassVar[str] = "admin/by_file.html"
    file_row_form: ClassVar[type[RowForm]]
    file_name: ClassVar[str]
    file_examples: ClassVar[Sequence[Mapping[str, str]]]
    admin_site: Any
    opts: Any

    def load_lines(self, request: HttpRequest, form: SheetForm) -> Loaded:
        raise NotImplementedError

    def file_page(self, request: HttpRequest, form: SheetForm, words: Mapping[str, Any]) -> HttpResponse:
        """`words` are the title and what the page says about the file."""
        if request.method == "POST" and request.POST.get("do") == "report":
            report = download_report(
                self.file_row_form, request.POST.get("report", ""), f"{self.file_name}-refused.csv"
            )
            return report or HttpResponseBadRequest()
        context: dict[str, Any] = {}
        if request.method == "POST" and form.is_valid():
            loaded = self.load_lines(request, form)
            problems = sorted([*form.problems, *loaded.refused], key=lambda problem: problem.number)
            self._say(request, loaded, problems)
            context = {"loaded": loaded, "problems": problems, "ignored": form.ignored}
            if problems:
                context |= {"report": form.report_of(problems), "refused_lines": len({one.number for one in problems})}
            if problems and form.cleaned_data["file"]:
                data = request.POST.copy()
                data[form.add_prefix("text")] = form.lines_to_correct(problems)
                form.data = data
        context |= {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "form": form,
            "required": self.file_row_form.required_columns(),
            "columns": [
                (name, column.help_text, column.required) for name, column in self.file_row_form.base_fields.items()
            ],
            "most": form.max_lines,
            **words,
        }
        return TemplateResponse(request, self.file_template, context)

    def template_file(self) -> HttpResponse:
        return download_template(self.file_row_form, self.file_examples, f"{self.file_name}.csv")

    def _say(self, request: HttpRequest, loaded: Loaded, problems: Sequence[LineError]) -> None:
        new = ngettext("%(n)d line recorded.", "%(n)d lines recorded.", loaded.new) % {"n": loaded.new}
        known = ngettext(
            "%(n)d was recorded before, and nothing has changed.",
            "%(n)d were recorded before, and nothing has changed.",
            loaded.known,
        ) % {"n": loaded.known}
        messages.add_message(
            request,
            messages.WARNING if problems else messages.SUCCESS,
            gettext("%(new)s %(known)s") % {"new": new, "known": known} if loaded.known else new,
        )
