"""A photographer's first hour: joins, confirms, adds three products, finishes one, sees the level move, removes it.

With JavaScript and without: R2, R8, R16, R17, R18, R26.
"""

import re
from collections.abc import Callable

import pytest
from django.core import mail
from playwright.sync_api import Page, expect

from members.models import Member

PHONE = {"width": 390, "height": 844}
FRAGMENTS = [("c70", "EOS C70"), ("r1 eos", "EOS R1"), ("70-200 rf 2.8", "RF 70-200mm")]


def join(page: Page) -> None:
    page.goto("/")
    page.select_option("#country", "ZA")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("First name").fill("Thandi")
    page.get_by_label("Last name").fill("Example")
    page.get_by_label("Email", exact=True).fill("thandi@example.org")
    page.get_by_label("Password", exact=True).fill("a short sentence works well")
    page.get_by_label("18 or over").check()
    page.get_by_label("terms of use").check()
    page.get_by_role("button", name=re.compile("^Join")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Thandi")
    assert Member.objects.get(user__email="thandi@example.org").level == "red"


def confirm_address(page: Page) -> None:
    for _wait in range(100):
        letters = [letter for letter in mail.outbox if "confirm" in letter.body.lower() and "http" in letter.body]
        if letters:
            break
        page.wait_for_timeout(100)
    link = re.search(r"http\S+confirm-email\S+", letters[0].body)
    assert link
    page.goto(link.group())
    with page.expect_navigation():
        page.get_by_role("button", name=re.compile("confirm", re.IGNORECASE)).click()
    user = Member.objects.get(user__email="thandi@example.org").user
    assert user.emailaddress_set.get().verified


def fill_details(page: Page, serial: str) -> None:
    page.locator("[name=serial]").fill(serial)
    page.locator("[name=store]").fill("Rosebank Camera Co.")
    page.locator("select[name=country]").select_option("ZA")
    for part, value in enumerate(["12", "9", "2025"]):
        page.locator(f"[name=purchased_on_{part}], [name=purchased_on_{('day', 'month', 'year')[part]}]").fill(value)
    page.get_by_role("button", name="Save and count").click()


def test_joining_to_points_without_reloading(catalogue: None, worker: None, visit: Callable[..., Page]) -> None:
    page = visit(viewport=PHONE)
    join(page)
    confirm_address(page)
    page.goto("/kitbag/add/")
    for typed, name in FRAGMENTS:
        page.locator("#q").fill("")
        page.locator("#q").press_sequentially(typed, delay=15)
        first = page.get_by_role("option").first
        expect(first).to_contain_text(name)
        expect(first).to_contain_text(re.compile(r"\+\d+"))  # R16: points before anything else is typed
        page.locator("#q").press("ArrowDown")
        page.locator("#q").press("Enter")
        expect(page.locator("#tray")).to_contain_text(name)
    page.goto("/kitbag/")
    expect(page.locator(".kit[data-state=pending]")).to_have_count(3)  # R18: grey until validated
    page.locator(".kit", has_text="EOS R1").get_by_role("link").first.click()
    fill_details(page, "0230 2100 1234")
    expect(page.get_by_text("Silver").first).to_be_visible(timeout=15000)  # without reloading
    member = Member.objects.get(user__email="thandi@example.org")
    assert (member.points, member.level) == (500, "silver")
    row = member.registrations.get(product__name="EOS R1")
    page.goto(f"/kitbag/{row.pk}/remove/")
    expect(page.get_by_text("Your level will go from Silver to Red")).to_be_visible()  # R26: the consequences first
    page.get_by_label("Sold").check()
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_text("is removed from your Kitbag")).to_be_visible()
    member.refresh_from_db()
    assert (member.points, member.level) == (0, "red")
    page.goto("/kitbag/points/")
    expect(page.get_by_text("+500")).to_be_visible()  # R21
    expect(page.get_by_text("−500")).to_be_visible()


def test_joining_to_points_without_javascript(catalogue: None, worker: None, visit: Callable[..., Page]) -> None:
    page = visit(viewport=PHONE, java_script_enabled=False)
    join(page)
    for typed, name in FRAGMENTS:
        page.goto("/kitbag/add/")
        page.locator("#q").fill(typed)
        page.locator("#q").press("Enter")
        page.get_by_role("option").filter(has_text=name).first.click()
        expect(page.locator("#tray")).to_contain_text(name)
    member = Member.objects.get(user__email="thandi@example.org")
    row = member.registrations.get(product__name="EOS R1")
    page.goto(f"/kitbag/{row.pk}/finish/")
    fill_details(page, "023021001234")
    for _wait in range(100):
        member.refresh_from_db()
        if member.points:
            break
        page.wait_for_timeout(100)
    page.goto("/dashboard/")
    expect(page.locator(".level-card").first).to_have_attribute("data-level", "silver")
    page.goto(f"/kitbag/{row.pk}/remove/")
    page.get_by_label("Sold").check()
    page.get_by_role("button", name="Remove", exact=True).click()
    member.refresh_from_db()
    assert member.points == 0


@pytest.mark.parametrize("serial", ["12345", "UR0902", "4549292037692"])
def test_a_wrong_serial_is_named_and_nothing_typed_is_lost(
    catalogue: None, worker: None, visit: Callable[..., Page], serial: str
) -> None:
    page = visit(viewport=PHONE)
    join(page)
    page.goto("/kitbag/add/?q=r5+mark+ii")
    page.get_by_role("option").first.click()
    expect(page.locator("#tray")).to_contain_text("EOS R5")
    row = Member.objects.get(user__email="thandi@example.org").registrations.get()
    page.goto(f"/kitbag/{row.pk}/finish/")
    fill_details(page, serial)
    expect(page.locator(".field__error").first).to_be_visible()
    expect(page.locator("[name=store]")).to_have_value("Rosebank Camera Co.")
    expect(page.locator("[name=serial]")).to_have_value(serial)
