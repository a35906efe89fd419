"""A restored database brings people back who had been erased: they are erased again, and nobody else (R14)."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as conf
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from cps_portal.site import actions
from cps_portal.site.erasures import find_erasure, read_erasures, record_erasure
from members.models import Member, Session, User
from tests.world import World

START = timezone.now() - timedelta(days=40)
AFTER = START + timedelta(days=31)


@pytest.fixture(autouse=True)
def empty_list(settings: Settings) -> None:
    settings.STORAGES = {**settings.STORAGES}  # new storages in memory


def erase(member: Member) -> None:
    actions.close_account(member=member, by=member.user, at=START)
    assert actions.erase_account(member=member.pk, at=AFTER)


def erase_and_restore(member: Member) -> None:
    """Erase, and bring the database back as it was before."""
    with transaction.atomic():
        erase(member)
        transaction.set_rollback(True)
    member.refresh_from_db()
    assert member.erased_at is None


def run() -> tuple[str, int]:
    out = io.StringIO()
    try:
        call_command("erase_again", stdout=out)
    except CommandError as error:
        return out.getvalue(), error.returncode
    return out.getvalue(), 0


def test_whoever_was_erased_is_erased_again_and_nobody_else(world: World) -> None:
    erase_and_restore(world.ana)
    Client().force_login(world.ana.user)
    assert run() == ("1 people are erased again.\n", 0)
    world.ana.refresh_from_db()
    world.ben.refresh_from_db()
    assert world.ana.erased_at and not world.ben.erased_at
    assert not world.ana.first_name and not User.objects.filter(email="ana@example.org").exists()
    assert not Session.objects.exists()
    assert run() == ("0 people are erased again.\n", 0), "again changes nothing"


@pytest.mark.parametrize("content", [b"", b"2026-1", b"\xff\x00"])
def test_a_file_that_was_not_written_to_its_end_counts_all_the_same(world: World, content: bytes) -> None:
    """A disk that is full, or a crash, leaves such a file; the next night finds it and erases."""
    erase_and_restore(world.ana)
    ((name, _moment),) = read_erasures().items()
    storage = storages["erasures"]
    storage.delete(name)
    storage.save(name, ContentFile(content))
    storage.save("notes.txt", ContentFile(b"not of the portal"))
    assert run() == ("1 people are erased again.\n", 0)
    world.ana.refresh_from_db()
    assert world.ana.erased_at


def test_the_list_says_nothing_about_anybody(world: World) -> None:
    erase_and_restore(world.ana)
    ((name, moment),) = read_erasures().items()
    assert len(name) == 64 and moment == AFTER
    assert not any(word in name for word in (world.ana.number, str(world.ana.first_name).lower()))
    assert find_erasure(world.ana, read_erasures()) == AFTER and find_erasure(world.ben, read_erasures()) is None


def test_a_new_member_with_the_key_of_an_erased_one_is_not_erased(world: World) -> None:
    record_erasure(member=world.ben, at=AFTER)
    Member.objects.filter(pk=world.ben.pk).update(joined_at=world.ben.joined_at + timedelta(days=1))
    assert run() == ("0 people are erased again.\n", 0)


def test_the_list_is_still_read_after_the_secret_key_was_replaced(world: World, settings: Settings) -> None:
    erase_and_restore(world.ana)
    settings.SECRET_KEY_FALLBACKS = [conf.SECRET_KEY]
    settings.SECRET_KEY = "another-one-0123456789abcdefghijklmnopqrstuvwxyz"
    assert run()[0] == "1 people are erased again.\n"


def test_an_account_that_is_open_again_is_closed_and_erased(world: World) -> None:
    erase_and_restore(world.ana)
    assert world.ana.closed_at is None, "restored to before it was closed"
    assert run()[1] == 0
    world.ana.refresh_from_db()
    assert world.ana.erased_at and world.ana.closed_at < timezone.now() - timedelta(days=conf.CLOSING_DAYS)


def test_who_cannot_be_erased_yet_is_closed_named_and_erased_later(world: World) -> None:
    erase_and_restore(world.ana)
    User.objects.filter(pk=world.ana.user_id).update(is_staff=True)
    output, code = run()
    assert code == 1 and f"waiting: member {world.ana.pk}" in output
    world.ana.refresh_from_db()
    assert world.ana.closed_at and not world.ana.erased_at
    User.objects.filter(pk=world.ana.user_id).update(is_staff=False)
    actions.erase_due(at=timezone.now(), limit=10)
    world.ana.refresh_from_db()
    assert world.ana.erased_at


def test_nobody_is_erased_while_the_list_cannot_be_written(world: World, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    backend = "django.core.files.storage.FileSystemStorage"
    options = {"location": str(tmp_path / "file" / "no folder")}
    settings.STORAGES = {**settings.STORAGES, "erasures": {"BACKEND": backend, "OPTIONS": options}}
    actions.close_account(member=world.ana, by=world.ana.user, at=START)
    actions.erase_due(at=AFTER, limit=10)
    world.ana.refresh_from_db()
    assert not world.ana.erased_at and world.ana.first_name


def test_after_a_restore_everybody_signs_in_again(world: World) -> None:
    client = Client()
    client.force_login(world.ana.user)
    out = io.StringIO()
    call_command("forget_sessions", stdout=out)
    assert "1 sessions and tokens are ended" in out.getvalue()
    assert client.get("/dashboard/").status_code == 302
