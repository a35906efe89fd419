"""Admin of Welcome Packs: their steps, sending again, cancelling, exchange by file, statistics (R37 to R40, R54)."""

import csv
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from cps_portal.core.lib.admin import EventAdmin, PortalModelAdmin, ReadOnlyAdmin, TranslatedAdmin, event_model
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.reference import parse_reference
from cps_portal.core.lib.spreadsheets import LineError, escape_formula
from cps_portal.core.outbox.models import Message
from cps_portal.core.partners import actions as partners
from cps_portal.core.partners.models import Attempt
from members.addresses import PARTS
from members.forms.common import add_refusal
from members.models import Member
from members.offers import rules
from members.offers.actions import card_requests, pack_files, packs
from members.offers.enums import PackState
from members.offers.forms.pack_admin import COLUMNS, REQUIRED_COLUMNS, ReportFileForm, ResendForm
from members.offers.forms.packs import PackForm
from members.offers.models import CardRequest, PackEvent, PackItem, WelcomePack
from members.support.models import Case

WORK = "offers.change_welcomepack"
ATTEMPTS_SHOWN = 20
EXPORT_COLUMNS = [
    "reference",
    "sending",
    "key",
    "member",
    "name",
    "level",
    "language",
    "contents",
    "card",
    "card_url",
    "address",
    "phone",
    "taken",
]
STATISTICS_SQL = """
select date_trunc('month', p.asked_at at time zone %(zone)s)::date as month, partner.name as partner, count(*) as asked,
    count(d.at) as dispatched,
    percentile_cont(0.5) within group (order by extract(epoch from d.at - p.asked_at) / 86400) as days,
    count(*) filter (where p.state in ('requested', 'accepted', 'packed') and p.sending_since < %(late)s) as overdue,
    count(*) filter (where p.state = 'returned') as returned,
    count(*) filter (where p.missing_case_id is not null) as missing
from offers_welcomepack p
left join partners_partner partner on partner.id = p.house_id
left join lateral (
    select min(e.occurred_at) as at from offers_packevent e where e.pack_id = p.id and e.step = 'dispatched'
) d on true
group by 1, partner.id order by 1 desc, partner.name limit 120
"""


class TroubleFilter(admin.SimpleListFilter):
    title = _("problem")
    parameter_name = "trouble"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        late, missing = _("Not dispatched in time"), _("Not received")
        return [("late", late), ("missing", missing), ("back", _("Returned"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[WelcomePack]) -> QuerySet[WelcomePack]:
        filters = {
            "late": Q(state__in=rules.CANCELLABLE_STATES, sending_since__lt=timezone.now() - rules.MISSING_AFTER),
            "missing": Q(missing_case__isnull=False),
            "back": Q(state=PackState.RETURNED),
        }
        return queryset.filter(filters.get(self.value() or "", Q()))


@admin.register(WelcomePack)
class WelcomePackAdmin(ReadOnlyAdmin[WelcomePack]):
    """Read-only: the buttons on the page call actions."""

    change_form_template = "admin/offers/welcomepack/change_form.html"
    change_list_template = "admin/offers/welcomepack/change_list.html"
    list_display = [
        "reference_in_groups",
        "member",
        "state",
        "on_time",
        "sending",
        "partner",
        "asked_at",
        "dispatched_at",
    ]
    ordering = ["-pk"]
    list_filter = ["state", TroubleFilter, "partner", "country", "asked_at"]
    list_select_related = ["member", "partner"]
    search_fields = ["=reference"]
    search_help_text = _("Reference, member number, e-mail address or last name")
    fields = [
        "reference_in_groups",
        "member",
        "state",
        "sending",
        "partner",
        "asked_at",
        "sending_since",
        "dispatched_at",
        "carrier",
        "tracking",
        "return_reason",
        "in_the_pack",
        "level_when_asked",
        "address",
        "phone",
        "missing_case",
        "late_case",
        "blanked_at",
    ]
    readonly_fields = ["reference_in_groups", "address", "in_the_pack"]

    @admin.display(description=_("reference"), ordering="reference")
    def reference_in_groups(self, pack: WelcomePack) -> str:
        return pack.reference_in_groups

    @admin.display(description=_("on time"), boolean=True)
    def on_time(self, pack: WelcomePack) -> bool:
        return pack.state not in rules.CANCELLABLE_STATES or timezone.now() < pack.missing_from

    @admin.display(description=_("contents"))
    def in_the_pack(self, pack: WelcomePack) -> str:
        names = dict(PackItem.objects.values_list("code", "name"))
        return ", ".join(names.get(code, code) for code in pack.contents)

    @admin.display(description=_("address"))
    def address(self, pack: WelcomePack) -> str:
        return "\n".join(pack.address.label_lines) if not pack.blanked_at else gettext("Deleted")

    def search_conditions(self, term: str) -> list[Q]:
        return [
            Q(reference=parse_reference(term)),
            Q(member__in=Member.objects.search(term)),
        ]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("<int:pk>/operate/", require_POST(view(self.operate)), name="offers_welcomepack_operate"),
            path("<int:pk>/send-again/", view(self.send_again), name="offers_welcomepack_send_again"),
            path("by-file/", view(self.pack_files), name="offers_welcomepack_by_file"),
            path("numbers/", view(self.numbers), name="offers_welcomepack_numbers"),
        ]
        return [*own, *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        pack = kwargs.get("obj")
        if pack is not None:
            keys = _keys(pack)
            context |= {
                "steps": pack.story.select_related("by", "partner"),
                "sent_messages": Message.objects.filter(keys).order_by("pk"),
                "attempts": Attempt.objects.filter(keys).select_related("endpoint")[:ATTEMPTS_SHOWN],
                "cases": Case.objects.filter(
                    about_type__app_label="offers", about_type__model="welcomepack", about_id=pack.pk
                ),
                "may_work": request.user.has_perm(WORK),
                "may_send_again": pack.state in rules.RESENDABLE_STATES,
                "may_cancel": pack.state in rules.CANCELLABLE_STATES,
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def operate(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send the pack again, cancel it, or resend one of its webhooks."""
        if not request.user.has_perm(WORK):
            raise PermissionDenied
        pack = get_object_or_404(WelcomePack, pk=pk)
        by: Any = request.user
        now, operation = timezone.now(), request.POST.get("do", "")
        try:
            match operation:
                case "again":
                    packs.resend_pack(pack=pack, by=by, at=now)
                    done = gettext("The pack will be sent again.")
                case "cancel":
                    packs.cancel_pack(pack=pack, by=by, at=now)
                    done = gettext("Cancelled. The fulfilment partner and the member will be informed.")
                case _:
                    key = int(operation) if operation.isdecimal() and len(operation) < 19 else 0
                    message = get_object_or_404(Message.objects.filter(_keys(pack)), pk=key)
                    partners.resend_webhook(message=message, by=by, at=now)
                    done = gettext("%(key)s will be sent again.") % {"key": message.key}
        except Refusal as refusal:
            self.message_user(request, str(refusal.message), messages.ERROR)
        else:
            self.log_change(request, pack, done)
            self.message_user(request, done, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:offers_welcomepack_change", args=[pack.pk]))

    def send_again(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send the pack again to another address, checked like the member's own form (R37)."""
        if not request.user.has_perm(WORK):
            raise PermissionDenied
        pack = get_object_or_404(WelcomePack.objects.select_related("member"), pk=pk)
        address = {name: getattr(pack, name) for name in (*PARTS, "phone")}
        initial = {**address, "name": pack.name or pack.person.full_name, "country": pack.country.code}
        form: PackForm = ResendForm(request.POST or None, initial=initial)
        if request.POST.get("go") == "country":
            form = form.without_errors()
        elif request.method == "POST" and form.is_valid():
            by: Any = request.user
            try:
                packs.resend_pack(pack=pack, by=by, at=timezone.now(), address=form.address)
            except Refusal as refusal:
                add_refusal(form, refusal)
            else:
                done = gettext("The pack will be sent again, to the new address.")
                self.log_change(request, pack, done)
                self.message_user(request, done, messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:offers_welcomepack_change", args=[pack.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Send again to another address"),
            "opts": self.opts,
            "original": pack,
            "form": form,
        }
        return TemplateResponse(request, "admin/offers/welcomepack/send_again.html", context)

    def pack_files(self, request: HttpRequest) -> HttpResponse:
        """Download requests for a partner without a system of its own, and upload its reports."""
        if not request.user.has_perm(WORK):
            raise PermissionDenied
        by: Any = request.user
        now = timezone.now()
        if request.method == "POST" and request.POST.get("do") == "take":
            with transaction.atomic():
                packs_to_send = pack_files.export_requests(by=by, at=now)
                cards_to_send = card_requests.export_card_requests(at=now, limit=pack_files.MAX_PACKS_PER_FILE)
            return _csv_file(packs_to_send, cards_to_send, now.isoformat())
        moment = request.GET.get("taken", "").replace("\x00", "")
        if moment:
            return _csv_file(pack_files.exported_at(moment), card_requests.exported_cards(moment), moment)
        form = ReportFileForm(request.POST or None, request.FILES or None)
        problems: list[LineError] = []
        if request.method == "POST" and form.is_valid():
            new, refused = pack_files.import_reports(lines=form.lines, by=by, at=now)
            problems = sorted([*form.problems, *refused], key=lambda problem: problem.number)
            done = ngettext("%(n)d new report recorded.", "%(n)d new reports recorded.", new) % {"n": new}
            self.message_user(request, done, messages.WARNING if problems else messages.SUCCESS)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Welcome Packs by file"),
            "opts": self.opts,
            "form": form,
            "problems": problems,
            "needed": ", ".join(REQUIRED_COLUMNS),
            "others": ", ".join(COLUMNS[len(REQUIRED_COLUMNS) :]),
            "waiting": WelcomePack.objects.filter(pack_files.waiting_for_file()).count()
            + CardRequest.objects.filter(card_requests.waiting_for_file()).count(),
            "files": pack_files.recent_exports(),
        }
        return TemplateResponse(request, "admin/offers/welcomepack/by_file.html", context)

    def numbers(self, request: HttpRequest) -> HttpResponse:
        """Requested, dispatched, median days, overdue and so on, by month and partner."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        with connection.cursor() as cursor:
            late = timezone.now() - rules.MISSING_AFTER
            cursor.execute(STATISTICS_SQL, {"zone": timezone.get_current_timezone_name(), "late": late})
            names = [column.name for column in cursor.description or []]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        context = {
            **self.admin_site.each_context(request),
            "title": _("Welcome Pack statistics"),
            "opts": self.opts,
            "rows": rows,
        }
        return TemplateResponse(request, "admin/offers/welcomepack/numbers.html", context)


@admin.register(PackEvent)
class PackEventAdmin(ReadOnlyAdmin[PackEvent]):
    list_display = ["pack", "step", "sending", "occurred_at", "received_at", "by", "partner"]
    ordering = ["-pk"]
    list_filter = ["step", "received_at"]
    list_select_related = ["pack", "by", "partner"]
    search_fields = ["=pack__reference"]

    def search_conditions(self, term: str) -> list[Q]:
        return [
            Q(pack__reference=parse_reference(term)),
            Q(pack__member__in=Member.objects.search(term)),
        ]


@admin.register(PackItem)
class PackItemAdmin(TranslatedAdmin, PortalModelAdmin[PackItem]):
    """What new packs contain (R39). Requests keep the contents they were made with."""

    list_display = ["name", "code", "position", "included", "not_translated"]
    search_fields = ["name", "code"]


admin.site.register(event_model(WelcomePack), EventAdmin)


def _keys(pack: WelcomePack) -> Q:
    """Webhooks and mails about any sending of this pack."""
    return Q(key__startswith=f"pack-{pack.reference}-")


def _csv_file(packs_to_send: list[WelcomePack], cards_to_send: list[CardRequest], moment: str) -> HttpResponse:
    """One line per pack and per card.

    Cells are escaped, so that a spreadsheet does not run what a member typed as a formula.
    """
    response = HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="welcome-packs.csv"', "Cache-Control": "no-store"},
    )
    response.write("\ufeff")  # the byte order mark, without which Excel does not read UTF-8
    table = csv.writer(response)
    table.writerow(EXPORT_COLUMNS)
    cards = pack_files.cards_of(packs_to_send)
    for pack in packs_to_send:
        card = cards.get(pack.person.pk)
        cells = [
            pack.reference_in_groups,
            str(pack.sending),
            pack.key,
            pack.person.number_in_groups,
            pack.person.full_name,
            pack.person.level,
            pack.language,
            " ".join(pack.contents),
            card.number_in_groups if card else "",
            f"{settings.SITE_URL}{card.check_path}" if card else "",
            "\n".join(pack.address.label_lines),
            pack.phone,
            moment,
        ]
        table.writerow(map(escape_formula, cells))
    for request in cards_to_send:
        table.writerow(map(escape_formula, _card_cells(request, moment)))
    return response


def _card_cells(request: CardRequest, moment: str) -> list[str]:
    """A new card without a pack: its content is the card alone (R40)."""
    card = request.card
    if card is None:
        return []
    return [
        str(request),
        "1",
        request.key,
        request.member.number_in_groups,
        request.member.full_name,
        request.member.level,
        request.member.language,
        "card",
        card.number_in_groups,
        f"{settings.SITE_URL}{card.check_path}",
        "\n".join(request.address.label_lines),
        request.phone,
        moment,
    ]
