"""What programs look for at fixed addresses of every site, and how a shared link looks."""

import json
from datetime import datetime, timedelta
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.utils import timezone
from pytest_django import Settings

from cps_portal.core.lib.languages import ENGLISH, NAMES, OTHERS
from cps_portal.settings.kinds import CONTACT
from servicing.models import ServiceCentre
from tests.rows import each_row
from tests.world import World


def body(url: str, client: Client | None = None) -> str:
    response = (client or Client()).get(url)
    assert response.status_code == 200
    content = b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[attr-defined]
    return bytes(content).decode()


def test_robots_read_public_pages_only() -> None:
    robots = RobotFileParser()
    robots.parse(body("/robots.txt").splitlines())
    public = ["/help/", "/terms/", "/privacy/", "/centres/", "/centres/some-town/", "/contact/", "/accounts/signup/"]
    private = ["/dashboard/", "/kitbag/1/", "/c/token/", "/admin/", "/api/v1/tickets", "/files/1/", "/unsubscribe/x/"]
    assert [url for url in public if not robots.can_fetch("*", url)] == []
    assert [url for url in private if robots.can_fetch("*", url)] == []


def test_what_robots_may_read_is_there(world: World) -> None:
    allowed = [line.removeprefix("Allow: ") for line in body("/robots.txt").splitlines() if line.startswith("Allow: ")]
    pages = [address.rstrip("$") for address in allowed if address != "/static/"]
    with override_settings(LANGUAGES=list(NAMES.items())):
        assert {url: Client().get(url).status_code for url in pages} == dict.fromkeys(pages, 200)


def test_robots_read_the_languages_that_are_offered() -> None:
    lines = body("/robots.txt").splitlines()
    assert [language for language in OTHERS if f"Allow: /{language}/" not in lines] == []
    with override_settings(LANGUAGES=[("en", "English"), ("fr", "Français")]):
        assert [line for line in body("/robots.txt").splitlines() if line.count("/") == 2 and len(line) < 12] == [
            "Allow: /fr/"
        ]


def sitemap() -> dict[str, dict[str, str]]:
    """The addresses named in sitemap.xml with those of the same page in other languages."""
    root = ElementTree.fromstring(body("/sitemap.xml"))  # noqa: S314 - written by the portal
    return {
        (url.findtext("{http://www.sitemaps.org/schemas/sitemap/0.9}loc") or ""): {
            link.attrib["hreflang"]: link.attrib["href"] for link in url.findall("{http://www.w3.org/1999/xhtml}link")
        }
        for url in root.findall("{http://www.sitemaps.org/schemas/sitemap/0.9}url")
    }


def test_the_sitemap_names_every_public_page_in_every_language(world: World, settings: Settings) -> None:
    centres = list(ServiceCentre.objects.values_list("slug", flat=True))
    assert f"Sitemap: {settings.SITE_URL}/sitemap.xml" in body("/robots.txt").splitlines()
    pages = ["", "help/", "terms/", "privacy/", "centres/", *(f"centres/{slug}/" for slug in centres)]
    addresses = {
        f"{settings.SITE_URL}/{'' if code == ENGLISH else code + '/'}{page}": page for code in NAMES for page in pages
    }
    found = sitemap()
    one_address = {f"{settings.SITE_URL}{path}" for path in ("/contact/", "/accounts/signup/")}
    assert set(found) == {*addresses, *one_address}
    for address, page in addresses.items():
        assert set(found[address]) == {*NAMES, "x-default"}
        assert found[address]["fr"] == f"{settings.SITE_URL}/fr/{page}"
        assert found[address]["x-default"] == found[address]["en"] == f"{settings.SITE_URL}/{page}"
    assert all(found[address] == {} for address in one_address)


def test_the_sitemap_names_only_what_robots_may_read_and_visitors_see(world: World, settings: Settings) -> None:
    robots = RobotFileParser()
    robots.parse(body("/robots.txt").replace("Allow: /$\n", "").splitlines())  # which this parser does not know
    for address, others in sitemap().items():
        path = address.removeprefix(settings.SITE_URL)
        assert path == "/" or robots.can_fetch("*", address), address
        response = Client().get(path)
        assert response.status_code == 200, address
        page = " ".join(response.content.decode().split())
        assert "noindex" not in page
        for code, other in others.items():
            assert f'<link rel="alternate" hreflang="{code}" href="{other}">' in page, address


def test_a_map_for_robots_may_be_kept_by_caches(world: World, as_ana: Client) -> None:
    for client in (Client(), Client(headers={"Accept-Language": "ar"}), Client(headers={"Host": "127.0.0.1"})):
        response = client.get("/sitemap.xml")
        assert response["Content-Type"].startswith("application/xml")
        assert "public" in response["Cache-Control"] and not response.cookies
        assert response.content == Client().get("/sitemap.xml").content == as_ana.get("/sitemap.xml").content
    assert {Client().get(f"/sitemap.xml?p={page}").status_code for page in ("0", "2", "x", "9" * 300)} == {404}


def test_old_browsers_find_an_icon() -> None:
    response = Client().get("/favicon.ico")
    assert response.status_code == 200
    assert b"".join(response.streaming_content)[:4] == b"\0\0\1\0"  # type: ignore[attr-defined]


def test_password_managers_find_the_page(world: World, as_ana: Client) -> None:
    url = "/.well-known/change-password"
    assert as_ana.get(url).headers["Location"] == "/accounts/password/change/"
    end = Client().get(url, follow=True)
    assert end.status_code == 200 and "accounts/login" in end.redirect_chain[-1][0]


def test_people_who_find_a_hole_find_whom_to_tell(db: None, settings: Settings) -> None:
    settings.SECURITY_CONTACT = "mailto:security@portal.example"
    lines = dict(line.split(": ", 1) for line in body("/.well-known/security.txt").splitlines())
    assert lines["Contact"] == "mailto:security@portal.example"
    assert lines["Canonical"] == f"{settings.SITE_URL}/.well-known/security.txt"
    left = datetime.fromisoformat(lines["Expires"]) - timezone.now()
    assert timedelta(days=90) < left < timedelta(days=365)
    settings.SECURITY_CONTACT = ""
    assert Client().get("/.well-known/security.txt").status_code == 404


@each_row("url", ["/", "/help/", "/terms/", "/privacy/", "/centres/", "/contact/", "/accounts/signup/"])
def test_a_shared_link_has_a_picture_and_a_description_of_its_own(world: World, url: str) -> None:
    page = body(url)
    assert page.count('property="og:description"') == 1
    title = page.split("<title>")[1].split(" – CPS</title>")[0]
    assert title and f'<meta property="og:title" content="{title}">' in page
    assert f'content="{settings.SITE_URL}/static/icons/card-512.png"' in page


def test_descriptions_differ(world: World) -> None:
    pages = ["/", "/help/", "/terms/", "/privacy/", "/centres/", "/contact/", "/accounts/signup/"]
    described = [body(url).split('property="og:description"')[1].split('content="')[1].split('"')[0] for url in pages]
    assert len(set(described)) == len(pages)
    assert all(30 < len(text) < 160 for text in described)


@each_row("value", ["security@portal.example", "http://portal.example", "tel:1"])
def test_a_contact_that_is_no_address_is_refused(value: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the setting adds the words
        CONTACT.read(value)


def test_the_portal_can_be_installed_and_its_shortcuts_lead_to_pages(as_ana: Client) -> None:
    """The same for everybody: it is fetched without a cookie."""
    manifest = json.loads(body("/manifest.webmanifest"))
    assert manifest == json.loads(body("/manifest.webmanifest", as_ana))
    assert (manifest["start_url"], manifest["scope"], manifest["display"]) == ("/dashboard/", "/", "standalone")
    assert '<link rel="manifest" href="/manifest.webmanifest">' in body("/dashboard/", as_ana)
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
    pages = [manifest["start_url"], *(one["url"] for one in manifest["shortcuts"])]
    assert {url: as_ana.get(url, follow=True).status_code for url in pages} == dict.fromkeys(pages, 200)
