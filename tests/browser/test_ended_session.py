"""The session ends while a long form is typed, or its token goes stale: nothing typed is lost (R71)."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from cps_portal.core.submissions.models import KeptForm
from members.models import Session
from members.support.models import Case, CaseMessage
from tests.browser.looks import faults
from tests.factories import PASSWORD
from tests.submissions import stage
from tests.submissions.stage import MEMBERS_FORMS, VISITORS_FORMS, TypedForm
from tests.submissions.test_kept_forms import count_rows
from tests.world import World

KEPT = "We kept what you typed. Check it and send it."
Build = Callable[[World], TypedForm]


def type_in(page: Page, form: TypedForm) -> None:
    for name, values in form.typed.items():
        field = page.locator(f"form:has([name=form_token]) [name='{name}']")
        kind = field.first.evaluate("element => element.type")
        if kind in ("radio", "checkbox"):
            page.locator(f"[name='{name}'][value='{values[0]}'], [name='{name}']:not([value])").first.check(force=True)
        elif kind.startswith("select"):
            if field.input_value() != values[0]:  # choosing a country replaces the fields of an address
                field.select_option(values[0])
        else:
            field.fill(values[0])


def press(page: Page, form: TypedForm) -> None:
    """The main button of the form."""
    name = next(iter(form.typed))
    page.locator(f"form:has([name='{name}']) :is(.form-foot button, .btn--danger)[type=submit]").first.click()


def expect_typed(page: Page, form: TypedForm) -> None:
    expect(page.get_by_text(KEPT)).to_be_visible()
    for name, values in form.typed.items():
        field = page.locator(f"form:has([name=form_token]) [name='{name}']")
        if field.first.evaluate("element => element.type") in ("radio", "checkbox"):
            expect(page.locator(f"[name='{name}']:checked")).to_have_count(1)
        else:
            expect(field).to_have_value(values[0].replace("\r\n", "\n"))


def sign_in(page: Page, email: str) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def interrupt(page: Page, form: TypedForm) -> None:
    """Type, lose the session, send: the page that asks to sign in."""
    page.goto(form.page)
    type_in(page, form)
    Session.objects.all().delete()
    press(page, form)
    expect(page.get_by_text("You were signed out, so nothing has been sent.")).to_be_visible()


@pytest.mark.parametrize("build", MEMBERS_FORMS)
def test_what_was_typed_is_there_after_signing_in_again(
    committed_world: World, visit: Callable[..., Page], build: Build
) -> None:
    form = build(committed_world)
    assert form.user
    before = count_rows()
    page = visit(form.user, viewport={"width": 390, "height": 844})
    interrupt(page, form)
    sign_in(page, form.user.email)
    expect(page).to_have_url(form.page)
    expect_typed(page, form)
    assert faults(page) == []
    assert count_rows() == before


def test_looking_something_up_does_not_leave_the_form(committed_world: World, visit: Callable[..., Page]) -> None:
    """Serial number, shop and country ask the portal while they are typed; only the button leads to signing in."""
    form = stage.finish(committed_world)
    assert form.user
    page = visit(form.user)
    page.goto(form.page)
    Session.objects.all().delete()
    for name in ("serial", "store", "country"):
        with page.expect_response(lambda answer: "HX-Redirect".lower() in answer.headers):
            field = page.locator(f"form:has([name=form_token]) [name='{name}']")
            if field.evaluate("element => element.tagName") == "SELECT":
                field.select_option(form.typed[name][0])
            else:
                field.press_sequentially(form.typed[name][0])
                field.blur()
        expect(field).to_have_value(form.typed[name][0])
    expect(page).to_have_url(form.page)
    type_in(page, form)
    press(page, form)
    expect(page.get_by_text("You were signed out, so nothing has been sent.")).to_be_visible()
    sign_in(page, form.user.email)
    expect_typed(page, form)


def test_it_works_without_javascript_and_is_sent_by_hand(committed_world: World, visit: Callable[..., Page]) -> None:
    form = stage.case_reply(committed_world)
    assert form.user
    page = visit(form.user, java_script_enabled=False)
    page.goto(form.page)
    page.locator("[name=text]").fill("One, two")
    Session.objects.all().delete()
    press(page, form)
    expect(page.get_by_text("You were signed out, so nothing has been sent.")).to_be_visible()
    sign_in(page, form.user.email)
    expect(page.get_by_text(KEPT)).to_be_visible()
    expect(page.locator("[name=text]")).to_have_value("One, two")
    assert CaseMessage.objects.count() == 1
    press(page, form)
    expect(page.get_by_text("Sent. We’ll reply here and by email.")).to_be_visible()
    assert (CaseMessage.objects.count(), KeptForm.objects.count()) == (2, 0)


def test_another_account_sees_nothing_of_it(committed_world: World, visit: Callable[..., Page]) -> None:
    form = stage.contact(committed_world)
    page = visit(form.user)
    interrupt(page, form)
    sign_in(page, committed_world.ben.user.email)
    expect(page.get_by_role("heading", name="Contact us")).to_be_visible()
    expect(page.get_by_label("Subject")).to_have_value("")
    expect(page.get_by_text(KEPT)).to_have_count(0)


def test_signing_out_deletes_it_and_so_does_the_button(committed_world: World, visit: Callable[..., Page]) -> None:
    form = stage.contact(committed_world)
    assert form.user
    page = visit(form.user)
    interrupt(page, form)
    sign_in(page, form.user.email)
    expect_typed(page, form)
    page.get_by_role("button", name="Discard it").click()
    expect(page.get_by_label("Subject")).to_have_value("")
    assert KeptForm.objects.count() == 0
    interrupt(page, form)
    sign_in(page, form.user.email)
    expect_typed(page, form)
    page.goto("/accounts/logout/")
    page.locator("main button[type=submit]").first.click()
    expect(page).to_have_url("/")
    assert KeptForm.objects.count() == 0


@pytest.mark.parametrize("build", [stage.contact, stage.finish, stage.welcome_pack, stage.profile, *VISITORS_FORMS])
def test_a_stale_token_puts_the_form_back(committed_world: World, visit: Callable[..., Page], build: Build) -> None:
    form = build(committed_world)
    page = visit(form.user)
    page.goto(form.page)
    type_in(page, form)
    origin = page.evaluate("location.origin")
    page.context.add_cookies([{"name": "csrftoken", "value": "x" * 32, "url": origin}])
    press(page, form)
    expect_typed(page, form)


def test_a_visitor_replies_through_the_link_of_the_mail(committed_world: World, visit: Callable[..., Page]) -> None:
    """The page tells browsers not to pass on its address, and they must still say where the form comes from."""
    form = stage.visitor_reply(committed_world)
    page = visit()
    page.goto(form.page)
    type_in(page, form)
    press(page, form)
    expect(page.get_by_text("Sent. We’ll reply here and by email.")).to_be_visible()
    assert (Case.objects.count(), CaseMessage.objects.count()) == (1, 2)
