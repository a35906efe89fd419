"""What an entry of the ledger leads to: the planned change and when it was told, the check, the adjustment (R21)."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from kitbag.enums import RegistrationState
from kitbag.models import Announcement, PointsEntry
from kitbag.presenters.texts import cause_sentence
from members.enums import PointsCause
from members.models import Member

CAUSES = ("registration__product", "adjustment", "stage_change__successor")  # for select_related


def told_when(member: Member, entries: Iterable[PointsEntry]) -> dict[int, datetime]:
    """When the member was told of the planned changes behind these entries, by key of the change."""
    changes = {entry.stage_change_id for entry in entries if entry.stage_change_id}
    if not changes:
        return {}
    return dict(Announcement.objects.filter(member=member, change__in=changes).values_list("change", "at"))


def explain(entry: PointsEntry, told: Mapping[int, datetime]) -> str:
    """The reason in words, with all that is known of its cause."""
    return " ".join([str(cause_sentence(entry)), *_details(entry, told)])


def _details(entry: PointsEntry, told: Mapping[int, datetime]) -> list[str]:
    if entry.stage_change:
        words = []
        if entry.stage_change.successor:
            words.append(_("The newer model is %(product)s.") % {"product": entry.stage_change.successor.name})
        words.append(_("In effect since %(day)s.") % {"day": _day(entry.stage_change.effective_on)})
        if when := told.get(entry.stage_change.pk):
            words.append(_("We told you on %(day)s.") % {"day": _day(timezone.localtime(when))})
        return words
    if entry.adjustment:
        words = [_("The reason given: “%(reason)s”.") % {"reason": entry.adjustment.reason.rstrip(". ")}]
        if entry.adjustment.expires_on and entry.cause == PointsCause.ADJUSTED:
            words.append(_("They count until %(day)s.") % {"day": _day(entry.adjustment.expires_on)})
        return words
    row = entry.registration
    if row is None:
        return []
    if entry.cause == PointsCause.CHECK and row.state == RegistrationState.REJECTED and row.refusal_reason:
        return [_("The reason: %(reason)s.") % {"reason": row.get_refusal_reason_display().rstrip(". ")}]
    if entry.cause == PointsCause.REMOVED and row.removal_reason:
        return [_("The reason: %(reason)s.") % {"reason": row.get_removal_reason_display().rstrip(". ")}]
    return []


def _day(day: object) -> str:
    return date_format(day, "j F Y")  # type: ignore[arg-type]
