"""What was typed survives the end of a session and a stale token, for the same account only (R71)."""

from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import Settings

from cps_portal.core.submissions import actions, tokens
from cps_portal.core.submissions.kept import browser_of, cookie_name
from cps_portal.core.submissions.models import KeptForm
from cps_portal.site.retention import delete_all
from members.enums import Specialty
from members.models import Device, Session, TermsVersion, User
from members.support.models import Case, CaseMessage
from tests.factories import PASSWORD
from tests.files.samples import jpeg
from tests.rows import each_row
from tests.submissions import stage
from tests.submissions.pages import end_session, kept_line, open_form, read_form, send, shown, type_in
from tests.submissions.stage import MEMBERS_FORMS, VISITORS_FORMS, TypedForm
from tests.world import World

Build = Callable[[World], TypedForm]
# Every form is kept and shown again; what becomes of it then is the same for all, and each form is tried at some of it.
A_THIRD, ANOTHER_THIRD, LAST_THIRD = (MEMBERS_FORMS[number::3] for number in range(3))


def signed_in(user: User | None, *, strict: bool = False) -> Client:
    client = Client(enforce_csrf_checks=strict)
    if user:
        client.force_login(user)
    return client


SIGNED_IN = (Device, Session)


def count_rows() -> dict[str, int]:
    """How many rows there are of everything that a form can create; signing in creates devices and sessions."""
    labels = ("cases", "kitbag", "offers", "servicing", "members")
    models = [model for model in apps.get_models() if model._meta.app_label in labels and model not in SIGNED_IN]
    return {model._meta.label: model.objects.count() for model in models}


def interrupted(form: TypedForm) -> tuple[Client, str]:
    """The session ends while somebody types; they send the form. Returns where they are led."""
    client = signed_in(form.user)
    data = type_in(client, form)
    end_session(client)
    response = send(client, form, data)
    return client, response["Location"]


@each_row("build", MEMBERS_FORMS)
def test_what_was_typed_is_there_after_signing_in_and_is_not_sent_by_itself(world: World, build: Build) -> None:
    form = build(world)
    before = count_rows()
    client, location = interrupted(form)
    assert location == f"/accounts/login/?{urlencode({'next': form.page})}"
    client.force_login(form.user)
    assert shown(client, form) == form.typed
    assert kept_line(client.get(form.page))
    assert count_rows() == before


@each_row("build", A_THIRD)
def test_once_it_is_accepted_it_is_no_longer_kept(world: World, build: Build) -> None:
    form = build(world)
    client, _location = interrupted(form)
    client.force_login(form.user)
    button = {"go": ["confirm"]} if build is stage.welcome_pack else {}
    response = send(client, form, {**open_form(client, form), **button})
    if build is not stage.service_request:  # its next step
        assert response.status_code == 302, response.text
        assert not KeptForm.objects.exists()


@each_row("build", ANOTHER_THIRD)
def test_another_account_in_the_same_browser_never_sees_it(world: World, build: Build) -> None:
    form = build(world)
    client, _location = interrupted(form)
    for user in (world.chloe.user, world.staff):
        client.force_login(user)
        response = client.get(form.page)
        texts = [value for values in form.typed.values() for value in values if len(value) > 8]
        assert not kept_line(response)
        assert [text for text in texts if text.split("\r\n")[0].strip() in response.text] == []
    client.logout()
    assert client.get(form.page).status_code in (200, 302)


@each_row("build", LAST_THIRD)
def test_signing_out_deletes_it(world: World, build: Build) -> None:
    form = build(world)
    client, _location = interrupted(form)
    client.force_login(form.user)
    client.post("/accounts/logout/")
    assert not KeptForm.objects.exists()
    assert client.cookies[cookie_name()].value == ""
    client.force_login(form.user)
    assert not kept_line(client.get(form.page))


@each_row("build", [*MEMBERS_FORMS[1::2], *VISITORS_FORMS])
def test_a_form_with_a_stale_token_is_put_back_with_a_fresh_one(world: World, build: Build) -> None:
    form = build(world)
    client = signed_in(form.user, strict=True)
    before = count_rows()
    stale = {**type_in(client, form), "csrfmiddlewaretoken": ["x" * 64]}
    response = send(client, form, stale)
    assert (response.status_code, response["Location"]) == (302, form.page)
    assert shown(client, form) == form.typed
    assert count_rows() == before
    button = {"go": ["confirm"]} if build is stage.welcome_pack else {}
    answer = send(client, form, {**open_form(client, form), **button})
    assert answer.status_code in (200, 302, 422)  # 422: joining, where the password has to be typed again


def test_signing_in_with_the_password_leads_back_to_the_form(world: World) -> None:
    form = stage.case_reply(world)
    client, location = interrupted(form)
    page = client.get(location)
    assert "You were signed out, so nothing has been sent." in page.text
    answer = client.post(
        "/accounts/login/", {"login": world.ana.user.email, "password": PASSWORD, "next": form.page}, follow=True
    )
    assert answer.request["PATH_INFO"] == form.page
    assert kept_line(answer)


def test_passwords_and_codes_are_never_kept(world: World) -> None:
    form = stage.joining(world)
    client = signed_in(None, strict=True)
    secrets = {
        "password1": ["my secret words"],
        "code": ["123456"],
        "otp": ["1"],
        "card_number": ["4111"],
        "pin": ["7"],
    }
    send(client, form, {**type_in(client, form), **secrets, "csrfmiddlewaretoken": ["stale"]})
    names = {name for name, _values in KeptForm.objects.get().fields}
    assert names >= {"first_name", "last_name", "email", "adult", "country"}
    assert not names & {*secrets, "password2", "csrfmiddlewaretoken"}
    assert "my secret words" not in client.get(form.page).text


@each_row(
    "name",
    [
        "password",
        "password1",
        "oldpassword",
        "new_password2",
        "passcode",
        "code",
        "sms_code",
        "otp",
        "otp_token",
        "token",
        "credential",
        "pin",
        "csrfmiddlewaretoken",
        "cardnumber",
        "card_number",
        "cvc",
        "iban",
        "form_token",
    ],
)
def test_the_name_of_a_field_says_that_it_is_never_kept(name: str) -> None:
    data = KeptForm(fields=[[name, ["secret"]], ["text", ["kept"]]]).values
    assert actions.fields_to_keep(data) == [("text", ["kept"])]


@each_row("name", ["postal_code", "sorting_code", "shipping", "opinion", "tokens_used", "country", "encoding"])
def test_other_names_are_kept(name: str) -> None:
    data = KeptForm(fields=[[name, ["value"]]]).values
    assert actions.fields_to_keep(data) == [(name, ["value"])]


@each_row(
    "emptied",
    [
        {"last_name": [""], "specialty": [""]},
        {"last_name": [""], "specialty": ["wildlife"]},
        {"last_name": ["O’Neill"], "specialty": [""]},
        {"first_name": [""], "last_name": ["O’Neill"], "specialty": [""]},
        {"last_name": [""], "specialty": [""], "wants_counted": [], "wants_reminders": []},
        {"last_name": ["O’Neill"], "wants_news": [], "wants_counted": ["on"], "wants_reminders": []},
    ],
)
def test_a_field_that_was_emptied_stays_empty(world: World, emptied: dict[str, list[str]]) -> None:
    world.ana.wants_news = world.ana.wants_counted = world.ana.wants_reminders = True
    world.ana.last_name, world.ana.specialty = "Example", Specialty.SPORT
    world.ana.save()
    form = TypedForm(world.ana.user, "/profile/", "/profile/", emptied)
    client, _location = interrupted(form)
    client.force_login(form.user)
    assert shown(client, form) == emptied


def test_an_emptied_textarea_and_a_list_without_a_choice_stay_empty(world: World) -> None:
    form = stage.contact(world)
    typed = TypedForm(form.user, form.page, form.action, {"kind": ["kit"], "subject": [""], "text": [""]})
    client, _location = interrupted(typed)
    client.force_login(form.user)
    assert shown(client, typed) == typed.typed


def test_a_form_with_nothing_but_empty_fields_is_not_kept(world: World) -> None:
    token = tokens.FormToken(nonce="n", account=None, page="/profile/", once=False)
    data = KeptForm(fields=[["text", [""]], ["country", ["", ""]]]).values
    browser, now = actions.new_browser(), timezone.now()
    assert not actions.keep_form(browser=browser, account=None, token=token, path="/profile/", data=data, at=now)
    assert not KeptForm.objects.exists()


def test_files_that_were_uploaded_are_there_again_and_others_are_not_kept(world: World) -> None:
    form = stage.case_reply(world)
    client = signed_in(form.user)
    upload = client.post(
        "/files/upload/", {"purpose": "case", "name": "files", "file": SimpleUploadedFile("a.jpg", jpeg())}
    )
    key = upload.text.partition('name="files_keys" value="')[2].partition('"')[0]
    data = {**type_in(client, form), "files_keys": [key, "gone"]}
    end_session(client)
    client.post(form.action, {**data, "files": SimpleUploadedFile("b.jpg", jpeg())})
    client.force_login(form.user)
    assert open_form(client, form)["files_keys"] == [key]
    assert send(client, form, open_form(client, form)).status_code == 302
    assert CaseMessage.objects.latest("pk").attachments.count() == 1


def test_what_an_account_typed_is_not_shown_to_whoever_sends_its_stale_page(world: World) -> None:
    form = stage.case_reply(world)
    client = signed_in(form.user)
    data = type_in(client, form)
    client.force_login(world.ben.user)
    response = send(client, form, data)
    assert response.status_code == 403
    assert "That form belongs to another account" in response.text and "two" not in response.text
    client.force_login(form.user)
    assert shown(client, form) == form.typed


def test_a_visitors_form_sent_after_signing_in_is_put_back_for_who_sent_it(world: World) -> None:
    client = signed_in(None, strict=True)
    form = stage.visitor_contact(world)
    data = {**type_in(client, form), "csrfmiddlewaretoken": ["stale"]}
    client.force_login(world.ana.user)
    assert send(client, form, data).status_code == 302
    typed = {name: values for name, values in form.typed.items() if name not in ("name", "email")}
    assert shown(client, TypedForm(world.ana.user, form.page, form.action, typed)) == typed


def test_new_terms_come_first_and_what_was_typed_afterwards(world: World) -> None:
    form = stage.case_reply(world)
    client = signed_in(form.user)
    data = type_in(client, form)
    TermsVersion.objects.create(version="2026-01", valid_from=timezone.now())
    session = client.session
    del session["terms_accepted"]
    session.save()
    response = send(client, form, data)
    assert response["Location"] == f"/terms/accept/?{urlencode({'next': form.page})}"
    accepted = client.post("/terms/accept/", {"terms": "on", "next": form.page})
    assert accepted["Location"] == form.page
    assert shown(client, form) == form.typed


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver.evil.example"])
def test_what_another_site_sends_is_never_filled_in(world: World, origin: str) -> None:
    form = stage.visitor_contact(world)
    client = signed_in(None, strict=True)
    data = {**type_in(client, form), "csrfmiddlewaretoken": ["stale"]}
    assert send(client, form, data, Origin=origin).status_code == 403
    assert not KeptForm.objects.exists()


@each_row("token", ["", "x", "WzEsMl0:1abc:def", "\x00", "é" * 50, "a" * 10_000])
def test_a_token_that_we_have_not_made_is_ignored(world: World, token: str) -> None:
    form = stage.case_reply(world)
    client = signed_in(form.user, strict=True)
    data = {**type_in(client, form), tokens.FIELD: [token], "csrfmiddlewaretoken": ["stale"]}
    assert send(client, form, data).status_code == 403
    assert not KeptForm.objects.exists()


STRANGE_COOKIES = {
    "empty": "",
    "NUL": "\0",
    "NUL in one as long as ours": "a" * 42 + "\0",
    "NUL after one of ours": "a" * 43 + "\0",
    "line break after one of ours": "a" * 43 + "\n",
    "one sign too few": "a" * 42,
    "one sign too many": "a" * 44,
    "very long": "a" * 100_000,
    "letters of other scripts": "é" * 43,
    "digits of other scripts": "٣" * 43,
    "control characters": "\x01\x1b\x7f" * 14 + "a",
    "lone surrogate": "\ud800" * 43,
    "SQL": "' OR browser <> '".ljust(43),
    "blanks": " " * 43,
    "JSON": '{"browser": ["a", "b", "c", "d", "e", "f"]}',
}


STRANGE = [pytest.param(value, id=name) for name, value in STRANGE_COOKIES.items()]


@each_row("value", STRANGE)
def test_a_cookie_that_is_none_of_ours_names_no_browser(rf: RequestFactory, value: str) -> None:
    request = rf.get("/")
    request.COOKIES[cookie_name()] = value
    assert browser_of(request) == ""


def with_cookie(user: User | None, value: str) -> Client:
    client = signed_in(user)
    client.cookies[cookie_name()] = value.encode(errors="surrogatepass").decode("latin-1")  # as WSGI passes it on
    return client


@each_row("value", STRANGE[::2])
def test_a_form_is_sent_with_a_cookie_that_is_none_of_ours(world: World, value: str) -> None:
    form = stage.profile(world)
    client = with_cookie(form.user, value)
    assert send(client, form, type_in(client, form)).status_code == 302


@each_row("value", STRANGE[1::2])
def test_nothing_is_discarded_for_a_cookie_that_is_none_of_ours(world: World, value: str) -> None:
    client = with_cookie(world.ana.user, value)
    assert client.post("/kept/1/discard/")["Location"] == "/"
    client.post("/accounts/logout/")
    assert client.get("/accounts/login/").status_code == 200


def test_a_form_is_kept_with_a_new_cookie_if_the_old_is_none_of_ours(world: World) -> None:
    form = stage.profile(world)
    client = signed_in(form.user)
    data = type_in(client, form)
    client.session.delete()
    client.cookies[cookie_name()] = "a" * 42 + "\0"
    assert send(client, form, data).status_code == 302
    assert actions.BROWSER.fullmatch(client.cookies[cookie_name()].value)
    client.force_login(form.user)
    assert shown(client, form) == form.typed


def test_without_cookies_the_texts_can_be_copied(world: World) -> None:
    form = stage.visitor_contact(world)
    data = {**type_in(Client(), form), "text": ["A long text that took a while to type"]}
    response = send(Client(enforce_csrf_checks=True), form, data)
    assert response.status_code == 403
    assert "A long text that took a while to type" in response.text
    assert "reload the page" not in response.text
    assert not KeptForm.objects.exists()


def test_too_much_text_is_shown_to_be_copied_instead(world: World) -> None:
    form = stage.case_reply(world)
    client = signed_in(form.user)
    data = {**type_in(client, form), "text": ["long " * 30_000]}
    end_session(client)
    response = send(client, form, data)
    assert response.status_code == 403 and "long long long" in response.text
    assert not KeptForm.objects.exists()


def test_a_browser_keeps_the_newest_ten_forms(world: World) -> None:
    client = signed_in(world.ana.user)
    forms = [TypedForm(world.ana.user, f"/contact/?topic={n}", "/contact/", {"text": [f"text {n}"]}) for n in range(12)]
    typed = [type_in(client, form) for form in forms]
    end_session(client)
    for form, data in zip(forms, typed, strict=True):
        send(client, form, data)
    assert {row.values["text"] for row in KeptForm.objects.all()} == {f"text {n}" for n in range(2, 12)}


def test_the_number_of_kept_forms_is_limited_by_the_hour(world: World, settings: Settings) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "kept"}}
    settings.KEPT_FORM_LIMIT = (2, 3600)
    form = stage.visitor_contact(world)
    for _n in range(4):
        client = signed_in(None, strict=True)
        send(client, form, {**type_in(client, form), "csrfmiddlewaretoken": ["stale"]})
    assert KeptForm.objects.count() == 2


def test_it_is_kept_for_a_day(world: World, settings: Settings) -> None:
    form = stage.case_reply(world)
    client, _location = interrupted(form)
    client.force_login(form.user)
    KeptForm.objects.update(at=timezone.now() - settings.KEPT_FORM_FOR)
    assert not kept_line(client.get(form.page))
    delete_all(label="submissions.KeptForm", at=timezone.now())
    assert not KeptForm.objects.exists()


def test_it_is_deleted_with_the_account(world: World) -> None:
    """R14"""
    form = stage.case_reply(world)
    interrupted(form)
    actions.delete_forms_of(account=world.ben.user_id)
    assert KeptForm.objects.count() == 1
    actions.delete_forms_of(account=world.ana.user_id)
    assert not KeptForm.objects.exists()


def test_it_can_be_discarded_by_its_owner_only(world: World) -> None:
    form = stage.case_reply(world)
    client, _location = interrupted(form)
    url = f"/kept/{KeptForm.objects.get().pk}/discard/"
    client.force_login(world.ben.user)
    assert client.post(url)["Location"] == "/"
    assert Client().post(url)["Location"] == "/"
    client.force_login(form.user)
    assert client.get(url).status_code == 405
    assert client.post(url)["Location"] == form.page
    assert not KeptForm.objects.exists()


def test_a_page_with_kept_values_is_stored_nowhere(world: World) -> None:
    form = stage.profile(world)
    client, _location = interrupted(form)
    client.force_login(form.user)
    assert "no-store" in client.get(form.page)["Cache-Control"]


def test_the_newest_values_of_a_form_replace_the_older(world: World) -> None:
    form = stage.contact(world)
    client = signed_in(form.user)
    data = type_in(client, form)
    end_session(client)
    for text in ("first", "second"):
        send(client, form, {**data, "text": [text]})
    client.force_login(form.user)
    assert open_form(client, form)["text"] == ["second"]
    assert Case.objects.count() == 0


def test_a_form_that_is_older_than_the_end_of_the_service_request_keeps_its_step_and_files(world: World) -> None:
    form = stage.service_request(world)
    client = signed_in(form.user)
    problem = type_in(client, form)
    where = send(client, form, {**problem, "go": ["next"]})
    assert "Centre joburg" in where.text
    step = TypedForm(form.user, form.page, form.action, {"centre": ["joburg"]})
    data = {**read_form(where.text, page=form.page, action=form.action), "centre": ["joburg"]}
    end_session(client)
    assert send(client, step, data).status_code == 302
    client.force_login(form.user)
    assert shown(client, step) == {"centre": ["joburg"]}
    assert open_form(client, step)["step"] == ["where"]


def test_a_stale_form_without_anything_to_keep_leads_to_its_page_again(world: World) -> None:
    """Signing in in a second tab makes the form of the first one stale; passwords are not kept."""
    client = signed_in(None, strict=True)
    page = "/accounts/login/?next=/cases/"
    response = client.post(
        "/accounts/login/", {"login": "x", "password": PASSWORD}, headers={"Referer": f"http://testserver{page}"}
    )
    assert response.status_code == 403
    assert f'href="{page}"' in response.text and PASSWORD not in response.text
