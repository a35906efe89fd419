"""Download the kit, or a group of it, as a list for insurers and customs."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cps_portal.core.lib.pdf import pdf_response
from kitbag.models import KitGroup
from kitbag.presenters.kit_list import as_csv, as_pdf, as_xlsx, kit_list_items
from kitbag.views.shortcuts import read_keys
from members.access import MemberRequest, member_required

CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@never_cache
@require_safe
@member_required
def download(request: MemberRequest, format: str) -> HttpResponse:  # noqa: A002
    keys = read_keys([request.GET.get("group", "")])
    group = get_object_or_404(KitGroup, member=request.member, pk=keys[0]) if keys else None
    items = kit_list_items(request.member, group)
    now = timezone.localtime()
    filename = f"kit-{now.date().isoformat()}.{format}"
    if format == "pdf":
        return pdf_response(as_pdf(items, member=request.member, at=now, group=group), filename, as_attachment=True)
    content = as_xlsx(items) if format == "xlsx" else as_csv(items)
    headers = {"Content-Disposition": f'attachment; filename="{filename}"'}
    return HttpResponse(content, content_type=CONTENT_TYPES[format], headers=headers)
