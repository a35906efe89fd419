"""Attempts at the same moment do not pass a limit together, and none of them locks a known browser out."""

from collections import Counter

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from cps_portal.core.limits.attempts import count_attempt
from members import actions
from members.emails import undo_path
from members.models import EmailChange
from tests.concurrency.threads import together
from tests.factories import PASSWORD
from tests.world import World

LOGIN = "/accounts/login/"
NEW = {"password1": "purple tractor lamp", "password2": "purple tractor lamp"}


@pytest.mark.django_db(transaction=True)
def test_exactly_as_many_attempts_pass_as_the_limit_allows() -> None:
    limits = {"account_and_address": (5, 60), "account": (100, 60)}
    jobs = [lambda: count_attempt("race", limits, account="ana", address="a").by] * 24
    assert Counter(together(*jobs)) == {"": 5, "account_and_address": 19}


def test_wrong_passwords_at_the_same_moment_do_not_pass_together(committed_world: World) -> None:
    email = committed_world.ana.user.email

    def guess() -> int:
        return Client().post(LOGIN, {"login": email, "password": "wrong wrong wrong"}).status_code

    times, _seconds = settings.SIGN_IN_LIMITS["account_and_address"]
    assert Counter(together(*[guess] * 12)) == {200: times, 429: 12 - times}


def test_a_known_browser_signs_in_while_strangers_guess(committed_world: World) -> None:
    email = committed_world.ana.user.email
    known = Client()
    known.post(LOGIN, {"login": email, "password": PASSWORD})
    known.post("/accounts/logout/")

    def guess(address: str) -> int:
        form = {"login": email, "password": "wrong wrong wrong"}
        return Client().post(LOGIN, form, REMOTE_ADDR=address).status_code

    def sign_in() -> int:
        return known.post(LOGIN, {"login": email, "password": PASSWORD}).status_code

    strangers = [lambda number=number: guess(f"198.51.100.{number % 3}") for number in range(15)]
    *_guesses, signed_in = together(*strangers, sign_in)
    assert signed_in == 302


def test_two_who_follow_the_link_at_once_undo_it_once(committed_world: World) -> None:
    user = committed_world.ana.user
    at = timezone.now()
    change = actions.record_email_change(user=user, old_email="old@example.org", new_email=user.email, at=at)
    link = undo_path(change)
    answers = together(*[lambda: Client().post(link, NEW).status_code] * 4)
    assert answers.count(302) == 1 and set(answers) <= {200, 302, 422}
    assert EmailChange.objects.get().undone_at is not None
