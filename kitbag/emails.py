"""Render the e-mails about registrations, points and planned changes. Nothing is sent here."""

from django.conf import settings
from django.utils import timezone, translation

from cps_portal.core.outbox.mail import render_mail
from cps_portal.core.outbox.renderers import renderer
from kitbag.enums import RefusalReason, RegistrationState
from kitbag.models import Adjustment, Registration, StageChange, StolenReport
from kitbag.queries.forecast import forecast, step_on, waiting_registrations
from members.emails import POINTS_PATH
from members.enums import ChangeState
from members.models import Member
from members.rules import fewest_to_close

UPCOMING_CHANGES_PATH = "/kitbag/upcoming/"


def decision(row: Registration) -> dict[str, str]:
    """A registration was approved or refused, or staff ask for more (R19, R56)."""
    refused = row.state == RegistrationState.REJECTED
    asked = row.refusal_reason == RefusalReason.NEEDS_EVIDENCE
    with translation.override(row.member.language):
        reason = str(RefusalReason(row.refusal_reason).label) if refused else ""
    template = "registration_refused" if refused else "registration_approved"
    return render_mail(
        "registration_asked" if asked else template,
        {
            "member": row.member,
            "first_name": row.member.first_name,
            "product_name": row.product.name,
            "points": row.product.points,
            "reason": reason,
            "asked_for": row.asked_for,
            "url": f"{settings.SITE_URL}{row.get_absolute_url()}",
        },
        language=row.member.language,
    )


@renderer("kitbag.points_will_change")
def points_will_change(*, member: int, changes: list[int]) -> dict[str, str] | None:
    """The changes planned for one day, the total and level after it, and what would keep the level (R22).

    None, so that it is not sent, if none of the changes is still planned or affects the member.
    """
    rows = StageChange.objects.filter(pk__in=changes, state=ChangeState.PLANNED).select_related("replaces")
    reader = Member.objects.open().filter(pk=member).first()
    first = rows.first()
    if first is None or reader is None:
        return None
    step = step_on(forecast(reader, timezone.localdate()), first.effective_on)
    if step is None or not step.falls:
        return None
    keeping = {}
    if step.gap:
        waiting = {row.pk: row for row in waiting_registrations(reader)}
        worth = [(key, row.product.points) for key, row in waiting.items()]
        keeping = {key: waiting[key] for key in fewest_to_close(step.gap, worth)}
    replaced = [row.replaces for row in rows if row.replaces and row.replaces.announcements.filter(member=member)]
    context = {
        "member": reader,
        "first_name": reader.first_name,
        "step": step,
        "keeping": list(keeping.values()),
        "instead_of": [old.effective_on for old in replaced if old.effective_on != step.on],
        "notice_days": settings.NOTICE_DAYS,
        "url": f"{settings.SITE_URL}{UPCOMING_CHANGES_PATH}",
    }
    return render_mail("points_will_change", context, language=reader.language)


@renderer("kitbag.plan_cancelled")
def plan_cancelled(*, member: int, change: int) -> dict[str, str] | None:
    """A change that the member was notified of was cancelled (R22)."""
    reader = Member.objects.open().filter(pk=member).first()
    if reader is None:
        return None
    context = {
        "member": reader,
        "first_name": reader.first_name,
        "change": StageChange.objects.select_related("product").get(pk=change),
        "points": reader.points,
        "level_name": reader.get_level_display(),
        "url": f"{settings.SITE_URL}{UPCOMING_CHANGES_PATH}",
    }
    return render_mail("plan_cancelled", context, language=reader.language)


@renderer("kitbag.points_adjusted")
def points_adjusted(*, adjustment: int, ended: bool) -> dict[str, str] | None:
    """Staff added points, or an adjustment has ended (R21)."""
    row = Adjustment.objects.select_related("member").get(pk=adjustment)
    reader = row.member
    if reader.closed_at or (row.ended_at and not ended):
        return None
    context = {
        "member": reader,
        "first_name": reader.first_name,
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
    if row.member.closed_at:
        return None
    return render_mail(
        "handed_over",
        {
            "member": row.member,
            "first_name": row.member.first_name,
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
    if row.member is None or row.registration is None or row.member.closed_at:
        return None
    return render_mail(
        "stolen_presented",
        {
            "member": row.member,
            "first_name": row.member.first_name,
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
        "first_name": reader.first_name,
        "unfinished": unfinished[:5],
        "more": max(len(unfinished) - 5, 0),
        "points": sum(row.product.points for row in unfinished),
        "url": f"{settings.SITE_URL}/kitbag/?show=needs",
    }
    return render_mail("reminder", context, language=reader.language)
