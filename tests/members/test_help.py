"""The help page answers every question of the programme's FAQ, with links that work and numbers from the data (R57)."""

import re

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.urls import resolve
from django.utils.html import strip_tags

from cps_portal.core.lib.folding import fold
from cps_portal.site.presenters.help import mark_words
from cps_portal.site.presenters.help_service_topics import TOPICS
from kitbag import rules as kit
from kitbag.models import Product
from members.enums import Programme
from members.models import LevelBenefit
from members.offers.models import PackItem
from servicing.models import ServiceCentre
from servicing.rules.places import PLACES
from tests.rows import each_row
from tests.world import World

HELP = "/help/"
FAQ = [
    ("What is CPS, and what are its two programmes?", "what-is-cps"),
    ("Who can join?", "who-can-join"),
    ("Is it free?", "is-it-free"),
    ("I am a member in another world region", "other-region"),
    ("What are points?", "what-are-points"),
    ("Why are points greyed out?", "greyed-points"),
    ("What is the blue dot?", "blue-dot"),
    ("Can I join with little kit?", "little-kit"),
    ("What is my kit worth?", "worth"),
    ("Why did my points drop?", "points-dropped"),
    ("What do I need to register?", "what-i-need"),
    ("Which products, old and new?", "which-products"),
    ("Where is the serial number?", "serial-number"),
    ("Second-hand kit?", "second-hand"),
    ("Bought elsewhere, and its warranty?", "bought-abroad"),
    ("When does the card come?", "when-card"),
    ("What is in the pack?", "in-the-pack"),
    ("Nothing after four weeks?", "pack-missing"),
    ("Only one pack and card?", "one-pack"),
    ("A lost card?", "lost-card"),
    ("What is Fast Track, is it guaranteed?", "fast-track"),
    ("Who gets it, where?", "who-gets-it"),
    ("How many at a time?", "how-many"),
    ("How long without it?", "without-fast-track"),
    ("Why does video take longer?", "video"),
    ("Discounts and free return?", "discount"),
    ("PSC, CEC and partners, the centres by name?", "centres-and-partners"),
    ("A backup loan?", "loan"),
    ("Travelling?", "abroad"),
    ("Moving?", "moving"),
    ("Priority service elsewhere?", "outside-region"),
]


@pytest.fixture
def page(world: World) -> str:
    cache.clear()
    call_command("load_centres", verbosity=0)
    call_command("load_offers", verbosity=0)
    return Client().get(HELP).content.decode()


def answer(page: str, key: str) -> str:
    match = re.search(rf'<details id="{key}".*?</details>', page, re.DOTALL)
    assert match, key
    return " ".join(strip_tags(match[0]).split())


@each_row(("question", "key"), FAQ, ids=[key for _question, key in FAQ])
def test_every_question_of_the_faq_is_answered_at_its_own_address(page: str, question: str, key: str) -> None:
    assert len(answer(page, key)) > len(question) + 30


def test_every_answer_leads_to_pages_that_exist_and_has_an_anchor_of_its_own(page: str, as_ana: Client) -> None:
    addresses = set()
    for block in re.findall(r'<div class="faq__a">.*?</div>', page, re.DOTALL):
        links = re.findall(r'href="([^"]+)"', block)
        assert links, block
        addresses |= set(links)
    for address in addresses:
        assert resolve(address.partition("?")[0])
        assert as_ana.get(address, follow=True).status_code == 200, address
    anchors = re.findall(r'id="([a-z-]+)"', page[page.index('id="answers"') :])
    assert len(anchors) == len(set(anchors))
    for target in re.findall(r'<a href="#([a-z-]+)"', page):
        assert f'id="{target}"' in page


def test_the_numbers_are_those_of_the_rows(page: str, world: World) -> None:
    registrable = Product.objects.registrable().count()
    assert f"you can register {registrable} of them" in answer(page, "what-are-points")
    assert f"{Product.objects.fast_track().count()} of them have Fast Track" in answer(page, "which-products")
    assert "Red 0, Silver 500, Gold 1,000 and Platinum 1,600 points." in answer(page, "levels")
    assert "Silver 5 working days, Gold 3 working days and Platinum 2 working days" in answer(page, "fast-track")
    assert "Silver, Gold and Platinum members." in answer(page, "who-gets-it")
    assert "Silver 10%, Gold 15% and Platinum 20%" in answer(page, "discount")
    assert "Gold and Platinum members can borrow" in answer(page, "loan")
    assert f"{PLACES} at a time" in answer(page, "how-many")
    assert f"About {kit.STANDARD_DAYS} working days" in answer(page, "without-fast-track")
    assert f"{kit.VIDEO_DAYS} days is the fastest" in answer(page, "video")
    assert "Please give it 4 weeks" in answer(page, "pack-missing")
    assert f"within {settings.DESK_WORKING_DAYS} working days" in answer(page, "unusual-serial")
    assert "Red 24, Silver 16, Gold 8 and Platinum 4" in answer(page, "answer-times")
    free_centres = ServiceCentre.objects.open().filter(programme=Programme.FREE).count()
    assert f"There are {free_centres} service centres" in answer(page, "abroad")
    for item in PackItem.objects.filter(included=True):
        assert item.name in answer(page, "in-the-pack").replace("&#x27;", "'")


def test_canons_own_centres_are_named_whatever_their_programme(page: str) -> None:
    text = answer(page, "centres-and-partners")
    own = ServiceCentre.objects.filter(kind__in=["PSC", "CEC"])
    assert own.filter(programme=Programme.FREE).count() == 3
    assert own.exclude(programme=Programme.FREE).count() == 7
    for centre in own:
        assert centre.name in text
    assert "Moscow Professional Service Centre (" in text  # it is not open


def test_a_changed_row_changes_the_answer(page: str) -> None:
    LevelBenefit.objects.filter(level="gold").update(fast_track_days=4)
    cache.clear()
    assert "Gold 4 working days" in answer(Client().get(HELP).content.decode(), "fast-track")


@each_row(
    ("query", "first"),
    [
        ("blue dot", "blue-dot"),
        ("BLUE   DOT", "blue-dot"),
        ("second hand", "second-hand"),
        ("used", "second-hand"),
        ("lost card", "lost-card"),
        ("stolen card", "lost-card"),
        ("Tûrkiye", ""),
        ("cinema", "video"),
        ("chargeable", "discount"),
        ("backup", "loan"),
        ("PSC", "centres-and-partners"),
        ("istanbul", "centres-and-partners"),
        ("moving", "moving"),
        ("sérial", "serial-number"),
        ("where’s serial", "serial-number"),
        ("guaranteed", "fast-track"),
        ("xyzzy", ""),
        ("<script>", ""),
        ("\x00", None),
        ("%", None),
    ],
)
def test_the_search_takes_all_words_whatever_their_case_and_accents(
    world: World, query: str, first: str | None
) -> None:
    cache.clear()
    call_command("load_centres", verbosity=0)
    response = Client().get(HELP, {"q": query})
    assert response.status_code == 200
    if first is None:
        return
    answers = response.context["answers"]
    assert (answers[0].key if answers else "") == first
    if not first:
        assert "We found no answer" in response.text
        assert 'href="/contact/"' in response.text


def test_the_search_works_without_javascript_and_keeps_what_was_typed(world: World) -> None:
    html = Client().get(HELP, {"q": 'blue "dot"'}).text
    assert 'action="/help/"' in html
    assert 'value="blue &quot;dot&quot;"' in html


@each_row(
    ("text", "query", "marked"),
    [
        ("I’ve lost my card", "LOST card", "I’ve <mark>lost</mark> my <mark>card</mark>"),
        ("Second-hand kit", "second hand", "<mark>Second</mark>-<mark>hand</mark> kit"),
        ("Türkiye’s cards & flowers", "turkiyes card", "<mark>Türkiye’s</mark> <mark>cards</mark> &amp; flowers"),
        ("Cafe\u0301 <b>", "café b", "<mark>Cafe\u0301</mark> &lt;<mark>b</mark>&gt;"),
        ("بِطاقة", "بطاقة", "<mark>بِطاقة</mark>"),
        ("Discard it", "card", "Discard it"),
    ],
)
def test_the_found_words_are_marked_as_they_are_written(text: str, query: str, marked: str) -> None:
    assert mark_words(text, fold(query).split()) == marked


def test_the_answers_of_a_search_have_their_words_marked_and_the_list_of_all_has_none(world: World) -> None:
    cache.clear()
    found = Client().get(HELP, {"q": "lost card"})
    assert "<mark>lost</mark> my <mark>card</mark>" in found.text
    assert all("<mark>" in f"{answer.question}{answer.paragraphs}" for answer in found.context["answers"])
    assert "<mark>" not in Client().get(HELP).text


def test_no_number_is_typed_in_an_answer() -> None:
    for topic in TOPICS:
        for each in topic.answers:
            for text in (each.question, *each.paragraphs):
                assert not re.search(r"\d", str(text)), text
