"""A member's own photo of a product, shown instead of its drawing: who sets, sees and loses it (R25)."""

import io
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image
from pytest_django import Settings

from cps_portal.core.files.actions import file_storage
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.errors import Refusal
from kitbag.actions import removals
from kitbag.actions.erasure import erase_kit
from kitbag.actions.owner_details import remove_photo, set_photo
from kitbag.enums import RemovalReason
from kitbag.models import OwnerDetails, Registration
from kitbag.tasks import forget_owner_details
from tests.admin.conftest import SignIn, as_support, staff
from tests.factories import draft, validated
from tests.files import samples
from tests.fullbag import fill
from tests.rows import each_row
from tests.world import World

__all__ = ["as_support", "staff"]
NOW = timezone.now()


@pytest.fixture
def row(world: World) -> Registration:
    return validated(world.ana, world.body, "012345678901")


def show(row: Registration, content: bytes | None = None) -> OwnerDetails:
    upload = samples.upload(samples.jpeg() if content is None else content)
    return set_photo(registration=row, upload=upload, by=row.member.user, at=timezone.now())


def files_of(details: OwnerDetails) -> tuple[StoredFile, StoredFile]:
    assert details.photo and details.thumbnail
    return details.photo, details.thumbnail


def picture_of(file: StoredFile) -> Image.Image:
    with file_storage().open(file.stored_as) as content:
        return Image.open(io.BytesIO(content.read()))


def test_it_stands_in_for_the_drawing_on_card_row_and_page_with_its_size(row: Registration, as_ana: Client) -> None:
    photo, thumbnail = files_of(show(row))
    small = f'<img src="{thumbnail.get_absolute_url()}" width="320" height="240"'
    assert small in as_ana.get("/kitbag/").content.decode()
    assert small in as_ana.get("/kitbag/?view=table").content.decode()
    page = as_ana.get(row.get_absolute_url()).content.decode()
    large = f'<img src="{photo.get_absolute_url()}" width="640" height="400" alt="Your photo of {row.product.name}"'
    assert large in page


def test_a_large_photo_becomes_small_and_loses_where_it_was_taken(row: Registration) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: "S", 0x1C: samples.GPS_MARK})
    out = io.BytesIO()
    Image.effect_noise((4000, 3000), 80).convert("RGB").save(out, "JPEG", exif=exif)
    photo, thumbnail = files_of(show(row, out.getvalue()))
    assert picture_of(photo).size == (1280, 960)
    assert picture_of(thumbnail).size == (320, 240)
    assert thumbnail.size < 60_000, "noise: a photo of a camera is a third of that"
    for file in (photo, thumbnail):
        assert not picture_of(file).getexif()
        assert samples.GPS_MARK not in file_storage().open(file.stored_as).read()


@each_row(
    "content",
    [
        samples.png(),
        samples.heic(),
        samples.scan("I;16"),
        samples.scan("CMYK", "JPEG"),
        samples.jpeg(progressive=True),
        samples.deep_rgb_png(),
    ],
)
def test_every_kind_of_picture_can_be_shown(row: Registration, content: bytes) -> None:
    assert picture_of(files_of(show(row, content))[1]).size == (320, 240)


@each_row(
    ("content", "code"),
    [
        (samples.pdf(), "photo"),
        (b"MZ", "photo"),
        (b"", "empty"),
        (samples.jpeg()[:400], "broken"),
        (samples.png_bomb(), "pixels_as_jpeg"),
    ],
)
def test_what_is_no_picture_is_refused_beside_the_field_and_nothing_changes(
    row: Registration, as_ana: Client, content: bytes, code: str
) -> None:
    before = show(row)
    with pytest.raises(Refusal) as refusal:
        show(row, content)
    assert (refusal.value.code, refusal.value.field) == (code, "photo")
    page = as_ana.post(f"/kitbag/{row.pk}/photo/", {"photo": samples.upload(content)})
    assert page.status_code == 422
    assert page.context["photo_form"].errors["photo"]
    assert OwnerDetails.objects.get().photo == before.photo


def test_the_form_is_a_page_and_what_the_page_of_the_product_loads_when_it_is_opened(
    row: Registration, as_ana: Client
) -> None:
    address = f"/kitbag/{row.pk}/photo/"
    assert f'hx-get="{address}"' in as_ana.get(row.get_absolute_url()).content.decode()
    for headers in ({}, {"HTTP_HX_REQUEST": "true"}):
        form = as_ana.get(address, **headers).content.decode()
        assert ("<html" in form) != bool(headers)
        assert f'action="{address}"' in form and 'type="file"' in form and "Use the drawing" not in form
    show(row)
    assert "Use the drawing" in as_ana.get(address).content.decode()
    removals.remove_registration(registration=row, reason=RemovalReason.SOLD, by=row.member.user, at=NOW)
    assert as_ana.get(address).headers["Location"] == row.get_absolute_url()


def test_without_a_file_the_page_says_what_to_do(row: Registration, as_ana: Client) -> None:
    page = as_ana.post(f"/kitbag/{row.pk}/photo/")
    assert "Choose a photo first." in page.content.decode()


def test_a_second_photo_erases_the_first_and_the_drawing_comes_back(row: Registration, as_ana: Client) -> None:
    first = files_of(show(row))
    assert as_ana.post(f"/kitbag/{row.pk}/photo/", {"photo": samples.upload(samples.png())}).status_code == 302
    second = files_of(OwnerDetails.objects.get())
    assert [file.erased_at is None for file in StoredFile.objects.filter(pk__in=[f.pk for f in first])] == [False] * 2
    assert as_ana.post(f"/kitbag/{row.pk}/photo/remove/").status_code == 302
    assert not StoredFile.objects.kept().filter(purpose="product_photo").exists()
    assert not file_storage().exists(second[0].stored_as)
    assert "Your photo of" not in as_ana.get(row.get_absolute_url()).content.decode()
    assert not remove_photo(registration=row, by=row.member.user, at=NOW), "again does nothing"


def test_it_is_the_owners_alone(row: Registration, world: World, as_ben: Client) -> None:
    with pytest.raises(Refusal) as refusal:
        set_photo(registration=row, upload=samples.upload(samples.jpeg()), by=world.ben.user, at=NOW)
    assert refusal.value.code == "owner"
    for address, read in (("photo/", 404), ("photo/remove/", 405)):
        assert as_ben.post(f"/kitbag/{row.pk}/{address}", {"photo": samples.upload(samples.jpeg())}).status_code == 404
        assert as_ben.get(f"/kitbag/{row.pk}/{address}").status_code == read


def test_only_the_owner_and_staff_who_decide_open_it_and_only_the_owner_s_browser_keeps_it(
    row: Registration, as_ana: Client, as_ben: Client, as_support: Client, staff: SignIn
) -> None:
    for file in files_of(show(row)):
        url = file.get_absolute_url()
        assert as_ana.get(url)["Cache-Control"] == "private, max-age=604800, immutable"
        assert "no-store" in as_support.get(url)["Cache-Control"]
        assert (as_ben.get(url).status_code, staff().get(url).status_code) == (404, 404)
        assert Client().get(url).status_code == 302


def test_the_photo_with_the_serial_number_becomes_the_picture_if_the_member_wants(world: World, as_ana: Client) -> None:
    row = draft(world.ana, world.body)
    address = f"/kitbag/{row.pk}/finish/"
    as_ana.post(address, {"do": "photo", "photo": samples.upload(samples.jpeg())})
    assert not OwnerDetails.objects.exists(), "read, and not kept"
    page = as_ana.post(address, {"do": "photo", "photo": samples.upload(samples.jpeg()), "show_photo": "on"})
    assert page.context["form"]["serial"].value() == "012345678901"
    assert OwnerDetails.objects.get().registration == row


def test_a_picture_for_each_product_takes_no_more_queries(world: World, as_ben: Client) -> None:
    rows = fill(world.ben, [world.body, world.lens], validated=4)
    as_ben.get("/kitbag/")
    counts = []
    for number in (0, 4):
        for row in rows[:number]:
            show(row)
        with CaptureQueriesContext(connection) as queries:
            page = as_ben.get("/kitbag/").content.decode()
        counts.append(len(queries))
        assert len(re.findall(r'<img src="/files/', page)) == number
    assert counts[0] == counts[1]


def test_it_is_deleted_when_a_removal_can_t_be_undone_any_more(row: Registration, settings: Settings) -> None:
    show(row)
    removals.remove_registration(registration=row, reason=RemovalReason.SOLD, by=row.member.user, at=timezone.now())
    forget_owner_details()
    assert OwnerDetails.objects.exists(), "it can be undone"
    removals.undo_removal(registration=row, by=row.member.user, at=timezone.now())
    assert StoredFile.objects.kept().filter(purpose="product_photo").count() == 2
    row.refresh_from_db()
    settings.REMOVAL_UNDO_DAYS = 7
    earlier = timezone.now() - timedelta(days=8)
    removals.remove_registration(registration=row, reason=RemovalReason.SOLD, by=row.member.user, at=earlier)
    forget_owner_details()
    assert not OwnerDetails.objects.exists()
    assert not StoredFile.objects.kept().filter(purpose="product_photo").exists()


def test_erasing_the_account_erases_it(row: Registration, world: World) -> None:
    show(row)
    erase_kit(member=world.ana, at=timezone.now())
    assert not OwnerDetails.objects.exists()
    assert not StoredFile.objects.kept().filter(purpose="product_photo").exists()
