"""Every list of the desk as CSV or .xlsx: its own rows, in its own columns (R54)."""

import csv
import io
from collections.abc import Callable, Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from cps_portal.core.lib.admin import PortalModelAdmin
from cps_portal.core.lib.spreadsheets import escape_formula, write_large_workbook
from cps_portal.site.presenters.list_export import ExportedList, describe_filters, headings, iterate_rows

RIGHT = "members.export_lists"
MAX_ROWS = 50_000
MAX_BYTES_IN_MEMORY = 1_000_000
COLUMN_WIDTH = 24  # of the .xlsx, in characters


def export_list(request: HttpRequest, app_label: str, model_name: str) -> HttpResponseBase:
    """The file. Asks for a right of its own beside the right to see the list; StaffAccess records what left.

    The file is written before it is sent, so that the record has its rows, and an error is a page and not half a file.
    """
    model_admin = _admin_of(app_label, model_name)
    if not request.user.has_perm(RIGHT) or not model_admin.has_view_or_change_permission(request):
        raise PermissionDenied
    if (write := WRITERS.get(request.POST.get("format", ""))) is None:
        raise BadRequest("the format of a file is one of: " + ", ".join(WRITERS))
    here = reverse(f"admin:{app_label}_{model_name}_changelist")
    try:
        changes = model_admin.get_changelist_instance(request)
    except IncorrectLookupParameters:
        messages.error(request, _("These filters don’t exist. Choose them again, then download the list."))
        return HttpResponseRedirect(here)
    if changes.queryset.order_by()[: MAX_ROWS + 1].count() > MAX_ROWS:
        counts = {"most": number_format(MAX_ROWS)}
        text = _("The list is longer than the %(most)s rows that a file holds. Choose filters, then download it again.")
        messages.error(request, text % counts)
        return HttpResponseRedirect(f"{here}?{request.GET.urlencode()}")
    return _send(request, changes, write)


def _admin_of(app_label: str, model_name: str) -> PortalModelAdmin[Any]:
    try:
        found = admin.site.get_model_admin(apps.get_model(app_label, model_name))
    except (LookupError, NotRegistered) as error:
        raise Http404 from error
    if not isinstance(found, PortalModelAdmin) or not found.has_list:
        raise Http404
    return found


def _send(request: HttpRequest, changes: ChangeList, write: "Writer") -> FileResponse:
    file: IO[bytes] = SpooledTemporaryFile(max_size=MAX_BYTES_IN_MEMORY)  # noqa: SIM115 (the response closes it)
    rows = CountedRows(iterate_rows(changes))
    try:
        content_type, extension = write(file, headings(changes), rows)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    request.exported = ExportedList(  # type: ignore[attr-defined]  # StaffAccessMiddleware records it
        model=changes.opts.label_lower, rows=rows.count, filters=describe_filters(changes)
    )
    name = f"{changes.opts.model_name}-{timezone.localdate().isoformat()}.{extension}"
    response = FileResponse(file, as_attachment=True, filename=name, content_type=content_type)
    response["Cache-Control"] = "no-store"
    return response


class CountedRows:
    """Rows that are counted while they pass."""

    def __init__(self, rows: Iterator[list[str]]) -> None:
        self.rows, self.count = rows, 0

    def __iter__(self) -> Iterator[list[str]]:
        for row in self.rows:
            self.count += 1
            yield row


def _write_csv(file: IO[bytes], names: list[str], rows: CountedRows) -> tuple[str, str]:
    """With a byte order mark, without which Excel does not read UTF-8."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    table = csv.writer(text)
    table.writerow(map(escape_formula, names))
    table.writerows([escape_formula(cell) for cell in row] for row in rows)
    text.detach()  # otherwise it would close the file
    return "text/csv; charset=utf-8", "csv"


def _write_xlsx(file: IO[bytes], names: list[str], rows: CountedRows) -> tuple[str, str]:
    write_large_workbook(file, names, rows, widths=[COLUMN_WIDTH] * len(names))
    return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"


Writer = Callable[[IO[bytes], list[str], CountedRows], tuple[str, str]]
WRITERS: dict[str, Writer] = {"csv": _write_csv, "xlsx": _write_xlsx}
