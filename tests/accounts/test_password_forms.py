"""A password is the same on every keyboard, whether it was set there or is typed there (NFKC)."""

import unicodedata
from collections.abc import Iterator

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher, make_password
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from cps_portal.core.lib.text import clean_password
from members.models import User
from tests.rows import each_row
from tests.world import World

PAIRS = {
    "accents apart": ("café crème brûlée", unicodedata.normalize("NFD", "café crème brûlée")),
    "accents together": (unicodedata.normalize("NFD", "Ångström Ülkü long"), "Ångström Ülkü long"),
    "full width": ("ｌｏｎｇ　ｅｎｏｕｇｈ　１２", "long enough 12"),
    "ligature": ("ﬁne ofﬁce ﬂower", "fine office flower"),
    "Hangul": (unicodedata.normalize("NFD", "안녕하세요 대한민국 만세"), "안녕하세요 대한민국 만세"),
    "Arabic presentation forms": ("ﻻ ﻟﻠﻪ ﻣﺤﻤﺪ ﺍﺣﻤﺪ", unicodedata.normalize("NFKC", "ﻻ ﻟﻠﻪ ﻣﺤﻤﺪ ﺍﺣﻤﺪ")),
    "no-break space": ("long\u00a0enough\u00a0words", "long enough words"),
    "Vietnamese": (unicodedata.normalize("NFD", "Nguyễn Văn Đẹp"), "Nguyễn Văn Đẹp"),
    "superscript": ("long enough x²", "long enough x2"),
    "half-width kana": ("ﾊﾝｶｸﾊﾟｽﾜｰﾄﾞﾅｶﾞｲ", "ハンカクパスワードナガイ"),
    "a blank at the end": ("long enough words ", "long enough words "),
}
EXAMPLES = [pytest.param(*pair, id=name) for name, pair in PAIRS.items()]


class CountingHasher(MD5PasswordHasher):
    """Counts how often a password is hashed: with a real hasher nearly all the time of signing in."""

    times = 0

    def encode(self, password: str, salt: str) -> str:
        CountingHasher.times += 1
        encoded: str = super().encode(password, salt)
        return encoded


@pytest.fixture
def counting(settings: Settings) -> Iterator[None]:
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    yield
    CountingHasher.times = 0


def sign_in(password: str, email: str = "ana@example.org") -> bool:
    client = Client()
    client.post(reverse("account_login"), {"login": email, "password": password})
    return "_auth_user_id" in client.session


def hashes_to_refuse(password: str, email: str) -> int:
    CountingHasher.times = 0
    assert not sign_in(password, email)
    return CountingHasher.times


@each_row(("set_as", "typed_as"), EXAMPLES)
def test_both_ways_to_compose_it_are_one_password(set_as: str, typed_as: str) -> None:
    assert clean_password(set_as) == clean_password(typed_as)


@each_row(("set_as", "typed_as"), EXAMPLES[0::3])
def test_a_password_set_in_one_form_opens_in_the_other(world: World, set_as: str, typed_as: str) -> None:
    world.ana.user.set_password(set_as)
    world.ana.user.save()
    assert sign_in(typed_as)
    assert sign_in(set_as)


@each_row(("stored", "typed_as"), EXAMPLES[1::3])
def test_a_hash_from_before_opens_as_typed_and_is_hashed_again(world: World, stored: str, typed_as: str) -> None:
    User.objects.filter(pk=world.ana.user.pk).update(password=make_password(stored))
    assert sign_in(stored)
    assert sign_in(typed_as)


@each_row("typed", ["long enough words", "long enough words  ", " long enough words ", "Long enough words "])
def test_blanks_and_capitals_of_a_password_count(world: World, typed: str) -> None:
    world.ana.user.set_password("long enough words ")
    world.ana.user.save()
    assert not sign_in(typed)


@each_row(("new", "typed_as"), EXAMPLES[2::3])
def test_a_changed_password_opens_in_the_other_form(as_ana: Client, world: World, new: str, typed_as: str) -> None:
    world.ana.user.set_password("the password of before")
    world.ana.user.save()
    as_ana.force_login(world.ana.user)
    typed = {"oldpassword": "the password of before", "password1": new, "password2": typed_as}
    assert as_ana.post(reverse("account_change_password"), typed).status_code == 302
    assert sign_in(typed_as)
    assert sign_in(new)


def test_confirming_with_a_hash_from_before_keeps_the_session(as_ana: Client, world: World) -> None:
    stored = unicodedata.normalize("NFD", "café crème brûlée")
    User.objects.filter(pk=world.ana.user.pk).update(password=make_password(stored))
    world.ana.user.refresh_from_db()
    as_ana.force_login(world.ana.user)
    assert as_ana.post(reverse("account_reauthenticate"), {"password": stored}).status_code == 302
    assert as_ana.get("/dashboard/").status_code == 200


def test_a_new_password_is_as_long_as_it_is_composed(as_ana: Client, world: World) -> None:
    world.ana.user.set_password("the password of before")
    world.ana.user.save()
    as_ana.force_login(world.ana.user)
    short = unicodedata.normalize("NFD", "éèêëéè")  # twelve signs, six letters
    typed = {"oldpassword": "the password of before", "password1": short, "password2": short}
    assert "too short" in as_ana.post(reverse("account_change_password"), typed).content.decode()


@pytest.mark.usefixtures("counting")
@each_row("typed", [pytest.param(pair[0], id=name) for name, pair in list(PAIRS.items())[1::3]])
def test_refusing_takes_as_many_hashes_whether_the_address_is_known_or_not(world: World, typed: str) -> None:
    """The time that signing in takes does not tell whose address has an account."""
    world.ana.user.set_unusable_password()
    world.ana.user.save()
    addresses = ("nobody@example.org", world.ben.user.email, world.ana.user.email)
    times = [hashes_to_refuse(typed, email) for email in addresses]
    assert times == [2 if unicodedata.normalize("NFKC", typed) != typed else 1] * 3
