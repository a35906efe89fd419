"""Download a stored file, and upload one while a form is being filled in."""

from collections.abc import Iterator

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from cps_portal.core.files import access, actions
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.second_factor import has_second_factor, is_staff, redirect_with_next
from cps_portal.core.lib.snapshot import read_snapshot
from cps_portal.core.lib.throttle import is_throttled

CHUNK = 64 * 1024
CACHED_SECONDS = 7 * 86400


@require_GET
def file(request: HttpRequest, key: str) -> FileResponse | HttpResponseRedirect:
    """The content of a file; 404 for those who may not see it. Staff need their second factor here, too.

    Images are shown in the browser, whose cache may keep those of FILES_CACHED_PURPOSES for their owner. PDFs are
    always downloaded, because they could run scripts in our origin.
    """
    with read_snapshot():
        row = get_object_or_404(StoredFile.objects.kept(), key=key)
        if not access.may_read(request.user, row):
            raise Http404
        if row.owner_id != request.user.pk and is_staff(request) and not has_second_factor(request):
            return redirect_with_next(reverse("admin:login"), request.path)
    try:
        content = actions.file_storage().open(row.stored_as)
    except FileNotFoundError as error:
        raise Http404 from error
    response = FileResponse(_chunks(content), content_type=row.content_type)
    response["Content-Length"] = str(row.size)
    response["Content-Disposition"] = content_disposition_header(not row.is_image, row.download_name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox; frame-ancestors 'none'"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    if row.owner_id == request.user.pk and row.purpose in settings.FILES_CACHED_PURPOSES:
        response["Cache-Control"] = f"private, max-age={CACHED_SECONDS}, immutable"
    else:
        add_never_cache_headers(response)
    return response


def _chunks(content: object) -> Iterator[bytes]:
    with content as stream:  # type: ignore[attr-defined]
        while chunk := stream.read(CHUNK):
            yield chunk


@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """Store one file for a form that is still open; answers the line that the form shows for it."""
    purpose, name = request.POST.get("purpose", ""), request.POST.get("name", "")
    if purpose not in settings.FILES_PURPOSES or not name.isidentifier() or len(name) > 40:
        return render(request, "files/_refused.html", {"why": actions.SENTENCES["gone"]}, status=400)
    if is_throttled(request, scope="upload", limit=settings.FILES_UPLOAD_LIMIT):
        return render(
            request, "files/_refused.html", {"why": _("Too many attempts. Wait a minute, then try again.")}, status=429
        )
    upload = request.FILES.get("file")
    try:
        if upload is None or not request.user.is_authenticated:
            raise actions.refusal("empty")
        row = actions.store(upload=upload, purpose=purpose, by=request.user, at=timezone.now())
    except Refusal as refusal:
        status = actions.STATUS_CODES.get(refusal.code, 422)  # the page offers to send it again after a 503 or 507
        return render(request, "files/_refused.html", {"why": refusal.message}, status=status)
    return render(request, "files/_uploaded.html", {"key": row.key, "name": name, "file": row})
