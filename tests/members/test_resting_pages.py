"""Every page as members see it who live where membership rests, or ends at Silver (R3, R6, R12, R65)."""

import re
from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from kitbag.models import Registration
from members.emails import level_changed
from members.enums import Level, PointsCause
from members.models import CountryProgramme, LevelBenefit, LevelChange, Member
from members.offers.actions.cards import get_or_issue_card
from members.offers.actions.offers import sign_up
from members.offers.models import Offer, SignUp, WelcomePack
from servicing.models import Ticket
from tests.factories import draft
from tests.offers.packing import add_partner, asked
from tests.rows import each_row
from tests.servicing.jobs import a_centre, at_the_centre
from tests.world import World

pytestmark = pytest.mark.django_db
LINK = "https://cps.example.org/fr"
HOMES = {"subscription": "FR", "none": "SY", "silver-only": "GE", "free": "ZA"}
AWAY = ["FR", "SY"]


def text_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return " ".join(answer.text.split())


def live_in(member: Member, country: str, level: str = "") -> None:
    Member.objects.filter(pk=member.pk).update(country=country, **({"level": level} if level else {}))


@pytest.fixture
def ana_in(world: World, as_ana: Client) -> Callable[..., Client]:
    """Signs Ana in, with a home and a level."""

    def sign_in(country: str, level: str = "") -> Client:
        CountryProgramme.objects.filter(country="FR").update(link=LINK)
        live_in(world.ana, country, level)
        return as_ana

    return sign_in


# --- To the next level -------------------------------------------------------------------------------

PROMISES = ["to Platinum", "make you Platinum", "you’re Platinum", "Add kit you own", "a higher level gives you"]
LEVEL_PAGES = ["/dashboard/", "/kitbag/what-if/", "/kitbag/points/", "/kitbag/add/", "/offers/", "/card/"]


@each_row("country", AWAY)
@each_row("path", LEVEL_PAGES)
def test_nothing_is_promised_for_a_higher_level_where_membership_rests(
    world: World, ana_in: Callable[..., Client], path: str, country: str
) -> None:
    for _time in range(3):
        draft(world.ana, world.body)
    page = text_of(ana_in(country), path)
    assert [promise for promise in PROMISES if promise in page] == []
    assert "rest" in page


@each_row("path", ["/dashboard/", "/kitbag/what-if/", "/kitbag/points/", "/kitbag/add/", "/offers/"])
def test_a_silver_only_country_says_so_wherever_a_level_is_mentioned(
    world: World, ana_in: Callable[..., Client], path: str
) -> None:
    for _time in range(3):
        draft(world.ana, world.body)
    page = text_of(ana_in("GE"), path)
    assert "In Georgia, benefits go up to Silver" in page
    assert [promise for promise in PROMISES if promise in page] == []


@each_row(
    ("country", "sentence"),
    [
        ("GE", "In Georgia, benefits go up to Silver."),
        ("FR", "your benefits rest while you live in France."),
        ("SY", "your benefits rest while you live in Syria."),
        ("ZA", ""),
    ],
)
def test_a_level_that_a_removal_would_cost_is_named_with_what_it_gives(
    world: World, ana_in: Callable[..., Client], country: str, sentence: str
) -> None:
    product = Registration.objects.get(member=world.ana, product=world.pro_body)
    page = text_of(ana_in(country), f"/kitbag/{product.pk}/remove/")
    assert "Your level will go from Gold to Silver." in page
    assert sentence in page
    assert ("benefits" in page) == bool(sentence)


def cells_of(page: str) -> dict[str, list[str]]:
    """The cells of each row of the comparison of a silver-only home with the countries where a level counts in full."""
    panel = page[page.index('aria-labelledby="in-full"') :]
    rows = re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', panel[: panel.index("</table>")])
    texts = {name: re.findall(r"<td.*?>(.*?)</td>", cells) for name, cells in rows}
    return {name: [" ".join(re.sub(r"<.*?>", " ", cell).split()) for cell in cells] for name, cells in texts.items()}


def test_who_is_above_silver_compares_a_silver_only_home_with_where_the_level_counts_in_full(
    world: World, ana_in: Callable[..., Client]
) -> None:
    a_centre("tbilisi", country="GE", kind="PSC")
    a_centre("joburg", country="ZA", kind="PSC")
    page = text_of(ana_in("GE"), "/dashboard/")
    assert "What Gold gives in Georgia and elsewhere" in page
    assert "South Africa" in page
    full = LevelBenefit.objects.get(level=Level.GOLD, service_level="full", country="")
    here = LevelBenefit.objects.get(level=Level.GOLD, service_level="silver", country="")
    cells = cells_of(page)
    assert cells["Fast Track repair"] == [f"{row.fast_track_days} working days" for row in (here, full)]
    assert cells["Maintenance discount"] == [f"{row.maintenance_discount} percent" for row in (here, full)]
    assert cells["Loan if a repair is late"] == ["No", "Yes"]
    assert "Return shipping" not in cells, "what doesn’t differ is left out"
    assert [promise for promise in PROMISES if promise in page] == []


@each_row("home", ["ZA gold", "GE silver", "GE red", "FR gold"])
def test_nobody_else_sees_that_comparison(ana_in: Callable[..., Client], home: str) -> None:
    assert "in-full" not in text_of(ana_in(*home.split()), "/dashboard/")


def test_in_a_silver_only_country_red_members_still_see_the_way_to_silver(world: World, as_ben: Client) -> None:
    live_in(world.ben, "GE")
    page = text_of(as_ben, "/dashboard/")
    assert "What you get at Silver" in page
    assert "In Georgia, benefits go up to Silver" in page


def test_a_free_country_names_the_next_level_as_before(ana_in: Callable[..., Client]) -> None:
    page = text_of(ana_in("ZA"), "/dashboard/")
    assert "600 points</b> to Platinum" in page
    assert "benefits go up to Silver" not in page


@each_row(
    ("home", "sentence", "never"),
    [
        ("ZA red", "not at Red where you live. See what a higher level gives you.", "rests"),
        ("GE red", "not at Red where you live. See what a higher level gives you.", "rests"),
        ("ZA gold", "Your repair target at Gold", "go up to Silver"),
        ("GE gold", "In Georgia, benefits go up to Silver.", "higher level"),
        ("FR gold", "your membership rests in France", "higher level"),
        ("FR red", "your membership rests in France", "higher level"),
        ("SY gold", "your membership rests in Syria", "higher level"),
    ],
)
def test_the_page_of_a_product_says_what_a_level_gives_where_the_member_lives(
    world: World, ana_in: Callable[..., Client], home: str, sentence: str, never: str
) -> None:
    country, level = home.split()
    product = Registration.objects.get(member=world.ana, product=world.pro_body)
    page = text_of(ana_in(country, level), product.get_absolute_url())
    assert sentence in page
    assert never not in page
    assert (LINK in page) == (country == "FR")


@each_row(
    ("country", "sentence", "never"),
    [
        ("ZA", "600 more points take you to Platinum", "South Africa"),
        ("GE", "In Georgia, benefits go up to Silver.", "Platinum"),
        ("FR", "your benefits rest while you live in France", "Platinum"),
        ("SY", "your benefits rest while you live in Syria", "Platinum"),
    ],
)
def test_the_mail_about_a_level_promises_only_what_it_gives(
    world: World, country: str, sentence: str, never: str
) -> None:
    live_in(world.ana, country)
    change = LevelChange.objects.create(
        member=world.ana,
        from_level=Level.SILVER,
        to_level=Level.GOLD,
        points=1000,
        cause=PointsCause.VALIDATED,
        at=timezone.now(),
    )
    mail = level_changed(first=change.pk, last=change.pk)
    assert mail
    for form in ("text", "html"):
        words = " ".join(mail[form].split())
        assert sentence in words
        assert never not in words


@each_row(("country", "is_said"), [("GE", True), ("ZA", False), ("", False), ("FR", False)])
def test_who_joins_in_a_silver_only_country_reads_it_before(world: World, country: str, is_said: bool) -> None:
    page = text_of(Client(), f"/accounts/signup/?country={country}")
    assert ("In Georgia, benefits go up to Silver." in page) == is_said


# --- The dashboard -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "title", "link"),
    [("FR", "CPS is a subscription in France", LINK), ("SY", "There’s no CPS in Syria at the moment", "/contact/")],
)
def test_the_dashboard_says_what_still_works_and_where_to_go(
    ana_in: Callable[..., Client], country: str, title: str, link: str
) -> None:
    page = text_of(ana_in(country), "/dashboard/").partition("<main")[2].partition("</main>")[0]
    for sentence in (title, f'href="{link}"', "What still works", "Your level, at rest", "Take my kit list"):
        assert sentence in page, sentence
    assert "</small>Gold" in page.replace("> ", ">").replace(" <", "<")  # the level still follows the points (R11)


def test_a_new_member_who_moved_away_sees_where_to_go_too(world: World, as_ben: Client) -> None:
    live_in(world.ben, "FR")
    page = text_of(as_ben, "/dashboard/")
    assert "CPS is a subscription in France" in page
    assert "What you get at Silver" not in page


# --- The access matrix -----------------------------------------------------------------------------------


def patterns(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[str]:
    for entry in (resolver or get_resolver()).url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            if not path.startswith(("admin/", "api/", "^api", "mailbox/")):
                yield from patterns(entry, path)
        elif isinstance(entry, URLPattern) and not path.startswith("^"):
            yield path


def addresses(world: World) -> list[str]:
    """Every page of the portal, with Ana's own product, job, loan, offer and card in it."""
    registration = Registration.objects.filter(member=world.ana).first()
    job = Ticket.objects.get(member=world.ana)
    values = {
        "<int:pk>": str(registration.pk if registration else 0),
        "<slug:slug>": "evening",
        "<str:reference>": job.reference,
        "<path:token>": "x",
    }
    found = []
    for path in sorted(set(patterns())):
        for name, value in values.items():
            path = path.replace(name, value)  # noqa: PLW2901
        if "<" not in path:
            found.append(f"/{path}")
    return found


@pytest.fixture
def everything(world: World) -> World:
    """Ana has a product in service, a card, a pack that was asked for, and a place in line."""
    add_partner()
    asked(world.ana)
    get_or_issue_card(member=world.ana, at=timezone.now())
    at_the_centre(world, a_centre(), "012345678903")
    for slug, places in (("evening", 0), ("workshop", None)):
        facts = {"kind": "special", "levels": Level.values, "since": timezone.now(), "state": "published"}
        offer = Offer.objects.create(slug=slug, title=slug, places=places, **facts)
        if slug == "evening":
            sign_up(member=world.ana, offer=offer, at=timezone.now())
    return world


@pytest.mark.wide
@pytest.mark.parametrize("country", HOMES.values(), ids=HOMES)
def test_every_page_answers_every_home(everything: World, ana_in: Callable[..., Client], country: str) -> None:
    """No page fails or is forbidden because of where the member lives."""
    client = ana_in(country)
    wrong = []
    paths = [path for path in addresses(everything) if "logout" not in path and path != "/health/"]
    assert len(paths) > 60
    for path in paths:
        answer = client.get(path)
        if answer.status_code not in (200, 302, 404, 405, 422):
            wrong.append((path, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("country", AWAY)
def test_every_page_of_offers_refuses_what_is_posted_with_words(
    everything: World, ana_in: Callable[..., Client], country: str
) -> None:
    client = ana_in(country)
    before = (SignUp.objects.count(), WelcomePack.objects.count())
    for path, data in [
        ("/offers/workshop/", {"do": "sign_up"}),
        ("/offers/workshop/", {}),
        ("/offers/evening/", {"do": "sign_up"}),
        ("/offers/welcome-pack/", {"go": "confirm"}),
    ]:
        answer = client.post(path, data, follow=True)
        assert answer.status_code == 200, path
    assert "rest while you live there" in client.post("/offers/workshop/", {"do": "sign_up"}, follow=True).text
    assert (SignUp.objects.count(), WelcomePack.objects.count()) == before
    for path in ("/offers/welcome-pack/received/", "/offers/welcome-pack/missing/", "/card/lost/"):
        assert client.post(path, follow=True).status_code == 200
    client.post("/offers/evening/", {"do": "cancel_sign_up"})
    assert SignUp.objects.get(member=everything.ana).state == "given_back"  # giving up is always possible
