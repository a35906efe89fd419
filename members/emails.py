"""Mails to members about their account and levels."""

from django.conf import settings
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from cps_portal.core.outbox.mail import render_mail
from cps_portal.core.outbox.renderers import renderer
from members import rules
from members.enums import ChangeState, Level, PointsCause
from members.models import LevelThreshold, Member, ThresholdPlan

POINTS_PATH = "/kitbag/points/"
PACK_PATH = "/offers/welcome-pack/"
UPCOMING_CHANGES_PATH = "/kitbag/upcoming/"
SIGN_IN_PATH = "/accounts/login/"


def welcome(member: Member) -> dict[str, str]:
    """The welcome mail (R8)."""
    return render_mail(
        "welcome",
        {"member": member, "number": member.number_in_groups, "url": settings.SITE_URL},
        language=member.language,
    )


def account_mail(member: Member, template: str) -> dict[str, str]:
    """The account was closed, and until when it can be reopened; or it was reopened (R14)."""
    until = member.reopens_until
    with translation.override(member.language):
        context = {
            "first_name": member.first_name,
            "until": date_format(timezone.localtime(until), "j F Y") if until else "",
            "url": f"{settings.SITE_URL}{SIGN_IN_PATH if until else '/'}",
        }
    return render_mail(template, context, language=member.language)


@renderer("members.level_changed")
def level_changed(*, member: int, points: int, cause: str, about: str, **levels: str) -> dict[str, str] | None:
    """A level was reached or lost (R11, R56), with the points missing to the next one (R12).

    `levels` are "from" and "to", which are keywords of Python. None if the account has been closed.
    """
    reader = Member.objects.open().filter(pk=member).first()
    if reader is None:
        return None
    before, after = Level(levels["from"]), Level(levels["to"])
    ahead = rules.next_level(points, LevelThreshold.objects.in_force())
    with translation.override(reader.language):
        context = {
            "member": reader,
            "first_name": reader.first_name,
            "from_level_name": before.label,
            "to_level_name": after.label,
            "to_level": after.value,
            "up": after.rank > before.rank,
            "points": points,
            "next_level_name": Level(ahead[0]).label if ahead else "",
            "points_missing": ahead[1] if ahead else 0,
            "cause": _cause(PointsCause(cause), about),
            "url": f"{settings.SITE_URL}{POINTS_PATH}",
        }
    return render_mail("level_changed", context, language=reader.language)


def _cause(cause: PointsCause, product: str) -> str:
    """Why the points changed, in a sentence."""
    if product and cause == PointsCause.VALIDATED:
        return _("Your %(product)s counts now.") % {"product": product}
    return f"{product}: {cause.label}." if product else f"{cause.label}."


@renderer("members.levels_will_change")
def levels_will_change(*, member: int, plan: int) -> dict[str, str] | None:
    """A threshold change will change the member's level (R22). None if that is no longer the case."""
    row = ThresholdPlan.objects.filter(pk=plan, state=ChangeState.PLANNED).first()
    reader = Member.objects.open().filter(pk=member).first()
    if row is None or reader is None:
        return None
    before = Level(rules.level_for(reader.points, LevelThreshold.objects.in_force()))
    after = Level(rules.level_for(reader.points, row.thresholds))
    if before == after:
        return None
    context = {
        "member": reader,
        "first_name": reader.first_name,
        "plan": row,
        "before": before.label,
        "after": after.label,
        "up": after.rank > before.rank,
        "points": reader.points,
        "gap": max(row.thresholds[before] - reader.points, 0),
        "url": f"{settings.SITE_URL}{UPCOMING_CHANGES_PATH}",
    }
    return render_mail("levels_will_change", context, language=reader.language)


@renderer("members.levels_stay")
def levels_stay(*, member: int, plan: int) -> dict[str, str] | None:
    """A threshold change that the member was notified of has been cancelled."""
    reader = Member.objects.open().filter(pk=member).first()
    if reader is None:
        return None
    context = {
        "member": reader,
        "first_name": reader.first_name,
        "plan": ThresholdPlan.objects.get(pk=plan),
        "url": f"{settings.SITE_URL}{UPCOMING_CHANGES_PATH}",
    }
    return render_mail("levels_stay", context, language=reader.language)
