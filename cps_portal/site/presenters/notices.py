"""Notices in words, in the reader's language (R56)."""

from datetime import date, datetime
from typing import Any, NamedTuple

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kitbag.enums import RefusalReason
from members.enums import Level, NoticeCode
from members.models import Notice
from servicing.presenters import events


class NoticeLine(NamedTuple):
    """A notice as the dashboard shows it; `path` is the page it leads to."""

    key: int
    code: str
    title: str
    detail: str
    path: str
    at: datetime


def describe(notice: Notice) -> NoticeLine:
    """Say what happened, from the code and the parameters that the row keeps."""
    params = notice.params
    title, detail = {
        NoticeCode.LEVEL_UP: (_("You’re %(level)s now"), _("You have %(points)s points.")),
        NoticeCode.LEVEL_DOWN: (_("You’re %(level)s now"), _("Your points went down to %(points)s. See why.")),
        NoticeCode.REGISTRATION_APPROVED: (_("%(product)s counts now"), _("We’ve checked it and approved it.")),
        NoticeCode.REGISTRATION_REFUSED: (_refusal_title(params), _refusal_reason(params.get("reason", ""))),
        NoticeCode.CASE_ANSWERED: (_("We’ve answered your message"), _("Case %(reference)s.")),
        NoticeCode.CASE_ASKED: (_("We need something from you"), _("Case %(reference)s is waiting for your reply.")),
        NoticeCode.CASE_CLOSED: (_("Case closed"), _("Case %(reference)s. If the problem comes back, reply there.")),
        NoticeCode.HANDED_OVER: (_("%(product)s has a new owner"), _("They’ve redeemed your code.")),
        NoticeCode.CAME_TO_YOU: (
            _("%(product)s is yours now"),
            _("It counts already, with its first date of purchase."),
        ),
        NoticeCode.STOLEN_PRESENTED: (
            _("Your stolen %(product)s has turned up"),
            _("Someone tried to register it or brought it to a centre. Our staff are looking into it."),
        ),
        NoticeCode.STOLEN_LIFTED: (_("%(product)s is no longer reported stolen"), _("You can use it as before.")),
        NoticeCode.WELCOME_PACK: (
            _("Your Welcome Pack is waiting"),
            _("Tell us where to send it."),
        ),
        NoticeCode.PACK_DISPATCHED: (
            _("Your Welcome Pack is on its way"),
            _("Track it here, and tell us when it arrives."),
        ),
        NoticeCode.PACK_RETURNED: (
            _("Your Welcome Pack came back to us"),
            _("We’ll send it again. Check your address first."),
        ),
        NoticeCode.PACK_SENT_AGAIN: (_("Your Welcome Pack is being sent again"), _("Track it here.")),
        NoticeCode.PACK_LATE: (
            _("Your Welcome Pack is taking longer"),
            _("Our staff are looking into it. You don’t have to do anything."),
        ),
        NoticeCode.PACK_CANCELLED: (
            _("Your Welcome Pack was cancelled"),
            _("If you didn’t expect this, write to us. We can still send it."),
        ),
        NoticeCode.CARD_REPLACED: (_("You have a new card"), _("The old one doesn’t work any more. Open the new one.")),
        NoticeCode.PLACE_FREE: (
            _("You have a place: %(title)s"),
            _("If you can’t come, give it up for the next in line."),
        ),
        NoticeCode.OFFER_CHANGED: (
            _("Changed: %(title)s"),
            _("See the new time and venue. If they don’t suit you, give up your place."),
        ),
        NoticeCode.TICKET: events.SENTENCES.get(params.get("kind", ""), events.DEFAULT_SENTENCES),
        NoticeCode.OFFER_WITHDRAWN: (_("Cancelled: %(title)s"), _("You don’t have to do anything.")),
        NoticeCode.POINTS_WILL_CHANGE: (_points_will_change(params.get("others", 0)), _totals_then(params)),
        NoticeCode.PLAN_CANCELLED: (
            _("%(product)s keeps its points"),
            _("The change we announced for %(on)s was cancelled."),
        ),
        NoticeCode.POINTS_ADJUSTED: (_("Our staff changed your points: %(amount)s"), "%(reason)s"),
        NoticeCode.LEVELS_STAY: (
            _("The levels stay as they are"),
            _("The change we announced for %(on)s was cancelled."),
        ),
        NoticeCode.LEVELS_WILL_CHANGE: (
            _("From %(on)s the levels start at new totals"),
            _("With your %(points)s points you’ll be %(level)s then."),
        ),
    }[NoticeCode(notice.code)]
    values = _values(params)
    return NoticeLine(notice.pk, notice.code, str(title) % values, str(detail) % values, notice.path, notice.at)


def _values(params: dict[str, Any]) -> dict[str, Any]:
    """The values that the sentences of a notice are filled in with."""
    on = params.get("on")
    amount = params.get("amount", 0)
    return {
        **params,
        "level": Level(params["to"]).label if params.get("to") in Level.values else "",
        "points": intcomma(params.get("points", 0)),
        "product": params.get("product", ""),
        "reason": params.get("reason", ""),
        "title": params.get("title", ""),
        "on": date_format(date.fromisoformat(on), "j F Y") if on else "",
        "amount": f"+{intcomma(amount)}" if amount > 0 else f"−{intcomma(abs(amount))}",
    }


def _points_will_change(others: int) -> str:
    """Name one product of an announced change and count the others."""
    if not others:
        return _("From %(on)s %(product)s counts differently")
    return ngettext(
        "From %(on)s %(product)s and one more product count differently",
        "From %(on)s %(product)s and %(others)s more products count differently",
        others,
    )


def _totals_then(params: dict[str, Any]) -> str:
    """The total and the level after an announced change."""
    level = _("You’ll be %(level)s.") if params.get("from") != params.get("to") else _("You’ll still be %(level)s.")
    return _("Your total will be %(points)s.") + " " + level


def _refusal_reason(code: str) -> str:
    return str(RefusalReason(code).label).replace("%", "%%") if code in RefusalReason.values else ""


def _refusal_title(params: dict[str, Any]) -> str:
    asked = params.get("reason") == RefusalReason.NEEDS_EVIDENCE
    return _("We need something more for %(product)s") if asked else _("%(product)s wasn’t accepted")
