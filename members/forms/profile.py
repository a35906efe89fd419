"""Forms for a member's profile, country, terms and account."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.country_names import with_article
from cps_portal.core.lib.forms import LineField
from members.enums import PushKind
from members.forms.common import SPECIALTIES, NameFields, country_choices, terms_label
from members.models import Member
from members.models.people import MAIL_PREFERENCES


class ProfileForm(NameFields):
    """A member's profile and e-mail preferences."""

    specialty = forms.ChoiceField(label=_("What do you mostly shoot?"), choices=SPECIALTIES, required=False)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    wants_news = forms.BooleanField(label=_("Email me about events and offers, about once a month"), required=False)
    wants_counted = forms.BooleanField(label=_("Email me each time one of my products starts to count"), required=False)
    wants_reminders = forms.BooleanField(
        label=_("Remind me once a month of products I haven’t finished adding"),
        required=False,
        help_text=_("We always tell you about decisions, and about changes to your points, level or account."),
    )

    def __init__(self, *args: Any, member: Member, **kwargs: Any) -> None:
        names = ("first_name", "last_name", "specialty", "language", *MAIL_PREFERENCES)
        kwargs["initial"] = {name: getattr(member, name) for name in names}
        super().__init__(*args, **kwargs)
        if len(settings.LANGUAGES) < 2:
            del self.fields["language"]


class PushForm(forms.Form):
    """What the browser is told at once. The browser itself fills in where to send, and its keys."""

    kinds = forms.MultipleChoiceField(
        label=_("Tell me at once when"), choices=PushKind, required=False, widget=forms.CheckboxSelectMultiple
    )
    endpoint = LineField(max_length=1000, required=False, widget=forms.HiddenInput)
    p256dh = LineField(max_length=100, required=False, widget=forms.HiddenInput)
    auth = LineField(max_length=30, required=False, widget=forms.HiddenInput)


class MoveForm(forms.Form):
    """The country a member moves to (R6)."""

    country = forms.ChoiceField(
        label=_("Where do you live now?"),
        error_messages={
            "required": _("Choose a country from the list."),
            "invalid_choice": _("Choose a country from the list."),
        },
        widget=forms.Select(attrs={"autocomplete": "country"}),
    )

    def __init__(self, *args: Any, member: Member, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = [choice for choice in country_choices() if choice[0] != member.country.code]
        self.fields["country"].choices = [("", _("Choose a country")), *others]  # type: ignore[attr-defined]


class MoveConfirmForm(forms.Form):
    """That they live there now, and know what stops (R6)."""

    sure = forms.BooleanField(error_messages={"required": _("Tick the box if you live there now.")})

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        label = _("I live in %(country)s now, and I’ve read what changes.") % {"country": with_article(country)}
        self.fields["sure"].label = label


class TermsForm(forms.Form):
    """Accept a new version of the terms (R9)."""

    terms = forms.BooleanField(
        label=terms_label(),
        error_messages={"required": _("Read and accept the terms of use to carry on.")},
    )


class CloseForm(forms.Form):
    """Confirm that the account is to be closed (R14)."""

    sure = forms.BooleanField(
        label=_("Close my account"), error_messages={"required": _("Tick the box if you’re sure.")}
    )
