"""What people and partners get when a request cannot be answered: handlers of 500 and 503."""

import sys

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.defaults import server_error as default_server_error

from cps_portal.core.lib.fair_share import TooManyAtOnce
from cps_portal.core.lib.time_limits import is_out_of_time
from cps_portal.core.rest.errors import problem
from cps_portal.core.submissions import tokens
from cps_portal.core.submissions.actions import SECRET_NAMES

RETRY_AFTER_SECONDS = 5
TEMPLATE = "503.html"
TOKEN_FIELDS = ("csrfmiddlewaretoken", tokens.FIELD)


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: 503 if the database did not answer in time or the session asks for too much at once, else 500."""
    error = sys.exc_info()[1]
    if isinstance(error, TooManyAtOnce) or is_out_of_time(error):
        return busy(request)
    return default_server_error(request)


def busy(request: HttpRequest) -> HttpResponse:
    """503 with Retry-After. The page needs no database; if it can, it offers to send what was typed again."""
    if request.path_info.startswith("/api/"):
        response = problem(503, "busy", str(_("This takes longer than it should. Send the same request again.")))
    else:
        context = {"path": request.get_full_path(), "fields": _typed(request), "is_form": request.method == "POST"}
        response = HttpResponse(render_to_string(TEMPLATE, context), status=503)
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    response["Cache-Control"] = "no-store"
    return response


def _typed(request: HttpRequest) -> list[tuple[str, str]]:
    """The fields of a form that was sent, to be sent again.

    Empty if some of it must not be written into a page, and for a form of another site: sent again from here, it would
    look like ours.
    """
    has_secrets = any(name not in TOKEN_FIELDS and SECRET_NAMES.search(name) for name in request.POST)
    if request.method != "POST" or request.FILES or has_secrets or not tokens.is_own_origin(request):
        return []
    return [(name, str(value)) for name, values in request.POST.lists() for value in values]
