"""Mails about accounts and levels."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from django.conf import settings
from django.core import signing
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from cps_portal.core.lib.written_dates import date_format
from cps_portal.core.outbox.mail import render_mail
from cps_portal.core.outbox.renderers import renderer
from members import rules
from members.enums import ChangeState, Level, PointsCause, PushKind
from members.models import EmailChange, LevelChange, LevelThreshold, Member, Notice, ThresholdPlan
from members.queries import confirmed_first_name, membership_of

POINTS_PATH = "/kitbag/points/"
PACK_PATH = "/offers/welcome-pack/"
UPCOMING_CHANGES_PATH = "/kitbag/upcoming/"
COUNTRY_CHANGE_PATH = "/country-change/"
SIGN_IN_PATH = "/accounts/login/"
UNDO_EMAIL_PATH = "/accounts/email/undo/"
UNDO_EMAIL_SALT = "members.email-undo"
PUSH_TEXTS = {  # anybody may read a lock screen: no names, products, numbers or levels
    PushKind.READY: _lazy("Your repair is ready."),
    PushKind.LATE: _lazy("A repair takes longer than planned. See the new date."),
    PushKind.ESTIMATE: _lazy("An estimate is waiting for your answer."),
    PushKind.POINTS: _lazy("Some of your points are going to change."),
    PushKind.LEVEL: _lazy("You’ve reached a new level."),
}


def joined_context(member: Member) -> dict[str, object]:
    """For the mail at joining, which also confirms the address (R8).

    It goes to an address that nobody has confirmed: so nothing of it was typed, the name least of all.
    """
    return {"member": member, "number": member.number_in_groups, **level_note_context(member)}


@renderer("members.account")
def account(*, member: int, template: str) -> dict[str, str] | None:
    """The account was closed, and until when it can be reopened; or it was reopened (R14). None if it was again."""
    reader = Member.objects.get(pk=member)
    until = reader.reopens_until
    if reader.erased_at or (until is not None) != (template == "account_closed"):
        return None
    with translation.override(reader.language):
        context = {
            "first_name": confirmed_first_name(reader),
            "until": date_format(timezone.localtime(until), "j F Y") if until else "",
            "url": f"{settings.SITE_URL}{SIGN_IN_PATH if until else '/'}",
        }
    return render_mail(template, context, language=reader.language)


@renderer("members.level_changed")
def level_changed(*, first: int, last: int) -> dict[str, str] | None:
    """A level was reached or lost by the level changes from `first` to `last` (R11, R12, R56), in today's numbers.

    None if the member has another level by now, or the old one again, or the account has been closed.
    """
    change = LevelChange.objects.select_related("member").get(pk=last)
    reader = change.member
    before, after = Level(LevelChange.objects.get(pk=first).from_level), Level(change.to_level)
    if reader.closed_at or reader.level != after or before == after:
        return None
    thresholds = LevelThreshold.objects.in_force()
    ahead = rules.next_level(reader.points, thresholds)
    gives_more = ahead is not None and membership_of(reader).gives_more_at(ahead[0])
    with translation.override(reader.language):
        context = {
            "member": reader,
            "first_name": confirmed_first_name(reader),
            "from_level_name": before.label,
            "to_level_name": after.label,
            "to_level": after.value,
            "up": after.rank > before.rank,
            "points": reader.points,
            "level_start": thresholds[after],
            "next_level_name": Level(ahead[0]).label if ahead and gives_more else "",
            "points_missing": ahead[1] if ahead else 0,
            **level_note_context(reader),
            "cause": _cause(PointsCause(change.cause), change.about),
            "url": f"{settings.SITE_URL}{POINTS_PATH}",
        }
    return render_mail("level_changed", context, language=reader.language)


@renderer("members.push")
def push(*, notice: str, kind: str) -> dict[str, str] | None:
    """What a browser shows of a notice (R56). None if it has been read, or the account is closed."""
    row = Notice.objects.select_related("member").filter(key=notice, read_at=None, member__closed_at=None).first()
    if row is None:
        return None
    with translation.override(row.member.language):
        return {"title": "CPS", "text": str(PUSH_TEXTS[PushKind(kind)]), "path": row.path, "tag": kind}


def undo_path(change: EmailChange) -> str:
    """The address of the page that undoes it, for the old mailbox only."""
    return f"{UNDO_EMAIL_PATH}{signing.dumps(change.pk, salt=UNDO_EMAIL_SALT)}/"


@renderer("members.email_changed")
def email_changed(*, change: int) -> dict[str, str] | None:
    """To the old address: the account has another one, and how to undo it. None if that is no longer possible."""
    return _about_change(change, "email_changed", undo=True)


@renderer("members.email_undone")
def email_undone(*, change: int) -> dict[str, str] | None:
    """To both addresses: the old one is back."""
    return _about_change(change, "email_undone")


@renderer("members.reset_held")
def reset_held(*, change: int) -> dict[str, str] | None:
    """To a new address: from when on it gets links for a new password. None if it is no longer the address."""
    return _about_change(change, "reset_held")


@renderer("members.reset_asked")
def reset_asked(*, change: int) -> dict[str, str] | None:
    """To an old address: somebody asked for a new password with the new one, and how to undo the change."""
    return _about_change(change, "reset_asked", undo=True)


def _about_change(key: int, template: str, *, undo: bool = False) -> dict[str, str] | None:
    change = EmailChange.objects.select_related("user__member").filter(pk=key).first()
    if change is None or (change.undone_at is not None) != (template == "email_undone"):
        return None
    if undo and change.undo_until < timezone.now():
        return None
    member = getattr(change.user, "member", None)
    language = member.language if member else settings.LANGUAGE_CODE
    with translation.override(language):
        held_until = change.at + timedelta(hours=settings.EMAIL_RESET_WAIT_HOURS)
        context = {
            "change": change,
            "until": date_format(timezone.localtime(change.undo_until), "j F Y"),
            "held_until": date_format(timezone.localtime(held_until), "j F Y, H:i"),
            "url": settings.SITE_URL + (undo_path(change) if undo else SIGN_IN_PATH),
        }
    return render_mail(template, context, language=language)


def level_note_context(member: Member) -> dict[str, object]:
    """For `emails/_level_note.txt`: what levels give where the member lives, if less than their names say (R65)."""
    return {"membership": membership_of(member), "country": member.country}


def _cause(cause: PointsCause, product: str) -> str:
    """Why the points changed, in a sentence."""
    if product and cause == PointsCause.VALIDATED:
        return _("Your %(product)s counts now.") % {"product": product}
    return f"{product}: {cause.label}." if product else f"{cause.label}."


@dataclass(frozen=True)
class LevelsThen:
    """What a planned threshold change does to a member, by the points that they will have on its day (R22)."""

    before: Level
    after: Level
    points: int
    gap: int  # points that are missing to keep the level


def levels_then(plan: ThresholdPlan, points: int, thresholds: Iterable[tuple[str, int, date]]) -> LevelsThen | None:
    """None if the plan is cancelled or has begun, or changes no level at that many points.

    `points` are those of the plan's day, after everything else that is planned until then; `thresholds` are all rows,
    also of other plans (`threshold_rows`).
    """
    if plan.state != ChangeState.PLANNED:
        return None
    earlier = [row for row in thresholds if row[2] < plan.effective_on]
    without = rules.thresholds_on(earlier, plan.effective_on)
    before, after = (Level(rules.level_for(points, levels)) for levels in (without, plan.thresholds))
    if before == after:
        return None
    return LevelsThen(before, after, points, max(plan.thresholds[before] - points, 0))


def levels_stay_as_they_are(plan: ThresholdPlan, plans: Iterable[ThresholdPlan]) -> bool:
    """Whether a cancelled plan still means that the levels stay: `plans` has no later one that is not cancelled."""
    later = [other for other in plans if plan.cancelled_at and other.planned_at > plan.planned_at]
    return plan.state == ChangeState.CANCELLED and all(other.state == ChangeState.CANCELLED for other in later)


@renderer("members.levels_stay")
def levels_stay(*, member: int, plan: int) -> dict[str, str] | None:
    """A threshold change that the member was notified of has been cancelled. None if another one was planned."""
    row, reader = ThresholdPlan.objects.get(pk=plan), Member.objects.get(pk=member)
    if reader.closed_at or not levels_stay_as_they_are(row, ThresholdPlan.objects.all()):
        return None
    context = {
        "member": reader,
        "first_name": confirmed_first_name(reader),
        "plan": row,
        "url": f"{settings.SITE_URL}{UPCOMING_CHANGES_PATH}",
    }
    return render_mail("levels_stay", context, language=reader.language)
