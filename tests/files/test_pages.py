"""Who may open uploaded files, and how they are served (R25)."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from cps_portal.core.files import access, actions
from cps_portal.core.files.models import StoredFile
from members.models import User
from tests.admin.conftest import signed_in
from tests.factories import UserFactory
from tests.files import samples
from tests.rows import each_row

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return UserFactory()


@pytest.fixture
def keep(owner: User) -> Callable[[bytes], StoredFile]:
    def run(content: bytes) -> StoredFile:
        file = SimpleUploadedFile("receipt", content)
        return actions.store(upload=file, purpose="evidence", by=owner, at=timezone.now())

    return run


def test_an_image_is_shown_to_its_owner_with_safe_headers(owner: User, keep: Callable[[bytes], StoredFile]) -> None:
    answer = signed_in(owner).get(keep(samples.jpeg()).get_absolute_url())
    assert b"".join(answer.streaming_content).startswith(b"\xff\xd8\xff")  # type: ignore[arg-type]
    assert answer["Content-Type"] == "image/jpeg"
    assert answer["Content-Disposition"].startswith("inline")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert "no-store" in answer["Cache-Control"]
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"


def test_a_pdf_is_downloaded_and_never_rendered_on_our_origin(owner: User, keep: Callable[[bytes], StoredFile]) -> None:
    answer = signed_in(owner).get(keep(samples.pdf()).get_absolute_url())
    assert answer["Content-Disposition"].startswith("attachment")


def test_for_others_a_file_does_not_even_exist(owner: User, keep: Callable[[bytes], StoredFile]) -> None:
    row = keep(samples.jpeg())
    page = row.get_absolute_url()
    desk = UserFactory(is_staff=True)
    for client in (signed_in(UserFactory()), signed_in(desk)):
        assert client.get(page).status_code == 404
    assert Client().get(page).status_code == 302
    desk.user_permissions.add(Permission.objects.get(codename="view_storedfile"))
    assert signed_in(User.objects.get(pk=desk.pk)).get(page).status_code == 200
    without = signed_in(User.objects.get(pk=desk.pk), second_factor=False).get(page)
    assert without["Location"].startswith("/admin/login/?next="), "staff need their second factor here, too"
    member = UserFactory()
    member.user_permissions.add(Permission.objects.get(codename="view_storedfile"))
    assert signed_in(User.objects.get(pk=member.pk)).get(page).status_code == 404, "the permission is for staff"
    actions.erase(file=row, at=timezone.now())
    assert signed_in(owner).get(page).status_code == 404
    assert signed_in(owner).get("/files/no-such-file/").status_code == 404


def test_an_app_may_let_others_read_its_files(
    keep: Callable[[bytes], StoredFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "_rules", {})
    friend = UserFactory()
    access.allow_readers("evidence", lambda user, file: user.pk == friend.pk)
    row = keep(samples.jpeg())
    assert signed_in(friend).get(row.get_absolute_url()).status_code == 200
    assert signed_in(UserFactory()).get(row.get_absolute_url()).status_code == 404


def send(client: Client, content: bytes, **data: str) -> tuple[int, str]:
    file = SimpleUploadedFile("photo.jpg", content)
    answer = client.post("/files/upload/", {"purpose": "evidence", "name": "files", "file": file, **data})
    return answer.status_code, answer.content.decode()


def test_an_upload_returns_the_line_for_the_form(owner: User) -> None:
    status, line = send(signed_in(owner), samples.jpeg())
    assert status == 200
    row = StoredFile.objects.get(owner=owner)
    assert f'name="files_keys" value="{row.key}"' in line


@each_row(
    ("content", "data", "status"),
    [
        (b"no picture", {}, 422),
        (samples.jpeg(), {"purpose": "else"}, 400),
        (samples.jpeg(), {"name": '"><script>'}, 400),
        (samples.jpeg(), {"name": "x" * 99}, 400),
    ],
)
def test_an_invalid_upload_gets_a_readable_error(
    owner: User, content: bytes, data: dict[str, str], status: int
) -> None:
    answer_status, line = send(signed_in(owner), content, **data)
    assert answer_status == status
    assert "field__error" in line
    assert "<script>" not in line
    assert signed_in(owner).post("/files/upload/", {"purpose": "evidence", "name": "files"}).status_code == 422


def test_an_oversized_upload_is_refused_and_not_stored(owner: User, settings: Settings) -> None:
    settings.FILES_MAX_MEGABYTES = 1
    status, line = send(signed_in(owner), b"\xff\xd8\xff" + b"0" * 6 * 1024 * 1024)
    assert (status, "1 MB" in line) == (422, True)


def test_markup_in_a_file_name_is_escaped(owner: User) -> None:
    file = SimpleUploadedFile("<img src=x onerror=alert(1)>.jpg", samples.jpeg())
    answer = signed_in(owner).post("/files/upload/", {"purpose": "evidence", "name": "files", "file": file})
    assert b"<img" not in answer.content


def test_visitors_cannot_upload() -> None:
    assert send(Client(), samples.jpeg())[0] == 302
