"""The mails that a member got, in words, and their text while it is kept (R54, R56)."""

import re
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from cps_portal.core.outbox.enums import State
from cps_portal.core.outbox.exceptions import Obsolete
from cps_portal.core.outbox.models import Message
from cps_portal.core.outbox.senders import render_payload

Chip = tuple[str | Promise, str]  # what it says, and its tone
# What a mail is about, by its renderer: its subject is written only when it is sent.
TITLES = {
    "cases.case": _("About a case"),
    "kitbag.counted": _("A product counts"),
    "kitbag.handed_over": _("A product was handed over"),
    "kitbag.plan_cancelled": _("A planned change was dropped"),
    "kitbag.points_adjusted": _("Points from staff"),
    "kitbag.points_will_change": _("Points will change"),
    "kitbag.refused": _("A product needs them"),
    "kitbag.reminder": _("Unfinished products"),
    "kitbag.stolen_presented": _("Stolen kit turned up"),
    "members.account": _("The account was closed or reopened"),
    "members.email_changed": _("The address was changed, to the old one"),
    "members.email_undone": _("A change of address was undone"),
    "members.level_changed": _("A new level"),
    "members.levels_stay": _("The levels stay as they are"),
    "members.levels_will_change": _("The levels will change"),
    "members.reset_asked": _("Someone asked for a new password"),
    "members.reset_held": _("A new password has to wait"),
    "offers.card_replaced": _("A new card"),
    "offers.card_returned": _("A card came back"),
    "offers.news": _("An event or an offer"),
    "offers.pack_step": _("About the Welcome Pack"),
    "offers.sign_up": _("About a sign-up"),
    "portal.account_released": _("The account works again"),
    "portal.account_stopped": _("The account was stopped"),
    "portal.address_asked": _("Support was asked for another address"),
    "portal.address_given": _("A new address for signing in"),
    "portal.address_replaced": _("The address for signing in was replaced"),
    "portal.accounts_merged": _("Two accounts became one"),
    "portal.accounts_unmerged": _("Two accounts are apart again"),
    "portal.moved": _("Moved to another country"),
    "portal.country_change": _("The programme of the country changes"),
    "servicing.estimate_reminder": _("An estimate waits for an answer"),
    "servicing.loan": _("About a loan"),
    "servicing.ticket_document": _("A document about a job"),
    "servicing.ticket_event": _("About a job"),
    "servicing.ticket_message": _("A message about a job"),
}
CHIPS: dict[str, Chip] = {
    State.QUEUED: (State.QUEUED.label, "line"),
    State.SENDING: (State.SENDING.label, "line"),
    State.SENT: (State.SENT.label, "ok"),
    State.FAILED: (State.FAILED.label, "late"),
    State.CANCELLED: (State.CANCELLED.label, "line"),
    State.HELD: (State.HELD.label, "warn"),
}
SIGN_IN = "account-"  # keys of mails with links and codes for signing in
LINK = re.compile(r"https?://\S+")


@dataclass(frozen=True)
class MailRow:
    message: Message
    title: str | Promise
    label: str | Promise
    tone: str


@dataclass(frozen=True)
class Letter:
    """The text of a mail without its links, or why it cannot be shown. `is_new`: worded from what holds today."""

    subject: str
    text: str
    why_not: str
    is_new: bool


def mail_row(message: Message, notice_title: str = "") -> MailRow:
    """`notice_title` is the title of the notice that goes with the mail."""
    label, tone = CHIPS[message.state]
    return MailRow(message, notice_title or title_of(message), label, tone)


def title_of(message: Message) -> str | Promise:
    """The subject, or for a mail that is worded when it is sent what it is about."""
    if subject := message.payload.get("subject"):
        return str(subject)
    return TITLES.get(str(message.payload.get("renderer", "")), _("Mail"))


def read_letter(message: Message) -> Letter:
    """Links are left out: whoever has one may act as its reader. Mails for signing in stay with their reader."""
    title, is_new = str(title_of(message)), "renderer" in message.payload
    if message.key.startswith(SIGN_IN):
        return Letter(title, "", _t("It has a link or a code for signing in, so only the member reads it."), is_new)
    try:
        payload = render_payload(message.payload) if is_new else message.payload
    except Obsolete:
        return Letter(title, "", _t("What it said no longer holds, so it can’t be worded any more."), is_new)
    text = LINK.sub(_t("[link]"), str(payload.get("text", "")))
    return Letter(str(payload.get("subject", title)), text, "", is_new)
