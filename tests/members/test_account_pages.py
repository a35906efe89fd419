"""Sign-in pages of allauth: design, rate limits, and what they do not reveal."""

import re
from hashlib import sha256

import pytest
from allauth.account.models import EmailAddress
from allauth.core.internal.httpkit import get_client_ip
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from cryptography.hazmat.primitives.asymmetric import ec
from django.contrib.auth.hashers import make_password
from django.core import signing
from django.http import HttpResponse
from django.test import Client, RequestFactory
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData
from pytest_django import Settings

from cps_portal.core.outbox.models import Message
from cps_portal.settings import base
from members.models import User
from tests.factories import PASSWORD
from tests.rows import each_row
from tests.world import World

LOGIN = "/accounts/login/"
RESET = "/accounts/password/reset/"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
INLINE = re.compile(r"<script(?![^>]*(?:src=|application/json))|<style|\sstyle=|\son[a-z]+=", re.IGNORECASE)

FOR_VISITORS = [
    LOGIN,
    "/accounts/signup/",
    "/accounts/signup/?country=ZA",
    RESET,
    "/accounts/password/reset/done/",
    "/accounts/password/reset/key/done/",
    "/accounts/password/reset/key/1-nonsense/",
    "/accounts/confirm-email/",
    "/accounts/confirm-email/nonsense/",
    "/accounts/inactive/",
]
FOR_MEMBERS = [
    "/accounts/logout/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/reauthenticate/",
    "/accounts/2fa/",
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/webauthn/",
    "/accounts/2fa/webauthn/add/",
]
FOR_CAREFUL_MEMBERS = [
    "/accounts/2fa/",
    "/accounts/2fa/reauthenticate/",
    "/accounts/2fa/totp/deactivate/",
    "/accounts/2fa/recovery-codes/",
    "/accounts/2fa/recovery-codes/generate/",
    "/accounts/2fa/webauthn/",
    "/accounts/2fa/webauthn/reauthenticate/",
    "/accounts/2fa/webauthn/{key}/edit/",
    "/accounts/2fa/webauthn/{key}/remove/",
]


def text(response: HttpResponse) -> str:
    return " ".join(response.content.decode().split())


def sign_in(email: str, password: str = PASSWORD, client: Client | None = None) -> tuple[Client, HttpResponse]:
    client = client or Client()
    return client, client.post(LOGIN, {"login": email, "password": password})


def trusted(email: str) -> Client:
    """Signed in, and asked for the password once more."""
    client, _response = sign_in(email)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def code_now() -> str:
    return format_hotp_value(hotp_value(SECRET, next(yield_hotp_counters_from_time())))


def credential() -> dict[str, object]:
    """What a browser answers when it made a passkey, without an attestation."""
    key = ES256.from_cryptography_key(ec.generate_private_key(ec.SECP256R1()).public_key())
    made = AttestedCredentialData.create(Aaguid.NONE, b"phone", key)
    flags = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV | AuthenticatorData.FLAG.AT
    data = AuthenticatorData.create(sha256(b"localhost").digest(), flags, 0, made)
    client = CollectedClientData.create("webauthn.create", b"challenge", "http://localhost")
    return {
        "id": websafe_encode(b"phone"),
        "rawId": websafe_encode(b"phone"),
        "type": "public-key",
        "response": {
            "clientDataJSON": websafe_encode(client),
            "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
        },
        "clientExtensionResults": {"credProps": {"rk": True}},
    }


@pytest.fixture
def ana(world: World) -> User:
    return world.ana.user


@pytest.fixture
def careful(ana: User) -> Authenticator:
    """Ana with an authenticator app, recovery codes and a passkey; the passkey is returned."""
    TOTP.activate(ana, SECRET)
    RecoveryCodes.activate(ana)
    return Authenticator.objects.create(
        user=ana, type=Authenticator.Type.WEBAUTHN, data={"name": "Phone <b>", "credential": credential()}
    )


@pytest.fixture
def limits(settings: Settings) -> None:
    """allauth's limits as in production; ours always hold."""
    settings.ACCOUNT_RATE_LIMITS = base.ACCOUNT_RATE_LIMITS


# --- The pages --------------------------------------------------------------------------------------


def well_made(response: HttpResponse) -> str:
    """The page is in the design, and needs nothing that the content security policy refuses."""
    page = response.content.decode()
    assert response.status_code == 200
    assert 'class="app-bar' in page
    assert page.count("<h1>") == 1
    assert INLINE.search(page) is None
    assert "Content-Security-Policy" in response.headers
    return page


@each_row("url", FOR_VISITORS)
def test_a_visitor_gets_the_page_in_the_design(world: World, url: str) -> None:
    well_made(Client().get(url))


@each_row("url", FOR_MEMBERS)
def test_a_member_gets_the_page_in_the_design(ana: User, url: str) -> None:
    well_made(trusted(ana.email).get(url))


@each_row("url", FOR_CAREFUL_MEMBERS)
def test_a_member_with_two_steps_gets_the_page_in_the_design(ana: User, careful: Authenticator, url: str) -> None:
    client, _response = sign_in(ana.email)
    client.post("/accounts/2fa/authenticate/", {"code": code_now()})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = well_made(client.get(url.format(key=f"keys/{careful.pk}")))
    assert "Phone <b>" not in page


@each_row("url", [*FOR_MEMBERS[1:], "/accounts/2fa/recovery-codes/generate/"])
def test_a_visitor_is_redirected_to_sign_in(world: World, url: str) -> None:
    response = Client().get(url)
    assert response.status_code == 302
    assert response["Location"].startswith(LOGIN)


def test_a_member_without_a_password_chooses_one(ana: User) -> None:
    ana.set_unusable_password()
    ana.save()
    client = Client()
    client.force_login(ana)
    well_made(client.get("/accounts/password/set/"))


def test_staff_who_are_not_members_can_set_up_a_second_factor(world: World) -> None:
    EmailAddress.objects.create(user=world.staff, email=world.staff.email, primary=True, verified=True)
    client = trusted(world.staff.email)
    well_made(client.get("/accounts/2fa/"))
    well_made(client.get("/accounts/2fa/totp/activate/"))


def test_the_country_chosen_before_is_preselected_on_joining(world: World) -> None:
    page = text(Client().get("/accounts/signup/?country=ZA"))
    assert "Free in South Africa." in page
    assert 'name="country" value="ZA"' in page


# --- Mistakes ---------------------------------------------------------------------------------------


def test_a_wrong_password_shows_an_error_and_keeps_the_address(ana: User) -> None:
    _client, response = sign_in(ana.email, "not the password at all")
    page = text(response)
    assert "Error: Sign in" in page
    assert "That email and password don’t match." in page
    assert f'value="{ana.email}"' in page
    assert "not the password at all" not in page


def test_an_unknown_address_gets_the_same_answer_as_a_wrong_password(ana: User) -> None:
    wrong, unknown = (text(sign_in(email, "whatever it is")[1]) for email in (ana.email, "nobody@example.org"))
    assert "don’t match" in wrong
    assert "don’t match" in unknown


def test_empty_fields_show_errors_at_the_field_and_at_the_top(world: World) -> None:
    page = text(Client().post(LOGIN, {}))
    assert "2 things to fix" in page
    assert '<a href="#id_login">Type your email address.</a>' in page
    assert 'aria-describedby="id_login_error"' in page
    assert 'id="id_login_error"' in page


def test_a_wrong_code_does_not_turn_the_app_on(ana: User) -> None:
    client = trusted(ana.email)
    client.get("/accounts/2fa/totp/activate/")
    page = text(client.post("/accounts/2fa/totp/activate/", {"code": "000000"}))
    assert "That code isn’t right" in page
    assert not Authenticator.objects.filter(user=ana).exists()


# --- Two steps --------------------------------------------------------------------------------------


def test_the_app_is_turned_on_with_its_code_and_gives_recovery_codes(ana: User) -> None:
    client = trusted(ana.email)
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    secret = re.search(r'<code class="mono ltr"[^>]*>(\w+)<', page)
    assert secret
    code = format_hotp_value(hotp_value(secret[1], next(yield_hotp_counters_from_time())))
    response = client.post("/accounts/2fa/totp/activate/", {"code": code}, follow=True)
    assert "10 of 10 left" in text(response)


def test_the_digits_of_an_arabic_keyboard_are_digits(ana: User) -> None:
    client = trusted(ana.email)
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    secret = re.search(r'<code class="mono ltr"[^>]*>(\w+)<', page)
    assert secret
    code = format_hotp_value(hotp_value(secret[1], next(yield_hotp_counters_from_time())))
    arabic = code.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    response = client.post("/accounts/2fa/totp/activate/", {"code": arabic}, follow=True)
    assert "10 of 10 left" in text(response)


@pytest.mark.parametrize("way", ["app", "recovery code"])
def test_a_password_is_not_enough_once_there_is_a_second_step(ana: User, way: str) -> None:
    TOTP.activate(ana, SECRET)
    codes = RecoveryCodes.activate(ana).get_unused_codes()
    client, response = sign_in(ana.email)
    assert response["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/dashboard/")["Location"].startswith(LOGIN)
    well_made(client.get("/accounts/2fa/authenticate/"))
    client.post("/accounts/2fa/authenticate/", {"code": code_now() if way == "app" else codes[0]})
    assert client.get("/dashboard/").status_code == 200


def test_a_recovery_code_opens_the_account_once(ana: User) -> None:
    TOTP.activate(ana, SECRET)
    code = RecoveryCodes.activate(ana).get_unused_codes()[0]
    for opened in (True, False):
        client, _response = sign_in(ana.email)
        client.post("/accounts/2fa/authenticate/", {"code": code})
        assert (client.get("/dashboard/").status_code == 200) is opened


@pytest.mark.parametrize("url", ["/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/add/"])
def test_an_unconfirmed_address_gets_no_second_step(ana: User, url: str) -> None:
    """Or somebody who joined with another's address could lock them out of it for good."""
    EmailAddress.objects.filter(user=ana).update(verified=False)
    client, _response = sign_in(ana.email)
    assert "confirm your email first" in text(client.get(url, follow=True))


def test_changing_sign_in_settings_asks_for_the_password_again(ana: User) -> None:
    client, _response = sign_in(ana.email)
    for url in ("/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/add/"):
        assert client.get(url)["Location"].startswith("/accounts/reauthenticate/")


def test_passkeys_are_offered_only_where_the_browser_has_them(world: World) -> None:
    page = text(Client().get(LOGIN))
    assert re.search(r"<form[^>]* data-passkey hidden>", page)
    assert "js/passkeys.js" in page


# --- A new address ----------------------------------------------------------------------------------


def test_a_new_address_is_used_only_after_confirmation(ana: User) -> None:
    client = trusted(ana.email)
    page = text(client.post("/accounts/email/", {"action_add": "", "email": "ana.new@example.org"}, follow=True))
    assert "Follow the link we sent to this address" in page
    assert ana.email in page
    ana.refresh_from_db()
    assert ana.email == "ana@example.org"
    mail = Message.objects.get(to="ana.new@example.org")
    link = re.search(r"http://localhost(/accounts/confirm-email/\S+)", mail.payload["text"])
    assert link
    well_made(client.get(link[1]))
    client.post(link[1])
    ana.refresh_from_db()
    assert ana.email == "ana.new@example.org"


def test_a_forged_confirmation_confirms_nothing(ana: User) -> None:
    EmailAddress.objects.filter(user=ana).update(verified=False)
    address = EmailAddress.objects.get(user=ana)
    forged = signing.dumps(address.pk, salt="account", key="another key")
    assert "This link doesn’t work any more" in text(Client().get(f"/accounts/confirm-email/{forged}/"))
    assert Client().post(f"/accounts/confirm-email/{forged}/").status_code == 404
    address.refresh_from_db()
    assert not address.verified


# --- A forgotten password ---------------------------------------------------------------------------


def test_a_password_reset_does_not_reveal_whether_an_address_is_known(ana: User) -> None:
    known, unknown = (Client().post(RESET, {"email": email}) for email in (ana.email, "nobody@example.org"))
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    done = [text(Client().get(response["Location"])) for response in (known, unknown)]
    assert done[0] == done[1]
    assert Message.objects.filter(to="nobody@example.org").count() == 1
    assert "/password/reset/key/" not in Message.objects.get(to="nobody@example.org").payload["text"]


def test_the_link_of_a_reset_works_once(ana: User) -> None:
    Client().post(RESET, {"email": ana.email})
    link = re.search(
        r"http://localhost(/accounts/password/reset/key/\S+)",
        Message.objects.get(key__startswith="account-").payload["text"],
    )
    assert link
    client = Client()
    form = client.get(link[1], follow=True)
    well_made(form)
    new = {"password1": "another short sentence", "password2": "another short sentence"}
    assert client.post(form.redirect_chain[-1][0], new)["Location"] == "/dashboard/"
    assert sign_in(ana.email, new["password1"])[1].status_code == 302
    assert "This link doesn’t work any more" in text(Client().get(link[1], follow=True))


@pytest.mark.parametrize("password", ["short", "password1234", "ana@example.org"])
def test_a_weak_password_is_refused(ana: User, password: str) -> None:
    client, _response = sign_in(ana.email)
    new = {"oldpassword": PASSWORD, "password1": password, "password2": password}
    assert "Error: Choose a new password" in text(client.post("/accounts/password/change/", new))
    ana.refresh_from_db()
    assert ana.check_password(PASSWORD)


def test_a_new_password_ends_the_other_sign_ins(ana: User) -> None:
    here, _response = sign_in(ana.email)
    elsewhere, _response = sign_in(ana.email)
    new = {"oldpassword": PASSWORD, "password1": "another short sentence", "password2": "another short sentence"}
    here.post("/accounts/password/change/", new)
    assert here.get("/dashboard/").status_code == 200
    assert elsewhere.get("/dashboard/")["Location"].startswith(LOGIN)


def test_passwords_are_hashed_with_argon2(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = base.PASSWORD_HASHERS
    assert make_password(PASSWORD).startswith("argon2$argon2id$")


# --- Throttles --------------------------------------------------------------------------------------


def test_after_five_wrong_passwords_even_the_right_one_is_refused(ana: User, limits: None) -> None:
    for _try in range(5):
        sign_in(ana.email, "wrong wrong wrong")
    client, response = sign_in(ana.email)
    assert "Too many attempts." in text(response)
    assert client.get("/dashboard/").status_code == 302


def test_a_visitor_with_too_many_attempts_is_asked_to_wait(world: World, limits: None) -> None:
    answers = [sign_in(f"somebody{number}@example.org", "wrong")[1] for number in range(31)]
    assert answers[-1].status_code == 429
    page = text(answers[-1])
    assert "Too many attempts" in page
    assert 'class="app-bar' in page


def test_resets_are_throttled(ana: User, limits: None) -> None:
    answers = [Client().post(RESET, {"email": ana.email}).status_code for _try in range(6)]
    assert answers[0] == 302
    assert answers[-1] == 429


def test_behind_a_proxy_each_visitor_has_their_own_rate_limit(settings: Settings) -> None:
    request = RequestFactory().get("/", headers={"x-forwarded-for": "203.0.113.7, 198.51.100.9"})
    assert get_client_ip(request) == "127.0.0.1"
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    assert get_client_ip(request) == "198.51.100.9"
