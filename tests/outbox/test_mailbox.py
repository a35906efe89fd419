import re
from dataclasses import asdict
from pathlib import Path

import pytest
from django.core.mail import EmailMultiAlternatives, get_connection
from django.test import Client
from django.urls import NoReverseMatch, reverse
from pytest_django import Settings

from cps_portal.dev.mailbox import store
from cps_portal.dev.mailbox.specimens import TEMPLATES, all_specimens
from tests.members.test_every_mail import wrong_in


@pytest.fixture
def kept(settings: Settings, tmp_path: Path) -> str:
    """One mail in a mailbox of the test's own; its name."""
    settings.MAILBOX_FOLDER = tmp_path / "mailbox"
    mail = EmailMultiAlternatives(
        "Grüße",
        "See https://portal.example/x?a=1",
        "cps@example.org",
        ["ana@example.org"],
        connection=get_connection("cps_portal.dev.mailbox.backend.MailboxBackend"),
    )
    mail.attach_alternative(
        "<html><head></head><body><a href='https://portal.example/y'>y</a></body></html>", "text/html"
    )
    assert mail.send() == 1
    return store.newest(1)[0].name


@pytest.mark.django_db
def test_the_newest_mail_comes_first(kept: str, client: Client) -> None:
    store.write(b"Subject: Later\nTo: ben@example.org\n\nHello")
    page = client.get(reverse("mailbox:list")).content.decode()
    assert page.index("Later") < page.index("Grüße")
    assert reverse("mailbox:mail", args=[kept]) in page


@pytest.mark.django_db
def test_a_mail_shows_its_headers_and_links_and_its_html_in_a_sandbox(kept: str, client: Client) -> None:
    page = client.get(reverse("mailbox:mail", args=[kept])).content.decode()
    assert "ana@example.org" in page
    assert 'href="https://portal.example/x?a=1"' in page
    assert f'src="{reverse("mailbox:html", args=[kept])}"' in page
    assert "sandbox=" in page
    assert "portal.example/y" not in page


@pytest.mark.django_db
def test_without_a_demo_world_the_page_of_all_mails_says_how_to_make_one(client: Client) -> None:
    assert "make_demo" in client.get(reverse("mailbox:gallery")).content.decode()
    assert client.get(reverse("mailbox:specimen", args=["loan"])).status_code == 404


@pytest.mark.django_db
def test_the_html_of_a_mail_runs_and_loads_nothing(kept: str, client: Client) -> None:
    response = client.get(reverse("mailbox:html", args=[kept]))
    assert "portal.example/y" in response.content.decode()
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups" in policy
    assert "script" not in policy
    assert response["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.django_db
def test_nothing_outside_the_folder_can_be_read(kept: str, client: Client) -> None:
    (store.folder().parent / "secret.eml").write_text("Subject: Secret\n\nSecret")
    with pytest.raises(NoReverseMatch):
        reverse("mailbox:mail", args=["../secret"])
    for path in ["/mailbox/../secret/", "/mailbox/..%2Fsecret/", "/mailbox/%2e%2e%2fsecret/html/", "/mailbox/other/"]:
        assert client.get(path).status_code == 404


@pytest.mark.wide
def test_every_kind_of_mail_is_on_one_page_in_the_demo_world(demo: None, client: Client) -> None:
    """One of each template, as complete as those that are sent, HTML in a frame of its own and text beside it."""
    specimens = all_specimens()
    faults = [(each.name, found) for each in specimens if (found := wrong_in(asdict(each)))]
    assert faults == []
    shown = {each.name.partition(" ")[0] for each in specimens}
    files = {path.name.partition(".")[0] for path in TEMPLATES.glob("emails/*.subject.txt")}
    assert files <= shown and len({each.slug for each in specimens}) == len(specimens)
    page = client.get(reverse("mailbox:gallery")).content.decode()
    frames = re.findall(r'src="(/mailbox/all/[^"]+)"', page)
    assert len(frames) == len(specimens) and "Confirm my address:" in page
    joining = client.get(frames[0]).content.decode()
    assert "Confirm my address</a>" in joining and ">Red<" in joining and ">Gold<" not in joining
    assert "default-src 'none'" in client.get(frames[0])["Content-Security-Policy"]
