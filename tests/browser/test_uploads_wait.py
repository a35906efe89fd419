"""A form waits for the files that are still uploading, and says which did not arrive (R25, R71)."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from kitbag.models import Registration
from members.support.models import Case, CaseMessage
from servicing.models import TicketMessage
from tests.browser.looks import faults
from tests.browser.network import UPLOAD, Held, answering, write_file
from tests.factories import UserFactory, draft, validated
from tests.files import samples
from tests.servicing.jobs import a_centre, at_the_centre
from tests.world import World

PHONE = {"width": 390, "height": 844}
WAITING = "Still sending your files"
OUTDATED = "This page is out of date"
FAILURES = {  # by status of the answer, 0 for none
    0: "We can’t reach the portal just now",
    403: OUTDATED,
    404: OUTDATED,
    413: "too large to send",
    429: "Too many attempts",
    500: "it’s our fault",
    502: "We can’t reach the portal just now",
    503: "We can’t reach the portal just now",
    504: "We can’t reach the portal just now",
}


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return write_file(tmp_path, "photo.jpg", samples.jpeg())


@pytest.fixture
def receipt(tmp_path: Path) -> Path:
    return write_file(tmp_path, "receipt.pdf", samples.pdf())


def fill_in(page: Page, row: Registration) -> None:
    page.goto(f"/kitbag/{row.pk}/finish/")
    page.locator("[name=serial]").fill("012345678901")
    page.locator("[name=store]").fill("Nairobi Cameras")
    page.locator("select[name=country]").select_option("KE")
    for part, value in [("day", "12"), ("month", "9"), ("year", "2025")]:
        page.locator(f"[name=purchased_on_{part}]").fill(value)


def main_button(page: Page) -> Locator:
    return page.get_by_role("button", name="Save and count")


def test_a_file_chosen_before_the_script_has_come_is_sent_beside_one_chosen_after(
    committed_world: World, visit: Callable[..., Page], photo: Path, receipt: Path
) -> None:
    row = draft(committed_world.ben, committed_world.body)
    page = visit(committed_world.ben.user, viewport=PHONE)
    script = Held(page, "**/upload*.js", "GET")
    page.goto(f"/kitbag/{row.pk}/finish/", wait_until="commit")
    page.locator("[name=evidence]").set_input_files(photo)
    script.wait_for(1)
    script.release()
    expect(page.locator("[name=evidence_keys]")).to_have_count(1)
    page.locator("[name=evidence]").set_input_files(receipt)
    expect(page.locator("[name=evidence_keys]")).to_have_count(2)


def test_the_finish_form_goes_on_when_both_photos_are_there(
    committed_world: World, visit: Callable[..., Page], photo: Path, receipt: Path
) -> None:
    row = draft(committed_world.ben, committed_world.body)
    page = visit(committed_world.ben.user, viewport=PHONE)
    fill_in(page, row)
    held = Held(page)
    page.locator("[name=evidence]").set_input_files([photo, receipt])
    held.wait_for(2)
    main_button(page).click()
    expect(page.get_by_text(WAITING)).to_be_visible()
    expect(page.locator("#serial-note")).to_contain_text("Looks right")
    expect(main_button(page)).to_have_attribute("aria-busy", "true")
    assert faults(page) == []
    held.release()
    expect(page.locator("[name=evidence_keys]")).to_have_count(1)
    expect(page.get_by_text(WAITING)).to_be_visible()
    held.release()
    page.wait_for_url(f"**/kitbag/{row.pk}/")
    names = set(row.evidence.values_list("file__original_name", flat=True))
    assert names == {"photo.jpg", "receipt.pdf"}


def test_finish_later_and_reading_a_photo_wait_too(
    committed_world: World, visit: Callable[..., Page], photo: Path, receipt: Path
) -> None:
    row = draft(committed_world.ben, committed_world.body)
    page = visit(committed_world.ben.user, viewport=PHONE)
    fill_in(page, row)
    held = Held(page)
    page.locator("[name=evidence]").set_input_files(receipt)
    page.get_by_text("Read it from a photo").click()
    page.locator("[name=photo]").set_input_files(photo)
    held.wait_for(1)
    page.get_by_role("button", name="Read the serial number").click()
    expect(page.get_by_text(WAITING)).to_be_visible()
    held.release()
    expect(page.locator(".files-list li")).to_have_count(1)
    page.locator("[name=evidence]").set_input_files(photo)
    held.wait_for(1)
    page.get_by_role("button", name="Finish later").click()
    expect(page.get_by_text(WAITING)).to_be_visible()
    held.release()
    page.wait_for_url("**/kitbag/")
    assert row.evidence.count() == 2


def test_a_file_that_failed_is_named_and_sent_again_with_the_form(
    committed_world: World, visit: Callable[..., Page], photo: Path
) -> None:
    row = draft(committed_world.ben, committed_world.body)
    page = visit(committed_world.ben.user, viewport=PHONE, network_fails=True)
    fill_in(page, row)
    held = Held(page)
    page.locator("[name=evidence]").set_input_files(photo)
    held.wait_for(1)
    main_button(page).click()
    held.fail()
    expect(page.get_by_role("alert").filter(has_text="A file hasn’t arrived")).to_be_visible()
    expect(page.locator(".upload__file")).to_contain_text("We can’t reach the portal")
    expect(page.locator("[name=store]")).to_have_value("Nairobi Cameras")
    expect(main_button(page)).not_to_have_attribute("aria-busy", "true")
    assert faults(page) == []
    page.get_by_role("alert").get_by_role("button", name="Try again").click()
    held.wait_for(1)
    expect(page.get_by_text(WAITING)).to_be_visible()
    held.release()
    page.wait_for_url(f"**/kitbag/{row.pk}/")
    assert row.evidence.count() == 1


def test_without_the_file_that_failed_the_form_goes_on(
    committed_world: World, visit: Callable[..., Page], photo: Path
) -> None:
    row = draft(committed_world.ben, committed_world.body)
    page = visit(committed_world.ben.user, viewport=PHONE, network_fails=True)
    fill_in(page, row)
    with answering(page, UPLOAD, 0):
        page.locator("[name=evidence]").set_input_files(photo)
        expect(page.locator(".upload__file").get_by_role("button", name="Try again")).to_be_visible()
    main_button(page).click()
    expect(page.get_by_text("A file hasn’t arrived")).to_be_visible()
    page.locator(".upload__file").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("A file hasn’t arrived")).to_have_count(0)
    main_button(page).click()
    page.wait_for_url(f"**/kitbag/{row.pk}/")
    assert row.evidence.count() == 0


def test_each_way_an_upload_fails_is_said_and_can_be_tried_again(
    committed_world: World, visit: Callable[..., Page], photo: Path
) -> None:
    row = draft(committed_world.ben, committed_world.body)
    page = visit(committed_world.ben.user, viewport=PHONE, network_fails=True)
    page.goto(f"/kitbag/{row.pk}/finish/")
    line = page.locator(".upload__file")
    for status, text in FAILURES.items():
        with answering(page, UPLOAD, status):
            page.locator("[name=evidence]").set_input_files(photo)
            expect(line).to_contain_text(text)
        line.get_by_role("button", name="Try again").click()
        expect(page.locator("[name=evidence_keys]")).to_have_count(1)
        expect(line).to_have_count(1)
        line.get_by_role("button", name="Remove").click()


def test_a_file_that_cannot_be_used_stops_the_form_until_it_is_replaced(
    committed_world: World, visit: Callable[..., Page], photo: Path, tmp_path: Path
) -> None:
    row = draft(committed_world.ben, committed_world.body)
    page = visit(committed_world.ben.user, viewport=PHONE, network_fails=True)
    fill_in(page, row)
    held = Held(page)
    page.locator("[name=evidence]").set_input_files(write_file(tmp_path, "notes.jpg", b"no picture at all"))
    held.wait_for(1)
    main_button(page).click()
    held.release()
    expect(page.get_by_role("alert").filter(has_text="We can’t use one of the files")).to_be_visible()
    expect(page.locator(".upload__file")).to_contain_text("Only photos")
    expect(page.locator(".upload__file").get_by_role("button", name="Try again")).to_be_hidden()
    page.locator("[name=evidence]").set_input_files(photo)
    held.wait_for(1)
    expect(page.get_by_text("We can’t use one of the files")).to_have_count(0)
    main_button(page).click()
    held.release()
    page.wait_for_url(f"**/kitbag/{row.pk}/")
    assert row.evidence.get().file.original_name == "photo.jpg"


def test_a_session_that_ended_is_named_and_the_file_can_be_sent_again(
    committed_world: World, visit: Callable[..., Page], photo: Path
) -> None:
    row = draft(committed_world.ben, committed_world.body)
    page = visit(committed_world.ben.user, viewport=PHONE, network_fails=True)
    page.goto(f"/kitbag/{row.pk}/finish/")
    cookies = page.context.cookies()
    page.context.clear_cookies(name="sessionid")
    page.locator("[name=evidence]").set_input_files(photo)
    expect(page.locator(".upload__file")).to_contain_text("You’ve been signed out")
    page.context.add_cookies([cookie for cookie in cookies if cookie["name"] == "sessionid"])  # type: ignore[arg-type]
    page.locator(".upload__file").get_by_role("button", name="Try again").click()
    expect(page.locator("[name=evidence_keys]")).to_have_count(1)


def test_a_case_and_its_reply_wait(committed_world: World, visit: Callable[..., Page], photo: Path) -> None:
    page = visit(committed_world.ben.user, viewport=PHONE)
    held = Held(page)
    page.goto("/contact/")
    page.locator("[name=kind]").select_option(index=1)
    page.locator("[name=subject]").fill("A question")
    for text in ("My question", "And one more"):
        page.locator("[name=text]").fill(text)
        page.locator("[name=files]").set_input_files(photo)
        held.wait_for(1)
        page.get_by_role("button", name="Send", exact=True).click()
        expect(page.get_by_text(WAITING)).to_be_visible()
        held.release()
        expect(page.locator(".talk")).to_contain_text(text)
    assert [message.attachments.count() for message in CaseMessage.objects.filter(author="member")] == [1, 1]
    assert Case.objects.count() == 1


def test_a_service_request_and_a_message_to_the_centre_wait(
    committed_world: World, visit: Callable[..., Page], photo: Path
) -> None:
    world = committed_world
    registration = validated(world.ana, world.pro_body, "012345678701")
    ticket = at_the_centre(world, a_centre(country="KE"))
    page = visit(world.ana.user, viewport=PHONE)
    held = Held(page)
    page.goto(f"/service/new/?product={registration.pk}")
    page.get_by_label("What happens?").fill("Shutter sticks")
    page.locator(f"[name=p{registration.pk}_photos]").set_input_files(photo)
    held.wait_for(1)
    page.get_by_role("button", name="Continue").last.click()
    expect(page.get_by_text(WAITING)).to_be_visible()
    held.release()
    expect(page.locator("ol.steps [aria-current]")).to_have_text("Where")
    expect(page.locator(f"[name=p{registration.pk}_photos_keys]")).to_have_count(1)

    page.goto(ticket.get_absolute_url())
    page.get_by_label("Write to the centre").fill("Here is a photo")
    page.locator("[name=files]").set_input_files(photo)
    held.wait_for(1)
    page.get_by_role("button", name="Send to the centre").click()
    expect(page.get_by_text(WAITING)).to_be_visible()
    held.release()
    expect(page.locator(".talk")).to_contain_text("Here is a photo")
    assert TicketMessage.objects.get(text="Here is a photo").files.count() == 1


def test_evidence_on_a_products_page_waits(committed_world: World, visit: Callable[..., Page], photo: Path) -> None:
    row = draft(committed_world.ben, committed_world.body)
    page = visit(committed_world.ben.user, viewport=PHONE)
    page.goto(f"/kitbag/{row.pk}/")
    held = Held(page)
    page.locator("[name=evidence]").set_input_files(photo)
    held.wait_for(1)
    page.get_by_role("button", name="Add to this product").click()
    expect(page.get_by_text(WAITING)).to_be_visible()
    held.release()
    expect(page.locator(".files-list li")).to_have_count(1)
    assert row.evidence.count() == 1


def test_without_javascript_the_files_come_with_the_form(
    committed_world: World, visit: Callable[..., Page], photo: Path, receipt: Path
) -> None:
    row = draft(committed_world.ben, committed_world.body)
    page = visit(committed_world.ben.user, viewport=PHONE, java_script_enabled=False)
    fill_in(page, row)
    page.locator("[name=evidence]").set_input_files([photo, receipt])
    main_button(page).click()
    page.wait_for_url(f"**/kitbag/{row.pk}/")
    assert row.evidence.count() == 2


def test_staff_wait_with_an_answer_and_with_the_card_of_a_visiting_member(
    committed_world: World, visit: Callable[..., Page], photo: Path
) -> None:
    agent = UserFactory(is_staff=True, is_superuser=True)
    a_centre()
    page = visit(committed_world.ben.user)
    page.goto("/contact/")
    page.locator("[name=kind]").select_option(index=1)
    page.locator("[name=subject]").fill("A question")
    page.locator("[name=text]").fill("My question")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".talk")).to_contain_text("My question")

    page = visit(agent)
    held = Held(page)
    page.goto(f"/admin/cases/case/{Case.objects.get().pk}/change/")
    page.locator("[name=text]").fill("Here is our answer")
    page.locator("[name=files]").set_input_files(photo)
    held.wait_for(1)
    page.get_by_role("button", name="Send Ctrl").click()
    expect(page.get_by_text(WAITING)).to_be_visible()
    held.release()
    expect(page.locator(".d-talk")).to_contain_text("Here is our answer")
    assert CaseMessage.objects.get(author="staff").attachments.count() == 1

    page.goto("/admin/servicing/ticket/intake/open/")
    upload = page.locator("[name$=photo]")
    upload.set_input_files(photo)
    held.wait_for(1)
    page.get_by_role("button", name="Check entitlement").click()
    expect(page.get_by_text(WAITING)).to_be_visible()
    held.release()
    expect(page.locator("[name$=photo_keys]")).to_have_count(1)
