"""Render the e-mails about registrations, points and planned changes. Nothing is sent here."""

from collections.abc import Iterable

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from cps_portal.core.outbox.mail import render_mail
from cps_portal.core.outbox.renderers import renderer
from kitbag.enums import ASKING, RefusalReason, RegistrationState
from kitbag.models import Adjustment, Registration, StageChange, StolenReport
from kitbag.queries.forecast import Step, forecast, points_on, waiting_registrations
from members.emails import POINTS_PATH, level_note_context, levels_then
from members.enums import ChangeState
from members.models import Member, ThresholdPlan, threshold_rows
from members.queries import confirmed_first_name
from members.rules import fewest_to_close

PROOF_ASKED_FOR = _("the receipt or the invoice. We check a few products at random, and this is one of them.")
KITBAG_PATH = "/kitbag/"
UPCOMING_CHANGES_PATH = "/kitbag/upcoming/"
MAX_PRODUCTS_NAMED = 5


@renderer("kitbag.counted")
def counted(*, registrations: list[int]) -> dict[str, str] | None:
    """Products that count now (R19, R56), with today's total. None if none of them does any more.

    The member chooses whether to be told of those that nobody decided about; decisions are always told.
    """
    rows = Registration.objects.filter(pk__in=registrations, state=RegistrationState.VALIDATED)
    products = sorted(rows.select_related("product", "member"), key=lambda row: (-row.product.points, row.pk))
    if not products or products[0].member.closed_at:
        return None
    member = products[0].member
    is_optional = all(row.decided_by_id is None for row in products)
    if is_optional and not member.wants_counted:
        return None
    path = products[0].get_absolute_url() if len(products) == 1 else KITBAG_PATH
    context = {
        "member": member,
        "first_name": confirmed_first_name(member),
        "products": products,
        "points": member.points,
        "level_name": member.get_level_display(),
        "url": f"{settings.SITE_URL}{path}",
        "unsubscribe_url": member.unsubscribe_url("wants_counted") if is_optional else "",
    }
    return render_mail("registration_approved", context, language=member.language)


@renderer("kitbag.refused")
def refused(*, registration: int) -> dict[str, str] | None:
    """A registration was refused, or something more is asked for (R19, R56). None if that is no longer so."""
    row = Registration.objects.select_related("product", "member").get(pk=registration)
    if row.state != RegistrationState.REJECTED or row.member.closed_at:
        return None
    with translation.override(row.member.language):
        context = {
            "member": row.member,
            "first_name": confirmed_first_name(row.member),
            "product": row.product,
            "product_name": row.product.name,
            "reason": str(RefusalReason(row.refusal_reason).label),
            "asked_for": row.asked_for or str(PROOF_ASKED_FOR),
            "url": f"{settings.SITE_URL}{row.get_absolute_url()}",
        }
    template = "registration_asked" if row.refusal_reason in ASKING else "registration_refused"
    return render_mail(template, context, language=row.member.language)


def steps_announced(steps: Iterable[Step], changes: Iterable[StageChange]) -> list[Step]:
    """The days on which one of the announced `changes` still lies ahead of the member, the next first (R22)."""
    days = {change.effective_on for change in changes if change.state == ChangeState.PLANNED}
    announced = {change.pk for change in changes}
    return [step for step in steps if step.on in days and any(fall.change.pk in announced for fall in step.falls)]


@renderer("kitbag.points_will_change")
def points_will_change(*, member: int, changes: list[int]) -> dict[str, str] | None:
    """The announced changes: by day, the total and level after it, and what would keep the level (R22).

    None, so that it is not sent, if none of the changes is still planned or affects the member.
    """
    rows = StageChange.objects.filter(pk__in=changes).select_related("replaces")
    reader = Member.objects.open().filter(pk=member).first()
    steps = steps_announced(forecast(reader, timezone.localdate()), rows) if reader else []
    if reader is None or not steps:
        return None
    replaced = [row.replaces for row in rows if row.replaces and row.replaces.announcements.filter(member=member)]
    context = {
        "member": reader,
        "first_name": confirmed_first_name(reader),
        "steps": steps,
        "step": steps[0],
        "keeping": _keeping(reader, steps[0]),
        **level_note_context(reader),
        "instead_of": [old.effective_on for old in replaced if old.effective_on not in {step.on for step in steps}],
        "url": f"{settings.SITE_URL}{UPCOMING_CHANGES_PATH}",
    }
    return render_mail("points_will_change", context, language=reader.language)


def _keeping(member: Member, step: Step) -> list[Registration]:
    """The fewest registrations of the member that would keep the level on that day if they counted."""
    if not step.gap:
        return []
    waiting = {row.pk: row for row in waiting_registrations(member)}
    worth = [(key, row.product.points) for key, row in waiting.items()]
    return [waiting[key] for key in fewest_to_close(step.gap, worth)]


def keeps_its_points(change: StageChange, others: Iterable[StageChange], *, is_held: bool) -> bool:
    """Whether a cancelled change still means that the product keeps its points: `others` are changes of the product."""
    later = [other for other in others if other.planned_at > change.planned_at]
    is_off = change.state == ChangeState.CANCELLED
    return is_off and is_held and all(other.state == ChangeState.CANCELLED for other in later)


@renderer("kitbag.plan_cancelled")
def plan_cancelled(*, member: int, change: int) -> dict[str, str] | None:
    """A change that the member was notified of was cancelled (R22). None if the product will change after all."""
    row = StageChange.objects.select_related("product").get(pk=change)
    reader = Member.objects.open().filter(pk=member).first()
    if reader is None:
        return None
    held = Registration.objects.of(reader).filter(product=row.product, state=RegistrationState.VALIDATED)
    if not keeps_its_points(row, row.product.stage_changes.all(), is_held=held.exists()):
        return None
    context = {
        "member": reader,
        "first_name": confirmed_first_name(reader),
        "change": row,
        "points": reader.points,
        "level_name": reader.get_level_display(),
        "url": f"{settings.SITE_URL}{UPCOMING_CHANGES_PATH}",
    }
    return render_mail("plan_cancelled", context, language=reader.language)


@renderer("members.levels_will_change")
def levels_will_change(*, member: int, plan: int) -> dict[str, str] | None:
    """A threshold change will change the member's level (R22), by the points that they will have on its day (R70).

    None if that is no longer the case. Here and not in `members`, because points to come are known here.
    """
    row = ThresholdPlan.objects.get(pk=plan)
    reader = Member.objects.open().filter(pk=member).first()
    if reader is None:
        return None
    points = points_on(row.effective_on, forecast(reader, timezone.localdate()), reader.points)
    then = levels_then(row, points, threshold_rows())
    if then is None:
        return None
    context = {
        "member": reader,
        "first_name": confirmed_first_name(reader),
        "plan": row,
        "before": then.before.label,
        "after": then.after.label,
        "level_now": reader.get_level_display(),
        "points": reader.points,
        "points_then": then.points,
        "gap": then.gap,
        **level_note_context(reader),
        "url": f"{settings.SITE_URL}{UPCOMING_CHANGES_PATH}",
    }
    return render_mail("levels_will_change", context, language=reader.language)


@renderer("kitbag.points_adjusted")
def points_adjusted(*, adjustment: int, ended: bool) -> dict[str, str] | None:
    """Staff added points, or an adjustment has ended (R21)."""
    row = Adjustment.objects.select_related("member").get(pk=adjustment)
    reader = row.member
    if reader.closed_at or (row.ended_at and not ended):
        return None
    context = {
        "member": reader,
        "first_name": confirmed_first_name(reader),
        "adjustment": row,
        "ended": ended,
        "points": reader.points,
        "level_name": reader.get_level_display(),
        "url": f"{settings.SITE_URL}{POINTS_PATH}",
    }
    return render_mail("points_adjusted", context, language=reader.language)


@renderer("kitbag.handed_over")
def handed_over(*, registration: int, sold: bool) -> dict[str, str] | None:
    """A product was handed over: to the seller or the buyer; neither learns who the other is (R35)."""
    row = Registration.objects.select_related("product", "member").get(pk=registration)
    is_current = row.state == (RegistrationState.TRANSFERRED if sold else RegistrationState.VALIDATED)
    if row.member.closed_at or not is_current:
        return None
    return render_mail(
        "handed_over",
        {
            "member": row.member,
            "first_name": confirmed_first_name(row.member),
            "product": row.product,
            "product_name": row.product.name,
            "sold": sold,
            "points": row.member.points,
            "level_name": row.member.get_level_display(),
            "url": f"{settings.SITE_URL}{row.get_absolute_url()}",
        },
        language=row.member.language,
    )


@renderer("kitbag.stolen_presented")
def stolen_presented(*, report: int) -> dict[str, str] | None:
    """To the owner of stolen kit: somebody presented it (R34). It does not say where or who."""
    row = StolenReport.objects.select_related("product", "registration", "member").get(pk=report)
    if row.member is None or row.registration is None or row.member.closed_at or row.lifted_at:
        return None
    return render_mail(
        "stolen_presented",
        {
            "member": row.member,
            "first_name": confirmed_first_name(row.member),
            "product": row.product,
            "product_name": row.product.name,
            "police_reference": row.police_reference,
            "url": f"{settings.SITE_URL}{row.registration.get_absolute_url()}",
        },
        language=row.member.language,
    )


@renderer("kitbag.reminder")
def reminder(*, member: int) -> dict[str, str] | None:
    """The products that the member has not finished (R16). None if there are none or reminders are switched off."""
    reader = Member.objects.open().filter(pk=member, wants_reminders=True).first()
    if reader is None:
        return None
    rows = Registration.objects.needing(reader).select_related("product")
    unfinished = sorted(rows, key=lambda row: (-row.product.points, row.pk))
    if not unfinished:
        return None
    context = {
        "member": reader,
        "first_name": confirmed_first_name(reader),
        "unfinished": unfinished[:MAX_PRODUCTS_NAMED],
        "more": max(len(unfinished) - MAX_PRODUCTS_NAMED, 0),
        "points": sum(row.product.points for row in unfinished),
        "url": f"{settings.SITE_URL}/kitbag/?show=needs",
        "unsubscribe_url": reader.unsubscribe_url("wants_reminders"),
    }
    return render_mail("reminder", context, language=reader.language)
