"""Joining the free programme on its page (R1, R2, R8, R9)."""

import threading
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from cps_portal.core.lib.text import clean_email
from cps_portal.core.outbox.models import Message
from members.enums import Level
from members.models import CountryProgramme, Member, TermsAcceptance, TermsVersion, User
from members.rules import is_member_number
from tests.factories import PASSWORD
from tests.rows import each_row
from tests.world import World

URL = "/accounts/signup/"


def answers(**changes: str) -> dict[str, str]:
    given = {
        "first_name": "Dina",
        "last_name": "Example",
        "email": "dina@example.org",
        "country": "ZA",
        "specialty": "sport",
        "password1": PASSWORD,
        "adult": "on",
        "terms": "on",
        **changes,
    }
    return {name: value for name, value in given.items() if value != ""}


def join(**changes: str) -> tuple[Client, HttpResponse]:
    client = Client()
    return client, client.post(URL, answers(**changes))


def text(response: HttpResponse) -> str:
    return response.content.decode()


PASTED = [
    "dina@example.org\u200b",
    "\u202adina@example.org\u202c",
    "\ufeffdina@example.org",
    "di\u00adna@example.org\u00a0",
    "dina＠example.org",
    "DINA@EXAMPLE.ORG",
    "dina@example.org.",
    "dina@example.org,",
    "Dina Example <dina@example.org>",
    "<dina@example.org>;",
    "mailto:dina@example.org?subject=Hi",
    "dina @ example.org",
    "dina@example。org",
    "\u2066dina@example.org\u2069",
    "dina@exam\u2060ple.org",
    "ｄｉｎａ@example.org",
]


@each_row("pasted", PASTED)
def test_an_address_pasted_with_invisible_signs_is_the_plain_address(pasted: str) -> None:
    assert clean_email(pasted) == clean_email(f"{pasted}\u200e") == "dina@example.org"


@each_row("pasted", PASTED[::3])
def test_whoever_pastes_an_address_with_invisible_signs_joins_once_and_signs_in(world: World, pasted: str) -> None:
    join(email=pasted)
    assert User.objects.filter(email="dina@example.org").exists()
    join(email="dina@example.org")
    assert User.objects.filter(email__startswith="dina").count() == 1
    client = Client()
    client.post("/accounts/login/", {"login": f"{pasted}\u200e", "password": PASSWORD})
    assert client.get("/dashboard/").status_code == 200


@each_row("typed", ["New@Example.org\u200b", "Ana <new@example.org>", "new＠example.org", "new@example.org."])
def test_an_address_is_changed_and_a_password_reset_as_it_is_pasted(as_ana: Client, world: World, typed: str) -> None:
    as_ana.post("/accounts/reauthenticate/", {"password": PASSWORD})
    as_ana.post("/accounts/email/", {"email": typed, "action_add": ""})
    assert EmailAddress.objects.filter(user=world.ana.user, email="new@example.org").exists()
    User.objects.filter(pk=world.ana.user.pk).update(email="new@example.org")
    EmailAddress.objects.filter(user=world.ana.user).update(verified=True)
    before = Message.objects.filter(to="new@example.org").count()
    Client().post("/accounts/password/reset/", {"email": typed})
    assert Message.objects.filter(to="new@example.org").count() == before + 1


def test_a_name_is_kept_without_invisible_signs_and_with_the_joiners_of_its_script(world: World) -> None:
    join(first_name="Ann\u202eevil", last_name="می\u200cخواهم")
    member = Member.objects.get(user__email="dina@example.org")
    assert member.full_name == "Annevil می\u200cخواهم"


@each_row("name", ["Sukarno", "Björk", "سوسن", "மணி", "J.R.R.", "St.John", "Ng", "O", "🦁 Leo"])
def test_a_person_with_one_name_joins_and_has_a_card(world: World, name: str) -> None:
    client, _response = join(first_name=name, last_name="")
    member = Member.objects.get(user__email="dina@example.org")
    assert (member.full_name, member.last_name) == (name, "")
    assert member.initials == name[:1].upper()
    assert str(member) == f"{name} ({member.number_in_groups})"
    assert f"<bdi>{name}</bdi>" in text(client.get("/card/"))
    assert ">Last name (if you have one)</label>" in text(client.get("/profile/"))
    given = {"first_name": name, "last_name": "", "specialty": "", "language": "en"}
    assert client.post("/profile/", given).status_code == 302


@each_row(
    "name",
    [
        "You won R5000! Claim at https://evil.example",
        "http://evil.example",
        "www.evil.example",
        "WWW.EVIL.EXAMPLE",
        "evil.example/win",
        "ｈｔｔｐｓ：／／evil.example",
        "https:\u2044\u2044evil.example",
        "evil.example\u2215win",
        "back\\slash",
        "ｗｗｗ．evil.example",
        "w\u200bww.evil.example",
        "M/S",
    ],
)
@each_row("field", ["first_name", "last_name"])
def test_a_name_with_a_web_address_or_a_slash_is_refused_beside_its_field(world: World, field: str, name: str) -> None:
    _client, response = join(**{field: name})
    assert "A name can’t have a web address or a slash in it." in text(response)
    assert not Member.objects.filter(user__email="dina@example.org").exists()
    assert not Message.objects.filter(to="dina@example.org").exists()


@each_row("name", ["\u200b", "\u3164", "\u0301\u0327", "\u2060\ufeff", "\u2800"])
def test_a_name_of_which_nothing_is_seen_is_refused(world: World, name: str) -> None:
    _client, response = join(first_name=name)
    assert "We can’t see anything in this" in text(response)


# --- What joining gives ---------------------------------------------------------------------------


def test_joining_makes_a_red_member_with_a_number_at_once(world: World) -> None:
    client, response = join()
    assert response.status_code == 302
    assert response["Location"] == "/dashboard/"
    member = Member.objects.get(user__email="dina@example.org")
    assert (member.level, member.points, member.country.code) == (Level.RED, 0, "ZA")
    assert member.specialty == "sport"
    assert not member.wants_news
    assert is_member_number(member.number)
    page = client.get("/dashboard/")
    assert page.status_code == 200
    assert member.number_in_groups in text(page)


def test_joining_records_which_terms_were_accepted_and_when(world: World) -> None:
    before = timezone.now()
    join()
    acceptance = TermsAcceptance.objects.get(member__user__email="dina@example.org")
    assert acceptance.terms == world.terms
    assert before <= acceptance.at <= timezone.now()


def test_terms_accepted_on_joining_are_not_asked_for_again(world: World) -> None:
    client, _response = join()
    assert client.get("/profile/").status_code == 200


def test_joining_sends_one_mail_with_the_member_number_and_the_link_that_confirms(world: World) -> None:
    """R8: not a welcome and a confirmation, of which a person reads one."""
    Message.objects.all().delete()
    join()
    mail = Message.objects.get(to="dina@example.org").payload
    member = Member.objects.get(user__email="dina@example.org")
    assert member.number_in_groups in mail["text"] and "/accounts/confirm-email/" in mail["text"]
    assert mail["html"].count('class="p btn"') == 1 and mail["essential"]
    assert not EmailAddress.objects.get(email="dina@example.org").verified


def test_the_dashboard_asks_to_confirm_the_address_until_it_is_done(world: World) -> None:
    client, _response = join()
    assert "Confirm your email address" in text(client.get("/dashboard/"))
    assert client.post("/accounts/email/", {"email": "dina@example.org", "action_send": ""}).status_code == 302
    EmailAddress.objects.filter(email="dina@example.org").update(verified=True)
    assert "Confirm your email address" not in text(client.get("/dashboard/"))


def test_the_country_from_the_link_is_preselected(world: World) -> None:
    assert '<input type="hidden" name="country" value="KE">' in text(Client().get(f"{URL}?country=KE"))


def test_only_free_countries_are_offered_to_choose_from(world: World) -> None:
    page = text(Client().get(URL))
    assert '<option value="KE"' in page
    assert "FR" not in [option.split('"')[0] for option in page.split('<option value="')[1:]]


# --- What is refused, and that nothing typed is lost -------------------------------------------------


@each_row(
    ("changes", "sentence"),
    [
        ({"adult": ""}, "You need to be 18 or over to join."),
        ({"terms": ""}, "Read and accept the terms of use to join."),
        ({"country": ""}, "Choose your country."),
        ({"country": "FR"}, "The free programme isn’t available in this country."),
        ({"country": "SY"}, "The free programme isn’t available in this country."),
        ({"country": "XX"}, "The free programme isn’t available in this country."),
        ({"country": "ZA\x00"}, "The free programme isn’t available in this country."),
        ({"first_name": ""}, "Type your first name."),
        ({"first_name": "   "}, "Type your first name."),
        ({"first_name": "A" * 81}, "at most 80 characters"),
        ({"first_name": "A\x00b"}, "characters that can’t be printed"),
        ({"first_name": "A\x07b"}, "characters that can’t be printed"),
        ({"first_name": "\u200b\u200b"}, "We can’t see anything in this"),
        ({"last_name": "\u3164"}, "We can’t see anything in this"),
        ({"email": ""}, "Type your email address."),
        ({"email": "not an address"}, "Type your email with an @"),
        ({"email": "a@b\x00.example"}, "Type your email with an @"),
        ({"email": "a" * 250 + "@example.org"}, "at most 254 characters"),
        ({"email": "a" * 2000 + "@example.org"}, "Type your email with an @"),
        ({"password1": ""}, "Choose a password."),
        ({"password1": "short"}, "at least 12 characters"),
        ({"password1": "dina@example.org"}, "mostly your name, your address"),
        ({"password1": "long enough but\x00"}, "Null characters are not allowed"),
        ({"specialty": "submarines"}, "Select a valid choice"),
    ],
)
def test_an_error_is_shown_at_its_field_and_other_values_are_kept(
    world: World, changes: dict[str, str], sentence: str
) -> None:
    users = User.objects.count()
    _client, response = join(**changes)
    page = text(response)
    assert response.status_code == 200
    assert sentence in page
    assert PASSWORD not in page
    for name, value in answers(**changes).items():
        if name in ("first_name", "last_name", "email") and name not in changes:
            assert f'value="{value}"' in page
    assert User.objects.count() == users


def test_names_of_all_scripts_are_welcome(world: World) -> None:
    join(first_name="  Анна \t Мария ", last_name="O’Brien 🦁")
    member = Member.objects.get(user__email="dina@example.org")
    assert (member.first_name, member.last_name) == ("Анна Мария", "O’Brien 🦁")


def test_a_refusal_after_validation_rolls_back_the_whole_sign_up(world: World) -> None:
    """The form is complete, and there are no terms to accept: no user, no address, no mail is left behind."""
    before = (User.objects.count(), EmailAddress.objects.count(), Message.objects.count())
    TermsVersion.objects.filter(pk=world.terms.pk).update(valid_from=timezone.now() + timedelta(days=1))
    client, response = join()
    assert response.status_code == 200
    assert "You can’t join right now" in text(response)
    assert 'value="Dina"' in text(response)
    assert (User.objects.count(), EmailAddress.objects.count(), Message.objects.count()) == before
    assert client.get("/profile/").status_code == 302


def test_a_taken_address_shows_an_error_and_signs_nobody_in(world: World) -> None:
    """Joining signs in at once (R8), so this cannot be hidden; throttles keep lists from being tried."""
    members, mails = Member.objects.count(), Message.objects.count()
    client, response = join(email="Ana@Example.org")
    assert "There’s an account with this address already" in text(response)
    assert 'value="Dina"' in text(response)
    assert (Member.objects.count(), Message.objects.count()) == (members, mails + 1)  # its owner is told
    assert client.get("/profile/").status_code == 302


def test_joining_while_signed_in_leads_to_the_dashboard(as_ana: Client) -> None:
    assert as_ana.get(URL)["Location"] == "/dashboard/"


@pytest.mark.django_db(transaction=True)
def test_two_simultaneous_sign_ups_with_one_address_create_one_member(committed_world: World) -> None:
    barrier = threading.Barrier(2)
    codes: list[int] = []

    def run() -> None:
        try:
            barrier.wait()
            codes.append(join()[1].status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [200, 302]
    assert Member.objects.filter(user__email="dina@example.org").count() == 1


# --- The country chooser (R2) -------------------------------------------------------------------------


def test_a_country_of_the_free_programme_redirects_to_joining(world: World) -> None:
    assert Client().get("/country/?country=KE")["Location"] == "/accounts/signup/?country=KE"


def test_a_subscription_country_gets_an_explanation_and_a_link(world: World) -> None:
    CountryProgramme.objects.filter(country="FR").update(link="https://fr.example.org/cps")
    response = Client().get("/country/?country=FR")
    assert response.status_code == 200
    page = text(response)
    assert "France" in page
    assert all(price in page for price in ("100", "200", "350", "2023"))
    assert 'href="https://fr.example.org/cps"' in page


def test_a_country_without_programme_gets_an_explanation(world: World) -> None:
    response = Client().get("/country/?country=SY")
    assert response.status_code == 200
    assert "Syria" in text(response)


@each_row("code", ["", "XX", "za", "ZA%00", "%F0%9F%A6%81", "A" * 3000])
def test_an_unknown_country_redirects_to_the_home_page_with_a_message(world: World, code: str) -> None:
    client = Client()
    response = client.get(f"/country/?country={code}")
    assert response.status_code == 302
    home = client.get(response["Location"])
    assert home.status_code == 422
    assert "Choose a country from the list." in text(home)


def test_a_country_changes_programme_on_its_day(world: World) -> None:
    today = timezone.localdate()
    CountryProgramme.objects.create(country="FR", region="EMEA", kind="free", service_level="full", valid_from=today)
    assert Client().get("/country/?country=FR")["Location"].endswith("?country=FR")
    CountryProgramme.objects.filter(country="FR", valid_from=today).update(valid_from=today + timedelta(days=1))
    assert Client().get("/country/?country=FR").status_code == 200


# --- New terms (R9) -----------------------------------------------------------------------------------


def new_terms() -> TermsVersion:
    return TermsVersion.objects.create(version="2026-10", valid_from=timezone.now())


def test_new_terms_are_asked_for_at_the_next_sign_in_and_redirect_to_the_page_wanted(world: World) -> None:
    terms = new_terms()
    client = Client()
    client.force_login(world.ana.user)
    response = client.get("/kitbag/points/?page=2")
    assert response["Location"].startswith("/terms/accept/?next=%2Fkitbag%2Fpoints%2F")
    page = client.get(response["Location"])
    assert page.status_code == 200
    assert 'value="/kitbag/points/?page=2"' in text(page)
    refused = client.post("/terms/accept/", {"next": "/kitbag/points/?page=2"})
    assert refused.status_code == 422
    accepted = client.post("/terms/accept/", {"terms": "on", "next": "/kitbag/points/?page=2"})
    assert accepted["Location"] == "/kitbag/points/?page=2"
    assert TermsAcceptance.objects.filter(member=world.ana, terms=terms).count() == 1
    assert client.get("/profile/").status_code == 200


def test_new_terms_do_not_interrupt_a_running_session(as_ana: Client) -> None:
    assert as_ana.get("/profile/").status_code == 200
    new_terms()
    assert as_ana.get("/profile/").status_code == 200


def test_terms_not_yet_in_force_are_not_asked_for(world: World, as_ana: Client) -> None:
    TermsVersion.objects.create(version="2030-01", valid_from=timezone.now() + timedelta(days=1))
    assert as_ana.get("/profile/").status_code == 200


def test_signing_out_and_public_pages_need_no_accepted_terms(world: World) -> None:
    new_terms()
    client = Client()
    client.force_login(world.ana.user)
    assert all(client.get(url).status_code == 200 for url in ("/terms/", "/privacy/", "/help/"))
    assert client.post("/accounts/logout/").status_code == 302
    assert "_auth_user_id" not in client.session


@each_row("there", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "\x00"])
def test_accepting_terms_never_redirects_to_another_site(world: World, there: str) -> None:
    new_terms()
    client = Client()
    client.force_login(world.ana.user)
    assert client.post("/terms/accept/", {"terms": "on", "next": there})["Location"] == "/dashboard/"


def test_staff_who_are_not_members_are_not_asked_for_terms(world: World) -> None:
    new_terms()
    client = Client()
    client.force_login(world.staff)
    assert client.get("/dashboard/")["Location"] == "/admin/"
