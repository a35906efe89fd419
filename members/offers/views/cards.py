"""The membership card: its page, PDF, and the public page that checks it (R41)."""

from collections.abc import Callable
from dataclasses import asdict

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.pdf import PreparedPdf, pdf_response
from cps_portal.core.lib.snapshot import read_snapshot
from cps_portal.core.lib.throttle import client_network, is_throttled
from cps_portal.core.submissions.kept import kept_values
from members.access import MemberRequest, is_viewed, member_required
from members.addresses import Address
from members.enums import Level
from members.models import LevelThreshold, Member
from members.offers.actions.card_requests import address_for_card
from members.offers.actions.cards import get_or_issue_card, report_lost, send_card_again
from members.offers.forms.packs import CardAddressForm, ReturnedCardForm
from members.offers.models import Card, CardRequest
from members.offers.presenters import qr
from members.offers.queries import find_returned_card, find_valid_card, is_pack_offered
from members.queries import membership_of


@never_cache
@require_safe
@member_required
def card(request: MemberRequest) -> HttpResponse:
    """The member's card. Opening the page for the first time issues it."""
    mine, refusal = _find_card(request.member) if is_viewed(request) else _issue_card(request.member)
    with read_snapshot():
        request.member.refresh_from_db()
        return _refused_page(request, refusal) if mine is None else _card_page(request, mine)


def _find_card(member: Member) -> tuple[Card | None, Refusal | None]:
    """For staff who look at the page of the member (R68)."""
    mine = Card.objects.live().filter(member=member).first()
    return mine, None if mine else Refusal("unseen", _("The card is made when the member first opens this page."))


def _issue_card(member: Member) -> tuple[Card | None, Refusal | None]:
    """Before the snapshot, which is read-only. Returns the card, or why there is none."""
    try:
        return get_or_issue_card(member=member, at=timezone.now()), None
    except Refusal as refusal:
        return None, refusal


def _refused_page(request: MemberRequest, refusal: Refusal | None) -> HttpResponse:
    silver = LevelThreshold.objects.filter(level=Level.SILVER, valid_from__lte=timezone.localdate())
    threshold = silver.order_by("-valid_from").first()
    from_points = threshold.points_from if threshold else 0
    context = {
        "member": request.member,
        "can_ask_for_pack": False,
        "refusal": refusal,
        "from_points": from_points,
        "gap": max(from_points - request.member.points, 0),
    }
    return render(request, "offers/card_unavailable.html", context)


def _card_page(request: MemberRequest, mine: Card) -> HttpResponse:
    member = request.member
    can_ask_for_pack = is_pack_offered(member, timezone.now())
    context = {
        "member": member,
        "card": mine,
        "qr": "" if is_viewed(request) else qr.as_svg(mine),
        "can_ask_for_pack": can_ask_for_pack,
        "came_back": find_returned_card(member),
    }
    return render(request, "offers/card.html", context)


@never_cache
@require_safe
@member_required
def card_pdf(request: MemberRequest, prepare: Callable[[Card, Member], PreparedPdf]) -> HttpResponse:
    mine, _refusal = _issue_card(request.member)
    if mine is None:
        return redirect("offers:card")
    return pdf_response(prepare(mine, request.member), "cps-card.pdf")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def card_lost(request: MemberRequest) -> HttpResponse:
    """Report the card as lost, and say where the new one goes (R40). Outside the free programme nothing is posted."""
    member = request.member
    mine = Card.objects.live().filter(member=member).first()
    if mine is None:
        return redirect("offers:card")
    if not membership_of(member).is_active:
        return _report_lost(request, None) if request.method == "POST" else _lost_page(request, mine, None)
    kept = kept_values(request) if request.method != "POST" else None
    form = CardAddressForm(request.POST if request.method == "POST" else kept, initial=_known_address(member))
    go = request.POST.get("go", "")
    if kept or go == "country":
        return _lost_page(request, mine, form.without_errors())
    if request.method == "POST" and go == "phone":
        return _report_lost(request, None)
    if request.method != "POST" or not form.is_valid():
        return _lost_page(request, mine, form, status=422 if form.errors else 200)
    return _report_lost(request, form.address)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def card_again(request: MemberRequest) -> HttpResponse:
    """The member checks the address of a card that came back, and it is sent again (R40)."""
    back = find_returned_card(request.member)
    if back is None or not membership_of(request.member).is_active:
        return redirect("offers:card")
    kept = kept_values(request) if request.method != "POST" else None
    form = ReturnedCardForm(request.POST if request.method == "POST" else kept, initial=_address_of(back))
    if kept or request.POST.get("go") == "country":
        return _again_page(request, back, form.without_errors())
    if request.method != "POST" or not form.is_valid():
        return _again_page(request, back, form, status=422 if form.errors else 200)
    try:
        send_card_again(request=back, address=form.address, at=timezone.now())
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Thank you. We’ll send your card to this address."))
    return redirect("offers:card")


def _address_of(back: CardRequest) -> dict[str, str]:
    given = _known_address(back.member)
    return given if back.blanked_at else {**given, **asdict(back.address)}


def _again_page(request: MemberRequest, back: CardRequest, form: ReturnedCardForm, status: int = 200) -> HttpResponse:
    is_fragment = request.htmx and request.headers.get("HX-Target") == "pack-form"
    template = "offers/_card_again_form.html" if is_fragment else "offers/card_again.html"
    return render(request, template, {"back": back, "card": back.card, "form": form}, status=status)


def _known_address(member: Member) -> dict[str, str]:
    address = address_for_card(member)
    known = asdict(address) if address else {}
    return {"name": member.full_name, "country": member.country.code, **known}


def _report_lost(request: MemberRequest, address: Address | None) -> HttpResponse:
    try:
        case = report_lost(member=request.member, by=request.user, at=timezone.now(), address=address)
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return redirect("offers:card")
    messages.success(
        request, _("Thanks for telling us. We’ll block the old card and let you know when the new one is ready.")
    )
    return redirect(case.get_absolute_url())


def _lost_page(request: MemberRequest, mine: Card, form: CardAddressForm | None, status: int = 200) -> HttpResponse:
    is_fragment = request.htmx and request.headers.get("HX-Target") == "pack-form"
    template = "offers/_card_lost_form.html" if is_fragment and form else "offers/card_lost.html"
    return render(request, template, {"card": mine, "form": form}, status=status)


# --- Public --------------------------------------------------------------------------------------


@never_cache
@login_not_required
@require_safe
def card_check(request: HttpRequest, token: str) -> HttpResponse:
    """Shows whether a card is valid, with level and initials only; all invalid tokens get the same page.

    Rate-limited by IP address, so that nobody can try out tokens. Contains no form: with the Referrer-Policy below,
    browsers would send none that Django's CSRF check accepts.
    """
    limit = settings.CARD_CHECK_LIMIT
    if is_throttled(request, scope="card-check", limit=limit, ident=f"ip:{client_network(request)}"):
        response = render(request, "offers/card_check_throttled.html", {"minutes": -(-limit[1] // 60)}, status=429)
        response["Retry-After"] = str(limit[1])
        response._has_been_logged = True  # type: ignore[attr-defined]  # else Django logs the path, which contains the token
    else:
        valid_card = find_valid_card(Card.objects.with_token(token))
        response = render(request, "offers/card_check.html", {"card": valid_card, "now": timezone.now()})
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response["Referrer-Policy"] = "no-referrer"
    return response
