"""The ticket queue, and read-only lists of what belongs to tickets (R52, R54). A centre sees only its own."""

from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from cps_portal.core.lib.admin import EventAdmin, ReadOnlyAdmin, event_model
from cps_portal.core.lib.admin_lists import value_filter
from cps_portal.core.lib.dates import write_moment
from cps_portal.core.lib.reference import parse_reference
from kitbag.queries.serial_changes import presented_as
from members.models import Member, User
from servicing.actions.intake import is_tracked_as
from servicing.admin.board import board_context
from servicing.admin.estimates import EstimatePages
from servicing.admin.targets import targets_context, targets_csv
from servicing.admin.ticket_files import EventFiles
from servicing.enums import BEFORE_INTAKE, IN_WORKSHOP, TicketState, WaitingFor
from servicing.models import (
    Estimate,
    EstimateDraft,
    EstimateLine,
    PackedTicket,
    Parcel,
    Part,
    ServiceCentre,
    ServiceReport,
    Shipment,
    Ticket,
    TicketEvent,
    TicketFile,
    TicketMessage,
    TicketNote,
)

ALL = "all"
VIEW_EVERY_TICKET = "servicing.view_every_ticket"


class StateFilter(admin.SimpleListFilter):
    """Tickets in the workshop by default; all of them when searching."""

    title = _("state")
    parameter_name = "state"
    GROUPS: ClassVar[dict[str, tuple[TicketState, ...]]] = {
        "here": (*IN_WORKSHOP, TicketState.READY),
        "coming": BEFORE_INTAKE,
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("here", _("At the centre")), ("coming", _("On the way")), *TicketState.choices, (ALL, _("All"))]

    def choices(self, changelist: Any) -> Any:
        chosen = self._chosen(changelist.query)
        for value, label in self.lookup_choices:
            query = changelist.get_query_string({self.parameter_name: value})
            yield {"selected": value == chosen, "query_string": query, "display": label}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self._chosen(request.GET.get("q", ""))
        if chosen == ALL:
            return queryset
        return queryset.filter(state__in=self.GROUPS.get(chosen, (chosen,)))

    def _chosen(self, searched: str) -> str:
        return str(self.value() or (ALL if searched else "here"))


class ClockFilter(admin.SimpleListFilter):
    title = _("clock")
    parameter_name = "clock"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("late", _("Late")),
            ("today", _("Due today")),
            ("paused", _("Paused")),
            ("part", _("Waiting for a part")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now = timezone.now()
        running = Q(ready_at=None, ended_at=None, paused=False)
        conditions = {
            "late": running & Q(due_at__lte=now),
            "today": running & Q(due_at__date=timezone.localdate(now)),
            "paused": Q(paused=True),
            "part": Q(state=TicketState.WAITING_PARTS),
        }
        return queryset.filter(conditions.get(self.value() or "", Q()))


class CentreFilter(admin.SimpleListFilter):
    title = _("centre")
    parameter_name = "centre"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        centres = ServiceCentre.objects.seen_by(_user(request))
        return [(str(key), name) for key, name in centres.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        return queryset.filter(centre=int(value)) if value.isdecimal() and len(value) < 10 else queryset


class WaitingFilter(admin.SimpleListFilter):
    """Whose turn it is in the conversation (R73)."""

    title = _("waiting for")
    parameter_name = "waiting_for"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(WaitingFor.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(waiting_for=value) if value in WaitingFor.values else queryset


class FollowUpFilter(admin.SimpleListFilter):
    title = _("same fault again")
    parameter_name = "follows"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        conditions = {"yes": Q(follows__isnull=False), "no": Q(follows=None)}
        return queryset.filter(conditions.get(self.value() or "", Q()))


@admin.register(Ticket)
class TicketAdmin(EventFiles, EstimatePages):
    """The queue, soonest due first. Every button on a ticket's page calls an action."""

    change_list_template = "admin/servicing/ticket/queue.html"
    list_display = ["reference_in_groups", "due", "state", "messages", "item", "customer", "track", "service", "centre"]
    list_display_links = ["reference_in_groups", "item"]
    list_filter = [StateFilter, WaitingFilter, ClockFilter, CentreFilter, FollowUpFilter, "track", "service"]
    list_select_related = ["product", "member", "visitor", "centre"]
    search_fields = ["reference"]
    search_help_text = _(
        "Reference of the job or the parcel, tracking or serial number, name, member number or number on a foreign card"
    )
    ordering = ["-same_fault", F("due_at").asc(nulls_last=True), "opened_at", "pk"]  # R63; along ticket_queue

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("intake/", view(self.intake_view), name="servicing_ticket_intake"),
            path("intake/open/", view(self.open_view), name="servicing_ticket_open"),
            path("board/", view(require_safe(self.board_view)), name="servicing_ticket_board"),
            path("by-file/", view(self.events_by_file), name="servicing_ticket_by_file"),
            path("by-file/template/", view(require_safe(self.events_template)), name="servicing_ticket_file_template"),
            path("numbers/", view(self.numbers_view), name="servicing_ticket_numbers"),
            *super().get_urls(),
        ]

    def board_view(self, request: HttpRequest) -> HttpResponse:
        """The jobs by step. htmx asks for the lanes alone, once a minute."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        shown = board_context(request, timezone.now())
        context = {**self._page(request, shown["title"]), **shown, "may_work": self.has_work_permission(request)}
        template = "_lanes" if getattr(request, "htmx", False) else "board"
        return TemplateResponse(request, f"admin/servicing/ticket/{template}.html", context)

    def numbers_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        shown = targets_context(request, timezone.now())
        if request.GET.get("format") == "csv":
            return targets_csv(shown["rows"])
        context = {**self._page(request, gettext("Numbers")), **shown}
        return TemplateResponse(request, "admin/servicing/ticket/numbers.html", context)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {
            "title": _("Tickets, the soonest due first"),
            "may_work": self.has_work_permission(request),
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)

    def search_conditions(self, term: str) -> list[Q]:
        reference = parse_reference(term)
        return [
            Q(member__in=Member.objects.search(term)),
            Q(visitor__card_number__iexact=term),
            Q(visitor__name_words__named=term),
            presented_as(term),
            is_tracked_as(term),
            *([Q(reference=reference), Q(parcel__reference=reference)] if reference else []),
        ]

    @admin.display(description=_("reference"), ordering="reference")
    def reference_in_groups(self, ticket: Ticket) -> str:
        return ticket.reference_in_groups

    @admin.display(description=_("due"), ordering=F("due_at").asc(nulls_last=True))
    def due(self, ticket: Ticket) -> str:
        if ticket.due_at is None:
            return "–"
        if ticket.paused:
            return format_html("<i>{}</i>", gettext("paused"))
        due = write_moment(ticket.due_at)
        is_late = ticket.ready_at > ticket.due_at if ticket.ready_at else ticket.due_at <= timezone.now()
        return format_html("<b>{} {}</b>", due, gettext("late")) if is_late else due

    @admin.display(description=_("messages"), ordering="unread_since")
    def messages(self, ticket: Ticket) -> str:
        """Who waits for whom, and since when a customer has no answer (R73)."""
        if ticket.unread_since:
            since = write_moment(ticket.unread_since)
            return format_html("<b>{} {}</b>", gettext("unanswered since"), since)
        return gettext("the customer’s turn") if ticket.waiting_for == WaitingFor.CUSTOMER else "–"

    @admin.display(description=_("product"))
    def item(self, ticket: Ticket) -> str:
        name = f"{ticket.product.name}, {ticket.serial}" if ticket.serial else ticket.product.name
        marks = {gettext("same fault again"): ticket.same_fault, gettext("loan out"): ticket.loan_out}
        shown = [mark for mark, applies in marks.items() if applies]
        return f"{name} ({', '.join(shown)})" if shown else name

    @admin.display(description=_("customer"))
    def customer(self, ticket: Ticket) -> str:
        if ticket.member:
            return f"{ticket.member.number_in_groups}, {ticket.member.full_name}"
        return f"{ticket.visitor}, {gettext('visiting')}"


class TicketRelatedAdmin(ReadOnlyAdmin[Any]):
    """Read-only rows that belong to tickets. Centre staff see those of the tickets that they may see."""

    ticket_path = "ticket"
    search_fields = ["=ticket__reference"]
    list_select_related = ["ticket"]
    ordering = ["-pk"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        user = _user(request)
        if user.has_perm(VIEW_EVERY_TICKET):
            return rows
        return rows.filter(**{f"{self.ticket_path}__in": Ticket.objects.seen_by(user)})

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if reference := parse_reference(search_term):
            return queryset.filter(**{f"{self.ticket_path}__reference": reference}), False
        return super().get_search_results(request, queryset, search_term)


@admin.register(TicketEvent)
class TicketEventAdmin(TicketRelatedAdmin):
    list_display = ["ticket", "kind", "occurred_at", "received_at", "by", "partner"]
    list_filter = ["kind"]
    list_select_related = ["ticket", "by", "partner"]


@admin.register(TicketMessage)
class TicketMessageAdmin(TicketRelatedAdmin):
    list_display = ["ticket", "at", "from_member", "by", "beginning"]
    list_filter = ["from_member"]
    list_select_related = ["ticket", "by"]

    @admin.display(description=_("text"))
    def beginning(self, message: TicketMessage) -> str:
        return message.text[:80]


@admin.register(TicketNote)
class TicketNoteAdmin(TicketRelatedAdmin):
    list_display = ["ticket", "at", "by"]
    list_select_related = ["ticket", "by"]


@admin.register(TicketFile)
class TicketFileAdmin(TicketRelatedAdmin):
    list_display = ["ticket", "kind", "file", "at"]
    list_filter = ["kind"]
    list_select_related = ["ticket", "file"]


CurrencyFilter = value_filter(
    "currency",
    _("currency"),
    lambda: ServiceCentre.objects.order_by("currency").values_list("currency", flat=True).distinct(),
)


@admin.register(Estimate)
class EstimateAdmin(TicketRelatedAdmin):
    list_display = ["ticket", "number", "currency", "valid_until", "state", "sent_at", "answered_at"]
    list_filter = ["state", CurrencyFilter]


@admin.register(EstimateDraft)
class EstimateDraftAdmin(TicketRelatedAdmin):
    list_display = ["ticket", "by", "saved_at"]
    list_select_related = ["ticket", "by"]


@admin.register(EstimateLine)
class EstimateLineAdmin(TicketRelatedAdmin):
    ticket_path = "estimate__ticket"
    list_display = ["estimate", "text", "quantity", "price", "tax_percent"]
    list_select_related = ["estimate__ticket"]
    search_fields = ["=estimate__ticket__reference", "text"]


@admin.register(Part)
class PartAdmin(TicketRelatedAdmin):
    list_display = ["ticket", "name", "ordered_at", "expected_on", "arrived_at"]
    search_fields = ["=ticket__reference", "name"]


@admin.register(PackedTicket)
class PackedTicketAdmin(TicketRelatedAdmin):
    list_display = ["ticket", "carrier_text", "number", "expected_on", "by", "at"]
    list_select_related = ["ticket", "carrier", "by"]


@admin.register(ServiceReport)
class ServiceReportAdmin(TicketRelatedAdmin):
    list_display = ["ticket", "product", "at", "by", "partner"]
    list_select_related = ["ticket", "product", "by", "partner"]


@admin.register(Parcel)
class ParcelAdmin(ReadOnlyAdmin[Parcel]):
    list_display = ["reference_in_groups", "centre", "travel", "made_at"]
    list_select_related = ["centre"]
    search_fields = ["reference", "tickets__shipments__number"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Parcel]:
        return super().get_queryset(request).filter(centre__in=ServiceCentre.objects.seen_by(_user(request)))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Parcel], search_term: str
    ) -> tuple[QuerySet[Parcel], bool]:
        if reference := parse_reference(search_term):
            return queryset.filter(reference=reference), False
        return super().get_search_results(request, queryset, search_term)


@admin.register(Shipment)
class ShipmentAdmin(ReadOnlyAdmin[Shipment]):
    """A list of all shipments, found by tracking number in any spelling. They are changed on the page of a ticket."""

    list_display = ["direction", "carrier_text", "number", "sent_at", "expected_on", "delivered_at"]
    list_filter = ["direction", "carrier"]
    list_select_related = ["carrier"]
    search_fields = ["number"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Shipment]:
        tickets = Ticket.objects.seen_by(_user(request))
        return super().get_queryset(request).filter(Exists(tickets.filter(shipments=OuterRef("pk"))))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Shipment], search_term: str
    ) -> tuple[QuerySet[Shipment], bool]:
        if found := queryset.tracked_as(search_term):  # type: ignore[attr-defined]
            return found, False
        return super().get_search_results(request, queryset, search_term)


class TicketHistoryAdmin(EventAdmin):
    """Changes that are not ticket events, for those who may see every centre."""

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_view_permission(request, obj) and request.user.has_perm(VIEW_EVERY_TICKET)


admin.site.register(event_model(Ticket), TicketHistoryAdmin)
admin.site.register(event_model(Estimate), TicketHistoryAdmin)
admin.site.register(event_model(ServiceReport), TicketHistoryAdmin)


def _user(request: HttpRequest) -> User:
    user: Any = request.user
    worker: User = user
    return worker
