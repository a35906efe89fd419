"""Contact form, list of cases, and the conversation: for members, and for visitors through their link (R58)."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cps_portal.core.files import actions as files
from cps_portal.core.files.actions import Uploads
from cps_portal.core.files.forms import keep_uploads
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.history_context import history_context
from cps_portal.core.lib.reference import parse_reference
from cps_portal.core.lib.throttle import client_network, is_throttled
from cps_portal.core.submissions.once import run_once
from members.access import MemberRequest, member_of, member_required
from members.forms.common import add_refusal
from members.models import Member
from members.support import actions
from members.support.emails import RATING_SALT
from members.support.enums import TOPICS, CaseKind, CaseRating
from members.support.forms import LOST_ABOUT, TOO_OFTEN, ContactForm, ReplyForm
from members.support.models import Case, CaseMessage
from members.support.presenters import support_city
from members.support.queries.file_access import PURPOSE
from members.support.queries.subjects import MAX_KEY, find_related, page_url

FORM_METHODS = ["GET", "HEAD", "POST"]
SENT_SALT = "members.support.sent"  # signs the reference of the case that a visitor has just opened
CASES_PER_PAGE = 20


@never_cache
@login_not_required
@require_http_methods(FORM_METHODS)
def contact(request: HttpRequest) -> HttpResponse:
    """Contact support. Links from other pages name what it is about: `?about=registration:12`."""
    member = member_of(request)
    about_key = (request.POST if request.method == "POST" else request.GET).get("about", "")
    about = find_related(about_key, member)
    topic = request.GET.get("topic", "")
    form = ContactForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
        initial={"kind": topic if topic in TOPICS else ""},
        is_member=member is not None,
    )
    status = 200
    uploads = _keep_uploads(form, member, request)
    if form.is_bound and about_key and not about:
        form.add_error(None, str(LOST_ABOUT))
    if form.is_bound and form.is_valid():
        if _opens_too_often(request, form):
            form.add_error(None, str(TOO_OFTEN))
            status = 429
        elif response := run_once(request, lambda: _open(request, form, member, about, uploads)):
            return response
    context = {
        "form": form,
        "about": about,
        "about_key": about_key if about else "",
        "hours": actions.answer_hours(member),
    }
    return render(request, "cases/contact.html", context, status=422 if form.errors and status == 200 else status)


def _opens_too_often(request: HttpRequest, form: ContactForm) -> bool:
    """Whether a limit is exceeded: per sender, and per address typed.

    The second one protects an address from mails that somebody triggers from many computers.
    """
    limits = settings.CASES_LIMITS
    email = form.cleaned_data.get("email", "").lower()
    if is_throttled(request, scope="case-open", limit=limits["open"]):
        return True
    if not email:
        return False
    # From one network first: a single stranger must not keep the owner of an address from writing to us.
    network = client_network(request)
    if is_throttled(request, scope="case-mail", limit=limits["mail"], ident=f"{email} {network}"):
        return True
    return is_throttled(request, scope="case-mails", limit=limits["mails"], ident=email)


def _keep_uploads(form: ContactForm | ReplyForm, member: Member | None, request: HttpRequest) -> Uploads:
    """Store a member's attachments right away, so that they are kept if another field has to be corrected."""
    if member is None or not form.is_bound or is_throttled(request, scope="upload", limit=settings.FILES_UPLOAD_LIMIT):
        return Uploads()
    return keep_uploads(form, "files", by=member.user, at=timezone.now())


def _open(
    request: HttpRequest, form: ContactForm, member: Member | None, about: Any, uploads: Uploads
) -> HttpResponse | None:
    """Open the case; None if the form has to be shown again."""
    data = form.cleaned_data
    language = translation.get_language() or settings.LANGUAGE_CODE
    now = timezone.now()
    try:
        case = actions.open_case(
            kind=CaseKind(data["kind"]),
            subject=data["subject"],
            text=data["text"],
            about=about,
            member=member,
            visitor=None if member else actions.Visitor(data["name"], data["email"], language),
            by=member.user if member else None,
            at=now,
            attached=files.collect(uploads=uploads, purpose=PURPOSE, by=member.user, at=now) if member else (),
        )
    except Refusal as refusal:
        add_refusal(form, refusal)
        return None
    if member:
        messages.success(
            request, _("Thank you, we’ve received your message. Your reference is %(reference)s.") % {"reference": case}
        )
        return redirect(case.get_absolute_url())
    # The link to the conversation is only in the mail, because whoever typed the address may not be its owner.
    case_key = signing.dumps(case.reference, salt=SENT_SALT)
    return redirect(f"{reverse('cases:sent')}?{urlencode({'case': case_key})}")


@never_cache
@login_not_required
@require_safe
def sent(request: HttpRequest) -> HttpResponse:
    """Confirmation for a visitor: the reference, and when to expect an answer."""
    try:
        reference = signing.loads(request.GET.get("case", ""), salt=SENT_SALT)
    except signing.BadSignature:
        return redirect("cases:contact")
    case = Case.objects.filter(reference=reference, member=None).first()
    if case is None:
        return redirect("cases:contact")
    return render(request, "cases/sent.html", {"case": case, **_support_times()})


@never_cache
@require_safe
@member_required
def case_list(request: MemberRequest) -> HttpResponse:
    """The member's cases, newest first."""
    cases = Case.objects.of(request.member).filter(merged_into=None).order_by("-pk")
    page = Paginator(cases, CASES_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "cases/list.html", {"page": page, **_support_times()})


@never_cache
@require_http_methods(FORM_METHODS)
@member_required
def case(request: MemberRequest, reference: str) -> HttpResponse:
    """The conversation, and the form to reply. The reference of a merged case leads to the one that is kept."""
    row = _get_own_case(request, reference)
    if row.merged_into:
        return redirect(row.merged_into.get_absolute_url())
    return _conversation(request, row)


@require_POST
@member_required
def close(request: MemberRequest, reference: str) -> HttpResponse:
    """The member closes the case."""
    row = _get_own_case(request, reference)
    try:
        actions.close(case=row, by=request.user, at=timezone.now())
    except Refusal as refusal:
        messages.info(request, str(refusal))
    else:
        messages.success(request, _("Closed. If it comes up again, just reply here."))
    return redirect(row.get_absolute_url())


@never_cache
@login_not_required
@require_http_methods(FORM_METHODS)
def visitor_case(request: HttpRequest, token: str) -> HttpResponse:
    """The conversation of a visitor. Whoever has the link from the mail can read and reply."""
    row = get_object_or_404(Case.objects.select_related("merged_into"), access_token=token, member=None)
    if row.merged_into and row.merged_into.access_token:
        return redirect(row.merged_into.get_absolute_url())
    # The history of the case would otherwise keep the path of this page, and with it the token.
    with history_context(url=reverse("cases:contact")):
        response = _conversation(request, row)
    response["X-Robots-Tag"] = "noindex, nofollow"
    # The token stays on this site by the general policy. With "no-referrer" browsers send "Origin: null" with the form
    # on this page, and the CSRF check refuses it.
    response["Referrer-Policy"] = "same-origin"
    return response


@never_cache
@login_not_required
@require_http_methods(FORM_METHODS)
def rate(request: HttpRequest, token: str) -> HttpResponse:
    """Ask whether our help was any good, by the link in the mail about the end of a case.

    Only a POST records the answer: mail scanners follow every link.
    """
    row = _rated_case(token)
    if request.method == "POST":
        rating = request.POST.get("rating", "")
        if rating in CaseRating.values:
            row = actions.rate(case=row, rating=CaseRating(rating), at=timezone.now())
    with translation.override(row.language):
        context = {"case": row, "ratings": CaseRating.choices, "chosen": request.GET.get("rating", "")}
        response = render(request, "cases/rate.html", context)
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _rated_case(token: str) -> Case:
    """The case of a rating link. Raises Http404 if the link is forged or too old, or the content was deleted."""
    try:
        key = signing.loads(token, salt=RATING_SALT, max_age=timedelta(days=settings.CASES_RATING_DAYS))
    except signing.BadSignature as error:
        raise Http404 from error
    if not isinstance(key, int) or key > MAX_KEY:
        raise Http404
    return get_object_or_404(Case.objects.select_related("member__user"), pk=key, erased_at=None)


def _get_own_case(request: MemberRequest, typed: str) -> Case:
    """The member's case with this reference, however it is typed; 404 for those of others."""
    reference = parse_reference(typed)
    if not reference:
        raise Http404
    return get_object_or_404(
        Case.objects.of(request.member).select_related("member__user", "merged_into"), reference=reference
    )


def _conversation(request: HttpRequest, row: Case) -> HttpResponse:
    now = timezone.now()
    data = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = ReplyForm(*data, is_member=bool(row.member))
    status = 200
    uploads = _keep_uploads(form, row.member, request)
    if form.is_bound and form.is_valid():
        if is_throttled(request, scope="case-write", limit=settings.CASES_LIMITS["write"]):
            form.add_error(None, str(TOO_OFTEN))
            status = 429
        else:
            response = run_once(request, lambda: _reply(request, row, form, uploads))
            if response:
                return response
    if form.errors and status == 200:
        status = 422
    return render(request, "cases/case.html", _case_context(row, form, now), status=status)


def _reply(request: HttpRequest, row: Case, form: ReplyForm, uploads: Uploads) -> HttpResponse | None:
    """Write the message; None if the form has to be shown again."""
    by, now = row.member.user if row.member else None, timezone.now()
    try:
        attached = files.collect(uploads=uploads, purpose=PURPOSE, by=by, at=now) if by else ()
        message = actions.write_message(case=row, text=form.cleaned_data["text"], by=by, at=now, attached=attached)
    except Refusal as refusal:
        add_refusal(form, refusal)
        return None
    if message.case.follows_id == row.pk:
        sentence = _("Sent. The earlier case was closed, so this is a new one. We’ll reply here and by email.")
    else:
        sentence = _("Sent. We’ll reply here and by email.")
    messages.success(request, sentence)
    return redirect(message.case.get_absolute_url())


def _case_context(row: Case, form: ReplyForm, now: datetime) -> dict[str, Any]:
    about = row.about
    until = row.reopens_until
    return {
        "case": row,
        "form": form,
        "case_messages": CaseMessage.objects.of_case(row).public().prefetch_related("attachments__file"),
        "about": about,
        "about_page": page_url(about) if about and row.member_id else "",
        "may_write": not row.erased_at,
        "reopens": until is None or now <= until,
        "late": row.is_late(now),
        **_support_times(),
    }


def _support_times() -> dict[str, Any]:
    return {"zone": settings.SUPPORT_CALENDAR.zone, "place": support_city()}
