"""What people and partners get when a request cannot be answered: handlers of 400, 500, 503 and 507."""

import sys

from django.contrib.sessions.exceptions import SessionInterrupted
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.defaults import bad_request as default_bad_request
from django.views.defaults import server_error as default_server_error

from cps_portal.core.lib.disk_full import HTTP_INSUFFICIENT_STORAGE, is_disk_full
from cps_portal.core.lib.fair_share import TooManyAtOnce
from cps_portal.core.lib.time_limits import is_out_of_time
from cps_portal.core.rest.errors import problem
from cps_portal.core.submissions import tokens
from cps_portal.core.submissions.actions import SECRET_NAMES

RETRY_AFTER_SECONDS = 5
TOKEN_FIELDS = ("csrfmiddlewaretoken", tokens.FIELD)


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: 503 if the database did not answer in time or the session asks for too much at once, else 500.

    507 if a disk is full.
    """
    error = sys.exc_info()[1]
    if is_disk_full(error):
        return no_room(request)
    if isinstance(error, TooManyAtOnce) or is_out_of_time(error):
        return busy(request)
    return default_server_error(request)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400: 503 for the second of two presses of “Sign in”, whose session the first has replaced meanwhile."""
    if isinstance(exception, SessionInterrupted):
        return busy(request)
    return default_bad_request(request, exception)


def busy(request: HttpRequest) -> HttpResponse:
    """503 with Retry-After. The page needs no database; if it can, it offers to send what was typed again."""
    sentence = _("This takes longer than it should. Send the same request again.")
    response = _answer(request, 503, code="busy", sentence=sentence)
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def no_room(request: HttpRequest) -> HttpResponse:
    """507: nothing was written. As `busy`, but nobody knows when to try again."""
    sentence = _("Our storage is full, so nothing was written. Send the same request again later.")
    return _answer(request, HTTP_INSUFFICIENT_STORAGE, code="full", sentence=sentence)


def _answer(request: HttpRequest, status: int, *, code: str, sentence: str) -> HttpResponse:
    if request.path_info.startswith("/api/"):
        response = problem(status, code, sentence)
    else:
        context = {"path": request.get_full_path(), "fields": _typed(request), "is_form": request.method == "POST"}
        response = HttpResponse(render_to_string(f"{status}.html", context), status=status)
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
