"""Common and guessable passwords are refused offline, with a sentence that says what to do; not at sign-in."""

import threading
import time
from io import StringIO

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from cps_portal.settings import base
from members.models import Member, User
from members.rules.passwords import Weakness, find_weakness
from tests.factories import PASSWORD
from tests.world import World

PERSON = ["thandi.nkosi@studio-fotos.example", "Thandi", "Nkosi", "441077201846"]
WORDS = [*base.PASSWORD_SERVICE_WORDS, *PERSON]

WEAK = {
    "password1234": Weakness.COMMON,
    "password12345": Weakness.COMMON,
    "qwertyuiop123": Weakness.COMMON,
    "1qaz2wsx3edc": Weakness.COMMON,
    "iloveyou12345": Weakness.COMMON,
    "P@ssw0rd1234!": Weakness.COMMON,
    "letmein letmein": Weakness.COMMON,
    "Summer2026!!!": None,
    "aaaaaaaaaaaa": Weakness.REPEATED,
    "lalalalalala": Weakness.REPEATED,
    "abcdefghijklmn": Weakness.IN_ORDER,
    "987654321098": None,
    "123456789012": None,
    "asdfghjkl;'#": None,
    "19850412 19850412": Weakness.DATE,
    "a1b2c3d4e5f6": None,
    "zaq12wsxcde3": None,
    "Canon EOS R5 Mark II": Weakness.OWN_WORDS,
    "canoncanon2026": Weakness.OWN_WORDS,
    "C4n0n-E0S-2026": Weakness.OWN_WORDS,
    "CanonProfessional1": Weakness.OWN_WORDS,
    "CPS Gold Member": Weakness.OWN_WORDS,
    "GoldMember2026": Weakness.OWN_WORDS,
    "platinum.kitbag": Weakness.OWN_WORDS,
    "photographer1": Weakness.OWN_WORDS,
    "WelcomePack123": Weakness.OWN_WORDS,
    "thandi.nkosi1": Weakness.OWN_WORDS,
    "ThandiNkosi1985": Weakness.OWN_WORDS,
    "Nkosi, Thandi!": Weakness.OWN_WORDS,
    "studio-fotos-26": Weakness.OWN_WORDS,
    "4410 7720 1846": Weakness.OWN_WORDS,
    "tHaNdI cAnOn 99": Weakness.OWN_WORDS,
    "Th4nd1 Nk0s1": Weakness.OWN_WORDS,
}
STRONG = [
    "a short sentence works well",
    "another short sentence",
    "correct horse battery staple",
    "purple tractor lamp",
    "kX9#mQ2$vL7p",
    "café crème brûlée",
    "안녕하세요 대한민국 만세",
    "لا الله محمد احمد",
    "Nguyễn Văn Đẹp",
    "Thandi eats blue cacti",
    "my canon is older than me",
    "vjqhzkwpmtry",
]


def refusal(password: str, user: User | None = None) -> str:
    """What is said about it; empty if it is accepted."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


def test_guessable_passwords_are_told_from_good_ones() -> None:
    """None: any reason will do."""
    judged = {password: find_weakness(password, WORDS) for password in [*WEAK, *STRONG]}
    wrong = {password: judged[password] for password, reason in WEAK.items() if judged[password] is None}
    wrong |= {p: judged[p] for p, reason in WEAK.items() if reason and judged[p] != reason}
    wrong |= {password: judged[password] for password in STRONG if judged[password]}
    assert wrong == {}


def test_names_in_any_script_are_words_of_the_person() -> None:
    people = {"Юлия Смирнова": "смирнова юлия 99", "محمد عربي": "محمد عربي 123", "Zoë Müller": "muller.zoe.2026"}
    assert [name for name, password in people.items() if not find_weakness(password, name.split())] == []


def test_one_sentence_says_why_and_what_to_do() -> None:
    thandi = User(email="thandi.nkosi@example.org")
    passwords = ["password1234", "thandi.nkosi1", "aaaaaaaaaaaa", "GoldMember2026", "thandi.nkosi@example.org"]
    sentences = {password: refusal(password, thandi) for password in passwords}
    assert [p for p, sentence in sentences.items() if sentence.count("Put a few words together") != 1] == []
    assert "at least 12 characters" in refusal("short")


def test_a_long_password_takes_no_longer(world: World) -> None:
    began = time.process_time()
    for password in ("a" * 5000, "@4({[<3!1|$507+%2z" * 300, PASSWORD * 200, "ab" * 3000):
        refusal(password, world.ana.user)
    assert time.process_time() - began < 10


def test_threads_judge_by_their_own_words() -> None:
    """zxcvbn keeps the words of a call in its module."""
    outcomes: list[bool] = []

    def judge(name: str) -> None:
        outcomes.extend(bool(find_weakness(f"{name} {name} qv7k", [name])) for _time in range(20))

    threads = [
        threading.Thread(target=judge, args=(name,)) for name in ("xolisavu", "brqwendt", "mkhulitz", "ptolqest")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [True] * 80


@pytest.mark.parametrize("password", ["GoldMember2026", "Dina Reed Canon", "dina.reed2026"])
def test_joining_refuses_words_of_the_service_and_of_the_person(world: World, password: str) -> None:
    form = {
        "first_name": "Dina",
        "last_name": "Reed",
        "email": "dina.reed@example.org",
        "country": "ZA",
        "password1": password,
        "adult": "on",
        "terms": "on",
    }
    answer = Client().post(reverse("account_signup"), form)
    page = answer.content.decode()
    assert "mostly your name, your address or words about us" in page
    assert 'id="id_password1_error"' in page and 'value="Dina"' in page
    assert not Member.objects.filter(first_name="Dina").exists()


def test_changing_refuses_the_names_and_the_number_of_the_member(as_ana: Client, world: World) -> None:
    ana = world.ana
    accepted = []
    for password in (f"{ana.first_name}{ana.last_name}2026", f"{ana.number}!!", "password1234"):
        typed = {"oldpassword": PASSWORD, "password1": password, "password2": password}
        page = as_ana.post(reverse("account_change_password"), typed).content.decode()
        if "Put a few words together" not in page:
            accepted.append(password)
    assert accepted == []


def test_old_weak_passwords_still_open_the_account(world: World) -> None:
    world.ana.user.set_password("password1234")
    world.ana.user.save()
    client = Client()
    answer = client.post(reverse("account_login"), {"login": world.ana.user.email, "password": "password1234"})
    assert answer.status_code == 302


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_the_command_for_the_first_account_of_staff_refuses_them_too(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter(["canon cps admin"] * 2 + ["purple tractor lamp"] * 2)
    monkeypatch.setattr("getpass.getpass", lambda *_prompt: next(typed))
    monkeypatch.setattr("builtins.input", lambda _question: "n")  # to the question whether to take it nevertheless
    errors = StringIO()
    call_command("createsuperuser", email="root@example.org", stdin=Terminal(), stdout=StringIO(), stderr=errors)
    assert "Put a few words together" in errors.getvalue()
    assert User.objects.get(email="root@example.org").check_password("purple tractor lamp")
