"""One registration as it is decided: what its page shows, and what the browser loads ahead (R19, R54)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from django import forms
from django.db.models import Count, F, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.forms import MultiLineField
from kitbag.actions import review, sales
from kitbag.actions.retailers import shop_statuses
from kitbag.actions.serials import check_serials
from kitbag.actions.stolen_reports import find_report, find_reported
from kitbag.admin.registrations import MAX_SAME_SERIAL, REASONS, DecisionForm
from kitbag.admin.staff import staff_user
from kitbag.enums import EvidenceKind, HeldState, RefusalReason, RegistrationState, ReviewReason, ShopStatus
from kitbag.models import Appeal, Claim, Evidence, HeldDecision, Registration
from kitbag.presenters.decide import Fact, facts_of, fitting, traces_of
from kitbag.queries.deadlines import decision_due
from kitbag.queries.versions import version_with
from kitbag.rules import SerialFinding
from members.enums import Level
from members.models import CountryProgramme, LevelThreshold, Member, User
from members.rules.levels import level_for

ITEM = "admin/kitbag/registration/_item.html"
FIRST_NUMBER = 4  # keys 1 to 3 are pictures
MAX_PICTURES = 3  # with a key
AHEAD = 3  # registrations that the browser has loaded beside the one it shows
SHORT_REASONS = {  # what stands on the buttons; the member reads the sentence of the reason
    RefusalReason.SERIAL_WRONG: _("Belongs to another product"),
    RefusalReason.SERIAL_UNREADABLE: _("Number not confirmed"),
    RefusalReason.HELD_ELSEWHERE: _("Already registered"),
    RefusalReason.DETAILS_WRONG: _("Details don’t match"),
    RefusalReason.NEEDS_SERIAL: _("Has a serial number"),
    RefusalReason.NOT_OURS: _("Can’t be registered"),
}
QUESTIONS = {
    "serial": (_("Serial number, sharp"), _("A sharp photo of the serial number on the product itself, please.")),
    "receipt": (_("Receipt"), _("The receipt or invoice, as a photo or a PDF, please.")),
    "whole": (
        _("Whole product"),
        _("A photo of the whole product, so that we can see which model it is, please."),
    ),
    "date": (_("Date and store"), _("A document that shows the date and the store of the purchase, please.")),
}


@dataclass(frozen=True)
class Choice:
    """A reason or a question with the number that chooses it, a short name, and what the member reads."""

    number: int
    value: str
    name: str
    sentence: str


def reason_choices() -> list[Choice]:
    return [
        Choice(number, value, str(SHORT_REASONS.get(RefusalReason(value), label)), str(label))
        for number, (value, label) in enumerate(REASONS, start=FIRST_NUMBER)
    ]


def question_choices() -> list[Choice]:
    return [
        Choice(number, value, str(name), str(sentence))
        for number, (value, (name, sentence)) in enumerate(QUESTIONS.items(), start=FIRST_NUMBER)
    ]


class RefuseForm(DecisionForm):
    reason = forms.ChoiceField(
        choices=REASONS,
        error_messages={
            "required": _("Choose the reason that the member will read."),
            "invalid_choice": _("Choose a reason from the list."),
        },
    )


class AskForm(DecisionForm):
    """A question that is asked often, or one in the own words of whoever asks."""

    question = forms.ChoiceField(
        required=False,
        choices=[(value, name) for value, (name, _sentence) in QUESTIONS.items()],
        error_messages={"invalid_choice": _("Choose from the list, or write what is missing.")},
    )
    asked_for = MultiLineField(
        required=False,
        label=_("Or in your own words, which the member reads"),
        max_length=review.MAX_QUESTION_LENGTH,
        error_messages={"max_length": _("Use at most %(limit_value)d characters. You have %(show_value)d.")},
        widget=forms.Textarea(
            attrs={"rows": 2, "maxlength": review.MAX_QUESTION_LENGTH, "class": "d-input", "id": None}
        ),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("asked_for") and not data.get("question") and not self.errors:
            self.add_error("asked_for", _("Choose what is missing, or write it in your own words."))
        return data

    def text_for(self, member: Member) -> str:
        """What the member is asked, in the member's language."""
        if own := self.cleaned_data["asked_for"]:
            return str(own)
        with translation.override(member.language):
            return str(QUESTIONS[self.cleaned_data["question"]][1])


FORMS: dict[str, type[DecisionForm]] = {"approve": DecisionForm, "refuse": RefuseForm, "ask": AskForm}


@dataclass(frozen=True)
class Effect:
    """What approving does to the member."""

    points: int
    total: int
    new_total: int
    level: str
    new_level: str
    opens_claim: bool

    @property
    def level_name(self) -> str:
        return str(Level(self.level).label)

    @property
    def new_level_name(self) -> str:
        return str(Level(self.new_level).label)


def decide_rows() -> QuerySet[Registration]:
    return Registration.objects.select_related("product", "member__user", "taken_by", "appeal__refused_by")


def upcoming(by: User, *, after: int, loaded: Iterable[int] = (), only_appeals: bool = False) -> list[int]:
    """The keys of what comes behind the registration with the key `after`, without what the browser has `loaded`."""
    known = {after, *loaded}
    keys = review.next_keys(by=by, at=timezone.now(), after=after, only_appeals=only_appeals)
    return [key for key in keys if key not in known][:AHEAD]


def read_rows(keys: Sequence[int]) -> list[Registration]:
    """These of `decide_rows`, in this order and in one query; what is gone is left out."""
    rows = decide_rows().in_bulk(keys)
    return [rows[key] for key in keys if key in rows]


@dataclass(frozen=True)
class Known:
    """What is read about several registrations at once, so that one more costs no query more."""

    thresholds: dict[str, int]
    countries: set[str]  # with a programme
    findings: dict[int, SerialFinding]
    shops: dict[tuple[str, str, date], ShopStatus]
    evidence: dict[int, list[Evidence]]
    others: dict[str, list[Registration]]  # with the same serial number, in any order of their products
    reported: set[tuple[int, str]]  # as stolen: product and serial number
    summaries: Mapping[int, Mapping[str, int]]  # of the members
    refusals: Mapping[int, int]  # of the members, lately
    claims: dict[int, Claim]
    held: dict[int, HeldDecision]


def read_known(rows: Collection[Registration]) -> Known:
    """Everything that `build_item` compares these of `decide_rows` with."""
    keys, members = [row.pk for row in rows], {row.member_id for row in rows}
    serials = [(row.product_id, row.serial_key) for row in rows if row.serial_key]
    bought = [(row.store, row.country.code or "", row.purchased_on) for row in rows if row.purchased_on]
    claims = Claim.objects.open().filter(claimant__in=keys)
    held = HeldDecision.objects.filter(registration__in=keys, state=HeldState.HELD).select_related("by")
    others = same_serials({key for _product, key in serials})
    countries = CountryProgramme.objects.order_by().values_list("country", flat=True).distinct()
    return Known(
        thresholds=LevelThreshold.objects.in_force(),
        countries=set(countries),
        findings=check_serials(rows, others),
        shops=shop_statuses(bought),
        evidence=evidence_of(keys),
        others=others,
        reported=find_reported(serials),
        summaries=member_summaries(members),
        refusals=review.recent_refusals(members, timezone.now()),
        claims={claim.claimant_id: claim for claim in claims},
        held={cast(int, decision.registration_id): decision for decision in held},
    )


def evidence_of(keys: Collection[int]) -> dict[int, list[Evidence]]:
    """The evidence that is kept, of registrations with these keys, in one query."""
    found: dict[int, list[Evidence]] = {key: [] for key in keys}
    for piece in Evidence.objects.kept().filter(registration__in=keys).order_by("pk"):
        found[piece.registration_id].append(piece)
    return found


def version_shown(row: Registration, evidence: Sequence[Evidence]) -> str:
    """What `version_of` says, without reading the evidence again."""
    return version_with(row, max((piece.pk for piece in evidence), default=None))


def same_serials(keys: Collection[str]) -> dict[str, list[Registration]]:
    """Registrations with these serial numbers, some of each, in one query."""
    place = Window(RowNumber(), partition_by=F("serial_key"), order_by=F("pk").asc())
    rows = Registration.objects.filter(serial_key__in=keys).annotate(place=place).filter(place__lte=MAX_SAME_SERIAL + 1)
    found: dict[str, list[Registration]] = {key: [] for key in keys}
    for row in rows.select_related("product", "member").order_by("pk"):
        found[row.serial_key or ""].append(row)
    return found


def render_item(request: HttpRequest, row: Registration, bound: dict[str, DecisionForm] | None = None) -> str:
    return render_items(request, [row], bound)[0]


def render_items(
    request: HttpRequest, rows: Sequence[Registration], bound: dict[str, DecisionForm] | None = None
) -> list[str]:
    """Each of these of `decide_rows` as the browser puts it into the page."""
    known = read_known(rows) if rows else None
    items = [build_item(request, row, known, bound) for row in rows] if known else []
    return [render_to_string(ITEM, {"item": item, "held": None, "dropped": []}, request) for item in items]


def build_item(
    request: HttpRequest, row: Registration, known: Known, bound: dict[str, DecisionForm] | None = None
) -> dict[str, Any]:
    """Everything about one of `decide_rows`. `bound` are forms that somebody has sent, with their errors."""
    user, now = staff_user(request), timezone.now()
    forms_by_name = {name: form() for name, form in FORMS.items()} | (bound or {})
    waiting = row.state == RegistrationState.SUBMITTED and bool(row.review_reason)
    due = decision_due(row) if waiting else None
    evidence = known.evidence[row.pk]
    facts = details_of(row, known)
    others = [other for other in known.others.get(row.serial_key or "", []) if other.pk != row.pk][:MAX_SAME_SERIAL]
    is_reported = (row.product_id, row.serial_key) in known.reported
    report = find_report(row.product_id, row.serial_key) if is_reported else None
    only = f"?only={ReviewReason.APPEAL.value}" if request.GET.get("only") == ReviewReason.APPEAL else ""
    taken = waiting and review.is_taken(row, now)
    return {
        "row": row,
        "url": reverse("admin:kitbag_registrationinreview_desk", args=[row.pk]) + only,
        "version": version_shown(row, evidence),
        "problems": [problem for form in forms_by_name.values() for problem in form.non_field_errors()],
        "facts": facts,
        "fitting": fitting(facts),
        "evidence": evidence,
        "traces": traces_of(row, others, report.reported_at if report else None),
        "stolen": report is not None,
        "effect": effect_of(row, others, known),
        "reasons": reason_choices(),
        "questions": question_choices(),
        "summary": known.summaries.get(row.member_id, {}),
        "refusals": known.refusals.get(row.member_id, 0),
        "due": due,
        "overdue": due is not None and due < now,
        "lacks_proof": waiting and needs_proof(row, evidence) and sales.find_matching_sale(row) is None,
        "refuse_form": forms_by_name["refuse"],
        "ask_form": forms_by_name["ask"],
        **_who_decides(row, user, known, waiting=waiting, taken=taken),
    }


def needs_proof(row: Registration, evidence: Iterable[Evidence]) -> bool:
    """Whether it was chosen at random and its member has shown no proof of purchase (R25)."""
    return review.is_drawn(row) and all(piece.kind == EvidenceKind.SERIAL for piece in evidence)


def details_of(row: Registration, known: Known) -> list[Fact]:
    """The five details of the member, with a verdict on each."""
    shop = ShopStatus.NOT_SAID
    if row.purchased_on:
        shop = known.shops[row.store, row.country.code or "", row.purchased_on]
    finding, in_region = known.findings.get(row.pk), row.country.code in known.countries
    return facts_of(row, finding=finding, shop=shop, in_region=in_region, on=timezone.localdate())


def _who_decides(row: Registration, user: User, known: Known, *, waiting: bool, taken: bool) -> dict[str, Any]:
    """Whether this person may decide it now, and if not, why."""
    claim, held = known.claims.get(row.pk), known.held.get(row.pk)
    appeal: Appeal | None = getattr(row, "appeal", None)
    refused_it = bool(appeal and appeal.granted is None and appeal.refused_by_id == user.pk)
    theirs, own = taken and row.taken_by_id != user.pk, row.member.user_id == user.pk
    return {
        "claim": claim,
        "appeal": appeal,
        "is_open_appeal": bool(appeal and appeal.granted is None),
        "held": held,
        "waiting": waiting,
        "mine": taken and row.taken_by_id == user.pk,
        "theirs": theirs,
        "own": own,
        "refused_it": refused_it,
        "decidable": waiting and not (claim or held or theirs or own or refused_it),
    }


def effect_of(row: Registration, others: Iterable[Registration], known: Known) -> Effect:
    total = row.member.points
    new_total = total + row.product.points
    new_level = level_for(new_total, known.thresholds) if known.thresholds else row.member.level
    is_held = any(other.product_id == row.product_id and other.state == RegistrationState.VALIDATED for other in others)
    return Effect(row.product.points, total, new_total, row.member.level, new_level, opens_claim=is_held)


def member_summaries(members: Collection[int]) -> Mapping[int, Mapping[str, int]]:
    """How many registrations of each member count, wait, were refused or are gone, in one query."""
    rows = Registration.objects.filter(member__in=members).values("member").order_by()
    counted = rows.annotate(
        counting=Count("pk", filter=Q(state=RegistrationState.VALIDATED)),
        waiting=Count("pk", filter=Q(state=RegistrationState.SUBMITTED)),
        refused=Count("pk", filter=Q(state=RegistrationState.REJECTED)),
        gone=Count("pk", filter=Q(state__in=[RegistrationState.REMOVED, RegistrationState.TRANSFERRED])),
    )
    return {row["member"]: {name: cast(int, number) for name, number in row.items()} for row in counted}


def page_keys() -> list[tuple[str, str]]:
    """The keys of this page, for the sheet of keys."""
    return [
        ("A", gettext("approve, and on")),
        ("R4", gettext("refuse, with the reason of that number")),
        ("M4", gettext("ask for what has that number; M twice for your own words")),
        ("U", gettext("take the last one back, within its seconds")),
        ("1", gettext("the first picture; the next keys show the others")),
        ("S", gettext("the whole queue")),
    ]
