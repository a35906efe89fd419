"""Serial numbers, references, member numbers and names of products: not for translators (R28, R56).

The numbers also have the digits 0 to 9 and are written from left to right.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.template import Context, Template
from django.test import Client

from tests.factories import validated
from tests.paper import text_of
from tests.world import World

TEMPLATES = Path(settings.BASE_DIR) / "templates"
CODE = re.compile(r"\{\{ [\w.]+\.(serial|reference_in_groups|number_in_groups|tracking)\b[^}]*\}\}")
IN_AN_ATTRIBUTE = re.compile(r"=\"[^\"<>]*$|{% \w+ [^%]*$")
PRODUCT = re.compile(
    r"(?:\{\{ |(?<= )product=)(?:\w+\.)*(?:product(?:\.name)?|successor\.name)(?![\w.])(?P<filters>[^ }]*)(?= )"
)
HEAD = re.compile(
    r"(\{% blocktranslate [^%]*%\}).*?\{% endblocktranslate %\}", re.DOTALL
)  # of a sentence, and the rest
NOT_TEXT = re.compile(r"\{% block title %\}.*?\{% endblock|\{% blocktranslate asvar [^%]*%\}", re.DOTALL)
MARKED = re.compile(r"<[^<>]* lang=\"en\"\s+translate=\"no\">\s*$")


def outputs() -> Iterator[tuple[str, str]]:
    """Where a template writes such a number, and what stands before it. Mails and the desk are not pages of members."""
    for path in sorted(TEMPLATES.rglob("*.html")):
        name = str(path.relative_to(TEMPLATES))
        if name.startswith(("admin/", "emails/")):
            continue
        text = path.read_text()
        for found in CODE.finditer(text):
            before = text[: found.start()]
            if not IN_AN_ATTRIBUTE.search(before):
                yield f"{name}: {found[0]}", before


def test_every_number_of_a_page_is_marked_as_not_to_be_translated() -> None:
    found = list(outputs())
    assert len(found) > 20
    assert [where for where, before in found if not MARKED.search(before)] == []


def test_every_serial_number_is_written_with_latin_digits() -> None:
    assert [where for where, _before in outputs() if ".serial }}" in where] == []


def names() -> Iterator[tuple[str, str]]:
    """Where a template writes the name of a product as text: the place, and the expression with its filters."""
    for path in sorted(TEMPLATES.rglob("*.html")):
        name = str(path.relative_to(TEMPLATES))
        if name.startswith(("admin/", "emails/", "print/")):
            continue
        text = HEAD.sub(r"\1", NOT_TEXT.sub("", path.read_text()))
        for found in PRODUCT.finditer(text):
            if not IN_AN_ATTRIBUTE.search(text[: found.start()]):
                yield f"{name}: {found[0]}", found["filters"]


def test_every_name_of_a_product_is_marked_as_not_to_be_translated() -> None:
    found = list(names())
    assert len(found) > 40
    assert [where for where, filters in found if "|untranslated" not in filters] == []


@pytest.mark.django_db
def test_a_translator_of_a_browser_leaves_products_alone(world: World, as_ana: Client) -> None:
    row = validated(world.ana, world.lens, "1000007")
    for address in (f"/kitbag/{row.pk}/", "/kitbag/", "/kitbag/?view=table", f"/kitbag/{row.pk}/remove/"):
        assert f'<bdi translate="no">{world.lens.name}</bdi>' in as_ana.get(address).content.decode(), address


def test_the_filter_leaves_everything_else_as_typed() -> None:
    shown = Template("{% load portal %}{{ typed|latin_digits }}").render(Context({"typed": "٠٣٤ ab-۰۲١ (x)"}))
    assert shown == "034 ab-021 (x)"


@pytest.mark.django_db
def test_a_serial_number_typed_in_arabic_digits_is_kept_and_shown_in_latin_ones(world: World, as_ana: Client) -> None:
    row = validated(world.ana, world.lens, "١٠٠٠٠٠٧")
    assert row.serial == "١٠٠٠٠٠٧"
    for address in (f"/kitbag/{row.pk}/", "/kitbag/", "/kitbag/?view=table"):
        page = as_ana.get(address).content.decode()
        assert 'lang="en" translate="no">1000007</' in page and row.serial not in page, address
    assert "1000007" in as_ana.get("/kitbag/list.csv").content.decode("utf-8-sig")
    assert "1000007" in text_of(as_ana.get("/kitbag/list.pdf").content)
