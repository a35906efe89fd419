"""A new sign-in address: who it is asked of, how the old address undoes it, and when it gets a new password."""

import re
from datetime import timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.core import signing
from django.test import Client
from django.utils import timezone

from cps_portal.core.outbox.models import Message
from members.emails import UNDO_EMAIL_SALT, undo_path
from members.models import Device, EmailChange, User
from tests.factories import PASSWORD
from tests.mails import rendered
from tests.world import World

LOGIN, EMAIL, RESET = "/accounts/login/", "/accounts/email/", "/accounts/password/reset/"
NEW = "purple tractor lamp"
TYPED = {"password1": NEW, "password2": NEW}


@pytest.fixture
def ana(world: World) -> User:
    EmailAddress.objects.filter(user=world.ana.user).update(verified=True)
    return world.ana.user


def signed_in(email: str, password: str = PASSWORD) -> Client:
    client = Client()
    client.post(LOGIN, {"login": email, "password": password})
    return client


def change_email(email: str, new: str, password: str = PASSWORD) -> Client:
    """Sign in, confirm who it is, and follow the link in the new mailbox."""
    client = signed_in(email, password)
    client.post("/accounts/reauthenticate/", {"password": password})
    client.post(EMAIL, {"action_add": "", "email": new})
    mail = Message.objects.filter(to=new, key__startswith="account-").latest("pk")
    link = re.search(r"http://localhost(/accounts/confirm-email/\S+)", mail.payload["text"])
    assert link
    client.post(link[1])
    return client


def latest(user: User) -> EmailChange:
    return EmailChange.objects.filter(user=user).latest("pk")


def kinds_of_mail(email: str) -> list[str]:
    """The renderers of mails to it, in the order of writing."""
    messages = Message.objects.filter(to=email, key__startswith="members.").order_by("pk")
    return [message.payload["renderer"].removeprefix("members.") for message in messages]


def made_older(change: EmailChange, age: timedelta) -> EmailChange:
    EmailChange.objects.filter(pk=change.pk).update(at=timezone.now() - age)
    change.refresh_from_db()
    return change


def test_changing_the_address_asks_again_who_it_is(ana: User) -> None:
    client = signed_in(ana.email)
    answer = client.post(EMAIL, {"action_add": "", "email": "new@example.org"})
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert not EmailAddress.objects.filter(email="new@example.org").exists()
    client.post(answer["Location"], {"password": PASSWORD})  # what was typed is not lost
    assert EmailAddress.objects.filter(user=ana, email="new@example.org", verified=False).exists()


@time_machine.travel(timezone.now(), tick=False)  # the link holds the second in which it was signed
def test_the_old_address_is_told_with_a_link_that_undoes_it(ana: User) -> None:
    change_email(ana.email, "new@example.org")
    ana.refresh_from_db()
    assert ana.email == "new@example.org"
    assert kinds_of_mail("ana@example.org") == ["email_changed"]
    mail = rendered(Message.objects.get(to="ana@example.org", key__startswith="members.email_changed"))
    assert "new@example.org" in mail["text"] and undo_path(latest(ana)) in mail["text"]
    assert undo_path(latest(ana)) in mail["html"]
    assert "{" not in mail["text"]


def test_undoing_brings_the_address_back_ends_all_sessions_and_sets_a_new_password(ana: User) -> None:
    attacker = change_email(ana.email, "new@example.org")
    TOTP.activate(ana, "JBSWY3DPEHPK3PXP")
    link = undo_path(latest(ana))
    owner = Client()
    page = owner.get(link)
    assert page.status_code == 200 and b"ana@example.org" in page.content
    assert attacker.get("/dashboard/").status_code == 200
    assert owner.post(link, TYPED)["Location"] == LOGIN
    ana.refresh_from_db()
    assert ana.email == "ana@example.org"
    assert list(EmailAddress.objects.filter(user=ana).values_list("email", "verified", "primary")) == [
        ("ana@example.org", True, True)
    ]
    assert attacker.get("/dashboard/").status_code == 302
    assert not Device.objects.filter(user=ana).exists() and not Authenticator.objects.filter(user=ana).exists()
    assert signed_in("ana@example.org").get("/dashboard/").status_code == 302
    assert signed_in("ana@example.org", NEW).get("/dashboard/").status_code == 200
    assert kinds_of_mail("ana@example.org")[-1] == kinds_of_mail("new@example.org")[-1] == "email_undone"


def test_the_link_works_once(ana: User) -> None:
    change_email(ana.email, "new@example.org")
    link = undo_path(latest(ana))
    Client().post(link, TYPED)
    page = Client().post(link, {"password1": "yet another sentence", "password2": "yet another sentence"})
    assert "This link doesn’t work any more" in page.content.decode()
    assert signed_in("ana@example.org", NEW).get("/dashboard/").status_code == 200


def test_the_link_works_for_fourteen_days(ana: User) -> None:
    change_email(ana.email, "new@example.org")
    ages = {timedelta(days=13, hours=23): True, timedelta(days=14, minutes=1): False, timedelta(days=400): False}
    works = {}
    for age in ages:
        link = undo_path(made_older(latest(ana), age))
        works[age] = "This link doesn’t work any more" not in Client().get(link).content.decode()
    assert works == ages


def test_forged_links_open_nothing(ana: User) -> None:
    change_email(ana.email, "new@example.org")
    key = latest(ana).pk
    forged = [
        str(key),
        "x" * 300,
        signing.dumps(key, salt="members.device"),
        signing.dumps(key, salt=UNDO_EMAIL_SALT, key="another key"),
        signing.dumps(key, salt=UNDO_EMAIL_SALT)[:-1],
        signing.dumps(10**9, salt=UNDO_EMAIL_SALT),
        signing.dumps("text", salt=UNDO_EMAIL_SALT),
        signing.dumps(None, salt=UNDO_EMAIL_SALT),
        signing.dumps([key], salt=UNDO_EMAIL_SALT),
        signing.dumps({"pk": key}, salt=UNDO_EMAIL_SALT),
    ]
    answers = {token: Client().post(f"/accounts/email/undo/{token}/", TYPED) for token in forged}
    wrong = [token for token, answer in answers.items() if "This link doesn’t work" not in answer.content.decode()]
    assert wrong == []
    ana.refresh_from_db()
    assert ana.email == "new@example.org"


def test_a_weak_new_password_is_refused_and_nothing_is_undone(ana: User) -> None:
    change_email(ana.email, "new@example.org")
    answer = Client().post(undo_path(latest(ana)), {"password1": "password1234", "password2": "password1234"})
    assert answer.status_code == 422 and "Put a few words together" in answer.content.decode()
    ana.refresh_from_db()
    assert ana.email == "new@example.org"


def test_the_first_address_comes_back_though_it_was_changed_again(ana: User) -> None:
    """And the link of the second change, which an attacker has, works no more."""
    change_email("ana@example.org", "second@example.org")
    first = latest(ana)
    change_email("second@example.org", "third@example.org")
    second = latest(ana)
    Client().post(undo_path(first), TYPED)
    ana.refresh_from_db()
    assert ana.email == "ana@example.org"
    page = Client().post(undo_path(second), {"password1": "yet another sentence", "password2": "yet another sentence"})
    assert "This link doesn’t work any more" in page.content.decode()
    ana.refresh_from_db()
    assert ana.email == "ana@example.org" and ana.check_password(NEW)
    assert kinds_of_mail("third@example.org") == ["email_undone"]


def test_undoing_the_last_change_leaves_the_link_of_the_first(ana: User) -> None:
    change_email("ana@example.org", "second@example.org")
    first = latest(ana)
    change_email("second@example.org", "third@example.org")
    Client().post(undo_path(latest(ana)), TYPED)
    Client().post(undo_path(first), {"password1": "yet another sentence", "password2": "yet another sentence"})
    ana.refresh_from_db()
    assert ana.email == "ana@example.org" and ana.check_password("yet another sentence")


def test_an_address_that_somebody_else_uses_by_now_does_not_come_back(ana: User, world: World) -> None:
    change_email(ana.email, "new@example.org")
    EmailAddress.objects.create(user=world.ben.user, email="ana@example.org", verified=True)
    answer = Client().post(undo_path(latest(ana)), TYPED)
    assert answer.status_code == 422 and "Another account uses this address" in answer.content.decode()


def test_undoing_while_signed_in_with_that_account_signs_out(ana: User) -> None:
    client = change_email(ana.email, "new@example.org")
    assert client.post(undo_path(latest(ana)), TYPED)["Location"] == LOGIN
    assert client.get("/dashboard/").status_code == 302


def test_an_address_that_was_never_confirmed_gets_no_link(ana: User) -> None:
    """It may belong to a stranger, who could take the account with it."""
    EmailAddress.objects.filter(user=ana).update(verified=False)
    change_email(ana.email, "new@example.org")
    ana.refresh_from_db()
    assert ana.email == "new@example.org"
    assert not EmailChange.objects.exists()
    assert "email_changed" not in kinds_of_mail("ana@example.org")


def test_a_young_address_gets_no_link_for_a_new_password_and_the_old_one_is_told(ana: User) -> None:
    change_email(ana.email, "new@example.org")
    before = Message.objects.filter(key__startswith="account-").count()
    answer = Client().post(RESET, {"email": "new@example.org"})
    assert answer["Location"] == "/accounts/password/reset/done/"
    assert Message.objects.filter(key__startswith="account-").count() == before
    assert kinds_of_mail("new@example.org") == ["reset_held"]
    assert kinds_of_mail("ana@example.org") == ["email_changed", "reset_asked"]
    asked = rendered(Message.objects.get(to="ana@example.org", key__startswith="members.reset_asked"))
    assert undo_path(latest(ana)) in asked["text"]
    held = rendered(Message.objects.get(to="new@example.org", key__startswith="members.reset_held"))
    assert "/undo/" not in held["text"] and "/reset/key/" not in held["text"]


def test_an_address_that_is_not_confirmed_yet_gets_no_link_for_a_new_password(ana: User) -> None:
    """Or whoever once had the password could set a new one again and again, without a change that can be undone."""
    client = signed_in(ana.email)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post(EMAIL, {"action_add": "", "email": "new@example.org"})
    answers = [Client().post(RESET, {"email": email}) for email in ("new@example.org", "NEW@example.org")]
    assert {answer["Location"] for answer in answers} == {"/accounts/password/reset/done/"}
    mails = Message.objects.filter(to__iexact="new@example.org").values_list("payload", flat=True)
    assert len(mails) == 3 and not any("/reset/key/" in mail["text"] for mail in mails)
    Client().post(RESET, {"email": ana.email})
    assert "/reset/key/" in Message.objects.filter(to=ana.email).latest("pk").payload["text"]


def test_an_address_that_another_account_has_is_not_confirmed(ana: User, world: World) -> None:
    """Also if that account has not confirmed it either: an address belongs to one account."""
    for verified in (False, True):
        EmailAddress.objects.filter(user=ana).update(verified=verified)
        wished = EmailAddress.objects.create(user=world.ben.user, email=ana.email, verified=False, primary=False)
        answer = Client().post(f"/accounts/confirm-email/{EmailConfirmationHMAC.create(wished).key}/", follow=True)
        assert answer.status_code == 200 and "belongs to another account" in answer.content.decode()
        assert User.objects.get(pk=world.ben.user.pk).email == "ben@example.org"
        assert EmailAddress.objects.get(user=world.ben.user, verified=True).email == "ben@example.org"
        wished.delete()


def test_the_answer_to_a_reset_is_the_same_whatever_is_sent(ana: User) -> None:
    change_email(ana.email, "new@example.org")
    emails = ["new@example.org", "ana@example.org", "ben@example.org", "nobody@example.org"]
    answers = [Client().post(RESET, {"email": email}, follow=True) for email in emails]
    pages = {" ".join(re.sub(r'value="[^"]*"', "", answer.content.decode()).split()) for answer in answers}
    assert len(pages) == 1 and {answer.status_code for answer in answers} == {200}


def test_after_a_day_the_address_gets_links_as_any_other(ana: User) -> None:
    change_email(ana.email, "new@example.org")
    made_older(latest(ana), timedelta(hours=24, minutes=1))
    Client().post(RESET, {"email": "new@example.org"})
    mail = Message.objects.filter(to="new@example.org", key__startswith="account-").latest("pk")
    assert "/accounts/password/reset/key/" in mail.payload["text"]


def test_the_old_address_gets_its_link_again_if_it_asks_for_a_new_password(ana: User) -> None:
    change_email(ana.email, "new@example.org")
    Client().post(RESET, {"email": "Ana@example.org"})
    assert kinds_of_mail("ana@example.org") == ["email_changed", "email_changed"]
