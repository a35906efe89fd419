"""The label and packing list of a parcel: texts, names in any script, readable bar codes (R52)."""

import io
import shutil
import subprocess
from dataclasses import replace

import pytest
import zxingcpp
from PIL import Image
from pypdf import PdfReader

from members.models import Member
from servicing.actions.service_requests import RequestedItem, open_parcel
from servicing.enums import ServiceKind
from servicing.presenters import parcel_papers
from servicing.queries.entitlement import Item
from tests.factories import validated
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
    label = parcel_papers.label(made.parcel, world.ana, made.tickets)
    return label, parcel_papers.packing_list(made.parcel, world.ana, made.tickets), codes


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def bar_codes_of(pdf: bytes) -> set[str]:
    """What a scanner would read from the page."""
    ghostscript = shutil.which("gs")
    if ghostscript is None:
        pytest.skip("reading bars back needs Ghostscript")
    command = [ghostscript, "-q", "-dNOPAUSE", "-dBATCH", "-dSAFER", "-sDEVICE=pnggray", "-r150", "-sOutputFile=-", "-"]
    printed = subprocess.run(command, input=pdf, capture_output=True, check=True, timeout=60).stdout
    return {found.text for found in zxingcpp.read_barcodes(Image.open(io.BytesIO(printed)))}


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


def test_the_list_names_every_product_and_is_one_page(papers: tuple[bytes, bytes, set[str]]) -> None:
    text = text_of(papers[1])
    for words in ("012345678701", "012345678702", "Black band", "Back up your pictures"):
        assert words in text
    assert len(PdfReader(io.BytesIO(papers[1])).pages) == 1
    assert text.count("1/8000") <= 10 and "…" in text


def test_the_bar_codes_contain_the_references(papers: tuple[bytes, bytes, set[str]]) -> None:
    label, listed, codes = papers
    assert bar_codes_of(listed) == codes
    assert len(bar_codes_of(label) & codes) == 1
