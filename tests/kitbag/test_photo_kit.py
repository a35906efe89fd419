"""What took a member's photos becomes drafts with serial numbers, and proves nothing (R16, R25, R29)."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from cps_portal.core.files.exif import Equipment
from cps_portal.core.lib.errors import Refusal
from kitbag.actions.photo_kit import add_from_photos
from kitbag.actions.registrations import add_product
from kitbag.enums import RegistrationState
from kitbag.models import Product, Registration
from kitbag.queries.photo_kit import Sighting, compare_with_kitbag, merge, recognise
from tests.factories import ProductFactory, validated
from tests.files import samples
from tests.rows import each_row
from tests.world import World

PAGE, READ = "/kitbag/photos/", "/kitbag/photos/read/"
SERIAL = "012345678901"
LENS_SERIAL = "4021007718"


@pytest.fixture
def products(world: World) -> dict[str, Product]:
    body = ProductFactory(name="EOS R5 Mark II", category="camera-mirrorless", points_current=335)
    lens = ProductFactory(name="RF 24-70mm F2.8L IS USM", category="lens-rf", points_current=120)
    return {"body": body, "lens": lens}


def photo(*equipment: str, name: str = "IMG_1.JPG") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, samples.lens_jpeg(*equipment), "image/jpeg")


def kit(**given: str) -> Equipment:
    return Equipment(**{"make": "Canon", "model": "Canon EOS R5m2", "serial": SERIAL, **given})


NAMES = {
    ("camera", "Canon EOS R5"): "EOS R5",
    ("camera", "Canon EOS R6m2"): "EOS R6 Mark II",
    ("camera", "Canon EOS 5D Mark IV"): "EOS 5D Mark IV",
    ("camera", "Canon EOS-1D X Mark III"): "EOS-1D X Mark III",
    ("camera", "Canon EOS R5 C"): "EOS R5 C",
    ("lens", "RF24-70mm F2.8 L IS USM"): "RF 24-70mm F2.8L IS USM",
    ("lens", "RF100-500mm F4.5-7.1 L IS USM"): "RF 100-500mm F4.5-7.1L IS USM",
    ("lens", "EF24-70mm f/2.8L II USM"): "EF 24-70mm f/2.8L II USM",
    ("lens", "EF100-400mm f/4.5-5.6L IS II USM +1.4x III"): "EF 100-400mm f/4.5-5.6L IS II USM",
    ("lens", "EF-S18-55mm f/4-5.6 IS STM"): "EF-S 18-55mm f/4-5.6 IS STM",
    ("lens", "TS-E90mm f/2.8L MACRO"): "TS-E 90mm f/2.8L Macro",
    ("lens", "RF-S18-150mm F3.5-6.3 IS STM"): "RF-S 18-150mm F3.5-6.3 IS STM",
    ("lens", "RF5.2mm F2.8 L DUAL FISHEYE"): "RF 5.2mm F2.8L Dual Fisheye",
    ("lens", "35mm F1.4 DG HSM | Art 012"): None,
    ("camera", "ILCE-7M4"): None,
    ("camera", "iPhone 15 Pro"): None,
}


def test_photos_of_all_digital_cameras_and_lenses_of_the_catalogue_are_recognised(db: None) -> None:
    """By the names that cameras write into photos, and by those of the catalogue."""
    call_command("load_catalogue", verbosity=0)
    written = sorted(NAMES)  # cameras first, as their sightings are
    seen = recognise(
        kit(**({"model": name} if kind == "camera" else {"model": "", "lens": name})) for kind, name in written
    )
    names = dict(Product.objects.values_list("pk", "name"))
    assert {one: names.get(found.product) for one, found in zip(written, seen, strict=True)} == NAMES
    unknown = [name for kind, name in written if not NAMES[kind, name]]
    assert [found.name for found in seen if not found.product] == unknown

    cameras = Product.objects.registrable().filter(category__in=["camera-mirrorless", "camera-dslr", "camera-cinema"])
    lenses = Product.objects.registrable().filter(category__in=["lens-ef", "lens-ef-s", "lens-rf", "lens-rf-s"])
    found = recognise(
        [*(kit(model=f"Canon {one.name}") for one in cameras), *(kit(model="", lens=one.name) for one in lenses)]
    )
    assert {one.product for one in found} == {one.pk for one in [*cameras, *lenses]}


def test_many_photos_of_one_camera_are_one_line(products: dict[str, Product]) -> None:
    body, lens = products["body"].pk, products["lens"].pk
    sightings = recognise(
        [
            kit(lens="RF24-70mm F2.8 L IS USM"),
            kit(lens="RF24-70mm F2.8 L IS USM", lens_serial=LENS_SERIAL),
            kit(serial=""),
            kit(serial="098765432109"),
            kit(model="Phone 9", serial="x"),
        ]
    )
    assert {(one.product, one.name, one.serial): one.photos for one in merge(sightings)} == {
        (body, "", SERIAL): 3,
        (body, "", "098765432109"): 1,
        (lens, "", LENS_SERIAL): 2,
        (0, "Phone 9", ""): 1,
    }


def test_each_product_is_compared_with_the_kitbag(world: World, products: dict[str, Product]) -> None:
    now = timezone.now()
    mine = validated(world.ana, products["body"], SERIAL)
    validated(world.ben, products["lens"], LENS_SERIAL)  # of somebody else: not told
    waiting = add_product(member=world.ana, product=products["lens"], at=now)
    found = compare_with_kitbag(
        world.ana,
        [
            Sighting(products["body"].pk, "", f"S/N {SERIAL}", 1),
            Sighting(products["body"].pk, "", "098765432109", 1),
            Sighting(products["lens"].pk, "", LENS_SERIAL, 1),
        ],
    )
    assert [(one.product.name, one.held, one.draft) for one in found] == [
        ("EOS R5 Mark II", None, None),
        ("EOS R5 Mark II", mine, None),
        ("RF 24-70mm F2.8L IS USM", None, waiting),
    ]


def test_drafts_are_made_once_and_filled_in_and_nothing_is_submitted(
    world: World, products: dict[str, Product]
) -> None:
    now = timezone.now()
    waiting = add_product(member=world.ana, product=products["lens"], at=now)
    sightings = [Sighting(products["body"].pk, "", SERIAL, 3), Sighting(products["lens"].pk, "", LENS_SERIAL, 2)]
    added = add_from_photos(member=world.ana, sightings=sightings, at=now)
    assert add_from_photos(member=world.ana, sightings=sightings, at=now) == []
    rows = Registration.objects.filter(member=world.ana, product__in=products.values())
    assert {row.pk for row in rows} == {row.pk for row in added}
    assert waiting.pk in {row.pk for row in added}
    assert {(row.product.name, row.serial, row.state) for row in rows} == {
        ("EOS R5 Mark II", SERIAL, RegistrationState.DRAFT),
        ("RF 24-70mm F2.8L IS USM", LENS_SERIAL, RegistrationState.DRAFT),
    }


def test_a_full_kitbag_takes_none_of_them(world: World, products: dict[str, Product], settings: object) -> None:
    settings.KITBAG_LIMIT = Registration.objects.of(world.ana).live().count() + 1  # type: ignore[attr-defined]
    sightings = [Sighting(one.pk, "", "", 1) for one in products.values()]
    with pytest.raises(Refusal, match="Kitbag is full"):
        add_from_photos(member=world.ana, sightings=sightings, at=timezone.now())
    assert not Registration.objects.filter(product__in=products.values()).exists()


def test_the_browser_sends_pieces_and_gets_what_was_found(as_ana: Client, products: dict[str, Product]) -> None:
    first = photo("Canon EOS R5m2", SERIAL, "RF24-70mm F2.8 L IS USM", LENS_SERIAL)
    answer = as_ana.post(READ, {"photos": [first], "photos_layout": [f"0:{first.size}/9000000"]})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["found"], body["missing"]) == (1, {})
    assert SERIAL in body["html"] and "RF 24-70mm F2.8L IS USM" in body["html"]
    seen = [f"{products['body'].pk}.1.{SERIAL}", "0.2.Phone 9"]
    again = as_ana.post(READ, {"photos": [photo("Canon EOS R5m2", SERIAL)], "photos_layout": [""], "seen": seen})
    assert "2 photos" in again.json()["html"] and "Phone 9" in again.json()["html"]


def test_without_javascript_whole_photos_are_read_and_added(
    as_ana: Client, world: World, products: dict[str, Product]
) -> None:
    page = as_ana.post(PAGE, {"do": "read", "photos": [photo("Canon EOS R5m2", SERIAL), photo("", "")]})
    assert "Photos that say what took them: 1 of 2" in page.content.decode()
    line = f"{products['body'].pk}.1.{SERIAL}"
    assert f'value="{line}"' in page.content.decode()
    done = as_ana.post(PAGE, {"do": "take", "take": [line], "seen": [line]}, follow=True)
    assert "1 product added." in done.content.decode()
    row = Registration.objects.get(member=world.ana, product=products["body"])
    assert row.serial == SERIAL
    assert done.redirect_chain == [(f"/kitbag/{row.pk}/finish/", 302)]


def test_several_products_are_finished_together_at_once(
    as_ana: Client, world: World, products: dict[str, Product]
) -> None:
    lines = [f"{products['body'].pk}.1.{SERIAL}", f"{products['lens'].pk}.1.4021007718"]
    done = as_ana.post(PAGE, {"do": "take", "take": lines, "seen": lines}, follow=True)
    assert "2 products added." in done.content.decode()
    assert "Finish 2 products together" in done.content.decode()


def test_nothing_chosen_is_said_and_what_was_found_stays(as_ana: Client, products: dict[str, Product]) -> None:
    page = as_ana.post(PAGE, {"do": "take", "seen": [f"{products['body'].pk}.1.{SERIAL}"]}).content.decode()
    assert "Choose at least one product" in page and SERIAL in page


@each_row(
    "data",
    [
        {},
        {"photos_layout": ["0:5/5"]},
        {"photos": [b""], "photos_layout": ["0:9999/1\nclean"]},
        {"photos": [b"x"] * 21},
        {"photos": [b"x"], "seen": ["x", "1.2", "9" * 30 + ".1.x", "1.1.\x00", "1.99999.x", "0.1." + "x" * 99]},
        {"do": "take", "take": ["1.1.\u202e", "999999999.1.55", "0.1.Phone"]},
        {"do": "read", "photos": [samples.pdf()], "photos_layout": ["0:1,5:1/7"]},
        {"do": "other", "photos": [samples.raw("Canon EOS R5", SERIAL)[:90]]},
    ],
)
def test_odd_input_gets_a_normal_response(as_ana: Client, data: dict[str, object]) -> None:
    for url in (PAGE, READ):
        photos = [io.BytesIO(content) for content in data.get("photos", [])]  # type: ignore[attr-defined]
        answer = as_ana.post(url, {**data, "photos": photos})
        assert answer.status_code in (200, 302, 422)
    assert not Registration.objects.filter(serial__contains="55").exists()


def test_twenty_raw_files_take_few_queries(
    as_ana: Client, products: dict[str, Product], django_assert_max_num_queries: object
) -> None:
    content = samples.raw("Canon EOS R5m2", SERIAL, "RF24-70mm F2.8 L IS USM", LENS_SERIAL)[: 256 * 1024]
    photos = [SimpleUploadedFile(f"{n}.CR3", content) for n in range(20)]
    layouts = [f"0:{len(content)}/45000000"] * 20
    with django_assert_max_num_queries(16):  # type: ignore[operator]
        answer = as_ana.post(READ, {"photos": photos, "photos_layout": layouts})
    assert answer.json()["found"] == 20
