"""A sign-in that broke on the way, or was pressed twice, works when it is sent again as it was (R71)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.signals import user_logged_in
from django.test import Client
from psycopg2 import OperationalError

from members.models import Session
from tests.factories import PASSWORD
from tests.submissions.pages import FormReader
from tests.world import World

pytestmark = pytest.mark.django_db
SIGN_IN = "/accounts/login/"


def break_down(**_facts: Any) -> None:
    raise OperationalError("the database did not answer in time")


def replace_session(**_facts: Any) -> None:
    Session.objects.all().delete()


@contextmanager
def signing_in(interrupt: Callable[..., None]) -> Iterator[None]:
    """Something happens after the password was accepted, before the answer."""
    user_logged_in.connect(interrupt)
    try:
        yield
    finally:
        user_logged_in.disconnect(interrupt)


@pytest.mark.parametrize("interrupt", [break_down, replace_session])
def test_a_sign_in_that_failed_on_our_side_works_when_it_is_sent_again(
    world: World, interrupt: Callable[..., None]
) -> None:
    browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
    forms = FormReader(browser.get(SIGN_IN).text).forms
    (form,) = (data for _action, data in forms if "password" in data)
    typed = {**form, "login": [world.ana.user.email], "password": [PASSWORD]}
    with signing_in(interrupt):
        answer = browser.post(SIGN_IN, typed)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "Go back, and send it again" in answer.text and PASSWORD not in answer.text
    answer = browser.post(SIGN_IN, typed)
    assert (answer.status_code, answer["Location"]) == (302, "/dashboard/")
    assert browser.get("/dashboard/").status_code == 200
