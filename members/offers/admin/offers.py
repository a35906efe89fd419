"""Admin of offers: create, publish, withdraw, and who has signed up (R36, R54, R59)."""

import csv
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import Count, F, Q, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from cps_portal.core.lib.admin import EventAdmin, PortalModelAdmin, ReadOnlyAdmin, TranslatedAdmin, event_model
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.snapshot import after_snapshot
from cps_portal.core.lib.spreadsheets import escape_formula
from members.enums import Level
from members.models import Member
from members.offers.actions.offers import audience, change_offer, publish, withdraw
from members.offers.enums import OfferState, PlaceState
from members.offers.forms.offers import OfferForm, new_since
from members.offers.models import Offer, SignUp
from members.offers.models.offers import SIGNED_UP

SEE_WHO = "offers.view_signup"
HELD = Count("sign_ups", filter=Q(sign_ups__state=PlaceState.HELD))
WAITING = Count("sign_ups", filter=Q(sign_ups__state=PlaceState.WAITING))


class LevelFilter(admin.SimpleListFilter):
    title = _("level")
    parameter_name = "level"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Level.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Offer]) -> QuerySet[Offer]:
        return queryset.filter(levels__contains=[self.value()]) if self.value() in Level.values else queryset


@admin.register(Offer)
class OfferAdmin(TranslatedAdmin, PortalModelAdmin[Offer]):
    """New offers are drafts, shown to nobody. Buttons below the form publish and withdraw them."""

    form = OfferForm
    change_form_template = "admin/offers/offer/change_form.html"
    list_display = [
        "title",
        "kind",
        "state",
        "since",
        "until",
        "starts_at",
        "for_levels",
        "taken",
        "on_waiting_list",
        "not_translated",
    ]
    list_filter = ["state", "kind", LevelFilter, "open_to_visitors", "since"]
    search_fields = ["title", "venue", "slug"]
    search_help_text = _("Title, venue or URL")
    prepopulated_fields = {"slug": ["title"]}
    fieldsets = [
        (None, {"fields": ["state", "kind", "title", "slug", "summary", "text", "link", "code"]}),
        (_("For whom"), {"fields": ["levels", "countries", "open_to_travellers", "open_to_visitors"]}),
        (_("When and where"), {"fields": ["since", "until", "starts_at", "ends_at", "venue", "places", "sample"]}),
        (_("In other languages"), {"fields": ["translations"]}),
    ]

    class Media:
        css = {"all": ["css/admin-offers.css"]}

    @admin.display(description=_("levels"))
    def for_levels(self, offer: Offer) -> str:
        return ", ".join(str(Level(level).label) for level in Level.values if level in offer.levels)

    @admin.display(description=_("places taken"), ordering="held")
    def taken(self, offer: Any) -> str:
        if offer.places is None:
            return str(offer.held)
        return gettext("%(held)s of %(places)s") % {"held": offer.held, "places": offer.places}

    @admin.display(description=_("waiting"), ordering="waiting")
    def on_waiting_list(self, offer: Any) -> int:
        waiting: int = offer.waiting
        return waiting

    def get_queryset(self, request: HttpRequest) -> QuerySet[Offer]:
        counted: QuerySet[Offer] = super().get_queryset(request).annotate(held=HELD, waiting=WAITING)
        return counted

    def get_readonly_fields(self, request: HttpRequest, obj: Offer | None = None) -> list[str]:
        """The kind never changes; the slug no more once members may have seen the URL."""
        if obj is None:
            return ["state"]
        return ["state", "kind"] if obj.state == OfferState.DRAFT else ["state", "kind", "slug"]

    def get_prepopulated_fields(self, request: HttpRequest, obj: Offer | None = None) -> Any:
        return {} if obj else super().get_prepopulated_fields(request, obj)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"since": new_since(), **super().get_changeform_initial_data(request)}

    def get_urls(self) -> list[URLPattern]:
        operate = require_POST(self.admin_site.admin_view(self.operate))
        guest_list = self.admin_site.admin_view(self.guest_list)
        own = [
            path("<int:pk>/operate/", operate, name="offers_offer_operate"),
            path("<int:pk>/door.csv", guest_list, name="offers_offer_door"),
        ]
        return [*own, *super().get_urls()]

    # --- Changing ---

    def save_model(self, request: HttpRequest, obj: Offer, form: ModelForm[Any], change: bool) -> None:  # noqa: FBT001
        if not change:
            super().save_model(request, obj, form, change)
        elif form.changed_data:
            by: Any = request.user
            values = {name: form.cleaned_data[name] for name in form.changed_data}
            change_offer(offer=obj, values=values, by=by, at=timezone.now())
        self.message_user(request, _audience_size(obj.levels, obj.countries))

    def operate(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Publish or withdraw the offer."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        by: Any = request.user
        offer, now = get_object_or_404(Offer, pk=pk), timezone.now()
        if request.POST.get("do") not in ("publish", "withdraw"):
            raise BadRequest
        try:
            if request.POST.get("do") == "withdraw":
                withdraw(offer=offer, by=by, at=now)
                done = gettext("Withdrawn. Everybody who has signed up will be notified.")
            else:
                publish(offer=offer, by=by, at=now)
                done = gettext("Published.")
        except Refusal as refusal:
            self.message_user(request, str(refusal.message), messages.ERROR)
        else:
            self.log_change(request, offer, done)
            self.message_user(request, done, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:offers_offer_change", args=[offer.pk]))

    # --- Viewing ---

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        offer = kwargs.get("obj")
        if offer is not None:
            members = audience(levels=offer.levels, countries=offer.countries)
            context |= {
                "reached": _audience_size(offer.levels, offer.countries),
                "news": members.filter(wants_news=True).count(),
                "may_operate": self.has_change_permission(request, offer),
                "may_see_who": request.user.has_perm(SEE_WHO),
                "held": offer.held,
                "waiting": offer.waiting,
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def guest_list(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Guest list as CSV: by place, then the waiting list.

        Cells are escaped, so that a spreadsheet does not run what a member typed as a formula.
        """
        if not request.user.has_perm(SEE_WHO):
            raise PermissionDenied
        offer = get_object_or_404(Offer, pk=pk)
        response = HttpResponse(
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{offer.slug}.csv"', "Cache-Control": "no-store"},
        )
        response.write("\ufeff")  # the byte order mark, without which Excel does not read UTF-8
        table = csv.writer(response)
        table.writerow(
            [gettext("Place"), gettext("Name"), gettext("Member number"), gettext("Level"), gettext("State")]
        )
        entries = SignUp.objects.filter(offer=offer, state__in=SIGNED_UP).select_related("member")
        for entry in entries.order_by(F("place").asc(nulls_last=True), "since", "pk"):
            member = entry.member
            cells = [
                member.full_name,
                member.number_in_groups,
                member.get_level_display(),
                entry.get_state_display(),
            ]
            table.writerow([entry.place or "", *map(escape_formula, cells)])
        after_snapshot(lambda: self.log_change(request, offer, gettext("Guest list downloaded.")))
        return response


@admin.register(SignUp)
class SignUpAdmin(ReadOnlyAdmin[SignUp]):
    """Read-only: members sign up and cancel themselves, and free places go to the waiting list."""

    list_display = ["member", "offer", "state", "place", "since", "ended_at"]
    ordering = ["-pk"]
    list_filter = ["state", "since"]
    list_select_related = ["member", "offer"]
    search_fields = ["offer__title"]
    search_help_text = _("Offer, member number, e-mail address or last name")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup == "offer__id__exact" or super().lookup_allowed(lookup, value, request)

    def search_conditions(self, term: str) -> list[Q]:
        return [
            Q(member__in=Member.objects.search(term)),
            Q(offer__title__icontains=term),
        ]


def _audience_size(levels: list[str], countries: list[str]) -> str:
    number = audience(levels=levels, countries=countries).count()
    text = ngettext("It reaches %(number)s member today.", "It reaches %(number)s members today.", number)
    return text % {"number": number}


admin.site.register(event_model(Offer), EventAdmin)
