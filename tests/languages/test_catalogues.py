"""Each catalogue is whole before its language is offered, and says what the English text says (R56)."""

import gettext
import os
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from django.conf import settings
from django.utils import translation
from django.utils.translation import ngettext

from cps_portal.core.lib.catalogues import compile_catalogues, find_catalogues, list_untranslated, read_catalogue
from cps_portal.core.lib.languages import ENGLISH, NAMES, OTHERS
from cps_portal.dev.desk_texts import class_at, is_read_by_members
from cps_portal.dev.management.commands.messages import PLURALS
from tests.languages.catalogues import PLURAL_COUNTS, differences, texts_of

OFFERED = [code for code, _name in settings.LANGUAGES if code != ENGLISH]


@pytest.fixture(params=OTHERS)
def catalogue(request: pytest.FixtureRequest) -> Catalog:
    return read_catalogue(find_catalogues()[request.param])


def test_every_language_has_a_catalogue() -> None:
    assert set(find_catalogues()) == set(OTHERS) == set(NAMES) - {ENGLISH}


def test_every_language_is_offered() -> None:
    """Whoever finds a catalogue incomplete takes its language out of LANGUAGES, and out of here."""
    assert set(OFFERED) == set(OTHERS)


@pytest.mark.parametrize("language", OFFERED or [pytest.param("", marks=pytest.mark.skip("English only"))])
def test_a_language_is_offered_once_its_catalogue_is_whole(language: str) -> None:
    assert list(list_untranslated(read_catalogue(find_catalogues()[language]))) == []


def test_placeholders_and_tags_are_those_of_the_english_text(catalogue: Catalog) -> None:
    language = str(catalogue.locale)
    assert [f"{m.id}: {wrong}" for m in catalogue if m.id for wrong in differences(m, language)] == []


def test_arabic_keeps_numbers_in_order() -> None:
    """Two numbers with an ordinary blank between them would change places."""
    catalogue = read_catalogue(find_catalogues()["ar"])
    forms = [form for message in catalogue if message.id for _number, form, _source in texts_of(message)]
    assert [form for form in forms if re.search(r"\d \d", form)] == []


def test_nothing_is_guessed(catalogue: Catalog) -> None:
    assert [message.id for message in catalogue if message.id and message.fuzzy] == []


def test_each_language_counts_as_cldr_says(catalogue: Catalog) -> None:
    language = str(catalogue.locale)
    assert catalogue.num_plurals == PLURAL_COUNTS[language]
    assert catalogue.plural_expr.strip("()") in PLURALS[language]


# Which form each language takes for these numbers.
@pytest.mark.parametrize(
    ("language", "forms"),
    [
        ("fr", {0: 0, 1: 0, 2: 1, 5: 1, 11: 1, 21: 1, 102: 1}),
        ("pt", {0: 1, 1: 0, 2: 1, 5: 1, 11: 1, 21: 1, 102: 1}),
        ("tr", {0: 1, 1: 0, 2: 1, 5: 1, 11: 1, 21: 1, 102: 1}),
        ("ru", {0: 2, 1: 0, 2: 1, 5: 2, 11: 2, 21: 0, 102: 1}),
        ("ar", {0: 0, 1: 1, 2: 2, 5: 3, 11: 4, 21: 4, 102: 5}),
    ],
)
def test_the_forms_of_numbers(language: str, forms: dict[int, int], tmp_path: Path) -> None:
    folder = tmp_path / language / "LC_MESSAGES"
    folder.mkdir(parents=True)
    lines = ['msgid ""', 'msgstr ""', '"Content-Type: text/plain; charset=UTF-8\\n"']
    lines += [f'"Plural-Forms: {PLURALS[language]}\\n"', "", 'msgid "%(n)s trial"', 'msgid_plural "%(n)s trials"']
    lines += [f'msgstr[{number}] "form {number}"' for number in range(PLURAL_COUNTS[language])]
    (folder / "django.po").write_text("\n".join(lines))
    compile_catalogues(tmp_path)
    found = gettext.translation("django", str(tmp_path), [language])
    assert {n: int(found.ngettext("%(n)s trial", "%(n)s trials", n)[-1]) for n in forms} == forms


@pytest.mark.parametrize("language", OFFERED or [pytest.param("", marks=pytest.mark.skip("English only"))])
def test_every_counted_sentence_can_be_said_of_any_number(language: str) -> None:
    class Anything(dict[str, object]):
        def __missing__(self, key: str) -> int:
            return 5

    counted = [
        m for m in read_catalogue(find_catalogues()[language]) if isinstance(m.id, list | tuple) and not m.context
    ]
    assert counted
    with translation.override(language):
        for message in counted:
            for number in (0, 1, 2, 5, 11, 21, 102, 1_000_000):
                said = ngettext(message.id[0], message.id[1], number)
                assert said % Anything()


def test_a_catalogue_is_compiled_once_it_has_changed(tmp_path: Path) -> None:
    folder = tmp_path / "fr" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    source = folder / "django.po"
    source.write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "Help"\nmsgstr "Aide"\n')
    assert compile_catalogues(tmp_path) == [folder / "django.mo"]
    assert compile_catalogues(tmp_path) == []
    os.utime(source, ns=(source.stat().st_atime_ns, source.stat().st_mtime_ns + 1))
    assert compile_catalogues(tmp_path) == [folder / "django.mo"]
    assert list(list_untranslated(read_catalogue(source))) == []


def test_texts_of_the_desk_are_left_out() -> None:
    models = "members/models/people.py"
    lines = Path(models).read_text().splitlines()
    named = next(number for number, line in enumerate(lines, 1) if 'CharField(_("language")' in line)
    assert not is_read_by_members(models, named)
    assert not is_read_by_members("templates/admin/index.html", 1)
    assert not is_read_by_members("kitbag/admin/sales.py", 1)
    assert is_read_by_members("templates/kitbag/list.html", 1)
    assert is_read_by_members("kitbag/enums.py", 1)
    assert class_at(models, named) == "Member"
