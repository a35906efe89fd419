"""Mails about what spans the apps: a move to another country (R6, R56), what staff do with an account (R69)."""

from datetime import datetime

from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core import signing
from django.urls import reverse
from django.utils import timezone, translation

from cps_portal.core.lib.written_dates import date_format
from cps_portal.core.outbox.mail import render_mail
from cps_portal.core.outbox.renderers import renderer
from cps_portal.site.presenters import country_change as country_changes
from cps_portal.site.presenters.moving import build_move
from members.enums import LostAddressState, MergeState, NoticeCode
from members.models import AccountFreeze, AccountMerge, CountryPlan, LostAddress, Member, Notice
from members.queries import confirmed_first_name

MOVED = "portal.moved"
COUNTRY_CHANGE = "portal.country_change"
ADDRESS_ASKED = "portal.address_asked"
ADDRESS_REPLACED = "portal.address_replaced"
ADDRESS_GIVEN = "portal.address_given"
ACCOUNT_STOPPED = "portal.account_stopped"
ACCOUNT_RELEASED = "portal.account_released"
ACCOUNTS_MERGED = "portal.accounts_merged"
ACCOUNTS_UNMERGED = "portal.accounts_unmerged"
STOP_SALT = "portal.stop-account"


@renderer(MOVED)
def moved(*, member: int, notice: str) -> dict[str, str] | None:
    """What a move has changed, as it is today. None if they moved again since, or closed the account."""
    reader = Member.objects.open().filter(pk=member).first()
    last = Notice.objects.filter(member=member, code=NoticeCode.MOVED).first()
    if reader is None or last is None or last.key != notice or last.params["to"] != reader.country.code:
        return None
    with translation.override(reader.language):
        move = build_move(reader, from_country=last.params["from"], to_country=last.params["to"], is_done=True)
        context = {
            "first_name": confirmed_first_name(reader),
            "move": move,
            "country": move.after.country,
            "link": move.after.membership.link,
            "stops": move.stops,
            "stays": move.stays,
            "url": f"{settings.SITE_URL}{reverse('moved')}",
            "contact_url": f"{settings.SITE_URL}{reverse('cases:contact')}",
        }
        return render_mail("moved", context, language=reader.language)


@renderer(COUNTRY_CHANGE)
def country_change(*, member: int, plan: int, what: str) -> dict[str, str] | None:
    """The programme of the reader's country will change, has changed, or stays after all. None if that is over."""
    reader, row = Member.objects.open().filter(pk=member).first(), CountryPlan.objects.get(pk=plan)
    if reader is None or not country_changes.is_current(what, row, reader):
        return None
    with translation.override(reader.language):
        move = country_changes.build_country_change(reader, row)
        context = {
            "first_name": confirmed_first_name(reader),
            "what": what,
            "title": country_changes.title_of(what, row),
            "detail": country_changes.detail_of(what, row),
            "plan": row,
            "move": move,
            "country": move.after.country,
            "link": move.after.membership.link,
            "stops": move.stops,
            "stays": move.stays,
            "url": f"{settings.SITE_URL}{reverse('country_change')}",
            "contact_url": f"{settings.SITE_URL}{reverse('cases:contact')}",
        }
        return render_mail("country_change", context, language=reader.language)


def stop_path(request: LostAddress) -> str:
    """The address of the page that stops the account, for the old mailbox only."""
    return reverse("stop_account", args=[signing.dumps(request.pk, salt=STOP_SALT)])


@renderer(ADDRESS_ASKED)
def address_asked(*, request: int) -> dict[str, str] | None:
    """To the old address: staff were asked for another one, and how to stop that. None if it is decided."""
    return _about_address(request, "address_asked", LostAddressState.OPEN)


@renderer(ADDRESS_REPLACED)
def address_replaced(*, request: int) -> dict[str, str] | None:
    """To the old address: the account has another one, and the link that stops it."""
    return _about_address(request, "address_replaced", LostAddressState.APPROVED)


@renderer(ADDRESS_GIVEN)
def address_given(*, request: int) -> dict[str, str] | None:
    """To the new address: how to sign in, and what waits for some days. None if it is not the address any more."""
    return _about_address(request, "address_given", LostAddressState.APPROVED, path=reverse("account_reset_password"))


def _about_address(key: int, template: str, state: LostAddressState, path: str = "") -> dict[str, str] | None:
    request = LostAddress.objects.with_link(timezone.now()).select_related("member__user").filter(pk=key).first()
    if request is None or request.state != state or (path and request.member.user.email != request.new_email):
        return None
    with translation.override(request.member.language):
        context = {
            "number": request.member.number_in_groups,
            "old": request.old_email,
            "new": request.new_email,
            "until": _day(request.held_until),
            "days": settings.LOST_ADDRESS_HOLD_DAYS,
            "url": settings.SITE_URL + (path or stop_path(request)),
        }
        return render_mail(template, context, language=request.member.language)


@renderer(ACCOUNT_STOPPED)
def account_stopped(*, freeze: int) -> dict[str, str] | None:
    """To both addresses: nobody can sign in, and what happens next. None if it was released."""
    return _about_freeze(freeze, "account_stopped", reverse("cases:contact"), is_released=False)


@renderer(ACCOUNT_RELEASED)
def account_released(*, freeze: int) -> dict[str, str] | None:
    """To the address that it has now: the account is open again, and a new password is needed."""
    return _about_freeze(freeze, "account_released", reverse("account_reset_password"), is_released=True)


def _about_freeze(key: int, template: str, path: str, *, is_released: bool) -> dict[str, str] | None:
    freeze = AccountFreeze.objects.select_related("member__user").get(pk=key)
    if freeze.member.erased_at or (freeze.released_at is not None) != is_released:
        return None
    with translation.override(freeze.member.language):
        context = {"number": freeze.member.number_in_groups, "day": _day(freeze.at), "url": settings.SITE_URL + path}
        return render_mail(template, context, language=freeze.member.language)


@renderer(ACCOUNTS_MERGED)
def accounts_merged(*, merge: int, member: int) -> dict[str, str] | None:
    """To both addresses: which account stays, what it has now, and until when it can be undone. None if it was."""
    return _about_merge(merge, member, "accounts_merged", MergeState.DONE)


@renderer(ACCOUNTS_UNMERGED)
def accounts_unmerged(*, merge: int, member: int) -> dict[str, str] | None:
    """To both addresses: there are two accounts again."""
    return _about_merge(merge, member, "accounts_unmerged", MergeState.UNDONE)


def _about_merge(key: int, member: int, template: str, state: MergeState) -> dict[str, str] | None:
    """Neither address is named to the other one: it may be wrong that they are of one person."""
    merge = AccountMerge.objects.select_related("survivor__user", "ended__user").get(pk=key)
    reader = merge.survivor if member == merge.survivor_id else merge.ended
    if merge.state != state or reader.erased_at:
        return None
    with translation.override(reader.language):
        context = {
            "stays": merge.survivor.number_in_groups,
            "ends": merge.ended.number_in_groups,
            "is_staying": reader == merge.survivor,
            "number": reader.number_in_groups,
            "points": intcomma(reader.points),
            "level": reader.get_level_display(),
            "until": _day(merge.undo_until),
            "url": settings.SITE_URL + reverse("cases:contact"),
        }
        return render_mail(template, context, language=reader.language)


def _day(moment: datetime | None) -> str:
    return date_format(timezone.localtime(moment), "j F Y") if moment else ""
