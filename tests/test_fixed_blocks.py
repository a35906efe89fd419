"""Parts of templates that are the same on every page: rendered once for each language, with nothing of anybody."""

import pytest
from django.template import TemplateSyntaxError, engines
from django.test import Client, RequestFactory
from django.utils.translation import override

from cps_portal.core.lib.fixed_blocks import FIXED
from tests.rows import each_row
from tests.world import World


def render(source: str, **context: object) -> str:
    return engines["django"].from_string(source).render(context, RequestFactory().get("/"))


@each_row("inside", ["{{ name }}", "{% csrf_token %}", "{% if True %}{{ request.user }}{% endif %}", '{{ _("Help") }}'])
def test_a_variable_or_a_token_inside_is_an_error(inside: str) -> None:
    with pytest.raises(TemplateSyntaxError, match="not the same on every page"):
        render("{% load i18n %}{% fixed %}" + inside + "{% endfixed %}", name="Ana")


def test_nothing_of_the_page_reaches_what_is_included() -> None:
    """Neither a value of the view nor one of the context processors, such as the member."""
    condition = "{% if name or portal or request or user or csrf_token %}seen{% else %}nothing{% endif %}"
    source = "{% fixed %}" + condition + "{% endfixed %}"
    assert render(source, name="Ana") == "nothing"


def test_it_is_rendered_once_for_each_language() -> None:
    template = engines["django"].from_string("{% load i18n %}{% fixed %}{% translate 'Help' %}{% endfixed %}")
    shown = []
    for language in ("en", "fr", "en", "fr"):
        with override(language):
            shown.append(template.render({}))
    assert shown[0] == shown[2] == "Help" and shown[1] == shown[3] != "Help"
    (block,) = [block for block in FIXED if set(block.texts.values()) == set(shown)]
    assert set(block.texts) == {"en", "fr"}


def test_two_members_see_their_own_names_around_it(world: World) -> None:
    for member, other in ((world.ana, world.ben), (world.ben, world.ana)):
        client = Client()
        client.force_login(member.user)
        page = client.get("/kitbag/").content.decode()
        assert member.full_name in page and other.full_name not in page
        assert page.count("csrfmiddlewaretoken") >= 3


def test_templates_come_without_their_indentation_but_with_every_word(world: World, as_ana: Client) -> None:
    page = as_ana.get("/kitbag/").content.decode()
    assert "\n  " not in page and "Skip to main content" in page
