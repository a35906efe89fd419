"""An entry of the points ledger in words: what happened, and all that is known of its cause (R21)."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cps_portal.core.lib.written_dates import date_format
from kitbag.enums import RegistrationState
from kitbag.models import Announcement, PointsEntry
from kitbag.presenters.texts import cause_sentence
from kitbag.queries.points_history import RELATIONS
from members.enums import PointsCause
from members.models import Member

ENTRY_RELATIONS = RELATIONS  # for select_related
ENTRY_TITLES = {
    PointsCause.VALIDATED: gettext_lazy("%(product)s counted"),
    PointsCause.REMOVED: gettext_lazy("%(product)s removed"),
    PointsCause.SUPERSEDED: gettext_lazy("%(product)s superseded"),
    PointsCause.UNSERVICEABLE: gettext_lazy("%(product)s no longer serviceable"),
    PointsCause.RESTORED: gettext_lazy("%(product)s current again"),
    PointsCause.REVALUED: gettext_lazy("%(product)s revalued"),
    PointsCause.CHECK: gettext_lazy("%(product)s not accepted"),
    PointsCause.TRANSFERRED: gettext_lazy("%(product)s handed over"),
    PointsCause.RETURNED: gettext_lazy("%(product)s put back"),
    PointsCause.ADJUSTED: gettext_lazy("Points from our staff"),
    PointsCause.ADJUSTMENT_ENDED: gettext_lazy("Points from our staff expired"),
    PointsCause.THRESHOLDS: gettext_lazy("The levels changed"),
    PointsCause.MERGED: gettext_lazy("%(product)s, your accounts became one"),
    PointsCause.UNMERGED: gettext_lazy("%(product)s, the accounts became two again"),
    PointsCause.MENDED: gettext_lazy("%(product)s corrected"),
}


def entry_title(cause: str, product: str) -> str:
    """A heading such as "EOS R5 counted". `product` is "" for an entry about points that staff added."""
    subject = product or _("Points from our staff")
    return capfirst(str(ENTRY_TITLES[PointsCause(cause)]) % {"product": subject})


def notified_at_by_change(member: Member, entries: Iterable[PointsEntry]) -> dict[int, datetime]:
    """When the member was notified of the planned changes behind these entries, by key of the change."""
    changes = {entry.stage_change_id for entry in entries if entry.stage_change_id}
    if not changes:
        return {}
    return dict(Announcement.objects.filter(member=member, change__in=changes).values_list("change", "at"))


def explain_entry(entry: PointsEntry, notified_at: Mapping[int, datetime]) -> str:
    """The reason in words. `notified_at` comes from `notified_at_by_change`."""
    return " ".join([str(cause_sentence(entry)), *_details(entry, notified_at)])


def _details(entry: PointsEntry, notified_at: Mapping[int, datetime]) -> list[str]:
    if change := entry.stage_change:
        sentences = []
        if change.successor:
            sentences.append(_("The newer model is %(product)s.") % {"product": change.successor.name})
        sentences.append(_("In effect since %(day)s.") % {"day": _day(change.effective_on)})
        if at := notified_at.get(change.pk):
            sentences.append(_("We told you on %(day)s.") % {"day": _day(timezone.localtime(at))})
        return sentences
    if adjustment := entry.adjustment:
        sentences = [_("The reason: “%(reason)s”.") % {"reason": adjustment.reason.rstrip(". ")}]
        if adjustment.expires_on and entry.cause == PointsCause.ADJUSTED:
            sentences.append(_("They count until %(day)s.") % {"day": _day(adjustment.expires_on)})
        return sentences
    registration = entry.registration
    if registration is None:
        return []
    refused = registration.state == RegistrationState.REJECTED and registration.refusal_reason
    if entry.cause == PointsCause.CHECK and refused:
        return [_("The reason: %(reason)s.") % {"reason": registration.get_refusal_reason_display().rstrip(". ")}]
    if entry.cause == PointsCause.REMOVED and registration.removal_reason:
        return [_("The reason: %(reason)s.") % {"reason": registration.get_removal_reason_display().rstrip(". ")}]
    return []


def _day(day: date) -> str:
    return date_format(day, "j F Y")
