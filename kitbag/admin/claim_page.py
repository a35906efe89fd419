"""A claim as it is decided: both sides beside each other, and the next ones that the browser loads ahead (R32, R54)."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from django import forms
from django.db.models import Q
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.forms import LongText
from kitbag.actions import claims
from kitbag.admin.decide import FIRST_NUMBER, evidence_of
from kitbag.enums import ClaimOutcome, HeldState
from kitbag.models import Claim, Evidence, HeldDecision
from kitbag.presenters.texts import release_sentence
from kitbag.queries.versions import version_of_claim_with
from members.support.models import CaseMessage

ITEM = "admin/kitbag/claims/_item.html"
AHEAD = 2  # claims that the browser has loaded beside the one it shows
DECISIONS = [(o.value, o.label) for o in (ClaimOutcome.HOLDER, ClaimOutcome.CLAIMANT, ClaimOutcome.NEITHER)]


class ClaimForm(forms.Form):
    """Whose it is, and why. `seen` names the latest messages that were shown, so that no new one is missed."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    outcome = forms.ChoiceField(
        label=_("Whose is it?"),
        choices=DECISIONS,
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose whose it is."),
            "invalid_choice": _("Choose from the list."),
        },
    )
    why = LongText(
        label=_("The reason, which both members read"),
        help_text=_("Neither may learn who the other is: leave out names, numbers, addresses, countries and stores."),
        max_length=claims.MAX_REASON_LENGTH,
        rows=5,
        error_messages={"required": _("Give a reason: both members read it.")},
    )


def page_keys() -> list[tuple[str, str]]:
    """The keys of the page of a claim, for the sheet of keys."""
    return [
        ("456", gettext("whose it is")),
        ("W", gettext("write the reason; Ctrl and Enter decides")),
        ("U", gettext("take the last one back, within its seconds")),
        ("N", gettext("the next claim")),
        ("S", gettext("all claims")),
    ]


def read_claims(keys: Sequence[int]) -> list[Claim]:
    """The claims with these keys and both their sides, in this order and in one query; what is gone is left out."""
    rows = Claim.objects.select_related(
        "claimant__product",
        "claimant__member__user",
        "holder__product",
        "holder__member__user",
        "claimant_case",
        "holder_case",
        "decided_by",
    ).in_bulk(keys)
    return [rows[key] for key in keys if key in rows]


def upcoming(after: Claim, loaded: Collection[int] = ()) -> list[int]:
    """The keys of the open claims behind this one, the earliest deadline first, and then of those before it."""
    waiting = Claim.objects.waiting().exclude(pk__in={after.pk, *loaded})
    behind = Q(respond_by__gt=after.respond_by) | Q(respond_by=after.respond_by, pk__gt=after.pk)
    keys = list(waiting.filter(behind).values_list("pk", flat=True)[:AHEAD])
    if len(keys) < AHEAD:
        keys += list(waiting.exclude(behind).values_list("pk", flat=True)[: AHEAD - len(keys)])
    return keys


def build_items(rows: Sequence[Claim], *, may_decide: bool, bound: ClaimForm | None = None) -> list[dict[str, Any]]:
    """Everything about each of `read_claims`, in three queries. `bound` is the form that somebody has sent for one."""
    messages: dict[int, list[CaseMessage]] = defaultdict(list)
    cases = [key for row in rows for key in (row.claimant_case_id, row.holder_case_id)]
    for message in CaseMessage.objects.filter(case__in=cases).select_related("by").order_by("pk"):
        messages[message.case_id].append(message)
    evidence = evidence_of([key for row in rows for key in (row.claimant_id, row.holder_id)])
    held = HeldDecision.objects.filter(claim__in=rows, state=HeldState.HELD).select_related("by")
    deciding = {decision.claim_id: decision for decision in held}
    return [_item(row, messages, evidence, deciding.get(row.pk), may_decide=may_decide, form=bound) for row in rows]


def render_items(
    request: HttpRequest, rows: Sequence[Claim], *, may_decide: bool, bound: ClaimForm | None = None
) -> list[str]:
    """Each of them as the browser puts it into the page."""
    items = build_items(rows, may_decide=may_decide, bound=bound)
    return [render_to_string(ITEM, {"item": item, "held": None, "dropped": []}, request) for item in items]


def _item(
    row: Claim,
    messages: dict[int, list[CaseMessage]],
    evidence: dict[int, list[Evidence]],
    deciding: HeldDecision | None,
    *,
    may_decide: bool,
    form: ClaimForm | None,
) -> dict[str, Any]:
    latest = [[one.pk for one in messages[key]] for key in (row.claimant_case_id, row.holder_case_id)]
    titles = {"claimant": gettext("Claims it"), "holder": gettext("Holds it")}
    return {
        "row": row,
        "title": gettext("Claim: %(what)s") % {"what": row},
        "url": reverse("admin:kitbag_claim_change", args=[row.pk]),
        "sides": [_side(row, name, title, messages, evidence) for name, title in titles.items()],
        "seen": version_of_claim_with(row, [max(keys, default=None) for keys in latest]),
        "form": form or ClaimForm(),
        "over": claims.answer_deadline(row) < timezone.now(),
        "deciding": deciding,
        "may_decide": may_decide and not row.outcome and not deciding,
        "may_skip": may_decide,
        "choices": list(enumerate(DECISIONS, start=FIRST_NUMBER)),
    }


def _side(
    row: Claim,
    name: str,
    title: str,
    messages: dict[int, list[CaseMessage]],
    evidence: dict[int, list[Evidence]],
) -> dict[str, Any]:
    case, registration = getattr(row, f"{name}_case"), getattr(row, name)
    release = release_sentence(registration.product, on=timezone.localdate())
    return {
        "title": title,
        "registration": registration,
        "release": release if registration.is_before_release else "",
        "case": case,
        "messages": messages[case.pk],
        "evidence": evidence[registration.pk],
    }
