"""Staff load a centre's events from a CSV file (R52, R54)."""

from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin_files import FilePage, Loaded
from cps_portal.core.lib.sheet_forms import SheetForm
from cps_portal.core.lib.spreadsheets import LineError
from members.models import User
from servicing.actions.event_files import EventLine, load_events
from servicing.enums import EventKind
from servicing.forms.event_files import EventFileForm, EventRowForm
from servicing.models import ServiceCentre

WORK = "servicing.work_on_ticket"
OF_THE_LINE = ("reference", "kind", "occurred_at", "external_id")
EXAMPLES = (
    {
        "reference": "3F7K2M9A",
        "kind": "booked_in",
        "occurred_at": "2026-03-31 09:30",
        "condition": "Light scratches",
        "accessories": "Battery, strap",
    },
    {
        "reference": "3F7K2M9A",
        "kind": "shipped",
        "occurred_at": "2026-04-03 16:10",
        "carrier": "The Courier Guy",
        "tracking": "TCG4411",
    },
)


class EventFiles(FilePage):
    file_row_form = EventRowForm
    file_name = "events"
    file_examples = EXAMPLES

    def events_by_file(self, request: HttpRequest) -> HttpResponse:
        user = _worker(request)
        centres = ServiceCentre.objects.seen_by(user).order_by("name")
        form = EventFileForm(request.POST or None, request.FILES or None, centres=centres)
        words = {
            "title": _("Events by file"),
            "intro": _(
                "For a centre without a system of its own: each line is checked and recorded as on the job’s page, and "
                "the customer is told as usual. Lines may be late and in any order."
            ),
            "template_url": reverse("admin:servicing_ticket_file_template"),
        }
        centre = centres.filter(pk=int(chosen)).first() if (chosen := _number(request.POST.get("centre"))) else None
        with timezone.override(ZoneInfo(centre.zone) if centre else timezone.get_current_timezone()):
            return self.file_page(request, form, words)

    def events_template(self, request: HttpRequest) -> HttpResponse:
        _worker(request)
        return self.template_file()

    def load_lines(self, request: HttpRequest, form: SheetForm) -> Loaded:
        lines = [
            EventLine(
                number,
                cells["reference"],
                EventKind(cells["kind"]),
                cells["occurred_at"],
                cells["external_id"],
                {name: value for name, value in cells.items() if name not in OF_THE_LINE},
            )
            for number, cells in form.lines
        ]
        centre = form.cleaned_data["centre"]
        loaded = load_events(centre=centre, lines=lines, by=_worker(request), at=timezone.now())
        refused = [LineError(*line) for line in loaded.refused]
        return Loaded(new=len(loaded.new), known=loaded.known, refused=refused)


def _worker(request: HttpRequest) -> User:
    """Raises PermissionDenied for somebody who may not work on tickets."""
    user: Any = request.user
    if not user.has_perm(WORK):
        raise PermissionDenied
    worker: User = user
    return worker


def _number(text: str | None) -> str:
    return text if text and text.isascii() and text.isdigit() and len(text) < 10 else ""
