"""One registration as it is decided: what its page shows, and what the browser loads ahead (R19, R54)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.forms import MultiLineField
from kitbag.actions import review
from kitbag.actions.retailers import shop_status
from kitbag.actions.serials import check_serial
from kitbag.actions.stolen_reports import find_report
from kitbag.admin.registrations import REASONS, DecisionForm, same_serial
from kitbag.admin.staff import staff_user
from kitbag.enums import RefusalReason, RegistrationState, ReviewReason, ShopStatus
from kitbag.models import Appeal, Claim, HeldDecision, Registration
from kitbag.presenters.decide import facts_of, fitting, traces_of
from kitbag.queries.deadlines import decision_due
from kitbag.queries.versions import version_of
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


def upcoming(by: User, *, after: int, loaded: Iterable[int] = (), only_appeals: bool = False) -> list[Registration]:
    """What comes behind the registration with the key `after`, without what the browser has `loaded` already."""
    known = {after, *loaded}
    keys = review.next_keys(by=by, at=timezone.now(), after=after, only_appeals=only_appeals)
    chosen = [key for key in keys if key not in known][:AHEAD]
    rows = decide_rows().in_bulk(chosen)
    return [rows[key] for key in chosen if key in rows]


@dataclass(frozen=True)
class Programme:
    """What all registrations of a page are compared with: points of levels, and countries with a programme."""

    thresholds: dict[str, int]
    countries: frozenset[str]


def read_programme() -> Programme:
    countries = CountryProgramme.objects.order_by().values_list("country", flat=True).distinct()
    return Programme(LevelThreshold.objects.in_force(), frozenset(countries))


def render_item(request: HttpRequest, row: Registration, bound: dict[str, DecisionForm] | None = None) -> str:
    item = build_item(request, row, read_programme(), bound)
    return render_to_string(ITEM, {"item": item, "held": None, "dropped": []}, request)


def build_item(
    request: HttpRequest, row: Registration, programme: Programme, bound: dict[str, DecisionForm] | None = None
) -> dict[str, Any]:
    """Everything about one of `decide_rows`. `bound` are forms that somebody has sent, with their errors."""
    user, now = staff_user(request), timezone.now()
    forms_by_name = {name: form() for name, form in FORMS.items()} | (bound or {})
    waiting = row.state == RegistrationState.SUBMITTED and bool(row.review_reason)
    due = decision_due(row) if waiting else None
    finding = check_serial(row, row.serial) if row.serial else None
    in_region = row.country.code in programme.countries
    shop = shop_status(row.store, row.country.code, row.purchased_on) if row.purchased_on else ShopStatus.NOT_SAID
    facts = facts_of(row, finding=finding, shop=shop, in_region=in_region, on=timezone.localdate())
    others = list(same_serial(row))
    report = find_report(row.product_id, row.serial_key)
    only = f"?only={ReviewReason.APPEAL.value}" if request.GET.get("only") == ReviewReason.APPEAL else ""
    taken = waiting and review.is_taken(row, now)
    return {
        "row": row,
        "url": reverse("admin:kitbag_registrationinreview_desk", args=[row.pk]) + only,
        "version": version_of(row),
        "problems": [problem for form in forms_by_name.values() for problem in form.non_field_errors()],
        "facts": facts,
        "fitting": fitting(facts),
        "evidence": list(row.evidence.kept()),
        "traces": traces_of(row, others, report.reported_at if report else None),
        "stolen": report is not None,
        "effect": effect_of(row, others, programme),
        "reasons": reason_choices(),
        "questions": question_choices(),
        "summary": member_summary(row.member),
        "refusals": review.count_recent_refusals(row.member, now),
        "due": due,
        "overdue": due is not None and due < now,
        "lacks_proof": waiting and review.lacks_proof(row),
        "refuse_form": forms_by_name["refuse"],
        "ask_form": forms_by_name["ask"],
        **_who_decides(row, user, waiting=waiting, taken=taken),
    }


def _who_decides(row: Registration, user: User, *, waiting: bool, taken: bool) -> dict[str, Any]:
    """Whether this person may decide it now, and if not, why."""
    claim = Claim.objects.open().filter(claimant=row).first()
    appeal: Appeal | None = getattr(row, "appeal", None)
    held = HeldDecision.objects.filter(registration=row, state="held").select_related("by").first()
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


def effect_of(row: Registration, others: Iterable[Registration], programme: Programme) -> Effect:
    total = row.member.points
    new_total = total + row.product.points
    new_level = level_for(new_total, programme.thresholds) if programme.thresholds else row.member.level
    is_held = any(other.product_id == row.product_id and other.state == RegistrationState.VALIDATED for other in others)
    return Effect(row.product.points, total, new_total, row.member.level, new_level, opens_claim=is_held)


def member_summary(member: Member) -> dict[str, int]:
    """How many of the member's registrations count, wait, were refused or are gone."""
    return Registration.objects.of(member).aggregate(
        counting=Count("pk", filter=Q(state=RegistrationState.VALIDATED)),
        waiting=Count("pk", filter=Q(state=RegistrationState.SUBMITTED)),
        refused=Count("pk", filter=Q(state=RegistrationState.REJECTED)),
        gone=Count("pk", filter=Q(state__in=[RegistrationState.REMOVED, RegistrationState.TRANSFERRED])),
    )


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
