from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from cps_portal.dev.mailbox import store
from cps_portal.dev.mailbox.specimens import all_specimens, find_specimen

MAX_MAILS = 100
# E-mails need inline styles. They may not run scripts or load anything, and their links open outside the frame.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
NEW_WINDOW = '<base target="_blank">'


def find(name: str) -> store.Mail:
    mail = store.read(name)
    if mail is None:
        raise Http404
    return mail


@login_not_required
@require_safe
def mails(request: HttpRequest) -> HttpResponse:
    return render(request, "mailbox/list.html", {"mails": store.newest(MAX_MAILS)})


@login_not_required
@require_safe
def gallery(request: HttpRequest) -> HttpResponse:
    """One of every mail on one page, HTML first and text beside it: to judge the words and looks of all together."""
    return render(request, "mailbox/gallery.html", {"specimens": all_specimens()})


@login_not_required
@require_safe
@xframe_options_sameorigin
def specimen(request: HttpRequest, name: str) -> HttpResponse:
    """The HTML part of one of them, for its frame."""
    found = find_specimen(name)
    if found is None:
        raise Http404
    return _framed(found.html)


@login_not_required
@require_safe
def mail(request: HttpRequest, name: str) -> HttpResponse:
    return render(request, "mailbox/mail.html", {"mail": find(name)})


@login_not_required
@require_safe
@xframe_options_sameorigin
def html(request: HttpRequest, name: str) -> HttpResponse:
    """The HTML part of the e-mail, for the frame on its page."""
    return _framed(find(name).html)


def _framed(body: str) -> HttpResponse:
    body = body.replace("<head>", f"<head>{NEW_WINDOW}", 1)
    return HttpResponse(body, headers={"Content-Security-Policy": POLICY})
