"""The contact sheet: many registrations that wait, each with its picture and what the member typed (R19, R54)."""

from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Page, Paginator
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from kitbag.admin.decide import Known, details_of, needs_proof, read_known, read_rows, version_shown
from kitbag.admin.staff import staff_user
from kitbag.enums import EvidenceKind, RegistrationState, ReviewReason
from kitbag.models import Evidence, Registration
from kitbag.presenters.decide import LOOK, fitting
from kitbag.queries.deadlines import decision_due
from members.models import User

A_SHEET = 24  # frames
ALONE = (ReviewReason.APPEAL, ReviewReason.DUPLICATE, ReviewReason.STOLEN)  # decided one by one, or as a claim
MAX_KEY_DIGITS = 18


@dataclass(frozen=True)
class Frame:
    """One registration on the sheet. With `alone` it is opened to be decided, for the reason that it says."""

    row: Registration
    number: str
    url: str
    version: str
    picture: Evidence | None
    pictures: int
    say: str
    odd_serial: bool
    due: datetime | None
    overdue: bool
    alone: str


def sheet_context(request: HttpRequest) -> dict[str, object]:
    """The frames of one page and the reasons they wait for, with how many wait for each."""
    waiting = _waiting(staff_user(request))
    counted = list(waiting.order_by().values_list("review_reason").annotate(n=Count("pk")))
    counts = {ReviewReason(reason): n for reason, n in counted}
    reason = request.GET.get("reason", "")
    chosen = waiting.filter(review_reason=reason) if reason in counts else waiting
    page = Paginator(chosen, A_SHEET).get_page(request.GET.get("page"))
    return {
        "frames": _frames(page),
        "page": page,
        "reason": reason if reason in counts else "",
        "reasons": [(value.value, value.label, counts[value]) for value in ReviewReason if value in counts],
        "total": sum(counts.values()),
    }


def chosen_on_sheet(request: HttpRequest) -> list[tuple[Registration, str]]:
    """Those that were chosen, each with the version that was shown; what is no key is left out."""
    sent = dict.fromkeys(request.POST.getlist("chosen"))
    keys = [int(key) for key in sent if key.isascii() and key.isdigit() and len(key) <= MAX_KEY_DIGITS]
    rows = Registration.objects.select_related("product").in_bulk(keys[:A_SHEET])
    return [(rows[key], request.POST.get(f"seen-{key}", "")) for key in keys if key in rows]


def sheet_keys() -> list[tuple[str, str]]:
    """The keys of this page, for the sheet of keys."""
    return [
        ("JK", gettext("the next frame, and the one before")),
        ("X", gettext("choose it, or not")),
        ("Enter", gettext("open it, to refuse it or to ask for more")),
        ("A", gettext("approve the chosen ones")),
        ("U", gettext("take all of them back, within their seconds")),
        ("S", gettext("the whole queue")),
    ]


def _waiting(by: User) -> QuerySet[Registration]:
    """What this person may decide and nobody else works on, but for what needs more than a look."""
    queue = Registration.objects.queue().free(by, timezone.now()).decidable(by)
    return queue.exclude(review_reason__in=ALONE)


def _frames(page: Page[Registration]) -> list[Frame]:
    rows = read_rows([row.pk for row in page])
    known = read_known(rows)
    return [_frame(row, known, number) for number, row in enumerate(rows, start=page.start_index())]


def _frame(row: Registration, known: Known, number: int) -> Frame:
    facts, evidence = details_of(row, known), known.evidence[row.pk]  # the first is the serial number
    odd = [fact for fact in facts if fact.tone == LOOK]
    pictures = sorted((one for one in evidence if one.file.is_image), key=lambda one: one.kind != EvidenceKind.SERIAL)
    fit = gettext("%(fit)d of %(total)d fit") % {"fit": fitting(facts), "total": len(facts)}
    due = decision_due(row)
    return Frame(
        row=row,
        number=f"{number:02}",
        url=reverse("admin:kitbag_registrationinreview_desk", args=[row.pk]),
        version=version_shown(row, evidence),
        picture=pictures[0] if pictures else None,
        pictures=len(pictures),
        say=odd[0].note if odd else fit,
        odd_serial=facts[0].tone == LOOK,
        due=due,
        overdue=due is not None and due < timezone.now(),
        alone=_alone(row, known),
    )


def _alone(row: Registration, known: Known) -> str:
    """Why this one cannot be approved from the sheet; empty if it can."""
    others = known.others.get(row.serial_key or "", [])
    if (row.product_id, row.serial_key) in known.reported:
        return gettext("Reported stolen")
    if any(one.product_id == row.product_id and one.state == RegistrationState.VALIDATED for one in others):
        return gettext("Somebody else holds this serial number")
    if needs_proof(row, known.evidence[row.pk]):
        return gettext("No proof of purchase yet")
    return ""
