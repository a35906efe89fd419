"""The label and packing list of a parcel: texts, names in any script, readable bar codes (R52)."""

import io
from dataclasses import replace

import pytest
import zxingcpp
from django.utils.translation import override
from PIL import Image
from pypdf import PdfReader

from members.models import Member
from servicing.actions.service_requests import RequestedItem, open_parcel
from servicing.enums import ServiceKind
from servicing.models import Parcel, Ticket
from servicing.presenters import parcel_papers
from servicing.presenters.bar_codes import bar_code
from servicing.queries.entitlement import Item
from tests.factories import validated
from tests.paper import assert_accessible, codes_on, pages_of, text_of
from tests.rows import each_row
from tests.servicing.jobs import MONDAY, a_centre
from tests.world import World

pytestmark = pytest.mark.django_db
FAULT = "The shutter sticks at 1/8000. " * 30


@pytest.fixture
def papers(world: World) -> tuple[bytes, bytes, set[str]]:
    """For a parcel of two products: the label, the packing list, and the references that must be on it."""
    Member.objects.filter(pk=world.ana.pk).update(first_name="Ανα", last_name="عنا Ковач")
    world.ana.refresh_from_db()
    rows = [validated(world.ana, world.pro_body, f"01234567870{n}") for n in (1, 2)]
    wanted = [RequestedItem(Item(row.product, registration=row), ServiceKind.REPAIR, fault=FAULT) for row in rows]
    wanted[1] = replace(wanted[1], fault="Black band")
    centre = a_centre(street="1 Long Street\nMidrand")
    made = open_parcel(member=world.ana, centre=centre, items=wanted, by=world.ana.user, at=MONDAY)
    codes = {made.parcel.reference, *(ticket.reference for ticket in made.tickets)}
    label = parcel_papers.label(made.parcel, world.ana, made.tickets).render()
    return label, parcel_papers.packing_list(made.parcel, world.ana, made.tickets).render(), codes


def test_the_label_has_sender_and_recipient_in_any_script(papers: tuple[bytes, bytes, set[str]]) -> None:
    text = text_of(papers[0])
    for words in (
        "Centre joburg",
        "1 Long Street",
        "Midrand",
        "SOUTH AFRICA",
        "Ανα",
        "Ковач",
        "4400 0000",
        "2 products",
    ):
        assert words in text
    assert all(f"{code[:4]}-{code[4:]}" in text for code in papers[2])


def test_the_list_names_every_product_and_is_one_page(papers: tuple[bytes, bytes, set[str]]) -> None:
    text = text_of(papers[1])
    for words in ("012345678701", "012345678702", "Black band", "Back up your pictures"):
        assert words in text
    assert len(pages_of(papers[1])) == 1
    assert text.count("1/8000") <= 10 and "…" in text


def test_the_bar_codes_contain_the_references(papers: tuple[bytes, bytes, set[str]]) -> None:
    label, listed, codes = papers
    assert codes_on(listed) == codes
    assert len(codes_on(label) & codes) == 1


@pytest.fixture
def abroad(world: World) -> tuple[Parcel, list[Ticket], str]:
    """A parcel to a centre where people are answered in Turkish, with its address."""
    registration = validated(world.ana, world.pro_body, "012345678701")
    item = RequestedItem(Item(world.pro_body, registration=registration), ServiceKind.REPAIR, fault="Black band")
    centre = a_centre(street="Örnek Caddesi 12", city="Istanbul", languages=["tr"])
    made = open_parcel(member=world.ana, centre=centre, items=[item], by=world.ana.user, at=MONDAY)
    return made.parcel, made.tickets, centre.name


def test_the_papers_speak_the_languages_of_both(world: World, abroad: tuple[Parcel, list[Ticket], str]) -> None:
    """The member reads what to do; the centre reads what to tick off; both find the parts."""
    parcel, tickets, _name = abroad
    with override("fr"):
        label = text_of(parcel_papers.label(parcel, world.ana, tickets).render())
        listed = parcel_papers.packing_list(parcel, world.ana, tickets).render()
    text = text_of(listed)
    for words in ("Sauvegardez", "Dans le colis", "Numéro de série"):  # for the member, also in both languages
        assert words in text, words
    for words in ("Onarım", "Seri numarası", "Teslim alan", "Kutuda"):  # for the centre
        assert words in text, words
    assert "Réparation" not in text and "Received by" not in text
    assert "Collez" in label and "1 ürün" in label and "1 produit" not in label
    assert len(pages_of(listed)) == 1
    assert f"{parcel.reference_in_groups} / Paket listesi" in " ".join(text.split())


def test_a_centre_that_knows_the_language_of_the_member_reads_it(world: World) -> None:
    assert parcel_papers.language_at(a_centre("a", languages=["en", "fr"]), "fr") == "fr"
    assert parcel_papers.language_at(a_centre("b", languages=["tr", "en"]), "fr") == "tr"
    assert parcel_papers.language_at(a_centre("c", languages=[]), "fr") == "en"


def heights_on(pdf: bytes) -> dict[str, float]:
    """How high above the lower edge of the first page each line stands, in points."""
    heights: dict[str, float] = {}

    def visit(text: str, page: list[float], line: list[float], *_font: object) -> None:
        if text.strip():
            heights[text.strip()] = line[4] * page[1] + line[5] * page[3] + page[5]

    PdfReader(io.BytesIO(pdf)).pages[0].extract_text(visitor_text=visit)
    return heights


@pytest.mark.parametrize("is_known", [True, False])
def test_the_longest_addresses_stay_on_one_label(world: World, is_known: bool) -> None:
    lines = "\n".join(f"{n} c/o Photographers’ Cooperative, second courtyard, third staircase" for n in range(4))
    centre = a_centre(street=lines, phone="+27100000020")
    wanted = [RequestedItem(Item(world.pro_body), ServiceKind.REPAIR, fault=FAULT)]
    parcel = open_parcel(member=world.ana, centre=centre, items=wanted, by=world.ana.user, at=MONDAY).parcel
    parcel.travel, parcel.collect_on, parcel.returns = "collection", MONDAY.date(), True
    if is_known:
        parcel.name, parcel.street = "Ana " + "Wolfeschlegel " * 7, lines
        parcel.city, parcel.phone = "Midrand", "+27820000146"
    pdf = parcel_papers.label(parcel, world.ana, parcel.tickets.all()).render()
    (text,) = pages_of(pdf)
    assert text.count("third staircase") == (8 if is_known else 4)
    assert codes_on(pdf) == {parcel.reference}
    heights = heights_on(pdf)
    courier, foot = (next(at for line, at in heights.items() if line.startswith(it)) for it in ("Courier", "Stick"))
    assert courier - foot > 10


def test_both_are_read_by_screen_readers(papers: tuple[bytes, bytes, set[str]]) -> None:
    references = {f"{code[:4]}-{code[4:]}" for code in papers[2]}
    titles = [f"{name} {one}" for name in ("Label", "Packing list") for one in references]
    for pdf in papers[:2]:
        title = str(PdfReader(io.BytesIO(pdf)).metadata.title)
        assert title in titles
        assert_accessible(pdf, title=title)


@each_row(
    "reference",
    [
        *("AAAAAAAA", "00000000", "A1B2C3D4", "1234567A", "A1234567", "123A4567", "9Z9Z99ZZ"),
        *(f"{number:02}JPRDY6" for number in range(100)),
        *(f"JPRDY6{number:02}" for number in range(100)),
    ],
)
def test_a_bar_code_holds_letters_and_digits_in_any_order(reference: str) -> None:
    drawn = bar_code(reference)
    bars = Image.new("L", (drawn.width * 3, 90), 255)
    for start, width in drawn.bars:
        bars.paste(0, (start * 3, 0, (start + width) * 3, 90))
    assert [found.text for found in zxingcpp.read_barcodes(bars)] == [reference]


@pytest.mark.parametrize("text", ["", "Ж", "A\u200b"])
def test_other_signs_have_no_bar_code(text: str) -> None:
    with pytest.raises(ValueError, match="no bar code"):
        bar_code(text)
