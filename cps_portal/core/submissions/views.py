"""What Django calls when a form's CSRF token is stale, and throwing away what was kept (R71)."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from cps_portal.core.submissions import tokens
from cps_portal.core.submissions.kept import answer_stale, browser_of, texts_to_copy
from cps_portal.core.submissions.models import KeptForm


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Put the form back with a fresh token. Without cookies that is impossible: then its texts can be copied."""
    token = tokens.read_token(request)
    if not tokens.is_own_origin(request):
        return render(request, "403_csrf.html", status=403)
    if token is None:
        return render(request, "403_csrf.html", {"page": tokens.current_page(request)}, status=403)
    if not request.COOKIES:
        return render(request, "403_csrf.html", {"texts": texts_to_copy(request), "page": token.page}, status=403)
    return answer_stale(request, token)


@login_not_required
@require_POST
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete what was kept of one form, and show its page without it."""
    rows = KeptForm.objects.of(browser_of(request), request.user.pk)
    row = rows.filter(pk=pk).first()
    if row is None:
        return redirect("home")
    row.delete()
    return redirect(row.page)
