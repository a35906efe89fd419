"""A member's kit for staff: the state of each product, and why it is grey (R18, R54)."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cps_portal.core.lib.written_dates import date_format
from kitbag.enums import RegistrationState, Stage
from kitbag.models import Claim, Registration, StolenReport
from kitbag.presenters.registrations import build_card
from kitbag.presenters.texts import grey_sentence
from kitbag.queries.deadlines import decision_due
from members.support.presenters import due_in_words

S = RegistrationState
Chip = tuple[str | Promise, str, str]  # what it says, its tone, its icon
STOLEN: Chip = (gettext_lazy("Reported stolen"), "late", "lock")
CLAIMED: Chip = (gettext_lazy("Claimed"), "warn", "swap")
WITH_A_PERSON: Chip = (gettext_lazy("With a person"), "turn", "eye")
OF_STATE: Mapping[str, Chip] = {
    S.DRAFT: (gettext_lazy("Draft"), "line", "edit"),
    S.SUBMITTED: (gettext_lazy("Being checked"), "line", "clock"),
    S.VALIDATED: (gettext_lazy("Counts"), "ok", "check"),
    S.REJECTED: (gettext_lazy("Needs the member"), "line", "serial"),
    S.REMOVED: (gettext_lazy("Removed"), "line", "minus"),
    S.TRANSFERRED: (gettext_lazy("Handed over"), "line", "swap"),
}
OF_STAGE: Mapping[str, Chip] = {
    Stage.SUPERSEDED: (gettext_lazy("Superseded"), "line", "history"),
    Stage.UNSERVICEABLE: (gettext_lazy("No longer serviced"), "line", "history"),
}


@dataclass(frozen=True)
class KitRow:
    """One registration as staff read it. `counted` are its points by the ledger, `full` those that it could count."""

    registration: Registration
    label: str | Promise
    tone: str
    icon: str
    why: str
    is_grey: bool
    counted: int
    full: int
    claim: int | None
    report: int | None


def kit_row(
    row: Registration,
    *,
    claim: Claim | None = None,
    report: StolenReport | None = None,
    duplicate_of: int | None = None,
) -> KitRow:
    """`row` has `counted`, `report` has `seen_at`; `duplicate_of` is the key of the member's other registration."""
    label, tone, icon = _chip(row, claim, report)
    return KitRow(
        registration=row,
        label=label,
        tone=tone,
        icon=icon,
        why=" ".join(_reasons(row, claim, report, duplicate_of)),
        is_grey=row.state != S.VALIDATED,
        counted=getattr(row, "counted", 0),
        full=row.product.points_current,
        claim=claim.pk if claim else None,
        report=report.pk if report else None,
    )


def _chip(row: Registration, claim: Claim | None, report: StolenReport | None) -> Chip:
    if not row.is_live:
        return OF_STATE[row.state]
    if report:
        return STOLEN
    if claim:
        return CLAIMED
    if row.state == S.SUBMITTED and row.review_reason:
        return WITH_A_PERSON
    return OF_STAGE.get(row.product.stage, OF_STATE[row.state]) if row.state == S.VALIDATED else OF_STATE[row.state]


def _reasons(
    row: Registration, claim: Claim | None, report: StolenReport | None, duplicate_of: int | None
) -> list[str]:
    """Everything that keeps it from counting, or from counting in full."""
    reasons = []
    if report:
        reasons += _stolen(report)
    if claim:
        asked = _("Somebody else has registered it, too. Both answer by %(day)s.")
        reasons.append(asked % {"day": date_format(claim.respond_by, "j M Y")})
    if duplicate_of or row.state == S.VALIDATED:  # said to the member in the same words
        reasons.append(str(build_card(row, None, duplicate_of).summary))
    else:
        reasons.append(str(grey_sentence(row)))
    if row.state == S.SUBMITTED and row.review_reason and not claim and (due := decision_due(row)):
        reasons.append(_("To decide by %(due)s.") % {"due": due_in_words(due)})
    if row.state == S.REJECTED and row.asked_for:
        reasons.append(_("Asked for: %(what)s") % {"what": row.asked_for})
    return [_as_sentence(reason) for reason in reasons if reason]


def _stolen(report: StolenReport) -> list[str]:
    sentences = []
    if report.police_reference:
        sentences.append(_("Police reference %(reference)s.") % {"reference": report.police_reference})
    if seen_at := getattr(report, "seen_at", None):
        day = date_format(timezone.localtime(seen_at), "j M Y, H:i")
        sentences.append(_("Turned up on %(day)s.") % {"day": day})
    return sentences or [_("Reported on %(day)s.") % {"day": date_format(report.reported_at, "j M Y")}]


def _as_sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
