"""Each product has the drawing that looks like it, and a page loads only the drawings that it shows."""

import csv
import gzip
import re
from collections import Counter
from pathlib import Path

from django.conf import settings
from django.template import Context, Template
from django.test import Client

from kitbag.rules.drawings import UNKNOWN, Drawing, choose_drawing
from tests.factories import ProductFactory
from tests.fullbag import fill
from tests.rows import each_row
from tests.world import World

FOLDER = Path(settings.BASE_DIR, "static", "img", "kit")
CATALOGUE = Path(settings.BASE_DIR, "kitbag", "catalogue", "products.csv")
MAX_BYTES = 8_000  # of drawings on a page, compressed
USED = re.compile(r'<use href="/static/(img/kit/[\w-]+\.svg)#art"')


def read_catalogue() -> list[tuple[dict[str, str], Drawing]]:
    with CATALOGUE.open(encoding="utf-8") as file:
        return [
            (row, choose_drawing(category=row["category"], mount=row["mount"], name=row["name"]))
            for row in csv.DictReader(file)
        ]


@each_row(
    ("category", "mount", "name", "drawing"),
    [
        ("lens-ef", "EF", "EF 70-200mm f/2.8L IS III USM", ("lens-tele", "l", "white")),
        ("lens-ef", "EF", "EF 200mm f/2.8L II USM", ("lens-tele-s", "l", "")),
        ("lens-ef", "EF", "EF 400mm f/4 DO IS II USM", ("lens-super", "do", "white")),
        ("lens-ef", "EF", "EF 50mm f/1.8 STM", ("lens-prime-s", "", "")),
        ("lens-rf", "RF", "RF 200-800mm F6.3-9 IS USM", ("lens-tele", "", "white")),
        ("lens-rf", "RF", "RF 15-35mm F2.8 L IS USM", ("lens-wide", "l", "")),
        ("lens-rf", "RF", "RF 28mm F2.8 STM", ("lens-pancake", "", "")),
        ("lens-ef", "EF", "MP-E 65mm f/2.8 1-5x Macro Photo", ("lens-macro-x", "", "")),
        ("lens-fd", "FD", "New FD 300mm f/2.8 L", ("lens-super", "l", "white")),
        ("extender", "RF", "Extender RF 1.4x", ("extender", "", "white")),
        ("extender", "FD", "Extender FD 2x-A", ("extender", "", "")),
        ("camera-mirrorless", "RF", "EOS R1", ("pro", "", "")),
        ("camera-mirrorless", "RF", "EOS R10", ("body", "", "")),
        ("camera-mirrorless", "EF-M", "EOS M50", ("body-s", "", "")),
        ("camera-cinema", "RF", "EOS R5 C", ("body", "", "")),
        ("nothing-we-know", "", "A thing", (UNKNOWN, "", "")),
        ("lens-ef", "EF", "A lens without numbers", ("lens-prime-s", "", "")),
    ],
)
def test_the_drawing_follows_from_category_mount_and_name(
    category: str, mount: str, name: str, drawing: tuple[str, str, str]
) -> None:
    assert choose_drawing(category=category, mount=mount, name=name) == drawing


def test_rings_and_white_barrels_of_the_whole_catalogue() -> None:
    lenses = [drawing for row, drawing in read_catalogue() if row["category"].startswith("lens")]
    assert Counter(lens.ring for lens in lenses) == {"": 437, "l": 158, "do": 3}
    assert sum(lens.barrel == "white" for lens in lenses) == 54


def test_rings_agree_with_another_reading_of_the_names() -> None:
    """Word by word instead of by a pattern."""
    for row, drawing in read_catalogue():
        if row["category"].startswith("lens"):
            words = row["name"].replace("L-", "L ").split()
            is_l = any(word == "L" or re.fullmatch(r"[fFT]/?[\d.-]+L", word) for word in words)
            assert drawing.ring == ("do" if "DO" in words else "l" if is_l else ""), row["name"]


def test_every_drawing_that_is_chosen_is_there_and_few_products_have_none() -> None:
    chosen = [drawing.name for _row, drawing in read_catalogue()]
    assert [name for name in set(chosen) if not (FOLDER / f"{name}.svg").exists()] == []
    assert chosen.count(UNKNOWN) < 50


def test_every_drawing_named_in_a_template_is_there() -> None:
    sources = [path.read_text() for path in Path(settings.BASE_DIR, "templates").rglob("*.html")]
    named = {name for source in sources for name in re.findall(r'{% kit_drawing "([\w-]+)" %}', source)}
    assert named and [name for name in named if not (FOLDER / f"{name}.svg").exists()] == []


def test_a_template_says_ring_and_barrel(db: None) -> None:
    product = ProductFactory.create(category="lens-ef", mount="EF", name="EF 600mm f/4L IS III USM")
    shown = Template("{% load portal %}{% kit_drawing product %}").render(Context({"product": product}))
    assert 'data-ring="l"' in shown and 'data-barrel="white"' in shown and "img/kit/lens-super.svg#art" in shown


def test_a_full_kitbag_loads_at_most_8_kilobytes_of_drawings(world: World, as_ana: Client) -> None:
    kinds = [
        ("camera-mirrorless", "EOS R1"),
        ("camera-mirrorless", "EOS R6"),
        ("camera-dslr", "EOS 5D Mark IV"),
        ("lens-rf", "RF 24-70mm F2.8 L IS USM"),
        ("lens-rf", "RF 70-200mm F2.8 L IS USM"),
        ("lens-rf", "RF 15-35mm F2.8 L IS USM"),
        ("lens-rf", "RF 50mm F1.2 L USM"),
        ("lens-ef", "EF 400mm f/2.8L IS III USM"),
        ("extender", "Extender RF 1.4x"),
        ("flash", "Speedlite EL-1"),
        ("accessory-battery-grip", "BG-R10"),
        ("printer-photo", "imagePROGRAF PRO-1000"),
    ]
    fill(
        world.ana,
        [ProductFactory.create(category=category, name=name) for category, name in kinds],
        validated=len(kinds),
    )
    used = set(USED.findall(as_ana.get("/kitbag/").content.decode()))
    assert len(used) > 6
    assert sum(len(gzip.compress(Path(settings.BASE_DIR, "static", name).read_bytes())) for name in used) <= MAX_BYTES
