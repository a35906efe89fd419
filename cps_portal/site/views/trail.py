"""The audit trail of a member, as a page and as a file (R54)."""

import csv
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from cps_portal.core.lib.spreadsheets import escape_formula
from cps_portal.site.presenters.trail import build_trail, iterate_lines
from cps_portal.site.queries.trail import SUBJECTS, WHO, Selection
from members.models import Member

PAGE_SIZE = 50
MAX_PAGE_DIGITS = 5
EXPORT_BATCH = 500


@require_safe
def trail(request: HttpRequest, pk: int) -> TemplateResponse:
    """Who did what with this member, the newest first; a part of it by `subject` and `who` in the address."""
    member = _member_for(request, pk)
    chosen = _selection(request)
    start = (_page_number(request) - 1) * PAGE_SIZE
    user: Any = request.user
    shown = build_trail(member, user, chosen, start=start, limit=PAGE_SIZE)
    page = Paginator(range(shown.total), PAGE_SIZE).get_page(start // PAGE_SIZE + 1)
    context = {
        **admin.site.each_context(request),
        "title": gettext("Audit trail"),
        "member": member,
        "trail": shown,
        "page": page,
        "chosen": chosen,
        "subjects": SUBJECTS.items(),
        "people": WHO.items(),
        "may_export": user.has_perm("members.export_trail"),
        "opts": Member._meta,
    }
    return TemplateResponse(request, "admin/desk/trail.html", context)


@require_safe
def trail_csv(request: HttpRequest, pk: int) -> HttpResponse:
    """The same part of the trail as a file. Asks for a right of its own."""
    if not request.user.has_perm("members.export_trail"):
        raise PermissionDenied
    member = _member_for(request, pk)
    response = HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="trail-{member.number}.csv"',
            "Cache-Control": "no-store",
        },
    )
    response.write("\ufeff")  # the byte order mark, without which Excel does not read UTF-8
    table = csv.writer(response)
    headings = [gettext("When"), gettext("Who"), gettext("What"), gettext("Before"), gettext("After"), gettext("Where")]
    table.writerow(headings)
    user: Any = request.user
    for line in iterate_lines(member, user, _selection(request), batch=EXPORT_BATCH):
        before = "; ".join(f"{change.label}: {change.before}" for change in line.changes if change.before)
        after = "; ".join(f"{change.label}: {change.after}" for change in line.changes)
        at = timezone.localtime(line.at).isoformat(timespec="seconds")
        table.writerow([at, *map(escape_formula, [line.who, line.what, before, after, line.door])])
    return response


def _member_for(request: HttpRequest, pk: int) -> Member:
    if not request.user.has_perms(["members.view_member", "members.view_memberevent"]):
        raise PermissionDenied
    return get_object_or_404(Member.objects.select_related("user"), pk=pk)


def _page_number(request: HttpRequest) -> int:
    """From 1; the first for anything that is no number."""
    number = request.GET.get("page", "")
    return max(1, int(number)) if number.isdecimal() and len(number) <= MAX_PAGE_DIGITS else 1


def _selection(request: HttpRequest) -> Selection:
    """What the address asks for; what it does not know is everything."""
    subject, who = request.GET.get("subject", ""), request.GET.get("who", "")
    return Selection(subject if subject in SUBJECTS else "", who if who in WHO else "")
