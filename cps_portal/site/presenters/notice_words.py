"""What each kind of notice says, from the rows as they are now, and whether it still holds (R56, R70)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, TypeVar

from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import Model, QuerySet
from django.utils import timezone
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_countries.fields import Country

from cps_portal.core.lib.written_dates import date_format
from cps_portal.core.lib.written_numbers import signed
from cps_portal.site.presenters import country_change
from kitbag.emails import keeps_its_points, steps_announced
from kitbag.enums import ASKING, RefusalReason, RegistrationState
from kitbag.models import Adjustment, Registration, StageChange, StolenReport
from kitbag.queries.forecast import Step, forecast, points_on
from members.actions.country_plans import CODES as COUNTRY_CODES
from members.emails import levels_stay_as_they_are, levels_then
from members.enums import NoticeCode, PointsCause
from members.models import CountryPlan, LevelChange, Member, Notice, ThresholdPlan, threshold_rows
from members.offers.emails import is_sign_up_news_current, is_step_current
from members.offers.enums import PackState, PackStep
from members.offers.models import Card, CardRequest, SignUp, WelcomePack
from members.offers.queries import is_pack_offered
from members.queries import membership_of
from members.support.emails import ANSWERED, ASKED, CLOSED, is_case_news_current
from members.support.models import Case
from servicing.presenters import events, news

M = TypeVar("M", bound=Model)
N = NoticeCode


class Words(NamedTuple):
    """What a notice says now, and whether it still holds."""

    title: str | Promise
    detail: str | Promise
    is_current: bool


@dataclass(frozen=True)
class Reading:
    """One reading of a member's notices. What several kinds need is read once; pass what the page has read already."""

    member: Member
    now: datetime
    known_steps: Sequence[Step] | None = None
    known_pack_offered: bool | None = None

    @cached_property
    def steps(self) -> Sequence[Step]:
        if self.known_steps is not None:
            return self.known_steps
        return forecast(self.member, timezone.localdate(self.now))

    @cached_property
    def pack_offered(self) -> bool:
        if self.known_pack_offered is not None:
            return self.known_pack_offered
        return is_pack_offered(self.member, self.now)

    @cached_property
    def is_active(self) -> bool:
        """Whether membership gives anything where they live (R65)."""
        return membership_of(self.member).is_active

    @cached_property
    def threshold_rows(self) -> list[tuple[str, int, date]]:
        return threshold_rows()

    @cached_property
    def plans(self) -> dict[int, ThresholdPlan]:
        return {plan.pk: plan for plan in ThresholdPlan.objects.all()}


def _keys(notices: Iterable[Notice], name: str) -> set[int]:
    return {row.params[name] for row in notices if name in row.params}


def _with_rows(notices: Iterable[Notice], name: str, rows: QuerySet[M]) -> Iterator[tuple[Notice, M]]:
    """Each notice with the row whose key it keeps under this name; without those whose row is gone."""
    rows_by_key = rows.in_bulk(_keys(notices, name))
    for notice in notices:
        if notice.params.get(name) in rows_by_key:
            yield notice, rows_by_key[notice.params[name]]


# --- Points and levels -----------------------------------------------------------------------------


def _levels(reading: Reading, notices: Sequence[Notice]) -> dict[int, Words]:
    points = {"points": intcomma(reading.member.points)}
    words = {}
    for row, change in _with_rows(notices, "last", LevelChange.objects.all()):
        detail = _("You have %(points)s points.") % points
        if row.code == N.LEVEL_DOWN and change.cause != PointsCause.THRESHOLDS:
            detail = _("Your points went down to %(points)s. See why.") % points
        title = _("You’re %(level)s now") % {"level": change.get_to_level_display()}
        words[row.pk] = Words(title, detail, reading.member.level == change.to_level)
    return words


def _points_will_change(reading: Reading, notices: Sequence[Notice]) -> dict[int, Words]:
    keys = {key for row in notices for key in row.params["changes"]}
    changes = StageChange.objects.select_related("product").in_bulk(keys)
    words = {}
    for row in notices:
        announced = [changes[key] for key in row.params["changes"]]
        steps = steps_announced(reading.steps, announced)
        if steps:
            words[row.pk] = Words(_title_of_steps(steps), _totals_then(steps[0]), is_current=True)
        else:
            words[row.pk] = Words(_title_of_changes(announced), "", is_current=False)
    return words


def _title_of_steps(steps: Sequence[Step]) -> str:
    if len(steps) == 1:
        return _title_of_changes([fall.change for fall in steps[0].falls])
    others = len(steps) - 1
    title = ngettext(
        "Your points change on %(on)s and on one more day",
        "Your points change on %(on)s and on %(others)s more days",
        others,
    )
    return title % {"on": date_format(steps[0].on, "j F Y"), "others": others}


def _title_of_changes(changes: Sequence[StageChange]) -> str:
    """Name the first product and count the others."""
    first, others = changes[0], len(changes) - 1
    title = _("From %(on)s %(product)s counts differently")
    if others:
        title = ngettext(
            "From %(on)s %(product)s and one more product count differently",
            "From %(on)s %(product)s and %(others)s more products count differently",
            others,
        )
    return title % {"on": date_format(first.effective_on, "j F Y"), "product": first.product.name, "others": others}


def _totals_then(step: Step) -> str:
    """The total and the level after an announced change."""
    is_same = step.level_before == step.level_after
    level = _("You’ll still be %(level)s.") if is_same else _("You’ll be %(level)s.")
    sentence = _("Your total will be %(points)s.") + " " + level
    return sentence % {"points": intcomma(step.total_after), "level": step.level_after.label}


def _plan_cancelled(reading: Reading, notices: Sequence[Notice]) -> dict[int, Words]:
    rows_with_changes = list(_with_rows(notices, "change", StageChange.objects.select_related("product")))
    products = {change.product_id for _row, change in rows_with_changes}
    others = list(StageChange.objects.filter(product__in=products))
    held = Registration.objects.of(reading.member).filter(state=RegistrationState.VALIDATED, product__in=products)
    held_products = set(held.values_list("product", flat=True))
    words = {}
    for row, change in rows_with_changes:
        is_current = keeps_its_points(
            change,
            [other for other in others if other.product_id == change.product_id],
            is_held=change.product_id in held_products,
        )
        title = _("%(product)s keeps its points") % {"product": change.product.name}
        words[row.pk] = Words(title, _cancelled_on(change.effective_on), is_current)
    return words


def _cancelled_on(day: date) -> str:
    return _("The change we announced for %(on)s was cancelled.") % {"on": date_format(day, "j F Y")}


def _points_adjusted(_reading: Reading, notices: Sequence[Notice]) -> dict[int, Words]:
    words = {}
    for row, adjustment in _with_rows(notices, "adjustment", Adjustment.objects.all()):
        ended = bool(row.params["ended"])
        amount = signed(-adjustment.points if ended else adjustment.points)
        title = _("Our staff changed your points: %(amount)s") % {"amount": amount}
        words[row.pk] = Words(title, adjustment.reason, ended == (adjustment.ended_at is not None))
    return words


def _levels_will_change(reading: Reading, notices: Sequence[Notice]) -> dict[int, Words]:
    words = {}
    for row in notices:
        plan = reading.plans[row.params["plan"]]
        points = points_on(plan.effective_on, reading.steps, reading.member.points)
        then = levels_then(plan, points, reading.threshold_rows)
        title = _("From %(on)s the levels start at new totals") % {"on": date_format(plan.effective_on, "j F Y")}
        values = {"points": intcomma(points), "level": then.after.label if then else ""}
        text = _("With your %(points)s points you’ll be %(level)s then.")
        if points != reading.member.points:
            text = _("With everything that’s planned you’ll have %(points)s points and be %(level)s then.")
        detail = text % values if then else ""
        words[row.pk] = Words(title, detail, then is not None)
    return words


def _levels_stay(reading: Reading, notices: Sequence[Notice]) -> dict[int, Words]:
    plans = {row.pk: reading.plans[row.params["plan"]] for row in notices}
    title = _("The levels stay as they are")
    every = list(reading.plans.values())
    return {
        key: Words(title, _cancelled_on(plan.effective_on), levels_stay_as_they_are(plan, every))
        for key, plan in plans.items()
    }


# --- Kit -------------------------------------------------------------------------------------------


def _registrations(_reading: Reading, notices: Sequence[Notice]) -> dict[int, Words]:
    rows = Registration.objects.select_related("product")
    return {notice.pk: _registration(notice, row) for notice, row in _with_rows(notices, "registration", rows)}


def _registration(notice: Notice, row: Registration) -> Words:
    product = {"product": row.product.name}
    counts = row.state == RegistrationState.VALIDATED
    if notice.code == N.REGISTRATION_REFUSED:
        asked = _("Send us one more thing for %(product)s") % product
        title = asked if row.refusal_reason in ASKING else _("%(product)s wasn’t accepted") % product
        reason = row.asked_for or (RefusalReason(row.refusal_reason).label if row.refusal_reason else "")
        is_newest = row.decided_at is not None and row.decided_at <= notice.at
        return Words(title, reason, row.state == RegistrationState.REJECTED and is_newest)
    if notice.code == N.HANDED_OVER:
        is_sold = row.state == RegistrationState.TRANSFERRED
        return Words(_("%(product)s has a new owner") % product, _("They’ve redeemed your code."), is_sold)
    if notice.code == N.CAME_TO_YOU:
        detail = _("It counts already, with its first date of purchase.")
        return Words(_("%(product)s is yours now") % product, detail, counts)
    return Words(_("%(product)s counts now") % product, _("We’ve checked it and approved it."), counts)


def _stolen(_reading: Reading, notices: Sequence[Notice]) -> dict[int, Words]:
    rows_with_reports = list(_with_rows(notices, "report", StolenReport.objects.select_related("product")))
    again = set(
        StolenReport.objects.active()
        .filter(registration__in=[report.registration_id for _row, report in rows_with_reports])
        .values_list("registration", flat=True)
    )
    words = {}
    for row, report in rows_with_reports:
        product = {"product": report.product.name}
        if row.code == N.STOLEN_PRESENTED:
            title = _("Your stolen %(product)s has turned up") % product
            detail = _(
                "Someone tried to register it or brought it to a centre. They were told nothing. Write to us, with the"
                " police reference."
            )
            words[row.pk] = Words(title, detail, report.lifted_at is None)
        else:
            title = _("%(product)s is no longer reported stolen") % product
            is_current = report.lifted_at is not None and report.registration_id not in again
            words[row.pk] = Words(title, _("You can use it as before."), is_current)
    return words


# --- Cases, offers, pack and card ------------------------------------------------------------------

CASE_EVENTS = {N.CASE_ANSWERED: ANSWERED, N.CASE_ASKED: ASKED, N.CASE_CLOSED: CLOSED}


def _cases(_reading: Reading, notices: Sequence[Notice]) -> dict[int, Words]:
    sentences = {
        N.CASE_ANSWERED: (_("We’ve answered your message"), _("Case %(reference)s.")),
        N.CASE_ASKED: (_("Please answer: %(subject)s"), _("Case %(reference)s is waiting for your reply.")),
        N.CASE_CLOSED: (_("Case closed"), _("Case %(reference)s. If the problem comes back, reply there.")),
    }
    words = {}
    for row, case in _with_rows(notices, "case", Case.objects.all()):
        code = NoticeCode(row.code)
        title, detail = sentences[code]
        values = {"reference": case.reference_in_groups, "subject": case.subject or case.get_kind_display()}
        is_current = is_case_news_current(case, CASE_EVENTS[code])
        words[row.pk] = Words(title % values, detail % values, is_current)
    return words


def _welcome_pack(reading: Reading, notices: Sequence[Notice]) -> dict[int, Words]:
    words = Words(_("Your Welcome Pack is waiting"), _("Tell us where to send it."), reading.pack_offered)
    return {row.pk: words for row in notices}


PACK_STEPS = {
    N.PACK_DISPATCHED: PackStep.DISPATCHED,
    N.PACK_RETURNED: PackStep.RETURNED,
    N.PACK_SENT_AGAIN: PackStep.SENT_AGAIN,
    N.PACK_CANCELLED: PackStep.CANCELLED,
}


def _packs(reading: Reading, notices: Sequence[Notice]) -> dict[int, Words]:
    sentences = {
        N.PACK_DISPATCHED: (_("Your Welcome Pack is on its way"), _("Track it here, and tell us when it arrives.")),
        N.PACK_RETURNED: (
            _("Your Welcome Pack came back to us"),
            _("We’ll send it again. Check your address first."),
        ),
        N.PACK_SENT_AGAIN: (_("Your Welcome Pack is being sent again"), _("Track it here.")),
        N.PACK_LATE: (
            _("Your Welcome Pack is taking longer"),
            _("Our staff are looking into it. You don’t have to do anything."),
        ),
        N.PACK_CANCELLED: (
            _("Your Welcome Pack was cancelled"),
            _("If you didn’t expect this, write to us. We can still send it."),
        ),
    }
    words = {}
    for row, pack in _with_rows(notices, "pack", WelcomePack.objects.all()):
        code = NoticeCode(row.code)
        if code == N.PACK_LATE:
            is_current = pack.sending == row.params["sending"] and pack.state == PackState.REQUESTED
        else:
            is_current = is_step_current(pack, row.params["sending"], PACK_STEPS[code])
        title, detail = sentences[code]
        if code == N.PACK_RETURNED and not reading.is_active:
            detail = _("It waits here until you live in a country of the free programme.")
        if code == N.PACK_CANCELLED and pack.can_be_requested_again:
            detail = _("You can request it again as soon as you live in a country of the free programme.")
        words[row.pk] = Words(title, detail, is_current)
    return words


def _card_replaced(_reading: Reading, notices: Sequence[Notice]) -> dict[int, Words]:
    live = set(Card.objects.live().filter(pk__in=_keys(notices, "card")).values_list("pk", flat=True))
    back = set(CardRequest.objects.returned().filter(pk__in=_keys(notices, "request")).values_list("pk", flat=True))
    title, detail = _("You have a new card"), _("The old one doesn’t work any more. Open the new one.")
    returned = _("Your printed card came back"), _("Check the address, and we’ll send it again.")
    return {
        row.pk: Words(*returned, row.params["request"] in back)
        if "request" in row.params
        else Words(title, detail, row.params["card"] in live)
        for row in notices
    }


def _sign_ups(reading: Reading, notices: Sequence[Notice]) -> dict[int, Words]:
    sentences = {
        N.PLACE_FREE: (_("You have a place: %(title)s"), _("If you can’t come, give it up for the next in line.")),
        N.OFFER_CHANGED: (
            _("Changed: %(title)s"),
            _("See the new time and venue. If they don’t suit you, give up your place."),
        ),
        N.OFFER_WITHDRAWN: (_("Cancelled: %(title)s"), _("You don’t have to do anything.")),
    }
    words = {}
    for row, sign_up in _with_rows(notices, "sign_up", SignUp.objects.select_related("offer")):
        code = NoticeCode(row.code)
        title, detail = sentences[code]
        is_current = is_sign_up_news_current(sign_up, code, reading.now, row.params.get("known", ()))
        words[row.pk] = Words(title % {"title": sign_up.offer.local.title}, detail, is_current)
    return words


def _moved(reading: Reading, notices: Sequence[Notice]) -> dict[int, Words]:
    words = {}
    for row in notices:
        country = Country(row.params["to"])
        title = _("Your country is %(country)s now") % {"country": country.name}
        detail = _("See what stops, what stays and where to go.")
        words[row.pk] = Words(title, detail, country == reading.member.country)
    return words


def _country_changes(reading: Reading, notices: Sequence[Notice]) -> dict[int, Words]:
    told = {code: what for what, code in COUNTRY_CODES.items()}
    return {
        row.pk: Words(
            country_change.title_of(told[N(row.code)], plan),
            country_change.detail_of(told[N(row.code)], plan),
            country_change.is_current(told[N(row.code)], plan, reading.member),
        )
        for row, plan in _with_rows(notices, "plan", CountryPlan.objects.all())
    }


# --- Servicing -------------------------------------------------------------------------------------


def _tickets(reading: Reading, notices: Sequence[Notice]) -> dict[int, Words]:
    kinds = {row.params["kind"] for row in notices}
    tickets = news.tickets_for_news(_keys(notices, "ticket"), kinds)
    words = {}
    for row in notices:
        item = news.News(row.params["kind"], tickets[row.params["ticket"]], reading.now, row.params)
        title, detail = events.SENTENCES.get(item.kind, events.DEFAULT_SENTENCES)
        loan = item.loan if item.kind in events.ABOUT_THE_UNIT else None
        about = loan.unit.product if loan else item.ticket.product
        values = {"product": about.name, **events.NUMBERS}
        words[row.pk] = Words(str(title) % values, str(detail) % values, news.is_current(item))
    return words


Reader = Callable[[Reading, Sequence[Notice]], dict[int, Words]]
READERS: Mapping[NoticeCode, Reader] = {
    N.LEVEL_UP: _levels,
    N.LEVEL_DOWN: _levels,
    N.REGISTRATION_APPROVED: _registrations,
    N.REGISTRATION_REFUSED: _registrations,
    N.POINTS_WILL_CHANGE: _points_will_change,
    N.PLAN_CANCELLED: _plan_cancelled,
    N.POINTS_ADJUSTED: _points_adjusted,
    N.LEVELS_WILL_CHANGE: _levels_will_change,
    N.LEVELS_STAY: _levels_stay,
    N.CASE_ANSWERED: _cases,
    N.CASE_ASKED: _cases,
    N.CASE_CLOSED: _cases,
    N.HANDED_OVER: _registrations,
    N.CAME_TO_YOU: _registrations,
    N.STOLEN_PRESENTED: _stolen,
    N.STOLEN_LIFTED: _stolen,
    N.MOVED: _moved,
    N.COUNTRY_WILL_CHANGE: _country_changes,
    N.COUNTRY_STAYS: _country_changes,
    N.COUNTRY_CHANGED: _country_changes,
    N.WELCOME_PACK: _welcome_pack,
    N.PACK_DISPATCHED: _packs,
    N.PACK_RETURNED: _packs,
    N.PACK_SENT_AGAIN: _packs,
    N.PACK_LATE: _packs,
    N.PACK_CANCELLED: _packs,
    N.CARD_REPLACED: _card_replaced,
    N.PLACE_FREE: _sign_ups,
    N.OFFER_CHANGED: _sign_ups,
    N.TICKET: _tickets,
    N.OFFER_WITHDRAWN: _sign_ups,
}
