"""Forms for contacting support and for answering cases."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.forms import UploadsField
from cps_portal.core.lib.forms import MAX_LONG_TEXT_LENGTH, LineField, LongText, PastedEmailInput, PersonNameField
from members.models import User
from members.support.enums import TOPICS, Then
from members.support.models import CannedAnswer, Case

ROBOT = _("This looked like an automatic message. If it isn’t, please send it once more.")
TOO_OFTEN = _("You’ve sent a lot of messages in a short time. Your text is still here; please try again later.")
LOST_ABOUT = _("We couldn’t find what this was about, so we’ve left it out. Please send it again.")


def files_field() -> UploadsField:
    return UploadsField(purpose="case", label=_("Photos or documents"), required=False)


def flat(data: Any) -> dict[str, Any]:
    """Posted data as a dict, so that a value can be changed before the form is shown again."""
    return {name: data.get(name) for name in data}


class ContactForm(forms.Form):
    """Contact support (R58). Members are not asked for their name and address."""

    kind = forms.ChoiceField(
        label=_("What is it about?"),
        error_messages={
            "required": _("Choose a topic."),
            "invalid_choice": _("Choose a topic from the list."),
        },
    )
    name = PersonNameField(
        label=_("Your name"),
        max_length=80,
        error_messages={"required": _("Type your name."), "max_length": _("Use at most %(limit_value)d characters.")},
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = forms.EmailField(
        label=_("Email"),
        max_length=254,
        help_text=_("We’ll reply to this address."),
        error_messages={
            "required": _("Type your email address."),
            "invalid": _("Type your email with an @, like name@studio.com."),
        },
        widget=PastedEmailInput(attrs={"autocomplete": "email"}),
    )
    subject = LineField(
        label=_("Subject"),
        max_length=120,
        help_text=_("In a few words."),
        error_messages={"required": _("Type a subject."), "max_length": _("Use at most %(limit_value)d characters.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    text = LongText(
        label=_("Your message"),
        help_text=_("Tell us what happened and what you need. If it’s about kit, add the model and the serial number."),
        error_messages={"required": _("Type your message.")},
    )
    files = files_field()  # type: ignore[assignment]
    website = forms.CharField(  # a honeypot: hidden from people, but robots fill it in
        label=_("Leave this empty"),
        required=False,
        widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, is_member: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: list[tuple[str, str | Promise]] = [(kind.value, kind.label) for kind in TOPICS]
        self.fields["kind"].choices = [("", _("Choose a topic")), *choices]  # type: ignore[attr-defined]
        if is_member:
            for name in ("name", "email", "website"):
                del self.fields[name]
        else:
            del self.fields["files"]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("website"):
            # A password manager may have filled it in. It is emptied, so that sending once more works.
            self.data = {**flat(self.data), "website": ""}
            raise ValidationError(ROBOT, code="robot")
        return data

    @property
    def shown_fields(self) -> list[forms.BoundField]:
        """The fields that people see."""
        return [field for field in self if field.name != "website"]


class ReplyForm(forms.Form):
    """A reply to a case by its member or visitor."""

    text = LongText(label=_("Your reply"), rows=5, error_messages={"required": _("Type your reply.")})
    files = files_field()  # type: ignore[assignment]

    def __init__(self, *args: Any, is_member: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not is_member:
            del self.fields["files"]


class AnswerForm(forms.Form):
    """An answer by support, or an internal note, which is never sent.

    `seen` is the last public message that was on the page when it was opened, `latest` the last of any kind.
    """

    ANSWER, NOTE = "answer", "note"

    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)
    latest = forms.IntegerField(widget=forms.HiddenInput, required=False)
    to = forms.ChoiceField(
        label=_("Kind of answer"),
        choices=[(ANSWER, _("Answer")), (NOTE, _("Internal note"))],
        widget=forms.RadioSelect,
        required=False,
    )
    canned = forms.ModelChoiceField(
        label=_("Canned answer"),
        queryset=CannedAnswer.objects.none(),
        required=False,
        empty_label=_("Canned answer …"),
        widget=forms.Select(attrs={"class": "d-input d-input--inline"}),
    )
    text = LongText(
        label=_("Answer"),
        widget=forms.Textarea(attrs={"class": "d-input", "rows": 6, "maxlength": MAX_LONG_TEXT_LENGTH}),
        error_messages={"required": _("Type an answer, or insert a canned one.")},
    )
    files = files_field()  # type: ignore[assignment]
    then = forms.ChoiceField(
        label=_("After sending"),
        choices=Then,
        required=False,
        widget=forms.Select(attrs={"class": "d-input d-input--inline"}),
    )

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["canned"].queryset = canned_answers_for(case.language)  # type: ignore[attr-defined]
        if case.member_id is None:  # visitors cannot open files
            del self.fields["files"]

    @property
    def is_note(self) -> bool:
        return bool(self["to"].value() == self.NOTE)


def canned_answers_for(language: str) -> QuerySet[CannedAnswer]:
    """Canned answers for cases, each once: in the customer's language, or else in the portal's own."""
    own = CannedAnswer.objects.filter(for_centres=False, language=language)
    fallback = CannedAnswer.objects.filter(for_centres=False, language=settings.LANGUAGE_CODE)
    keys = Q(pk__in=own.values("pk")) | Q(pk__in=fallback.exclude(title__in=own.values("title")).values("pk"))
    return CannedAnswer.objects.filter(keys).order_by("title")


class AssignForm(forms.Form):
    """Assign a case to a colleague."""

    to = forms.ModelChoiceField(
        label=_("Assigned to"),
        queryset=User.objects.none(),
        required=False,
        empty_label=_("Nobody"),
        widget=forms.Select(attrs={"class": "d-input d-input--inline"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        may_answer = Q(groups__permissions__codename="answer_case") | Q(user_permissions__codename="answer_case")
        staff = User.objects.filter(may_answer | Q(is_superuser=True), is_staff=True, is_active=True).distinct()
        self.fields["to"].queryset = staff.order_by("email")  # type: ignore[attr-defined]


class CannedAnswerForm(forms.ModelForm[CannedAnswer]):
    text = LongText(rows=10, help_text=CannedAnswer._meta.get_field("text").help_text)

    class Meta:
        model = CannedAnswer
        fields = ["title", "language", "text", "for_centres"]
