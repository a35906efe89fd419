"""Chromium, the portal on loopback, and a real worker on the real broker."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery.contrib.testing.worker import start_worker
from django.core.management import call_command
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from cps_portal.celery import app
from cps_portal.core.lib.time_limits import stop_limiting
from members.models import User
from tests.admin.conftest import signed_in

# The shell has no windows of its own: with the whole browser the tests take half as long again.
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
MISSING_PAGE = "/nothing-here/"
ARGUMENTS = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]
expect.set_options(timeout=20_000)  # long, so that a busy machine does not fail tests


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.fail("the browser tests need Chromium: apt-get install chromium-headless-shell")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def catalogue(transactional_db: None) -> None:
    """The real catalogue and programme."""
    call_command("load_catalogue", verbosity=0)
    call_command("load_programme", verbosity=0)
    call_command("load_centres", verbosity=0)


@pytest.fixture
def worker() -> Iterator[None]:
    """A Celery worker in a thread, on the broker that the environment names."""
    app.control.purge()
    with start_worker(app, perform_ping_check=False, pool="solo"):
        stop_limiting()  # of this process, whose next test is set up with COPY
        yield


def is_complaint(message: ConsoleMessage) -> bool:
    """An error in the console, except for the page that tests request because it does not exist."""
    return message.type == "error" and not message.location["url"].endswith(MISSING_PAGE)


def wait_for_requests() -> None:
    """Wait until no request is being answered: its snapshot would meet the emptying of the tables after the test.

    Quiet three times in a row, because between two queries a request holds nothing that can be seen.
    """
    others = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    deadline, quiet = time.monotonic() + 5, 0
    while quiet < 3 and time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(f"{others} and (state = 'active' or state like '%transaction%')")
            quiet = quiet + 1 if cursor.fetchone() == (0,) else 0
        time.sleep(0.05)


@pytest.fixture
def visit(chromium: Browser, live_server: LiveServer, settings: Settings) -> Iterator[Callable[..., Page]]:
    """Open a new browser context. Any error in a page or its console fails the test.

    With `network_fails` the console may complain: browser and htmx write a line there for every failed request. The
    service worker is left out but where it is the subject: requests that it makes pass by what tests do to the network.
    """
    settings.SITE_URL = live_server.url
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(user: User | None = None, *, network_fails: bool = False, **options: Any) -> Page:
        context = chromium.new_context(base_url=live_server.url, **{"service_workers": "block", **options})
        contexts.append(context)
        if user:
            client = signed_in(user, second_factor=user.is_staff)
            context.add_cookies(
                [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
            )
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if not network_fails:
            page.on("console", lambda message: complaints.append(message.text) if is_complaint(message) else None)
        return page

    yield open_page
    for context in contexts:
        context.close()
    wait_for_requests()
    assert complaints == []
