"""Find kit in original photos: what took them, with serial numbers, becomes drafts with one press (R16, R25)."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from cps_portal.core.files.actions import read_equipment
from cps_portal.core.files.exif import Equipment
from cps_portal.core.lib.errors import Refusal
from kitbag.actions.photo_kit import add_from_photos
from kitbag.forms import PhotosForm
from kitbag.models import Registration
from kitbag.queries.photo_kit import FoundProduct, Sighting, compare_with_kitbag, merge, recognise
from members.access import MemberRequest, member_required


@dataclass(frozen=True)
class PhotoKit:
    """What all photos so far show: products, names that we do not have, and the lines that carry both on."""

    sightings: Sequence[Sighting]
    products: Sequence[FoundProduct]

    @property
    def unknown(self) -> list[Sighting]:
        return [one for one in self.sightings if not one.product]

    @property
    def new(self) -> list[FoundProduct]:
        return [found for found in self.products if not found.held]

    @property
    def points(self) -> int:
        return sum(found.product.points for found in self.new if not found.draft)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def photos(request: MemberRequest) -> HttpResponse:
    """The page, and without JavaScript the reading of the photos; "Add" makes the drafts that were chosen."""
    form = PhotosForm(request.POST or None, request.FILES or None)
    if request.method != "POST":
        return _page(request, form, _kit(request, []))
    if request.POST.get("do") == "take":
        return _take(request, form)
    sightings, status = form.seen(), ""
    if form.is_valid():
        try:
            found, _missing = _read(request, form)
            sightings, status = [*sightings, *recognise(found)], _status(form, found)
        except Refusal as refusal:
            form.add_error("photos", str(refusal))
    return _page(request, form, _kit(request, sightings), status=status)


@require_POST
@member_required
def read(request: MemberRequest) -> HttpResponse:
    """What these photos and those before show, as HTML for the page; and where the photos lack a piece, by position."""
    form = PhotosForm(request.POST, request.FILES)
    if not form.is_valid():
        return JsonResponse({"why": form.errors["photos"][0]}, status=422)
    try:
        found, missing = _read(request, form)
    except Refusal as refusal:
        return JsonResponse({"why": str(refusal)}, status=503)
    kit = _kit(request, [*form.seen(), *recognise(found)])
    html = render_to_string("kitbag/_photo_kit.html", {"kit": kit}, request)
    return JsonResponse({"html": html, "found": len(found), "missing": missing})


def _read(request: MemberRequest, form: PhotosForm) -> tuple[list[Equipment], dict[int, int]]:
    """What took the photos, and by the position of a photo where its missing piece begins. Raises Refusal: `busy`."""
    answers = read_equipment(photos=form.cleaned_data["photos"], by=request.user)
    missing = {place: answer for place, answer in enumerate(answers) if isinstance(answer, int)}
    return [answer for answer in answers if isinstance(answer, Equipment)], missing


def _kit(request: MemberRequest, sightings: Sequence[Sighting]) -> PhotoKit:
    merged = merge(sightings)
    return PhotoKit(merged, compare_with_kitbag(request.member, merged))


def _take(request: MemberRequest, form: PhotosForm) -> HttpResponse:
    chosen = form.chosen()
    if not chosen:
        form.add_error(None, _t("Choose at least one product, or choose other photos."))
        return _page(request, form, _kit(request, form.seen()))
    try:
        added = add_from_photos(member=request.member, sightings=merge(chosen), at=timezone.now())
    except Refusal as refusal:
        form.add_error(None, str(refusal))
        return _page(request, form, _kit(request, form.seen()))
    if number := len(added):
        done = ngettext("%(number)s product added.", "%(number)s products added.", number) % {"number": number}
        messages.success(request, done + " " + _t("Now add where and when you bought them."))
        return redirect(_next_step(added))
    messages.info(request, _t("All of it is in your Kitbag already."))
    return redirect("kitbag:list")


def _next_step(added: Sequence[Registration]) -> str:
    """Where the drafts are finished: one on its page, several together."""
    if len(added) == 1:
        return reverse("kitbag:finish", args=[added[0].pk])
    picked = QueryDict(mutable=True)
    picked.setlist("pick", [str(draft.pk) for draft in added])
    return f"{reverse('kitbag:finish_together')}?{picked.urlencode()}"


def _status(form: PhotosForm, found: Sequence[Equipment]) -> str:
    sent = len(form.cleaned_data["photos"])
    if not sent:
        return _t("Choose photos straight from the memory card.")
    return _t("Photos that say what took them: %(found)s of %(all)s") % {"found": len(found), "all": sent}


def _page(request: MemberRequest, form: PhotosForm, kit: PhotoKit, *, status: str = "") -> HttpResponse:
    return render(request, "kitbag/photos.html", {"form": form, "kit": kit, "status": status})
