"""Options written in Python are those that Django's templates write, escaped and marked alike."""

import pytest
from django import forms
from django.template.loader import render_to_string
from django.test.html import parse_html
from django.utils.html import escape
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _

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
