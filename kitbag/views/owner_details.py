"""What a member keeps about a product for themselves, on its own page: photo, price, group (R25)."""

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.forms import BaseForm
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.views.decorators.http import require_http_methods, require_POST

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.throttle import is_throttled
from kitbag.actions import owner_details
from kitbag.forms import GroupForm, OwnPhotoForm, PriceForm
from kitbag.models import Registration
from kitbag.views.product import product_context
from kitbag.views.shortcuts import get_own_registration, redirect_after_post
from members.access import MemberRequest, answer_snapshot, member_required


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def set_photo(request: MemberRequest, pk: int) -> HttpResponse:
    """Show the member's own photo instead of the drawing."""
    registration = get_own_registration(request, pk)
    if request.method != "POST":
        return _form(request, registration, "photo", OwnPhotoForm(auto_id="id_own_%s"), _t("Choose a photo"))
    form = OwnPhotoForm(request.POST, request.FILES)
    if form.is_valid():
        if problem := take_photo(request, registration, form.cleaned_data["photo"]):
            form.add_error("photo", problem)
        else:
            messages.success(request, _t("That’s its picture now. You can go back to the drawing any time."))
            return redirect_after_post(request, registration.get_absolute_url())
    return _page_with_errors(request, registration, photo_form=form)


@require_POST
@member_required
def remove_photo(request: MemberRequest, pk: int) -> HttpResponse:
    registration = get_own_registration(request, pk)
    try:
        owner_details.remove_photo(registration=registration, by=registration.member.user, at=timezone.now())
    except Refusal as refusal:
        messages.info(request, str(refusal))
    else:
        messages.success(request, _t("Your photo is deleted, and the drawing is back."))
    return redirect_after_post(request, registration.get_absolute_url())


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def set_price(request: MemberRequest, pk: int) -> HttpResponse:
    """Keep the price paid for the member's own lists, or forget it."""
    registration = get_own_registration(request, pk)
    if request.method != "POST":
        return _form(request, registration, "price", PriceForm(registration=registration), _t("What you paid for it"))
    form = PriceForm(request.POST, registration=registration)
    if form.is_valid():
        try:
            details = owner_details.set_price(
                registration=registration, **form.cleaned_data, by=registration.member.user
            )
        except Refusal as refusal:
            form.add_error(refusal.field or None, str(refusal))
        else:
            saved = _t("The price is saved. Only you can see it.") if details.price is not None else _t("Forgotten.")
            messages.success(request, saved)
            return redirect_after_post(request, registration.get_absolute_url())
    return _page_with_errors(request, registration, price_form=form)


@require_POST
@member_required
def set_group(request: MemberRequest, pk: int) -> HttpResponse:
    """Put the product into one of the member's groups, or into none."""
    registration = get_own_registration(request, pk)
    form = GroupForm(request.POST, registration=registration)
    if form.is_valid():
        try:
            owner_details.set_group(registration=registration, **form.cleaned_data, by=registration.member.user)
        except Refusal as refusal:
            form.add_error(refusal.field or None, str(refusal))
        else:
            messages.success(request, _t("Saved."))
            return redirect_after_post(request, registration.get_absolute_url())
    return _page_with_errors(request, registration, group_form=form)


def take_photo(request: MemberRequest, registration: Registration, upload: "UploadedFile[bytes]") -> str:
    """Make it the picture of the product. Returns what is wrong with it, or ""."""
    if is_throttled(request, scope="upload", limit=settings.FILES_UPLOAD_LIMIT):
        return _t("That was a lot of files. Please wait a minute, then try again.")
    try:
        owner_details.set_photo(
            registration=registration, upload=upload, by=registration.member.user, at=timezone.now()
        )
    except Refusal as refusal:
        return str(refusal)
    return ""


def _form(request: MemberRequest, registration: Registration, name: str, form: BaseForm, heading: str) -> HttpResponse:
    """A form that the page of the product loads when it is opened. A whole page without JavaScript."""
    if not registration.is_live:
        return redirect_after_post(request, registration.get_absolute_url())
    form_template = f"kitbag/_{name}_form.html"
    context = {"registration": registration, "form": form, "heading": heading, "form_template": form_template}
    return render(request, form_template if request.htmx else "kitbag/owner_detail.html", context)


def _page_with_errors(request: MemberRequest, registration: Registration, **forms: object) -> HttpResponse:
    with answer_snapshot(request):
        current = get_own_registration(request, registration.pk)
        context = {**product_context(request, current), **forms}
        return render(request, "kitbag/product.html", context, status=422)
