"""What staff can do for a member, from the page of the member (R54, R68, R69): the one list of it.

An entry shows to whoever has its right, where its page exists and it applies to this member. To add one, add a line.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kitbag.models import StolenReport
from members.models import Member, User
from members.offers.models import Card, WelcomePack


@dataclass(frozen=True)
class Subject:
    """The member, and what actions are about; what the reader may not see is missing."""

    member: Member
    card: Card | None = None
    pack: WelcomePack | None = None
    reports: Sequence[StolenReport] = ()

    @property
    def is_open(self) -> bool:
        return self.member.closed_at is None


@dataclass(frozen=True)
class Action:
    """A row of the list. `key` opens it from the keyboard; an entry in the head of the page has its button there."""

    name: str
    label: str | Promise
    sub: str | Promise
    icon: str
    key: str
    url: str


Args = Callable[[Subject], list[Any] | None]  # of the address; None: it does not apply


@dataclass(frozen=True)
class Entry:
    name: str
    right: str
    address: str
    label: str | Promise
    sub: str | Promise
    icon: str
    key: str = ""
    args: Args = lambda subject: [subject.member.pk] if subject.is_open else None


def _newest_card(subject: Subject) -> list[Any] | None:
    return [subject.card.pk] if subject.card and subject.is_open else None


def _pack(subject: Subject) -> list[Any] | None:
    return [subject.pack.pk] if subject.pack else None


def _only_report(subject: Subject) -> list[Any] | None:
    return [subject.reports[0].pk] if subject.reports else None


def _anybody_kept(subject: Subject) -> list[Any] | None:
    return None if subject.member.erased_at else [subject.member.pk]


ENTRIES = (
    Entry(
        "view_as", "members.view_as_member", "admin:member_view_as", _("View as the member"), _("Read only"), "eye", "v"
    ),
    Entry(
        "case",
        "cases.answer_case",
        "admin:open_case_for",
        _("Open a case"),
        _("They read it by mail and on their page"),
        "chat",
        "c",
    ),
    Entry(
        "adjust",
        "kitbag.adjust_points",
        "admin:kitbag_adjustment_give",
        _("Adjust points"),
        _("With a reason that they read"),
        "plus",
        "p",
    ),
    Entry(
        "card",
        "offers.change_card",
        "admin:replace_card",
        _("Replace the card"),
        _("The old number ends at once"),
        "card",
        args=_newest_card,
    ),
    Entry(
        "pack",
        "offers.change_welcomepack",
        "admin:offers_welcomepack_change",
        _("Welcome Pack"),
        _("Send it again, or cancel it"),
        "gift",
        args=_pack,
    ),
    Entry(
        "lost_address",
        "members.change_lost_address",
        "admin:lost_address",
        _("Change a lost address"),
        _("Two people; both addresses are told"),
        "mail",
        args=_anybody_kept,
    ),
    Entry(
        "merge",
        "members.merge_accounts",
        "admin:merge_accounts",
        _("Merge a double account"),
        _("Two people; can be undone"),
        "user",
        args=_anybody_kept,
    ),
    Entry(
        "stolen",
        "kitbag.lift_stolenreport",
        "admin:kitbag_stolenreport_change",
        _("Lift the stolen report"),
        _("Only with the word of the owner"),
        "lock",
        args=_only_report,
    ),
    Entry(
        "edit",
        "members.change_member",
        "admin:members_member_edit",
        _("Change name and mails"),
        _("What they would change in their profile"),
        "edit",
        args=_anybody_kept,
    ),
    Entry(
        "close",
        "members.close_member",
        "admin:members_member_close",
        _("Close the account"),
        _("They can come back for some weeks"),
        "clock",
    ),
)
IN_THE_HEAD = ("view_as", "case", "adjust")


def member_actions(user: User, subject: Subject) -> dict[str, Action]:
    """What this user can do for this member, by name, in the order of the list."""
    actions = (_action(entry, subject) for entry in ENTRIES if user.has_perm(entry.right))
    return {action.name: action for action in actions if action}


def _action(entry: Entry, subject: Subject) -> Action | None:
    """None if it does not apply to this member, or if its page is not there."""
    if (args := entry.args(subject)) is None:
        return None
    try:
        url = reverse(entry.address, args=args)
    except NoReverseMatch:
        return None
    return Action(entry.name, entry.label, entry.sub, entry.icon, entry.key, url)
