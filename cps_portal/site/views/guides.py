"""The guides for partners, beside the reference of the API. Public, without a database, and nothing from elsewhere."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from cps_portal.site.presenters.guides import DOCS, all_guides, find_guide, search

MAX_QUERY_LENGTH = 100
COLLECTION = DOCS / "api" / "postman_collection.json"


@login_not_required
@require_safe
def guides(request: HttpRequest) -> HttpResponse:
    """All guides; with ?q= the sections that have all of its words."""
    query = request.GET.get("q", "").replace("\x00", "").strip()[:MAX_QUERY_LENGTH]
    hits = search(query)
    status = ngettext("%(count)s section about “%(query)s”", "%(count)s sections about “%(query)s”", len(hits))
    if not hits:
        status = _("We found nothing about “%(query)s”. Try other words, or one only.")
    status = status % {"count": len(hits), "query": query}
    return render(
        request, "public/guides.html", {"guides": all_guides(), "query": query, "hits": hits, "status": status}
    )


@login_not_required
@require_safe
def guide(request: HttpRequest, slug: str) -> HttpResponse:
    """One guide."""
    found = find_guide(slug)
    if found is None:
        raise Http404
    return render(request, "public/guide.html", {"guides": all_guides(), "guide": found})


@login_not_required
@require_safe
def collection(request: HttpRequest) -> HttpResponse:
    """The collection of all operations, for Postman, Bruno and others that read its format."""
    headers = {"Content-Disposition": 'attachment; filename="cps-portal.postman_collection.json"'}
    return HttpResponse(COLLECTION.read_bytes(), content_type="application/json", headers=headers)
