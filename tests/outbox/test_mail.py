"""The texts: every mail renders, in both forms, with what it was given and nothing undefined."""

from dataclasses import dataclass
from html import unescape
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings as django_settings
from django.core import mail
from django.test import Client
from django.urls import reverse
from django_countries.fields import Country

from cps_portal.core.outbox import actions
from cps_portal.core.outbox.mail import render_mail, render_parts
from cps_portal.core.outbox.models import Message
from kitbag.models import Product
from members.enums import Level
from members.rules import Home, Membership
from tests.factories import PASSWORD, UserFactory
from tests.rows import each_row

NAME = "Zoë <b>O’Neil</b> & Co"


@dataclass
class Person:
    first_name: str = NAME
    full_name: str = NAME
    number_in_groups: str = "4410 7720 1846"
    get_level_display: str = "Red"


SILVER_ONLY = "In Georgia, benefits go up to Silver."
HOME = {"membership": Membership(Home.FREE_SILVER, Level.GOLD, "GE"), "country": Country("GE")}
LEVEL = {
    "member": Person(),
    "first_name": NAME,
    "from_level_name": "Gold",
    "to_level_name": "Platinum",
    "to_level": "platinum",
    "up": True,
    "points": 1650,
    "level_start": 1500,
    "next_level_name": "",
    "points_missing": 0,
    **HOME,
    "cause": "EOS R1: checked",
    "url": "https://portal.example/kitbag/points/",
}
LOWER = {**LEVEL, "to_level_name": "Silver", "to_level": "silver", "up": False, "points": 820}
LOWER |= {"next_level_name": "Gold", "points_missing": 1180}
BODY = Product(name="EOS R1", category="mirrorless", mount="rf", stage="current", points_current=1500)
KIT = {
    "member": Person(),
    "first_name": NAME,
    "product": BODY,
    "product_name": "EOS R1",
    "points": 1500,
    "reason": "The serial number is not readable.",
    "url": "https://portal.example/kitbag/5/",
}
COUNTED = {**KIT, "products": [{"product": BODY}], "level_name": "Gold"}


@each_row(
    ("template", "context", "says"),
    [
        (
            "level_changed",
            LEVEL,
            ["Platinum", "1,650 points", "EOS R1: checked", "In Georgia, benefits go up to Silver."],
        ),
        ("level_changed", LOWER, ["Silver", "820 points", "1,180 more points take you to Gold"]),
        ("registration_approved", COUNTED, ["EOS R1", "1,500 points", NAME]),
        ("registration_refused", KIT, ["EOS R1", "The serial number is not readable.", NAME]),
    ],
)
def test_a_mail_says_it_as_text_and_as_html(template: str, context: dict[str, Any], says: list[str]) -> None:
    payload = render_mail(template, context, language="en")
    assert "\n" not in payload["subject"]
    assert "<b>O’Neil" not in payload["html"]
    for sentence in [*says, context["url"], "independent implementation", django_settings.SITE_URL]:
        assert sentence in payload["text"]
        assert sentence in unescape(" ".join(payload["html"].split()))
    assert "&amp;" not in payload["text"] + payload["subject"]


def test_a_right_to_left_language_turns_the_mail_around() -> None:
    assert 'dir="rtl"' in render_mail("level_changed", LEVEL, language="ar")["html"]


@pytest.mark.parametrize("folder", ["account", "mfa"])
def test_every_mail_of_the_sign_in_pages_has_a_form_of_our_own(folder: str) -> None:
    templates = django_settings.BASE_DIR / "templates" / folder / "email"
    subjects = sorted(templates.glob("*_subject.txt"))
    assert len(subjects) >= 5
    given = {"site_url": "https://portal.example", "email": "ana@example.org", "timestamp": None, "ip": "::1"}
    given |= {"activate_url": "https://a.example", "password_reset_url": "https://b.example"}
    given |= {"signup_url": "https://c.example", "user_agent": "<script>", "from_email": "a", "to_email": "b"}
    given |= {"member": Person(), "number": "4410 7720 1846", "deleted_email": "a", "unsubscribe_url": "", **HOME}
    for subject in subjects:
        name = subject.name.removesuffix("_subject.txt")
        names = [f"{folder}/email/{name}{ending}" for ending in ("_subject.txt", "_message.html")]
        payload = render_parts(*names, given)
        assert "independent implementation" in payload["text"]
        assert "independent implementation" in payload["html"]
        assert "<script>" not in payload["html"]
        assert payload["subject"] in unescape(payload["html"])


@pytest.mark.django_db
def test_a_password_reset_goes_through_the_outbox_and_leads_home_whatever_the_request_claims() -> None:
    user = UserFactory(email="ana@example.org")
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    Client(headers={"host": "127.0.0.1:8443"}).post(reverse("account_reset_password"), {"email": user.email})
    message = Message.objects.get()
    assert not mail.outbox
    assert message.key.startswith("account-")
    assert f"{django_settings.SITE_URL}/accounts/password/reset/key/" in message.payload["text"]
    assert "8443" not in message.payload["text"] + message.payload["html"]
    assert actions.deliver(message.pk)
    assert mail.outbox[0].to == ["ana@example.org"]


@pytest.mark.django_db
def test_a_member_is_notified_of_a_changed_password() -> None:
    user = UserFactory(email="ana@example.org")
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    client = Client(headers={"user-agent": "<b>browser</b>"})
    client.force_login(user)
    new = "a longer sentence works better"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    client.post(reverse("account_change_password"), form)
    message = Message.objects.get()
    assert "<b>browser</b>" in message.payload["text"]
    assert "<b>browser</b>" not in message.payload["html"]
    assert "IP address" in message.payload["html"]
