"""Members' pages: joining, terms, profile, security, sessions, notices."""

from dataclasses import dataclass
from typing import cast
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.account.views import SignupView
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.language_choice import SESSION_KEY
from cps_portal.core.lib.web_push import public_key
from members import actions
from members.access import MemberRequest, member_of, member_required, newest_terms, safe_next
from members.emails import UNDO_EMAIL_SALT
from members.enums import Programme, ServiceLevel, Theme
from members.forms.accounts import JoinForm, ResetPasswordKeyForm
from members.forms.common import add_refusal
from members.forms.profile import ProfileForm, PushForm, TermsForm
from members.middleware import remember_terms
from members.models import CountryProgramme, Device, EmailChange, PushSubscription, User
from members.rules.browsers import PORTABLE, name_browser

FORM_METHODS = ["GET", "HEAD", "POST"]
EMAIL_UNIQUE = ("user_email_unique", "account_emailaddress")
SUBSCRIPTION_PRICES = (100, 200, 350)  # euro a year in 2023 (R2)
SUBSCRIPTION_PRICES_YEAR = 2023


@login_not_required
@require_safe
def country_choice(request: HttpRequest) -> HttpResponse:
    """Show visitors what their country offers (R2): join, the subscription programme, none, or a hold."""
    code = request.GET.get("country", "")
    programme = _programme(code)
    if programme is None:
        return redirect(f"{reverse('home')}?{urlencode({'country': code})}#country")
    if programme.kind == Programme.FREE and programme.on_hold:
        return render(request, "public/country_hold.html", {"country_name": programme.country.name})
    if programme.kind == Programme.FREE:
        return redirect(f"{reverse('account_signup')}?{urlencode({'country': code})}")
    if programme.kind == Programme.SUBSCRIPTION:
        context = {
            "programme": programme,
            "country_name": programme.country.name,
            "prices": SUBSCRIPTION_PRICES,
            "prices_year": SUBSCRIPTION_PRICES_YEAR,
        }
        return render(request, "public/country_subscription.html", context)
    return render(request, "public/country_none.html", {"programme": programme, "country_name": programme.country.name})


def _programme(code: str) -> CountryProgramme | None:
    """The programme of a country. Compared in Python, because the code comes from the URL and can be any text."""
    rows = CountryProgramme.objects.in_force()
    return next((row for row in rows if row.country.code == code), None)


class JoinView(SignupView):  # type: ignore[misc]
    """Join the programme (R8). User, e-mail address, member and mails are written in one transaction."""

    def get_initial(self) -> dict[str, str]:
        return {**super().get_initial(), "country": self.request.GET.get("country", "")}

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        context: dict[str, object] = super().get_context_data(**kwargs)
        form = context["form"]
        if isinstance(form, JoinForm):
            code = str(form["country"].value() or "")
            names = dict(form.fields["country"].choices)  # type: ignore[attr-defined]
            context["country_name"] = names.get(code, "") if code else ""
            programme = _programme(code) if code else None
            context["is_silver_only"] = programme is not None and programme.service_level == ServiceLevel.SILVER
        return context

    def form_valid(self, form: JoinForm) -> HttpResponse:
        try:
            with transaction.atomic():
                response: HttpResponse = super().form_valid(form)
        except Refusal as refusal:
            add_refusal(form, refusal)
            return self.form_invalid(form)  # type: ignore[no-any-return]
        except IntegrityError as error:
            if not any(name in str(error) for name in EMAIL_UNIQUE):
                raise
            # The same address was used to join a moment ago, after the form had been validated.
            form.add_error("email", get_adapter().validation_error("email_taken"))
            return self.form_invalid(form)  # type: ignore[no-any-return]
        return response


@require_http_methods(FORM_METHODS)
@member_required
def terms(request: MemberRequest) -> HttpResponse:
    """Ask the member to accept the newest Terms of Use (R9), then continue to the page they wanted."""
    next_url = safe_next(request, reverse("dashboard"))
    newest = newest_terms(request.member.country.code)
    if newest is None or remember_terms(request, request.member):
        return redirect(next_url)
    form = TermsForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        language = translation.get_language() or ""
        actions.accept_terms(member=request.member, terms=newest, language=language, at=timezone.now())
        remember_terms(request, request.member)
        return redirect(next_url)
    context = {"form": form, "terms": newest, "next": next_url}
    return render(request, "members/terms.html", context, status=422 if form.errors else 200)


@require_http_methods(FORM_METHODS)
@member_required
def profile(request: MemberRequest) -> HttpResponse:
    """Names, specialty, language, appearance and e-mail preferences; links to e-mail address and country."""
    member = request.member
    form = ProfileForm(request.POST or None, member=member)
    if request.method == "POST" and form.is_valid():
        updated = actions.change_profile(member=member, **form.cleaned_data)
        request.session[SESSION_KEY] = updated.language
        with translation.override(updated.language):
            messages.success(request, _("Your profile has been saved."))
        return redirect("members:profile")
    context = {"form": form, "member": member, "themes": Theme.choices}
    return render(request, "members/profile.html", context, status=422 if form.errors else 200)


@require_POST
@member_required
def theme(request: MemberRequest) -> HttpResponse:
    """Set the appearance, then return to the page the member was on."""
    chosen = request.POST.get("theme", "")
    if chosen in Theme.values:
        actions.change_profile(member=request.member, theme=chosen)
    if request.htmx:
        return HttpResponse(status=204)
    return redirect(safe_next(request, reverse("members:profile")))


@require_http_methods(FORM_METHODS)
@member_required
def notifications(request: MemberRequest) -> HttpResponse:
    """What this browser is told at once (R56). Raises Http404 where push messages are not set up."""
    if not settings.PUSH_PRIVATE_KEY:
        raise Http404
    here = request.session.session_key or ""
    subscription = PushSubscription.objects.filter(device__user=request.user, device__session_key=here).first()
    typed = request.POST if request.method == "POST" else None
    form = PushForm(typed, initial={"kinds": subscription.kinds if subscription else []})
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data
        try:
            if chosen["kinds"]:
                actions.subscribe(user=request.user, session_key=here, at=timezone.now(), **chosen)
            else:
                actions.unsubscribe(session_key=here)
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("Saved for this browser."))
            return redirect("members:notifications")
    context = {
        "form": form,
        "member": request.member,
        "push_key": public_key(settings.PUSH_PRIVATE_KEY),
        "is_on": subscription is not None,
    }
    return render(request, "members/notifications.html", context, status=422 if form.errors else 200)


@require_POST
@member_required
def decline_passkey(request: MemberRequest) -> HttpResponse:
    """The dashboard offers no passkey any more."""
    actions.stop_offering_passkey(user=request.user)
    return redirect("dashboard")


@require_safe
@member_required
def security(request: MemberRequest) -> HttpResponse:
    """Overview of e-mail address, password, second factor and passkeys; allauth's pages change them."""
    address = EmailAddress.objects.filter(user=request.user, primary=True).first()
    kinds = Authenticator.objects.filter(user=request.user).aggregate(
        totp=Count("pk", filter=Q(type=Authenticator.Type.TOTP)),
        codes=Count("pk", filter=Q(type=Authenticator.Type.RECOVERY_CODES)),
        passkeys=Count("pk", filter=Q(type=Authenticator.Type.WEBAUTHN)),
    )
    context = {"member": request.member, "address": address, "kinds": kinds, "devices": _devices(request)}
    return render(request, "members/security.html", context)


# --- Where an account is signed in -----------------------------------------------------------------


@dataclass(frozen=True)
class DeviceRow:
    """A device as the list shows it."""

    device: Device
    browser: str
    system: str
    is_this_one: bool

    @property
    def icon(self) -> str:
        return "device" if self.system in PORTABLE else "laptop"


def _devices(request: HttpRequest) -> list[DeviceRow]:
    """Where the account is signed in now; this browser first."""
    here = request.session.session_key
    rows = [
        DeviceRow(device, *name_browser(device.user_agent), is_this_one=device.session_key == here)
        for device in Device.objects.signed_in(cast(User, request.user), timezone.now())
    ]
    return sorted(rows, key=lambda row: not row.is_this_one)


@require_safe
def sessions(request: HttpRequest) -> HttpResponse:
    """Where the account is signed in: a page of its own, for staff who are not members."""
    return render(request, "members/sessions.html", {"devices": _devices(request)})


@require_POST
def end_session(request: HttpRequest, key: int) -> HttpResponse:
    """Sign out one device."""
    try:
        actions.end_session(user=cast(User, request.user), device=key)
    except Refusal as refusal:
        messages.info(request, str(refusal))
    else:
        messages.success(request, _("That device is signed out."))
    return _to_sessions(request)


@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out all devices but this one."""
    actions.end_other_sessions(user=cast(User, request.user), session_key=request.session.session_key or "")
    messages.success(request, _("All other devices are signed out."))
    return _to_sessions(request)


def _to_sessions(request: HttpRequest) -> HttpResponse:
    return redirect("members:security" if member_of(request) else "members:sessions")


# --- A change of address that somebody else made ---------------------------------------------------


@login_not_required
@never_cache
@sensitive_post_parameters("password1", "password2")
@require_http_methods(FORM_METHODS)
def undo_email(request: HttpRequest, token: str) -> HttpResponse:
    """The link in the old mailbox: bring the old address back, with a new password. Works signed out, and once."""
    change = _change_to_undo(token)
    if change is None:
        return render(request, "members/undo_email_over.html")
    form = ResetPasswordKeyForm(request.POST if request.method == "POST" else None, user=change.user)
    if form.is_bound and form.is_valid():
        try:
            actions.undo_email_change(change=change, password=form.cleaned_data["password1"], at=timezone.now())
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            logout(request)
            messages.success(request, _("Your old address is back. Sign in with it and your new password."))
            return redirect("account_login")
    context = {"form": form, "change": change}
    return render(request, "members/undo_email.html", context, status=422 if form.errors else 200)


def _change_to_undo(token: str) -> EmailChange | None:
    """None if the link is forged, too old, or has been used."""
    try:
        key = signing.loads(token, salt=UNDO_EMAIL_SALT)
    except signing.BadSignature:
        return None
    open_changes = EmailChange.objects.can_be_undone(timezone.now()).select_related("user")
    return open_changes.filter(pk=key).first() if isinstance(key, int) else None
