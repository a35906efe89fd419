"""Who has which loan unit; handed out and taken back by scan (R53)."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import ReadOnlyAdmin
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.text import clean_code
from members.forms.common import add_refusal
from members.models import User
from servicing.actions import loans
from servicing.actions.events import Actor
from servicing.enums import LoanState
from servicing.forms.loans import MoveForm, ScanUnitForm
from servicing.models import Loan
from servicing.presenters.loan_desk import LoanRow, loan_row, loan_rows, two_weeks
from servicing.queries.loan_desk import MAX_LOANS, count_by_state, find_loans, is_free_unit, open_loans, units_on_shelf

WORK = "servicing.change_loan"
OUT, LATE, TODAY, FREE = "", "late", "today", "free"


class LoanDesk(ReadOnlyAdmin[Loan]):
    """Adds the page of loans. `loan` in the query string is the one in hand, `show` which are listed."""

    desk_template = "admin/servicing/loan/desk.html"

    def get_urls(self) -> list[URLPattern]:
        page = path("desk/", self.admin_site.admin_view(self.desk_view), name="servicing_loan_desk")
        return [page, *super().get_urls()]

    def desk_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        now, user = timezone.now(), _user(request)
        loan = self._in_hand(request, user)
        form = MoveForm(is_out=loan.state == LoanState.OUT) if loan else None
        scan_form = ScanUnitForm()
        if request.method == "POST":
            if not request.user.has_perm(WORK):
                raise PermissionDenied
            if request.POST.get("do") == "scan":
                scan_form = ScanUnitForm(request.POST)
                if found := self._scan(user, scan_form):
                    return HttpResponseRedirect(f"{request.path}?loan={found.pk}")
            elif loan:
                form = MoveForm(request.POST, is_out=loan.state == LoanState.OUT)
                if form.is_valid() and self._move(request, loan, form, now):
                    return HttpResponseRedirect(request.path)
        return TemplateResponse(request, self.desk_template, self._desk(request, loan, form, scan_form, now))

    def _in_hand(self, request: HttpRequest, user: User) -> Loan | None:
        """The open loan that the query string names. Raises Http404 for one of another centre."""
        text = request.GET.get("loan", "")
        if not text:
            return None
        loan = open_loans(user).filter(pk=int(text)).first() if text.isdecimal() and len(text) < 19 else None
        if loan is None:
            raise Http404
        return loan

    def _scan(self, user: User, form: ScanUnitForm) -> Loan | None:
        """The loan of the scanned unit or job. None if there is not just one: then the form says why."""
        if not form.is_valid() or not form.cleaned_data["scan"]:
            return None
        text = form.cleaned_data["scan"]
        found = find_loans(text, user)
        if len(found) == 1:
            return found[0]
        message = _("No loan of your centre has this number. Scan the number on the unit, or the job sheet.")
        if not found and is_free_unit(text, user):
            message = _("This unit is free: nobody has asked for it.")
        elif found:
            message = _("More than one unit has this number. Choose it in the list.")
        form.add_error("scan", str(message))
        return None

    def _move(self, request: HttpRequest, loan: Loan, form: MoveForm, now: datetime) -> bool:
        """Hand it out, take it back or cancel it. Returns False if the form has errors to show."""
        scanned = clean_code(form.cleaned_data["scanned"])
        if scanned and scanned != clean_code(loan.unit.serial):
            form.add_error("scanned", str(_("This is another unit. Scan the one that belongs to this loan.")))
            return False
        try:
            loan = _perform(request.POST.get("do", ""), loan, form, Actor(user=_user(request)), now)
        except Refusal as refusal:
            add_refusal(form, refusal)
            return False
        message = f"{loan.unit.product.name}, {loan.unit.serial}: {loan.get_state_display()}"
        self.log_change(request, loan, message)
        self.message_user(request, message, messages.SUCCESS)
        return True

    def _desk(
        self, request: HttpRequest, loan: Loan | None, form: MoveForm | None, scan_form: ScanUnitForm, now: datetime
    ) -> dict[str, Any]:
        user = _user(request)
        rows = loan_rows(open_loans(user)[:MAX_LOANS], now)
        late, today = [row for row in rows if row.is_late], [row for row in rows if row.can_go_out]
        show = request.GET.get("show", OUT)
        listed: dict[str, list[LoanRow]] = {OUT: rows, LATE: late, TODAY: today, FREE: []}
        counts = count_by_state(user)
        first, last = two_weeks(rows[0].loan.unit.centre.today(now) if rows else timezone.localdate(now))
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": gettext("Loans"),
            "rows": listed.get(show, rows),
            "shelf": list(units_on_shelf(user)[:MAX_LOANS]),
            "counts": counts,
            "units": sum(counts.values()),
            "late": len(late),
            "today": len(today),
            "show": show,
            "first": first,
            "last": last,
            "hand": loan_row(loan, loan.unit.centre.today(now)) if loan else None,
            "form": form,
            "scan_form": scan_form,
            "may_work": request.user.has_perm(WORK),
            "may_add": request.user.has_perm("servicing.add_loanunit"),
            "address": reverse("admin:servicing_loan_desk"),
        }


def _perform(button: str, loan: Loan, form: MoveForm, actor: Actor, at: datetime) -> Loan:
    """Call the action of the pressed button. Raises Refusal."""
    if button == "hand_out":
        due_back = form.cleaned_data.get("due_back")
        return loans.hand_out(loan=loan, condition=form.text, due_back=due_back, actor=actor, at=at)
    if button == "take_back":
        return loans.take_back(loan=loan, condition=form.text, actor=actor, at=at)
    if button == "cancel":
        return loans.cancel(loan=loan, actor=actor, at=at)
    raise Refusal("unknown", _("Choose one of the buttons."))


def _user(request: HttpRequest) -> User:
    user: Any = request.user
    worker: User = user
    return worker
