"""Fixtures for all tests: real Postgres, no network but loopback, the shared cast."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.signals import setting_changed
from django.db import connection
from django.dispatch import receiver
from django.test import Client
from django.utils import translation
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from cps_portal.core.lib.catalogues import compile_catalogues
from cps_portal.core.lib.fixed_blocks import FIXED
from cps_portal.core.lib.health import stop_probe
from cps_portal.core.lib.kept_pages import KEPT
from cps_portal.core.limits.store import store
from cps_portal.site.templatetags.portal import static_address
from tests.demo import load_demo
from tests.emptying import empty_by_delete
from tests.rows import use_empty_cache
from tests.snapshot import cast, is_superuser
from tests.world import World

# Collecting the tests makes millions of objects that stay: looking for garbage among them takes seconds.
gc.set_threshold(50_000, 20, 20)
compile_catalogues()  # also for whoever starts pytest without the launcher

# How quickly an example is made or run depends on the machine.
hypothesis_settings.register_profile("portal", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("portal")

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's event loop runs in the thread that uses the ORM


# They start first, so that no worker is left alone with a long one at the end.
LONG = {
    "test_accessible",
    "test_backup",
    "test_desk_accessible",
    "test_desk_lists",
    "test_enter",
    "test_every_page",
    "test_frozen",
    "test_guides",
    "test_member_page",
    "test_pages",
    "test_portal",
    "test_reading",
    "test_rolling_upgrade",
    "test_weight",
}


@pytest.hookimpl(trylast=True)  # after pytest-randomly
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.stem not in LONG)


def pytest_collection_finish() -> None:
    """Exclude everything loaded so far from garbage collection, which otherwise takes a tenth of the time."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup() -> None:
    pytest_socket = pytest.importorskip("pytest_socket")
    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """Let the flush between tests delete, or at least truncate: it drops the triggers against TRUNCATE.

    `tests/test_conventions.py` and `tests/site/test_trail_kept.py` install and try them.
    """
    with django_db_blocker.unblock(), connection.cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute("select tgrelid::regclass::text, tgname from pg_trigger where tgname like '%no_truncate%'")
        for table, trigger in cursor.fetchall():
            cursor.execute(f'drop trigger "{trigger}" on {table}')
        if is_superuser():
            empty_by_delete()
    yield
    # Or the database could not be dropped.
    store.close()
    stop_probe()


@receiver(setting_changed)
def forget_pages(**_signal: Any) -> None:
    """In production settings never change while a process runs."""
    static_address.cache_clear()
    for kept in KEPT:
        kept.forget()
    for block in FIXED:
        block.texts.clear()


@pytest.fixture(autouse=True)
def own_cache() -> None:
    """Give each test an empty cache: rate limits count by keys that are the same in every test."""
    use_empty_cache()


@pytest.fixture(autouse=True)
def own_language() -> None:
    """Begin in the default language: a request leaves its own active, in which other addresses exist."""
    translation.deactivate()


@pytest.fixture
def world(db: None) -> World:
    """The cast everybody knows (tests/world.py)."""
    return cast()


@pytest.fixture
def committed_world(transactional_db: None) -> Iterator[World]:
    """The cast, committed: for threads, workers and browsers."""
    return cast()


@pytest.fixture
def demo(transactional_db: None, tmp_path_factory: pytest.TempPathFactory, testrun_uid: str) -> None:
    """The demo world, committed: for browsers and for commands of the guides."""
    load_demo(shared_folder(tmp_path_factory, testrun_uid))


def shared_folder(tmp_path_factory: pytest.TempPathFactory, run: str) -> Path:
    """A folder that all workers of this test run share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / run
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def groups(db: None) -> dict[str, Group]:
    """The groups of staff, as cps_portal/groups.py says."""
    return {group.name: group for group in Group.objects.all()}


@pytest.fixture
def as_ana(world: World) -> Client:
    client = Client()
    client.force_login(world.ana.user)
    return client


@pytest.fixture
def as_ben(world: World) -> Client:
    client = Client()
    client.force_login(world.ben.user)
    return client
