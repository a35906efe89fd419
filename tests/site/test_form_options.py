"""Options written in Python are those that Django's templates write, escaped and marked alike."""

import pytest
from django import forms
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
