"""Downloading the kit as a list, for insurers and customs."""

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kitbag.presenters.kit_list import as_csv, as_pdf, kit_lines
from members.access import MemberRequest, member_required

TYPES = {"csv": "text/csv; charset=utf-8", "pdf": "application/pdf"}


@never_cache
@require_safe
@member_required
def kit_file(request: MemberRequest, ending: str) -> HttpResponse:
    lines = kit_lines(request.member)
    on = timezone.localdate()
    member = request.member
    owner = f"{member.first_name} {member.last_name}".strip()
    content = as_csv(lines) if ending == "csv" else as_pdf(lines, owner=owner, on=on)
    headers = {"Content-Disposition": f'attachment; filename="kit-{on.isoformat()}.{ending}"'}
    return HttpResponse(content, content_type=TYPES[ending], headers=headers)
