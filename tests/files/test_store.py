"""Uploads of members (R25): checked by content, re-encoded, limited in size, and gone once erased."""

import io
import socket
import struct
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.checks import run_checks
from django.core.files.storage import storages
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.utils import timezone
from moto.server import ThreadedMotoServer
from PIL import Image
from pypdf import PdfReader
from pytest_django import Settings

from cps_portal.core.files import actions, tasks
from cps_portal.core.files.actions import Uploads
from cps_portal.core.files.enums import FileKind
from cps_portal.core.files.exif import read_body_serial
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.errors import Refusal
from members.models import User
from tests.factories import UserFactory
from tests.files import samples
from tests.files.samples import upload
from tests.rows import each_row

NOW = timezone.now()
pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return UserFactory()


def store(owner: User, content: bytes, name: str = "photo.jpg", **declared: str) -> StoredFile:
    return actions.store(upload=upload(content, name, **declared), purpose="evidence", by=owner, at=NOW)


def content_of(row: StoredFile) -> bytes:
    with actions.file_storage().open(row.stored_as) as file:
        return bytes(file.read())


@each_row("make", [samples.jpeg, samples.png, samples.heic, lambda: samples.png("P"), lambda: samples.png("L")])
def test_a_photo_of_any_kind_becomes_a_plain_jpeg(owner: User, make: Any) -> None:
    row = store(owner, make(), "IMG 1.heic", declared="application/octet-stream")
    with Image.open(io.BytesIO(content_of(row))) as image:
        assert (image.format, image.mode) == ("JPEG", "RGB")
    assert row.size == len(content_of(row))


def test_a_photo_loses_its_position_and_other_metadata_and_is_turned_upright(owner: User) -> None:
    original = samples.jpeg()
    assert samples.GPS_MARK in original
    kept = content_of(store(owner, original))
    assert samples.GPS_MARK not in kept
    assert b"012345678901" not in kept
    with Image.open(io.BytesIO(kept)) as image:
        assert not dict(image.getexif())
        assert image.size == (32, 64), "turned as its orientation says"


def test_a_pdf_keeps_its_pages_and_loses_scripts_actions_and_files_inside(owner: User) -> None:
    original = samples.pdf(2, script=True)
    row = store(owner, original, "receipt.pdf")
    assert b"012345678901" in original
    kept = content_of(row)
    assert row.kind == FileKind.PDF
    assert len(PdfReader(io.BytesIO(kept)).pages) == 2
    for hidden in (
        b"app.alert",
        b"evil inside",
        b"calc.exe",
        b"/JavaScript",
        b"/Launch",
        b"hidden words",
        samples.GPS_MARK,
        b"012345678901",
    ):
        assert hidden not in kept


HOSTILE = {
    "nothing": (b"", "empty"),
    "a text": (b"hello, this is no picture at all, whatever its name says", "unknown"),
    "svg with script": (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "unknown"),
    "html": (b"<!doctype html><script>alert(1)</script>", "unknown"),
    "a program": (b"MZ" + b"\0" * 300, "unknown"),
    "zip": (b"PK\x03\x04" + b"\0" * 300, "unknown"),
    "gif": (b"GIF89a" + b"\0" * 300, "unknown"),
    "truncated jpeg": (samples.jpeg()[:400], "broken"),
    "truncated png": (samples.png()[:120], "broken"),
    "truncated heic": (samples.heic()[:200], "broken"),
    "jpeg head, garbage": (b"\xff\xd8\xff\xe0" + b"garbage" * 99, "broken"),
    "png bomb": (samples.png_bomb(), "pixels_as_jpeg"),
    "png bomb, wide": (samples.png_bomb(2_000_000_000, 2), "pixels_as_jpeg"),
    "pdf head, garbage": (b"%PDF-1.7\n" + b"garbage " * 99, "broken"),
    "pdf with a password": (samples.pdf(password="x"), "locked"),
    "pdf of many pages": (samples.pdf(51), "pages"),
    "pdf after too many bytes": (b" " * 1025 + samples.pdf(), "unknown"),
    "pdf with a password behind a line": (b"\n" + samples.pdf(password="x", algorithm="RC4-128"), "locked"),
}


@each_row("what", HOSTILE)
def test_a_wrong_broken_or_hostile_file_gets_a_clear_error(owner: User, what: str) -> None:
    content, code = HOSTILE[what]
    with pytest.raises(Refusal) as refused:
        store(owner, content)
    assert (refused.value.code, refused.value.field) == (code, "files")
    assert "photo.jpg" in str(refused.value)
    assert not StoredFile.objects.exists()


@pytest.mark.parametrize("tail", [b"<script>alert(1)</script>", b"PK\x03\x04 a zip behind it"])
def test_data_appended_to_a_picture_are_dropped(owner: User, tail: bytes) -> None:
    assert tail not in content_of(store(owner, samples.jpeg() + tail))


@each_row("name", ["../../etc/passwd", "C:\\x\\photo.jpg", "a\0 view.jpg", "é" * 300 + ".jpg", ""])
def test_a_file_name_cannot_be_a_path(owner: User, name: str) -> None:
    file = upload(samples.jpeg())
    file._name = name
    row = actions.store(upload=file, purpose="evidence", by=owner, at=NOW)
    assert len(row.original_name) <= 120
    assert not {"/", "\\", "\0"} & set(row.original_name)
    assert row.original_name not in row.stored_as or not row.original_name


def test_too_large_is_refused_before_it_is_read(owner: User) -> None:
    file = TemporaryUploadedFile("big.jpg", "image/jpeg", 100 * 1024 * 1024, None)
    with pytest.raises(Refusal, match="15 MB"):
        actions.store(upload=file, purpose="evidence", by=owner, at=NOW)
    file.close()


def test_the_number_of_unused_files_of_a_person_is_limited(owner: User, settings: Settings) -> None:
    settings.FILES_MAX_UNUSED = 2
    for _n in range(2):
        store(owner, samples.jpeg())
    with pytest.raises(Refusal, match="uploaded a lot of files"):
        store(owner, samples.jpeg())


# --- Using and erasing -------------------------------------------------------------------------------


def test_files_are_attached_once_and_only_by_their_owner(owner: User) -> None:
    row = store(owner, samples.jpeg())
    other = UserFactory()
    for uploads, who in [(Uploads([row.key]), other), (Uploads(["no-such-key"]), owner)]:
        with pytest.raises(Refusal, match="no longer there"):
            actions.collect(uploads=uploads, purpose="evidence", by=who, at=NOW)
    files = actions.collect(
        uploads=Uploads([row.key], [upload(samples.pdf(), "r.pdf")]), purpose="evidence", by=owner, at=NOW
    )
    assert [file.kind for file in files] == [FileKind.JPEG, FileKind.PDF]
    actions.attach(files=files, at=NOW)
    with pytest.raises(Refusal, match="no longer there"):
        actions.attach(files=files, at=NOW)


def test_unused_files_are_erased_after_a_day_and_used_ones_stay(owner: User) -> None:
    used, unused = store(owner, samples.jpeg()), store(owner, samples.png())
    actions.attach(files=[used], at=NOW)
    places = used.stored_as, unused.stored_as
    assert actions.sweep_orphans(at=NOW + timedelta(hours=23)) == 0
    assert actions.sweep_orphans(at=NOW + timedelta(hours=25)) == 1
    tasks.sweep_orphans()
    assert [actions.file_storage().exists(place) for place in places] == [True, False]
    unused.refresh_from_db()
    assert (unused.original_name, unused.digest, unused.stored_as) == ("", "", "")
    actions.erase(file=unused, at=NOW)


def test_a_file_attached_at_the_last_moment_is_not_swept(owner: User) -> None:
    row = store(owner, samples.jpeg())
    actions.attach(files=[row, row], at=NOW)
    assert not actions.erase(file=row, at=NOW, unless_attached=True)
    assert actions.file_storage().exists(row.stored_as)


# --- Where it is kept ----------------------------------------------------------------------------------


def test_on_disk_a_file_has_an_unguessable_name_in_its_own_folder(
    owner: User, settings: Settings, tmp_path: Path
) -> None:
    options = {"location": str(tmp_path), "file_permissions_mode": 0o600}
    local = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "files": local}
    row = store(owner, samples.jpeg())
    kept = tmp_path / row.stored_as
    assert kept.stat().st_mode & 0o777 == 0o600
    assert len(kept.stem) == 32
    actions.erase(file=row, at=NOW)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.fixture
def bucket() -> Iterator[dict[str, Any]]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"endpoint_url": f"http://{host}:{port}", "region_name": "us-east-1"}
    secret = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    boto3.client("s3", **keys, **secret).create_bucket(Bucket="portal")
    yield {"bucket_name": "portal", "access_key": "x", "secret_key": "x", **keys}
    server.stop()


def test_the_same_in_a_bucket(owner: User, settings: Settings, bucket: dict[str, Any]) -> None:
    s3 = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": bucket}
    settings.STORAGES = {**settings.STORAGES, "files": s3}
    row = store(owner, samples.jpeg())
    assert content_of(row).startswith(b"\xff\xd8\xff")
    place = row.stored_as
    actions.erase(file=row, at=NOW)
    assert not storages["files"].exists(place)


def test_storage_inside_the_web_root_fails_the_system_check(settings: Settings) -> None:
    inside = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": f"{settings.STATIC_ROOT}/x"},
    }
    settings.STORAGES = {**settings.STORAGES, "files": inside}
    assert "files.E001" in [message.id for message in run_checks()]


# --- The scanner ---------------------------------------------------------------------------------------


def daemon(answer: bytes) -> tuple[str, list[bytes]]:
    """Start a fake ClamAV with one answer. Returns its address and the chunks it receives."""
    listener = socket.create_server(("127.0.0.1", 0))
    received: list[bytes] = []

    def serve() -> None:
        with listener, listener.accept()[0] as client, client.makefile("rb") as stream:
            assert stream.read(10) == b"zINSTREAM\0"
            while size := struct.unpack("!I", stream.read(4))[0]:
                received.append(stream.read(size))
            client.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    return f"127.0.0.1:{listener.getsockname()[1]}", received


@each_row(
    ("answer", "code"),
    [
        (b"stream: OK\0", None),
        (b"stream: Eicar FOUND\0", "infected"),
        (b"INSTREAM size limit\0", "unreachable"),
        (b"", "unreachable"),
    ],
)
def test_the_answer_of_the_virus_scanner_decides(
    owner: User, settings: Settings, answer: bytes, code: str | None
) -> None:
    settings.FILES_SCANNER = "cps_portal.core.files.scanners.clamd"
    settings.FILES_CLAMD, received = daemon(answer)
    original = samples.jpeg()
    if code:
        with pytest.raises(Refusal) as refused:
            store(owner, original)
        assert refused.value.code == code
    else:
        store(owner, original)
    assert b"".join(received) == original


def test_without_an_answer_of_the_scanner_uploads_are_refused(owner: User, settings: Settings) -> None:
    settings.FILES_SCANNER = "cps_portal.core.files.scanners.clamd"
    settings.FILES_CLAMD = "127.0.0.1:1"
    with pytest.raises(Refusal, match="Try again"):
        store(owner, samples.jpeg())


# --- The serial number in a photo ------------------------------------------------------------------------


def test_the_serial_of_a_body_is_read_from_its_original_photo() -> None:
    body = read_body_serial(io.BytesIO(samples.jpeg("052021004419")))
    assert body
    assert (body.serial, body.make, body.model) == ("052021004419", "Canon", "Canon EOS R5")


@each_row(
    "photo",
    [
        b"",
        samples.png(),
        samples.heic(),
        samples.pdf(),
        samples.jpeg()[:40],
        samples.jpeg(serial=""),
        samples.jpeg(serial="x" * 500),
        b"\xff\xd8\xff\xe1\xff\xffExif\0\0II*\0" + b"\xff" * 500,
        b"\xff\xd8\xff\xe1\x00\x30Exif\0\0MM\0*\0\0\0\x08\0\x01\x87\x69\0\4\0\0\0\1\0\0\0\x08\0\0\0\0" + b"\0" * 50,
    ],
)
def test_a_photo_without_a_body_serial_is_no_error(photo: bytes) -> None:
    assert read_body_serial(io.BytesIO(photo)) is None
