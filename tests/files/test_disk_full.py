"""A full disk is answered with 507 in words; nothing typed is lost and nothing is left behind (R25, R71)."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import Settings

from cps_portal.core.files import actions
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.disk_full import is_disk_full
from cps_portal.site.views.errors import no_room, server_error
from members.support import actions as cases
from servicing.models import Ticket
from tests.admin.conftest import as_support, staff
from tests.api.conftest import ticket, workshop
from tests.api.machines import Machine
from tests.factories import PASSWORD, draft
from tests.files import samples
from tests.world import World

__all__ = ["as_support", "staff", "ticket", "workshop"]
WORDS = "our storage is full"


@pytest.fixture
def full_disk(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    """A file system of 64 kB without room for a single file, which the portal stores its files in."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", tmp_path], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("only root can make a small file system")
    try:
        (tmp_path / "filler").write_bytes(b"0" * 60 * 1024)  # a page is left: the write begins, and fails on the way
        options = {"location": str(tmp_path)}
        backend = "django.core.files.storage.FileSystemStorage"
        settings.STORAGES = {**settings.STORAGES, "files": {"BACKEND": backend, "OPTIONS": options}}
        yield tmp_path
    finally:
        subprocess.run(["umount", "--lazy", tmp_path], check=True)


def photo() -> Any:
    """An upload whose clean copy does not fit."""
    noise = os.urandom(3 * 90_000)
    return samples.upload(samples.noisy(noise))


def is_clean(disk: Path) -> bool:
    return not StoredFile.objects.exists() and [path for path in disk.rglob("*") if path.is_file()] == [disk / "filler"]


def test_every_page_that_takes_files_says_so_and_keeps_what_was_typed(
    full_disk: Path, world: World, as_ana: Client, as_support: Client, ticket: Ticket
) -> None:
    registration = draft(world.ana, world.body)
    case = cases.open_case(kind="kit", subject="Grip", text="?", member=world.ana, by=world.ana.user, at=timezone.now())
    desk = f"/admin/cases/case/{case.pk}/change/"
    seen = as_support.get(desk).context["answer_form"]["seen"].value()
    text = {"text": "It sticks in the rain."}
    doors: dict[str, tuple[Client, str, dict[str, Any], str]] = {
        "contact": (as_ana, "/contact/", {"kind": "kit", "subject": "Grip", **text}, "files"),
        "reply": (as_ana, case.get_absolute_url(), text, "files"),
        "to the centre": (as_ana, f"{ticket.get_absolute_url()}write/", text, "files"),
        "a registration": (as_ana, f"/kitbag/{registration.pk}/finish/", {"store": text["text"]}, "evidence"),
        "support": (as_support, desk, {"do": "answer", "seen": seen, **text}, "files"),
    }
    wrong = []
    for name, (client, path, fields, field) in doors.items():
        answer = client.post(path, {**fields, field: photo()})
        page = answer.content.decode()
        if answer.status_code != 507 or WORDS not in page or text["text"] not in page or not is_clean(full_disk):
            wrong.append((name, answer.status_code, WORDS in page, text["text"] in page, is_clean(full_disk)))
    assert not wrong, wrong


def test_the_line_of_an_upload_says_so(full_disk: Path, as_ana: Client) -> None:
    data = {"purpose": "evidence", "name": "files", "file": photo()}
    answer = as_ana.post("/files/upload/", data)
    assert answer.status_code == 507 and WORDS in answer.content.decode()
    assert is_clean(full_disk)
    (full_disk / "filler").write_bytes(b"")
    data["file"] = samples.upload(samples.jpeg())
    assert as_ana.post("/files/upload/", data).status_code == 200, "there is room again"


def test_a_partner_gets_a_problem_and_the_same_key_works_later(
    full_disk: Path, workshop: Machine, ticket: Ticket
) -> None:
    path = f"tickets/{ticket.reference}/documents"
    answer = workshop.send(path, {"kind": "document", "file": photo()}, key="one")
    assert (answer.status_code, answer.json()["code"]) == (507, "full")
    assert answer["Content-Type"] == "application/problem+json" and is_clean(full_disk)
    (full_disk / "filler").write_bytes(b"")
    small = samples.upload(samples.jpeg())
    assert workshop.send(path, {"kind": "document", "file": small}, key="one").status_code == 201


def test_a_download_of_all_data_is_answered_before_it_begins(
    full_disk: Path, as_ana: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(full_disk))
    monkeypatch.setattr("cps_portal.site.presenters.my_data.MAX_BYTES_IN_MEMORY", 1)
    (full_disk / "rest").write_bytes(b"0" * 3000)
    as_ana.raise_request_exception = False
    as_ana.post("/accounts/reauthenticate/", {"password": PASSWORD})
    answer = as_ana.post("/profile/data/download/")
    assert answer.status_code == 507


def test_a_row_that_cannot_be_written_leaves_no_file(world: World, settings: Settings, tmp_path: Path) -> None:
    options = {"location": str(tmp_path)}
    backend = "django.core.files.storage.FileSystemStorage"
    settings.STORAGES = {**settings.STORAGES, "files": {"BACKEND": backend, "OPTIONS": options}}
    with pytest.raises(DatabaseError):
        actions.store(upload=samples.upload(samples.jpeg()), purpose="x" * 21, by=world.ana.user, at=timezone.now())
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def raised(raising: Callable[[], object], handler: Callable[[Any], HttpResponse], request: Any) -> HttpResponse:
    try:
        raising()
    except Exception:  # noqa: BLE001 (handlers are called while an error is being handled)
        return handler(request)
    raise AssertionError


def test_a_full_disk_of_the_database_is_answered_the_same(db: None) -> None:
    def insert() -> None:
        with connection.cursor() as cursor:
            cursor.execute("do $$ begin raise exception 'no space left' using errcode = 'disk_full'; end $$")

    page = raised(insert, server_error, RequestFactory().post("/contact/", {"subject": "Grip <b>", "kind": "kit"}))
    assert page.status_code == 507 and 'value="Grip &lt;b&gt;"' in page.content.decode()


def test_a_page_of_a_full_disk_never_contains_a_secret() -> None:
    rows = [
        ("/contact/", {"text": "Hello <b>"}, True),
        ("/accounts/login/", {"login": "a@example.org", "password": "never in a page"}, False),
        ("/kitbag/redeem/", {"code": "ABCD1234"}, False),
    ]
    for path, fields, is_offered in rows:
        page = no_room(RequestFactory().post(path, fields)).content.decode()
        assert ("<form" in page) is is_offered
        assert is_offered or not any(value in page for value in fields.values())
    assert no_room(RequestFactory().post("/api/v1/sales", {}))["Content-Type"] == "application/problem+json"
    assert "Try again" in no_room(RequestFactory().get("/kitbag/")).content.decode()


def test_a_full_disk_is_recognised_whoever_reports_it() -> None:
    class ClientError(Exception):
        """As botocore's."""

        def __init__(self, status: int) -> None:
            self.response = {"ResponseMetadata": {"HTTPStatusCode": status}}

    wrapped = RuntimeError("could not be written")
    wrapped.__cause__ = OSError(28, "No space left on device")
    rows: list[tuple[BaseException | None, bool]] = [
        (OSError(28, "No space left on device"), True),
        (OSError(122, "Disk quota exceeded"), True),
        (OSError(27, "File too large"), True),
        (wrapped, True),
        (ClientError(507), True),
        (ClientError(500), False),
        (OSError(13, "Permission denied"), False),
        (OSError("no number"), False),
        (ValueError("28"), False),
        (None, False),
    ]
    assert [is_disk_full(error) for error, _is_full in rows] == [is_full for _error, is_full in rows]
