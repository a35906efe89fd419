"""Options written in Python are those that Django's templates write, escaped and marked alike."""

from pathlib import Path

import django.forms
import pytest
from django import forms
from django.template import Context, Engine
from django.template.loader import render_to_string
from django.test.html import parse_html
from django.utils.html import escape
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy, override
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.long_select import LongSelect

HOSTILE = '"><script>alert(1)</script>'
CHOICES = [
    ("", "---------"),
    ("ZA", "South Africa"),
    (HOSTILE, HOSTILE),
    ("Ö & 'x'", "Ö & 'x'"),
    (7, 1234567),
    (None, _("None")),
    ("safe", mark_safe("<b>bold</b>")),
    ("Group & co", [("a", "A"), ("b", "B")]),
]


class Disabled(forms.Select):
    """An option that cannot be chosen, with a mark of its own."""

    def create_option(self, name, value, *args, **kwargs):  # type: ignore[no-untyped-def]
        option = super().create_option(name, value, *args, **kwargs)
        option["attrs"] |= {"disabled": value == "ZA", "data-note": HOSTILE, "data-number": 1234}
        return option


KINDS: list[type[forms.Select]] = [forms.Select, LongSelect]


class OwnTemplate(forms.Select):
    option_template_name = "django/forms/widgets/radio_option.html"


@pytest.mark.parametrize("widget", [forms.Select, forms.SelectMultiple, Disabled, OwnTemplate])
@pytest.mark.parametrize("value", ["ZA", HOSTILE, 7, None, "b", "safe", "nowhere"])
def test_a_select_has_the_options_that_django_would_write(widget: type[forms.Select], value: object) -> None:
    context = widget(choices=CHOICES).get_context("country", value, {"id": "id_country", "class": "input"})
    ours = render_to_string("django/forms/widgets/select.html", context).strip()
    expected = ""
    for group, options, _place in context["widget"]["optgroups"]:
        written = "".join(render_to_string(option["template_name"], {"widget": option}) for option in options)
        expected += f'<optgroup label="{escape(group)}">{written}</optgroup>' if group else written
    begin = ours[: ours.index(">") + 1]
    assert begin.startswith('<select name="country"')
    assert parse_html(ours) == parse_html(f"{begin}{expected}</select>")


@pytest.mark.parametrize("value", ["ZA", HOSTILE, "", None, "nowhere"])
def test_a_long_select_is_written_as_a_short_one(value: object) -> None:
    choices = [choice for choice in CHOICES if isinstance(choice[0], str) and isinstance(choice[1], str)]
    attrs = {"id": "id_country", "required": True, "disabled": False, "data-note": HOSTILE}
    for own in ({}, {"class": "wide", "autocomplete": "country"}):
        short, long = (kind(choices=choices, attrs=own).render("country", value, attrs) for kind in KINDS)
        assert parse_html(short) == parse_html(long)


def test_a_long_select_is_written_for_each_language_and_value() -> None:
    select = LongSelect(choices=[("", gettext_lazy("Help")), ("ZA", "South Africa")])
    with override("fr"):
        french = select.render("country", "ZA")
    english = select.render("country", "ZA")
    assert "Help" in english and "Help" not in french
    assert 'value="ZA" selected' in english and 'value="ZA" selected' not in select.render("country", "")


OF_DJANGO = Path(django.forms.__file__).parent / "templates/django/forms/widgets"
ATTRIBUTES = {
    "id": "id_name",
    "required": True,
    "disabled": False,
    "data-note": HOSTILE,
    "maxlength": 1234,
    "aria-describedby": _("Help"),
    "data-safe": mark_safe("&amp;"),
}


@pytest.mark.parametrize("value", ["ZA", HOSTILE, "", 0, 1234567, None, mark_safe("a &amp; b"), _("Help")])
@pytest.mark.parametrize("kind", ["text", "email", "hidden", "file", "password", HOSTILE])
def test_an_input_is_written_as_django_would_write_it(kind: str, value: object) -> None:
    engine = Engine(dirs=[str(OF_DJANGO)])
    source = (OF_DJANGO / "input.html").read_text().replace("django/forms/widgets/", "")
    for attributes in ({**ATTRIBUTES, "class": "wide"}, {"class": ""}):
        widget = {"type": kind, "name": HOSTILE, "value": value, "attrs": attributes}
        expected = engine.from_string(source).render(Context({"widget": widget})).strip()
        assert render_to_string("django/forms/widgets/input.html", {"widget": widget}).strip() == expected


@pytest.mark.parametrize(
    ("kind", "has_class"), [("text", True), ("email", True), ("hidden", False), ("checkbox", False), ("file", False)]
)
def test_an_input_has_the_class_of_fields_unless_it_has_one(kind: str, has_class: bool) -> None:
    widget = {"type": kind, "name": "a", "value": None, "attrs": {}}
    assert ('class="input"' in render_to_string("django/forms/widgets/input.html", {"widget": widget})) == has_class
