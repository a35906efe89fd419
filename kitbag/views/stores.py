"""The store field: the shops of the country to choose from, and what a purchase there means (R24, R60)."""

from datetime import date

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from cps_portal.core.lib.countries import is_country
from cps_portal.core.lib.forms import DatePartsField, LineField
from kitbag.actions import retailers
from members.access import MemberRequest, member_required
from members.models import CountryProgramme, Member

HOME, REGION, ABROAD = "", "region", "abroad"


class PurchaseForm(forms.Form):
    """What has been typed so far. It shows no errors: the finish form does."""

    country = forms.CharField(required=False, max_length=2)
    store = LineField(required=False, max_length=120)
    purchased_on = DatePartsField(required=False)


@require_GET
@member_required
def purchase_notes(request: MemberRequest) -> HttpResponse:
    """The notes and the shops, asked for by htmx when the country or the store changes."""
    form = PurchaseForm(request.GET)
    form.is_valid()
    purchase = form.cleaned_data
    context = store_context(
        request.member,
        country=purchase.get("country", ""),
        store=purchase.get("store", ""),
        on=purchase.get("purchased_on"),
    )
    return render(request, "kitbag/_purchase_notes.html", context)


def refresh_notes_on_change(fields: dict[str, forms.Field]) -> None:
    """Make htmx ask for the notes again when the country or the store is changed."""
    for name in ("country", "store"):
        fields[name].widget.attrs |= {
            "hx-get": reverse("kitbag:purchase_notes"),
            "hx-trigger": "change",
            "hx-target": "#country-note",
            "hx-include": "[name=country], [name=store], [name^=purchased_on]",
        }
    fields["store"].widget.attrs |= {"list": "stores"}


def store_context(member: Member, *, country: str, store: str, on: date | None) -> dict[str, object]:
    day = on or timezone.localdate()
    country = country if is_country(country) else ""
    return {
        "origin": purchase_origin(member, country),
        "shop": retailers.shop_status(store.replace("\x00", ""), country, day),
        "shops": retailers.suggest_retailers(country or member.country.code, day),
    }


def purchase_origin(member: Member, country: str) -> str:
    """Bought at home, elsewhere in the region (any country with a CPS programme), or outside of it (R24)."""
    if not country or country == member.country.code:
        return HOME
    in_region = CountryProgramme.objects.filter(country=country).exists()
    return REGION if in_region else ABROAD
