"""What people and staff type about a case: form only, the actions decide."""

import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.forms import UploadsField
from members.forms.profile import clean_line
from members.models import User
from members.support.enums import TOPICS
from members.support.models import MAX_TEXT_LENGTH, CannedAnswer, Case

ROBOT = _("This looked like an automatic message. If you are a person, send it once more.")
TOO_OFTEN = _("That was more than we allow in so short a time. Your text is still here: send it later.")
LOST_ABOUT = _("What this was about could not be found, so it’s left out. Send it again.")


def files_field() -> UploadsField:
    return UploadsField(purpose="case", label=_("Photos or documents"), required=False)


def flat(data: Any) -> dict[str, Any]:
    """What was posted, one value a name, to be changed before it is shown again."""
    return {name: data.get(name) for name in data}


class LongText(forms.CharField):
    """Several lines of plain text: line breaks are kept, other signs that cannot be seen are refused."""

    def __init__(self, *, rows: int = 8, longest: int = MAX_TEXT_LENGTH, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.Textarea(attrs={"class": "input", "rows": rows, "maxlength": longest}))
        kwargs["max_length"] = longest
        kwargs.setdefault("error_messages", {}).setdefault(
            "max_length", _("Use at most %(limit_value)d characters. You have %(show_value)d.")
        )
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> str:
        text = "\n".join(str(super().to_python(value)).splitlines()).strip()
        if any(unicodedata.category(sign) in ("Cc", "Cs") and sign not in "\n\t" for sign in text):
            raise ValidationError(_("This has signs that can’t be printed. Type it again."), code="signs")
        return text


class ContactForm(forms.Form):
    """Contact us (R58). Members are not asked who they are."""

    kind = forms.ChoiceField(
        label=_("What is it about?"),
        error_messages={
            "required": _("Choose a topic."),
            "invalid_choice": _("Choose a topic from the list."),
        },
    )
    name = forms.CharField(
        label=_("Your name"),
        max_length=80,
        error_messages={"required": _("Type your name."), "max_length": _("Use at most 80 characters.")},
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = forms.EmailField(
        label=_("Email"),
        max_length=254,
        help_text=_("We answer to this address."),
        error_messages={
            "required": _("Type your email address."),
            "invalid": _("Type your email with an @, like name@studio.com."),
        },
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    subject = forms.CharField(
        label=_("Subject"),
        max_length=120,
        help_text=_("In a few words."),
        error_messages={"required": _("Type a subject."), "max_length": _("Use at most 120 characters.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    text = LongText(
        label=_("Your message"),
        help_text=_("Say what happened and what you need. For kit, add the model and the serial number."),
        error_messages={"required": _("Type your message.")},
    )
    files = files_field()  # type: ignore[assignment]
    website = forms.CharField(  # people do not see it; what fills in everything does
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

    def clean_name(self) -> str:
        return clean_line(self.cleaned_data["name"])

    def clean_subject(self) -> str:
        return clean_line(self.cleaned_data["subject"])

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("website"):
            # A password manager may have filled it in: who sends once more is through, and nothing is lost.
            self.data = {**flat(self.data), "website": ""}
            raise ValidationError(ROBOT, code="robot")
        return data

    @property
    def asked(self) -> list[forms.BoundField]:
        """The fields that people see."""
        return [field for field in self if field.name != "website"]


class ReplyForm(forms.Form):
    """Writing on in a case."""

    text = LongText(label=_("Your reply"), rows=5, error_messages={"required": _("Type your reply.")})
    files = files_field()  # type: ignore[assignment]

    def __init__(self, *args: Any, is_member: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not is_member:
            del self.fields["files"]


class AnswerForm(forms.Form):
    """Support answers. `seen` tells whether something was said since the page was opened."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False)
    canned = forms.ModelChoiceField(
        label=_("Canned answer"), queryset=CannedAnswer.objects.none(), required=False, empty_label=_("None")
    )
    text = LongText(
        label=_("Answer"),
        rows=10,
        error_messages={"required": _("Type an answer, or insert a canned one.")},
    )
    files = files_field()  # type: ignore[assignment]
    asks = forms.BooleanField(label=_("It is their turn: we need something from them"), required=False)

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fitting = CannedAnswer.objects.filter(Q(language=case.language) | Q(language="en"))
        self.fields["canned"].queryset = fitting  # type: ignore[attr-defined]
        if case.member_id is None:  # a visitor could not open them
            del self.fields["files"]


class NoteForm(forms.Form):
    note = LongText(label=_("Internal note"), rows=4, error_messages={"required": _("Type a note.")})


class AssignForm(forms.Form):
    """To whom a case is handed."""

    to = forms.ModelChoiceField(label=_("Hand to"), queryset=User.objects.none(), required=False, empty_label=_("All"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        may = Q(groups__permissions__codename="answer_case") | Q(user_permissions__codename="answer_case")
        staff = User.objects.filter(may | Q(is_superuser=True), is_staff=True, is_active=True).distinct()
        self.fields["to"].queryset = staff.order_by("email")  # type: ignore[attr-defined]


class CloseForm(forms.Form):
    tell = forms.BooleanField(label=_("Tell them that it is closed"), required=False, initial=True)


class CannedAnswerForm(forms.ModelForm[CannedAnswer]):
    text = LongText(rows=10, help_text=CannedAnswer._meta.get_field("text").help_text)

    class Meta:
        model = CannedAnswer
        fields = ["title", "language", "text"]
