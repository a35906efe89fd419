"""The members' pages: joining, terms, profile, moving, security, notices. They parse and present."""

from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.account.views import SignupView
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cps_portal.core.lib.errors import Refusal
from members import actions
from members.access import MemberRequest, member_required, newest_terms, safe_next
from members.enums import Programme, Theme
from members.forms.profile import JoinForm, MoveForm, ProfileForm, TermsForm, add_refusal
from members.middleware import LANGUAGE_KEY, remember_terms
from members.models import CountryProgramme, Notice
from members.queries import compare

FORM_METHODS = ["GET", "HEAD", "POST"]
EMAIL_UNIQUE = ("user_email_unique", "account_emailaddress")
SUBSCRIPTION_PRICES = (100, 200, 350)  # euro a year in 2023 (R2)
SUBSCRIPTION_PRICES_YEAR = 2023


@login_not_required
@require_safe
def country_choice(request: HttpRequest) -> HttpResponse:
    """Lead a visitor to what their country offers (R2): joining, the subscription, or nothing."""
    code = request.GET.get("country", "")
    programme = _programme(code)
    if programme is None:
        return redirect(f"{reverse('home')}?{urlencode({'country': code})}#country")
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
    """The programme of a country as typed into an address: compared here, since text from there can be anything."""
    rows = CountryProgramme.objects.in_force()
    return next((row for row in rows if row.country.code == code), None)


class JoinView(SignupView):  # type: ignore[misc]
    """Joining (R8). The user, the address, the member and the mails are one transaction: all or nothing."""

    def get_initial(self) -> dict[str, str]:
        return {**super().get_initial(), "country": self.request.GET.get("country", "")}

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        context: dict[str, object] = super().get_context_data(**kwargs)
        form = context["form"]
        if isinstance(form, JoinForm):
            chosen = str(form["country"].value() or "")
            names = dict(form.fields["country"].choices)  # type: ignore[attr-defined]
            context["country_name"] = names.get(chosen, "") if chosen else ""
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
            # Somebody joined with the same address a moment ago: answer as if they had been here all along.
            form.add_error("email", get_adapter().validation_error("email_taken"))
            return self.form_invalid(form)  # type: ignore[no-any-return]
        return response


@require_http_methods(FORM_METHODS)
@member_required
def terms(request: MemberRequest) -> HttpResponse:
    """Ask for the newest Terms of Use (R9), then go on to where the member was going."""
    there = safe_next(request, reverse("dashboard"))
    newest = newest_terms()
    if newest is None or remember_terms(request, request.member):
        return redirect(there)
    form = TermsForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        actions.accept_terms(member=request.member, terms=newest, at=timezone.now())
        remember_terms(request, request.member)
        return redirect(there)
    context = {"form": form, "terms": newest, "next": there}
    return render(request, "members/terms.html", context, status=422 if form.errors else 200)


@require_http_methods(FORM_METHODS)
@member_required
def profile(request: MemberRequest) -> HttpResponse:
    """Names, what is mostly shot, language, appearance, news, and the ways to e-mail and country."""
    member = request.member
    form = ProfileForm(request.POST or None, member=member)
    if request.method == "POST" and form.is_valid():
        changed = actions.change_profile(member=member, **form.cleaned_data)
        request.session[LANGUAGE_KEY] = changed.language
        with translation.override(changed.language):
            messages.success(request, _("Your profile is saved."))
        return redirect("members:profile")
    context = {"form": form, "member": member, "themes": Theme.choices}
    return render(request, "members/profile.html", context, status=422 if form.errors else 200)


@require_http_methods(FORM_METHODS)
@member_required
def country(request: MemberRequest) -> HttpResponse:
    """Moving (R6): choose a country, see what is gained and lost, then confirm."""
    member = request.member
    chosen = request.POST if request.method == "POST" else request.GET
    form = MoveForm(chosen if "country" in chosen else None, member=member)
    move = None
    if form.is_valid():
        code = form.cleaned_data["country"]
        programme = _programme(code)
        move = compare(member, programme) if programme else None
        if move and request.method == "POST" and request.POST.get("confirmed") == code:
            try:
                actions.move_country(member=member, country=code, at=timezone.now())
            except Refusal as refusal:
                add_refusal(form, refusal)
            else:
                messages.success(request, _("You live in %(country)s now.") % {"country": move.to.country.name})
                return redirect("members:profile")
    context = {"form": form, "move": move, "member": member}
    return render(request, "members/country.html", context, status=422 if form.errors else 200)


@require_POST
@member_required
def theme(request: MemberRequest) -> HttpResponse:
    """Light, dark or as the device has it; back to where the member was."""
    wanted = request.POST.get("theme", "")
    if wanted in Theme.values:
        actions.change_profile(member=request.member, theme=wanted)
    if request.htmx:
        return HttpResponse(status=204)
    return redirect(safe_next(request, reverse("members:profile")))


@require_safe
@member_required
def security(request: MemberRequest) -> HttpResponse:
    """E-mail, password, second factor and passkeys at a glance; allauth's pages change them."""
    address = EmailAddress.objects.filter(user=request.user, primary=True).first()
    kinds = Authenticator.objects.filter(user=request.user).aggregate(
        totp=Count("pk", filter=Q(type=Authenticator.Type.TOTP)),
        codes=Count("pk", filter=Q(type=Authenticator.Type.RECOVERY_CODES)),
        passkeys=Count("pk", filter=Q(type=Authenticator.Type.WEBAUTHN)),
    )
    context = {"member": request.member, "address": address, "kinds": kinds}
    return render(request, "members/security.html", context)


@require_POST
@member_required
def notice_read(request: MemberRequest, key: int) -> HttpResponse:
    """Put a notice away (R56)."""
    notice = get_object_or_404(Notice, pk=key, member=request.member)
    actions.read_notice(member=request.member, notice=notice.pk, at=timezone.now())
    return redirect(safe_next(request, reverse("dashboard")))
