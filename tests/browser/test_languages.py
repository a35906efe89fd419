"""Other languages: axe in Arabic, longer words at 390 px, a story by touch and one by keyboard (R56, R71)."""

from collections.abc import Callable

import pytest
from django.utils.translation import gettext, override, pgettext
from playwright.sync_api import Locator, Page, expect

from cps_portal.core.lib.languages import OTHERS
from kitbag.rules.serials import normalise_serial
from members.models import Member
from servicing.models import Ticket
from tests.browser.looks import faults
from tests.browser.test_accessible import MEMBER, PUBLIC, registrations_of
from tests.factories import PASSWORD, validated
from tests.servicing.jobs import a_centre
from tests.world import World

PHONE = {"width": 390, "height": 844}
ENGLISH_ONLY = "/developers/"
MAX_TABS = 150

# Every word of the page gets two fifths longer, as Russian and French words are. Not names, numbers and drawings. What
# people typed is lengthened as well: the pages of their longest words are in test_long_words.
LENGTHEN = """() => {
  const kept = "bdi, .ltr, .num, .mono, code, kbd, svg, script, style, [lang], [translate=no]";
  const longer = (text) => text.replace(/\\p{L}{3,}/gu, (word) => word + word.slice(-Math.ceil(word.length * 0.4)));
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  for (const text of texts) {
    const inside = text.parentElement.closest(kept);
    if (!inside || inside === document.documentElement) text.data = longer(text.data);
  }
  document.querySelectorAll("details").forEach((details) => { details.open = true; });
  return texts.length;
}"""
# Words that are cut off by their box, that leave their button, or the screen.
CUT_OFF = """() => {
  const found = [];
  const shown = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const own = (element) => Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.data.trim());
  const start = (element) => element.textContent.trim().slice(0, 40);
  const name = (element) => `${element.tagName.toLowerCase()}.${element.className}: ${start(element)}`;
  const scrolls = (element) => ["auto", "scroll"].includes(getComputedStyle(element).overflowX);
  if (document.documentElement.scrollWidth > innerWidth) found.push(`wider: ${document.documentElement.scrollWidth}`);
  for (const element of document.body.querySelectorAll("*")) {
    if (!own(element) || !shown(element) || element.closest("svg, .sr, [data-may-cut]")) continue;
    const style = getComputedStyle(element);
    const clips = style.overflowX !== "visible" && !scrolls(element);
    const button = element.closest("button, .btn, .badge, .chip");
    if (clips && element.scrollWidth > element.clientWidth + 1) found.push(`cut: ${name(element)}`);
    if (button && button.scrollWidth > button.clientWidth + 1) found.push(`out of its button: ${name(button)}`);
    let scroller = element;
    while (scroller && !scrolls(scroller)) scroller = scroller.parentElement;
    for (const text of scroller ? [] : Array.from(element.childNodes).filter((node) => node.nodeType === 3)) {
      const range = document.createRange();
      range.selectNodeContents(text);
      const box = range.getBoundingClientRect();
      const isOff = box.width > 1 && (box.right > innerWidth + 1 || box.left < -1);
      if (isOff) found.push(`off screen: ${name(element)}`);
    }
  }
  return Array.from(new Set(found));
}"""


def in_language(address: str, language: str) -> str:
    """Public pages at their own address; the others are in the language of the browser or account."""
    translated = ("/help/", "/centres/", "/terms/", "/privacy/", "/country/")
    return f"/{language}{address}" if address == "/" or address.startswith(translated) else address


def reading(member: Member, language: str) -> Member:
    Member.objects.filter(pk=member.pk).update(language=language)
    member.refresh_from_db()
    return member


def words(language: str, text: str, context: str = "") -> str:
    with override(language):
        said = pgettext(context, text) if context else gettext(text)
    assert said != text
    return said


# The tabs with words in more than one line, which would push their icon out of the bar.
TABS_OF_TWO_LINES = """() => Array.from(document.querySelectorAll(".tab-bar a"), (tab) => {
  const tops = new Set();
  const texts = document.createTreeWalker(tab, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    if (texts.currentNode.parentElement.closest(".sr")) continue;
    const range = document.createRange();
    range.selectNodeContents(texts.currentNode);
    for (const box of range.getClientRects()) if (box.width > 1) tops.add(Math.round(box.top));
  }
  return tops.size > 1 ? tab.innerText : null;
}).filter(Boolean)"""


@pytest.mark.parametrize("language", OTHERS)
def test_each_tab_of_a_phone_has_its_word_in_one_line(
    language: str, committed_world: World, visit: Callable[..., Page]
) -> None:
    page = visit(reading(committed_world.ana, language).user, viewport=PHONE)
    page.goto("/card/")
    expect(page.locator(f"html[lang={language}] .tab-bar")).to_be_visible()
    assert page.evaluate(TABS_OF_TWO_LINES) == []


def test_no_page_has_a_violation_in_arabic(demo: None, visit: Callable[..., Page]) -> None:
    look = {"viewport": PHONE, "reduced_motion": "reduce", "locale": "ar-EG", "color_scheme": "dark"}
    ana = reading(Member.objects.get(user__email="ana@example.org"), "ar")
    found, english = [], []
    for user, addresses in ((None, PUBLIC), (ana.user, [*MEMBER, *registrations_of(ana)])):
        page = visit(user, **look)
        for address in addresses:
            if address.startswith(ENGLISH_ONLY):
                continue
            page.goto(in_language(address, "ar"))
            if page.locator("html[lang=ar][dir=rtl]").count() != 1:
                english.append(address)
            found += [f"{address}: {fault}" for fault in faults(page)]
    assert (found, english) == ([], [])


def test_words_two_fifths_longer_fit_on_a_phone(demo: None, visit: Callable[..., Page]) -> None:
    ana = Member.objects.get(user__email="ana@example.org")
    found: dict[str, list[str]] = {}
    for user, addresses in ((None, PUBLIC), (ana.user, [*MEMBER, *registrations_of(ana)])):
        page = visit(user, viewport=PHONE, reduced_motion="reduce")
        for address in addresses:
            if address.startswith(ENGLISH_ONLY):
                continue
            page.goto(address)
            assert page.evaluate(LENGTHEN)
            if problems := page.evaluate(CUT_OFF):
                found[address] = problems
    assert found == {}


def tap(target: Locator) -> None:
    expect(target).to_be_visible()
    target.tap()


def test_a_photographer_joins_and_submits_a_camera_in_arabic_by_touch(
    catalogue: None, worker: None, visit: Callable[..., Page]
) -> None:
    """Nothing is clicked, and digits are those of an Arabic keyboard."""
    page = visit(viewport=PHONE, has_touch=True, is_mobile=True, locale="ar-EG")
    page.goto("/ar/")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    page.select_option("#country", "EG")
    tap(page.get_by_role("button", name=words("ar", "Continue")))
    expect(page.locator("html")).to_have_attribute("lang", "ar")
    page.locator("[name=first_name]").fill("سلمى")
    page.locator("[name=last_name]").fill("المصري")
    page.locator("[name=email]").fill("salma@example.org")
    page.locator("[name=password1]").fill("جملة قصيرة تكفي لكلمة المرور")
    for box in page.locator("main input[type=checkbox][required]").all():
        box.tap()
    tap(page.get_by_role("button", name=words("ar", "Join and confirm my email")))
    expect(page.get_by_role("heading", level=1)).to_contain_text("سلمى")
    member = Member.objects.get(user__email="salma@example.org")
    assert (member.language, member.level) == ("ar", "red")
    page.goto("/kitbag/add/")
    page.locator("#q").tap()
    page.locator("#q").press_sequentially("r1 eos", delay=15)
    option = page.get_by_role("option").first
    expect(option).to_contain_text("EOS R1")
    tap(option)
    expect(page.locator("#tray")).to_contain_text("EOS R1")
    row = member.registrations.get()
    page.goto(f"/kitbag/{row.pk}/finish/")
    page.locator("[name=serial]").fill("٠٢٣٠٢١٠٠١٢٣٤")
    page.locator("[name=store]").fill("استوديو القاهرة")
    page.locator("select[name=country]").select_option("EG")
    for part, value in (("day", "١٢"), ("month", "٩"), ("year", "٢٠٢٥")):
        page.locator(f"[name=purchased_on_{part}]").fill(value)
    tap(page.locator("main button.btn--primary[type=submit]").last)
    page.wait_for_url(f"**/kitbag/{row.pk}/")
    expect(page.get_by_text("Silver").first).to_be_visible()
    row.refresh_from_db()
    assert (normalise_serial(row.serial), str(row.purchased_on)) == ("023021001234", "2025-09-12")
    assert faults(page) == []


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the focus is there, as somebody without a mouse does."""
    expect(target).to_be_visible()
    for _press in range(MAX_TABS):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"the keyboard does not reach {target}")


def choose(page: Page, target: Locator) -> None:
    """One of a group of radio buttons: Tab to the group, then the arrows."""
    expect(target).to_be_visible()
    name = target.get_attribute("name")
    for _press in range(MAX_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == name:
            break
    for _press in range(MAX_TABS):
        if target.evaluate("element => element === document.activeElement"):
            page.keyboard.press("Space")
            expect(target).to_be_checked()
            return
        page.keyboard.press("ArrowDown")
    pytest.fail(f"the arrows do not reach {target}")


def test_a_repair_is_requested_in_french_by_keyboard_only(committed_world: World, visit: Callable[..., Page]) -> None:
    """From signing in to the label, without a mouse."""
    world = committed_world
    a_centre(street="1 Sample Street", postal_code="1685")
    validated(world.ana, world.pro_body, "012345678701")
    reading(world.ana, "fr")
    page = visit(viewport={"width": 1440, "height": 900}, locale="fr-FR")
    page.goto("/accounts/login/")
    tab_to(page, page.locator("[name=login]"))
    page.keyboard.type(world.ana.user.email)
    tab_to(page, page.locator("[name=password]"))
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/dashboard/")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    tab_to(page, page.get_by_role("link", name=words("fr", "Book a service")).first)
    page.keyboard.press("Enter")
    page.wait_for_url("**/service/new/")
    product = page.locator("main input[type=checkbox]").first
    tab_to(page, product)
    page.keyboard.press("Space")
    expect(product).to_be_checked()
    forward = page.get_by_role("button", name=words("fr", "Continue"), exact=True)
    tab_to(page, forward)
    page.keyboard.press("Enter")
    fault = page.get_by_label(words("fr", "What happens?"))
    tab_to(page, fault)
    page.keyboard.type("L’obturateur reste bloqué.")
    tab_to(page, forward)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(words("fr", "Where would you like to send it?"))
    choose(page, page.get_by_label("Centre joburg"))
    tab_to(page, forward)
    page.keyboard.press("Enter")
    expect(page.locator("[name=travel]").first).to_be_visible()
    choose(page, page.locator("[name=travel][value=drop_off]"))
    choose(page, page.get_by_role("radio", name=words("fr", "I’ll collect it")))
    tab_to(page, page.locator("[name=phone]"))
    page.keyboard.type("082 000 0146")
    tab_to(page, forward)
    page.keyboard.press("Enter")
    expect(page.get_by_text("L’obturateur reste bloqué.")).to_be_visible()
    tab_to(page, page.get_by_role("button", name=words("fr", "Send the request")))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=words("fr", "Booked. Now bring it."))).to_be_visible()
    assert Ticket.objects.get().fault == "L’obturateur reste bloqué."
    assert faults(page) == []
