from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from cps_portal.dev.mailbox import store

MAX_MAILS = 100
MAX_IN_GALLERY = 1000  # looked through for different subjects
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
    """The newest e-mail of each subject as it looks, on one page: to judge words and design of all of them together."""
    by_subject = {str(mail.message["Subject"]): mail for mail in reversed(store.newest(MAX_IN_GALLERY))}
    return render(request, "mailbox/gallery.html", {"mails": list(by_subject.values())})


@login_not_required
@require_safe
def mail(request: HttpRequest, name: str) -> HttpResponse:
    return render(request, "mailbox/mail.html", {"mail": find(name)})


@login_not_required
@require_safe
@xframe_options_sameorigin
def html(request: HttpRequest, name: str) -> HttpResponse:
    """The HTML part of the e-mail, for the frame on its page."""
    body = find(name).html.replace("<head>", f"<head>{NEW_WINDOW}", 1)
    return HttpResponse(body, headers={"Content-Security-Policy": POLICY})
