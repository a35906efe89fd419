"""What two people of the staff decide about a member or have decided, as flags on the member's page (R69)."""

from collections.abc import Iterator

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from cps_portal.site.presenters.member import Flag
from members.enums import MergeState
from members.models import AccountFreeze, AccountMerge, LostAddress, Member, User


def two_people_flags(member: Member, reader: User) -> list[Flag]:
    """With links for those who may decide; nobody else sees them."""
    flags: list[Flag] = []
    if reader.has_perm("members.change_lost_address"):
        flags += [*_stopped(member), *_lost_address(member)]
    if reader.has_perm("members.merge_accounts"):
        flags += _merges(member)
    return flags


def _stopped(member: Member) -> Iterator[Flag]:
    for freeze in AccountFreeze.objects.standing().filter(member=member):
        url = reverse("admin:members_accountfreeze_change", args=[freeze.pk])
        text = _("The old mailbox says that a change of address was not wanted. Nobody can sign in.")
        yield Flag("late", "lock", _("Stopped"), text, url, _("Look into it"))


def _lost_address(member: Member) -> Iterator[Flag]:
    for request in LostAddress.objects.open().filter(member=member):
        url = reverse("admin:members_lostaddress_change", args=[request.pk])
        text = _("Another sign-in address has been asked for, and waits for a second person.")
        yield Flag("warn", "mail", _("Lost address"), text, url, _("Look at it"))


def _merges(member: Member) -> Iterator[Flag]:
    rows = AccountMerge.objects.filter(
        Q(survivor=member) | Q(ended=member), state__in=[MergeState.OPEN, MergeState.DONE]
    )
    for merge in rows.select_related("survivor", "ended"):
        url = reverse("admin:members_accountmerge_change", args=[merge.pk])
        other = merge.ended if merge.survivor_id == member.pk else merge.survivor
        if merge.is_open:
            text = _("A merge with account %(number)s has been proposed, and waits for a second person.")
        elif merge.ended_id == member.pk:
            text = _("It is part of account %(number)s now. What happens next is there.")
        else:
            text = _("Account %(number)s is part of it.")
        yield Flag("warn", "user", _("Double account"), text % {"number": other.number_in_groups}, url, _("Look at it"))
