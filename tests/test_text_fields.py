"""Free text is cleaned in every form, in every body of the API and in the whole admin."""

from collections.abc import Iterator

import pytest
from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.test import RequestFactory
from django.urls import get_resolver
from rest_framework import serializers

from cps_portal.core.lib.forms import LineField, LongText, MultiLineField, PersonNameField, RecipientField
from cps_portal.core.rest import fields as rest
from cps_portal.core.rest.fields import StrictSerializer
from members.support.forms import ContactForm
from servicing.api.visitors import VisitorOpeningSerializer
from servicing.forms.visitors import VisitorForm
from tests.rows import each_row

CLEANED = (LineField, MultiLineField, PersonNameField, RecipientField)
OURS = ("members", "kitbag", "servicing", "cps_portal")
# What is not free text: it is compared, counted or looked up, and the code that does so reads it in its own way.
READ_OTHERWISE = {
    "card",
    "code",
    "country",
    "currency",
    "draft",
    "external_id",
    "key",
    "member_number",
    "near",
    "previewed",
    "product_words",
    "q",
    "reference",
    "seen",
    "serial",
    "tracking_url",
    "type",
    "url",
    "website",
}


def subclasses(base: type) -> Iterator[type]:
    for each in base.__subclasses__():
        yield each
        yield from subclasses(each)


@pytest.fixture(autouse=True)
def every_module_is_imported() -> None:
    assert get_resolver().url_patterns


def our_forms() -> list[type[forms.BaseForm]]:
    return [form for form in subclasses(forms.BaseForm) if form.__module__.startswith(OURS)]


def test_every_form_field_of_free_text_cleans_it() -> None:
    plain = {
        f"{form.__module__}.{form.__name__}.{name}"
        for form in our_forms()
        for name, field in getattr(form, "declared_fields", {}).items()  # the admin makes the others: see below
        if type(field) is forms.CharField and not isinstance(field.widget, forms.PasswordInput)
    }
    # allauth removes the first; the cells of the others are cleaned by `read_sheet`
    plain -= {"members.forms.accounts.JoinForm.username"}
    plain = {path for path in plain if not path.endswith("FileForm.text") and not path.endswith("SheetForm.text")}
    assert {path for path in plain if path.rpartition(".")[2] not in READ_OTHERWISE} == set()
    assert len(our_forms()) > 50


def test_every_body_of_the_api_cleans_free_text() -> None:
    bodies = [each for each in subclasses(StrictSerializer) if each.__module__.startswith(OURS)]
    plain = {
        f"{body.__module__}.{body.__name__}.{name}"
        for body in bodies
        for name, field in body._declared_fields.items()  # type: ignore[attr-defined]
        if type(field) in (serializers.CharField, serializers.EmailField)
    }
    assert {path for path in plain if path.rpartition(".")[2] not in READ_OTHERWISE} == set()
    assert len(bodies) > 20


def test_every_column_of_free_text_in_the_admin_is_cleaned() -> None:
    request = RequestFactory().get("/")
    walked, plain = 0, set()
    for model, model_admin in admin.site._registry.items():
        if not model.__module__.startswith(OURS):
            continue
        for column in model._meta.concrete_fields:
            if type(column) in (models.CharField, models.TextField) and column.editable and not column.choices:
                walked += 1
                field = model_admin.formfield_for_dbfield(column, request)
                if not isinstance(field, CLEANED):
                    plain.add(f"{model.__name__}.{column.name}")
    assert plain == set()
    assert walked > 60


DIRTY = "Ann\u202eevil \u200b\u3164می\u200cخواهم 👩\u200d🚀"
CLEAN = "Annevil می\u200cخواهم 👩\u200d🚀"


@each_row("field", [LineField(), MultiLineField(), LongText(), PersonNameField(), RecipientField()])
def test_a_form_field_drops_what_nobody_sees_and_keeps_what_a_script_needs(field: forms.CharField) -> None:
    assert field.clean(DIRTY) == CLEAN


@pytest.mark.parametrize("field", [rest.LineField(), rest.MultiLineField(), rest.PersonNameField()])
def test_a_body_of_the_api_is_cleaned_like_a_form(field: serializers.CharField) -> None:
    assert field.run_validation(DIRTY) == CLEAN


@each_row("typed", ["\u200b", "\u3164", "\u0301\u0302", "\ufeff\u2060", "\u00ad", "\u115f", "\U000e0041"])
@each_row("field", [LineField(), PersonNameField(), RecipientField()])
def test_a_line_of_which_nothing_is_seen_is_refused(field: forms.CharField, typed: str) -> None:
    with pytest.raises(forms.ValidationError, match="We can’t see anything in this"):
        field.clean(typed)


def test_lines_stay_lines() -> None:
    assert MultiLineField().clean("a\r\nb\u2028c\td") == "a\nb\nc\td"
    assert LongText(required=False).clean("\u200b") == ""


PASTED = [
    "name@example.org",
    "NAME@Example.ORG",
    " name@example.org ",
    "name@example.org\u200b",
    "na\u00adme@example.org",
    "name＠example.org",
    "name@example.org.",
    "Ann <name@example.org>",
    "<name@example.org>",
    "mailto:name@example.org",
    "\u202aname@example.org\u202c",
    "name@example。org",
    "name@example.org;",
    "\ufeffname@example.org",
    "name@\u2060example.org",
]
WITHOUT_EMAIL = {"region": "japan", "card_number": "1", "expires_on": "2030-01-31", "name": "Ann"}


@pytest.mark.django_db  # the rule of the region of the card
@each_row("typed", PASTED)
def test_an_address_is_the_same_at_the_counter_in_a_case_and_in_the_api(typed: str) -> None:
    counter = VisitorForm({**WITHOUT_EMAIL, "email": typed})
    counter.is_valid()
    case = ContactForm({"email": typed}, is_member=False)
    case.is_valid()
    body = VisitorOpeningSerializer().fields["email"]
    assert counter.cleaned_data["email"] == "name@example.org"
    assert case.cleaned_data["email"] == "name@example.org"
    assert body.run_validation(typed) == "name@example.org"


@pytest.mark.django_db  # the rule of the region of the card
@each_row("typed", ["not an address", "a@b@c", "Ann <>", "name@example.org, other@example.org", "@"])
def test_what_is_no_address_is_shown_as_it_was_typed(typed: str) -> None:
    form = VisitorForm({**WITHOUT_EMAIL, "email": typed})
    assert "email" in form.errors
    with pytest.raises(serializers.ValidationError):
        VisitorOpeningSerializer().fields["email"].run_validation(typed)


@pytest.mark.django_db  # the rule of the region of the card
@each_row("name", ["Win at https://evil.example", "www.evil.example", "evil.example/win", "a\\b"])
def test_a_stranger_cannot_write_an_address_of_the_web_for_a_name(name: str) -> None:
    assert "name" in VisitorForm({**WITHOUT_EMAIL, "name": name}).errors
    assert "name" in ContactForm({"name": name}, is_member=False).errors
    with pytest.raises(ValidationError):
        VisitorOpeningSerializer().fields["name"].run_validation(name)
