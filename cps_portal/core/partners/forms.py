"""What the desk types about partners."""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.forms import LineField
from cps_portal.core.partners import actions
from cps_portal.core.partners.actions.credentials import MAX_NAME_LENGTH
from cps_portal.core.partners.enums import LATEST_VERSION, SCOPES
from cps_portal.core.partners.models import Credential, Partner, WebhookEndpoint
from cps_portal.core.partners.models.credentials import check_network


class EndpointForm(forms.ModelForm[WebhookEndpoint]):
    types = forms.MultipleChoiceField(
        label=_("Events"),
        required=False,
        help_text=_("Events to send to this address. None selected: everything that concerns the partner."),
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = WebhookEndpoint
        fields = ["partner", "url", "types", "version", "payload"]
        field_classes = {"url": forms.CharField}  # `clean_url` knows better than the one for any address

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known: dict[str, StrOrPromise] = dict(settings.WEBHOOK_TYPES)
        for kept in self.instance.types or []:
            known.setdefault(kept, kept)
        if self.instance._state.adding and "version" in self.fields:
            self.fields["version"].initial = LATEST_VERSION
        types = self.fields.get("types")
        if isinstance(types, forms.MultipleChoiceField):  # absent for staff who may only view
            types.choices = [(code, f"{code}: {label}") for code, label in known.items()]

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        try:
            actions.check_url(url)
        except Refusal as refusal:
            raise ValidationError(str(refusal.message), code=refusal.code) from refusal
        return url

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if {"version", "payload"} <= cleaned.keys():
            try:
                actions.check_payload(version=cleaned["version"], payload=cleaned["payload"])
            except Refusal as refusal:
                self.add_error("payload", ValidationError(str(refusal.message), code=refusal.code))
        if self.instance._state.adding and {"partner", "url"} <= cleaned.keys():
            try:
                actions.check_new_endpoint(partner=cleaned["partner"], url=cleaned["url"])
            except Refusal as refusal:
                self.add_error("url", ValidationError(str(refusal.message), code=refusal.code))
        elif not self.instance._state.adding and "url" in cleaned:
            others = WebhookEndpoint.objects.live().filter(partner=self.instance.partner_id, url=cleaned["url"])
            if others.exclude(pk=self.instance.pk).exists():
                self.add_error("url", ValidationError(_("This partner has this address already."), code="unique"))
        return cleaned


class SuspendForm(forms.Form):
    reason = LineField(
        label=_("Why it is suspended"),
        max_length=200,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        error_messages={"required": _("Please give a reason. The next person to look at this will want to know.")},
    )


class LinesField(forms.CharField):
    """Several words, one on each line; blank lines and the same again are left out."""

    widget = AdminTextareaWidget(attrs={"rows": 4})
    most = 50

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        lines = [line.strip() for line in (super().to_python(value) or "").splitlines()]
        return list(dict.fromkeys(filter(None, lines)))

    def validate(self, value: Any) -> None:
        super().validate(value)
        if len(value) > self.most:
            raise ValidationError(_("Enter at most %(n)d lines."), params={"n": self.most})

    def run_validators(self, value: Any) -> None:
        wrong = []
        for line in value:
            try:
                super().run_validators(line)
            except ValidationError as error:
                wrong += error.error_list
        if wrong:
            raise ValidationError(wrong)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(list(initial or []) != self.to_python(data))


class CredentialForm(forms.ModelForm[Credential]):
    """For one partner, which decides on the scopes that there are to choose from."""

    partner: ClassVar[Partner]
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        help_text=_("Give only what is needed: what is not given here no token can do."),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one: a credential without scopes can do nothing.")},
    )
    networks = LinesField(
        label=_("Networks"),
        required=False,
        validators=[check_network],
        help_text=_("From where it may be used, one on each line, such as 192.0.2.0/24. None: from anywhere."),
    )

    class Meta:
        model = Credential
        fields = ["name", "scopes", "networks", "rate", "expires_at"]
        help_texts = {
            "name": _("Where it is used, such as “Workshop system in Johannesburg”."),
            "expires_at": _("Without one it works until it is revoked."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            self.instance.partner = self.partner
            self.instance.client_type = Credential.CLIENT_CONFIDENTIAL
            self.instance.authorization_grant_type = Credential.GRANT_CLIENT_CREDENTIALS
        if "name" in self.fields:  # absent for staff who may only view
            self.fields["name"].required = True
            self.fields["name"].error_messages["required"] = _("Say where it is used.")
            self.fields["name"].max_length = MAX_NAME_LENGTH  # type: ignore[attr-defined]
        if isinstance(scopes := self.fields.get("scopes"), forms.MultipleChoiceField):
            scopes.choices = [(scope.value, f"{scope.value}: {scope.label}") for scope in SCOPES[self.partner.kind]]

    def clean_expires_at(self) -> Any:
        moment = self.cleaned_data["expires_at"]
        if moment and "expires_at" in self.changed_data and moment <= timezone.now():
            raise ValidationError(_("This moment is over. Choose a later one."))
        return moment
