"""The store field: shops of the country to choose from, and what a purchase there means (R24, R60)."""

from datetime import date

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET
from django_countries import countries

from cps_portal.core.lib.forms import DatePartsField
from kitbag.actions import retailers
from members.access import MemberRequest, member_required
from members.models import CountryProgramme, Member

HOME, REGION, ABROAD = "", "region", "abroad"


class WhereForm(forms.Form):
    """What is typed so far of where it was bought; what is wrong with it the finish form says."""

    country = forms.CharField(required=False, max_length=2)
    store = forms.CharField(required=False, max_length=120)
    purchased_on = DatePartsField(required=False)


@require_GET
@member_required
def country_note(request: MemberRequest) -> HttpResponse:
    """The note and the shops anew, once the country, the store or the date was changed."""
    form = WhereForm(request.GET)
    form.is_valid()
    typed = form.cleaned_data
    context = store_context(
        request.member,
        country=typed.get("country", ""),
        store=typed.get("store", ""),
        on=typed.get("purchased_on"),
    )
    return render(request, "kitbag/_purchase_notes.html", context)


def watch(fields: dict[str, forms.Field]) -> None:
    """Ask for the notes anew when the country or the store was changed."""
    for name in ("country", "store"):
        fields[name].widget.attrs |= {
            "hx-get": reverse("kitbag:country_note"),
            "hx-trigger": "change",
            "hx-target": "#country-note",
            "hx-include": "[name=country], [name=store], [name^=purchased_on]",
        }
    fields["store"].widget.attrs |= {"list": "stores"}


def store_context(member: Member, *, country: str, store: str, on: date | None) -> dict[str, object]:
    day = on or timezone.localdate()
    known = country if country in dict(countries) else ""
    return {
        "origin": origin_of(member, known),
        "shop": retailers.standing_of(store.replace("\x00", ""), known, day),
        "shops": retailers.suggestions(known or member.country.code, day),
    }


def origin_of(member: Member, country: str) -> str:
    """Bought at home, elsewhere in the region (any country with a programme row), or outside of it (R24)."""
    if not country or country == member.country.code:
        return HOME
    in_region = CountryProgramme.objects.filter(country=country).exists()
    return REGION if in_region else ABROAD
