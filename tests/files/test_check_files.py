"""`manage.py check_files` (R25): each kept row has its content, and the content is what it was."""

import hashlib
import io
import os
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from cps_portal.core.files.actions import erase, store
from cps_portal.core.files.checking import check_files
from cps_portal.core.files.models import StoredFile
from tests.factories import UserFactory
from tests.files import samples

pytestmark = pytest.mark.django_db
NAMES = [f"ab/{number:032x}.jpg" for number in range(1500)]


@pytest.fixture
def root(tmp_path: Path, settings: Settings) -> Path:
    backend = "django.core.files.storage.FileSystemStorage"
    settings.STORAGES = {**settings.STORAGES, "files": {"BACKEND": backend, "OPTIONS": {"location": str(tmp_path)}}}
    return tmp_path


def keep(count: int) -> list[StoredFile]:
    user, now = UserFactory(), timezone.now()
    return [store(upload=samples.upload(samples.jpeg()), purpose="case", by=user, at=now) for _number in range(count)]


def run(*arguments: str) -> tuple[str, int]:
    out = io.StringIO()
    try:
        call_command("check_files", *arguments, stdout=out)
    except CommandError as error:
        return out.getvalue(), error.returncode
    return out.getvalue(), 0


def test_whole_files_are_whole(root: Path) -> None:
    assert run() == ("0 files: 0 missing, 0 differ; 0 orphans.\n", 0), "also before the first file"
    keep(3)
    assert run() == ("3 files: 0 missing, 0 differ; 0 orphans.\n", 0)


def test_what_is_missing_or_differs_is_named_and_fails_and_orphans_are_only_named(root: Path) -> None:
    rows = keep(5)
    (root / rows[0].stored_as).unlink()
    with (root / rows[1].stored_as).open("ab") as file:
        file.write(b"!")
    os.truncate(root / rows[2].stored_as, 10)
    (root / "ab").mkdir(exist_ok=True)
    (root / "ab" / "stray.jpg").write_bytes(b"x")
    erase(file=rows[3], at=timezone.now())
    (root / "erasures").mkdir()
    (root / "erasures" / "0f").write_bytes(b"not a file of a row, and none of ours")
    output, code = run()
    assert code == 1
    assert sorted(output.splitlines()[:-1]) == sorted(
        [
            f"missing: {rows[0].stored_as}",
            f"differs: {rows[1].stored_as}",
            f"differs: {rows[2].stored_as}",
            "orphan: ab/stray.jpg",
        ]
    )
    assert output.splitlines()[-1] == "4 files: 1 missing, 2 differ; 1 orphans."
    assert "0 differ" in run("--without-digests")[0], "quicker, and sees less"


def test_many_files_take_few_queries(root: Path, django_assert_max_num_queries: pytest.FixtureRequest) -> None:
    user, now = UserFactory(), timezone.now()
    (root / "ab").mkdir()
    content = b"the same"
    digest = hashlib.sha256(content).hexdigest()
    for name in NAMES:
        (root / name).write_bytes(content)
    StoredFile.objects.bulk_create(
        StoredFile(purpose="case", kind="jpeg", size=8, digest=digest, stored_as=path, owner=user, created_at=now)
        for path in NAMES
    )
    with django_assert_max_num_queries(4):  # type: ignore[operator]
        report = check_files()
    assert (report.rows, report.missing, report.differing, report.orphans) == (1500, [], [], [])
