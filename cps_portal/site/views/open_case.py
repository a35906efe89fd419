"""Staff open a case: for a member, or for somebody without an account by e-mail address (R54, R58)."""

from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.forms import LineField, LongText, PastedEmailInput, PersonNameField
from members.forms.common import add_refusal
from members.models import Member, User
from members.support import actions
from members.support.enums import TOPICS
from members.support.models import MAX_TEXT_LENGTH, Case
from members.support.presenters import due_in_words

ANSWER = "cases.answer_case"
THEY_REPLY, WE_LOOK = "they", "we"
TURNS: list[tuple[str, str | Promise]] = [(THEY_REPLY, _("They reply")), (WE_LOOK, _("We look into it"))]
HINTS = [_("The case waits for them"), _("They can read along, and hear from us")]
INPUT = {"class": "d-input", "autocomplete": "off"}


class OpenCaseForm(forms.Form):
    """A new case. Members are not asked for name, address and language."""

    name = PersonNameField(
        label=_("Name"),
        max_length=80,
        widget=forms.TextInput(INPUT),
        error_messages={"required": _("Type their name.")},
    )
    email = forms.EmailField(
        label=_("Email"),
        max_length=254,
        widget=PastedEmailInput(INPUT),
        error_messages={
            "required": _("Type the address that they read."),
            "invalid": _("Type the address with an @, like name@studio.com."),
        },
    )
    language = forms.ChoiceField(
        label=_("Language"), choices=settings.LANGUAGES, initial="en", widget=forms.Select(INPUT)
    )
    kind = forms.ChoiceField(
        label=_("Topic"),
        choices=[("", _("Choose a topic")), *((kind.value, kind.label) for kind in TOPICS)],
        widget=forms.Select(INPUT),
        error_messages={"required": _("Choose a topic.")},
    )
    subject = LineField(
        label=_("Subject"),
        max_length=120,
        widget=forms.TextInput(INPUT),
        error_messages={"required": _("Type a subject.")},
    )
    text = LongText(
        label=_("What they read"),
        widget=forms.Textarea({"class": "d-input", "rows": 7, "maxlength": MAX_TEXT_LENGTH}),
        error_messages={"required": _("Write to them.")},
    )
    turn = forms.ChoiceField(label=_("Then"), choices=TURNS, initial=THEY_REPLY, widget=forms.RadioSelect)

    def __init__(self, *args: Any, member: Member | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if member:
            for name in ("name", "email", "language"):
                del self.fields[name]

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"])
        if Member.objects.open().filter(user__email__iexact=email).exists():
            raise ValidationError(_("A member has this address. Find them in the box above, and open it there."))
        return email

    @property
    def visitor(self) -> actions.Visitor | None:
        data = self.cleaned_data
        return actions.Visitor(data["name"], data["email"], data["language"]) if "email" in self.fields else None


@require_http_methods(["GET", "HEAD", "POST"])
def open_case(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Write to a member, `pk`, or to somebody without an account; show beside the form what it does."""
    user = cast(User, request.user)
    if not user.has_perm(ANSWER) or (pk and not user.has_perm("members.view_member")):
        raise PermissionDenied
    member = get_object_or_404(Member.objects.open().select_related("user"), pk=pk) if pk else None
    form = OpenCaseForm(request.POST if request.method == "POST" else None, member=member)
    if form.is_valid() and (case := _open(form, member, user)):
        messages.success(request, _("The case is open, and the mail is on its way."))
        return HttpResponseRedirect(reverse("admin:cases_case_change", args=[case.pk]))
    context = {
        **admin.site.each_context(request),
        "title": gettext("Open a case"),
        "opts": Case._meta,
        "member": member,
        "form": form,
        "turns": list(zip(form["turn"], HINTS, strict=True)),
        "due": due_in_words(actions.answer_due(member, timezone.now())),
    }
    return TemplateResponse(request, "admin/desk/open_case.html", context)


def _open(form: OpenCaseForm, member: Member | None, user: User) -> Case | None:
    """None if the action refused what was typed: then the form has the error."""
    data = form.cleaned_data
    try:
        return actions.open_case(
            kind=data["kind"],
            subject=data["subject"],
            text=data["text"],
            asks=data["turn"] == THEY_REPLY,
            member=member,
            visitor=form.visitor,
            by=user,
            at=timezone.now(),
        )
    except Refusal as refusal:
        add_refusal(form, refusal)
        return None
