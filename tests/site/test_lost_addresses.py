"""Changing a sign-in address that its member cannot reach any more takes two people (R69)."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import IntegrityError, InternalError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox.exceptions import Obsolete
from cps_portal.core.outbox.models import Message
from cps_portal.site import actions, lost_addresses
from cps_portal.site.emails import stop_path
from kitbag.actions import handovers
from members.enums import LostAddressState
from members.models import AccountFreeze, Device, EmailChange, LostAddress, Member, User
from members.queries import held_until
from members.support.models import Case
from tests.factories import PASSWORD, UserFactory, validated
from tests.mails import rendered
from tests.world import World

NEW = "new@example.org"
LOGIN = "/accounts/login/"


@pytest.fixture
def lindiwe(db: None) -> User:
    return UserFactory(email="lindiwe@example.org", is_staff=True)


@pytest.fixture
def thabo(db: None) -> User:
    return UserFactory(email="thabo@example.org", is_staff=True)


def asked(
    member: Member, by: User, *, new_email: str = NEW, reason: str = "Called back", at: datetime | None = None
) -> LostAddress:
    return lost_addresses.request_change(
        member=member, new_email=new_email, reason=reason, attached=[], by=by, at=at or timezone.now()
    )


def approved(member: Member, by: User, second: User, *, at: datetime | None = None) -> LostAddress:
    return lost_addresses.approve_change(request=asked(member, by, at=at), by=second, at=at or timezone.now())


def signed_in(email: str, password: str = PASSWORD) -> Client:
    client = Client()
    client.post(LOGIN, {"login": email, "password": password})
    return client


def is_in(client: Client) -> bool:
    return client.get(reverse("dashboard")).status_code == 200


def mails_to(email: str) -> list[str]:
    messages = Message.objects.filter(to=email, key__startswith="portal.").order_by("pk")
    return [message.payload["renderer"].removeprefix("portal.") for message in messages]


def mail_to(email: str, kind: str) -> str:
    message = Message.objects.filter(to=email, key__startswith=f"portal.{kind}").latest("pk")
    return rendered(message)["text"]


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(Refusal) as raised, transaction.atomic():
        call()
    return raised.value.code


# --- Asking and deciding ------------------------------------------------------------------------------


def test_what_cannot_be_asked_for_is_refused_in_words(world: World, lindiwe: User, thabo: User) -> None:
    ana = world.ana
    colleague = Member.objects.get(pk=world.chloe.pk)
    User.objects.filter(pk=colleague.user_id).update(is_staff=True)
    Member.objects.filter(pk=world.ben.pk).update(closed_at=timezone.now())
    table = [
        ("email_invalid", lambda: asked(ana, lindiwe, new_email="no address")),
        ("email_invalid", lambda: asked(ana, lindiwe, new_email="")),
        ("email_invalid", lambda: asked(ana, lindiwe, new_email="a@b")),
        ("same", lambda: asked(ana, lindiwe, new_email=" ANA@example.org ")),
        ("taken", lambda: asked(ana, lindiwe, new_email="Ben@Example.org")),
        ("taken", lambda: asked(ana, lindiwe, new_email="thabo@example.org")),
        ("empty", lambda: asked(ana, lindiwe, reason="  \n ")),
        ("own", lambda: asked(ana, ana.user)),
        ("staff", lambda: asked(colleague, lindiwe)),
        ("closed", lambda: asked(world.ben, lindiwe)),
    ]
    assert [code_of(call) for _code, call in table] == [code for code, _call in table]
    asked(ana, lindiwe)
    assert code_of(lambda: asked(ana, thabo, new_email="third@example.org")) == "open"


def test_whoever_asked_cannot_approve(world: World, lindiwe: User) -> None:
    request = asked(world.ana, lindiwe)
    assert code_of(lambda: lost_addresses.approve_change(request=request, by=lindiwe, at=timezone.now())) == (
        "second_person"
    )
    assert (
        code_of(lambda: lost_addresses.approve_change(request=request, by=world.ana.user, at=timezone.now())) == "own"
    )
    assert User.objects.get(pk=world.ana.user_id).email == "ana@example.org"


def test_the_database_refuses_what_would_go_round_the_second_person(world: World, lindiwe: User, thabo: User) -> None:
    request = asked(world.ana, lindiwe)
    rows = LostAddress.objects.filter(pk=request.pk)
    now = timezone.now()
    decided = {"state": "approved", "decided_at": now}
    for values in [
        {**decided, "decided_by": lindiwe},
        {"state": "approved"},
        {**decided, "decided_by": None},
        {"state": "refused", "decided_at": now},
        {"decided_by": thabo},
        {"state": "other", "decided_by": thabo, "decided_at": now},
        {"requested_by": thabo},  # and then approve it oneself
        {"requested_at": now},
        {"new_email": "thief@example.org"},
        {"member": world.ben},
        {"requested_by": thabo, **decided, "decided_by": lindiwe},
    ]:
        with pytest.raises((IntegrityError, InternalError)), transaction.atomic():
            rows.update(**values)
    approved_row = lost_addresses.approve_change(request=request, by=thabo, at=now)
    for values in [
        {"state": "refused"},
        {"decided_by": lindiwe},
        {"state": "open", "decided_by": None, "decided_at": None},
    ]:
        with pytest.raises((IntegrityError, InternalError)), transaction.atomic():
            rows.update(**values)
    assert approved_row.state == LostAddressState.APPROVED


def test_every_second_decision_is_refused(world: World, lindiwe: User, thabo: User) -> None:
    for first in (lost_addresses.approve_change, lost_addresses.refuse_change):
        request = asked(world.ana, lindiwe, new_email=f"{first.__name__}@example.org")
        first(request=request, by=thabo, at=timezone.now())
        for second in (lost_addresses.approve_change, lost_addresses.refuse_change):
            assert (
                code_of(lambda second=second, request=request: second(request=request, by=thabo, at=timezone.now()))
                == "gone"
            )


def test_a_request_that_was_refused_changes_nothing_and_can_be_made_again(world: World, lindiwe: User) -> None:
    request = asked(world.ana, lindiwe)
    lost_addresses.refuse_change(request=request, by=lindiwe, at=timezone.now())
    assert signed_in("ana@example.org").get("/dashboard/").status_code == 200
    assert held_until(world.ana, timezone.now()) is None
    assert asked(world.ana, lindiwe).is_open


def test_a_request_is_not_approved_when_the_world_has_moved_on(world: World, lindiwe: User, thabo: User) -> None:
    request = asked(world.ana, lindiwe)
    UserFactory(email=NEW)  # somebody has joined with it
    assert code_of(lambda: lost_addresses.approve_change(request=request, by=thabo, at=timezone.now())) == "taken"
    User.objects.filter(email=NEW).delete()
    User.objects.filter(pk=world.ana.user_id).update(email="moved@example.org")
    assert code_of(lambda: lost_addresses.approve_change(request=request, by=thabo, at=timezone.now())) == "changed"


# --- What it does -------------------------------------------------------------------------------------


def test_everything_that_could_sign_in_before_is_ended(world: World, lindiwe: User, thabo: User) -> None:
    user = world.ana.user
    before = signed_in(user.email)
    assert is_in(before)
    for kind in (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN, Authenticator.Type.RECOVERY_CODES):
        Authenticator.objects.create(user=user, type=kind, data={})
    undo = EmailChange.objects.create(user=user, old_email="first@example.org", new_email=user.email, at=timezone.now())
    approved(world.ana, lindiwe, thabo)
    user.refresh_from_db()
    undo.refresh_from_db()
    assert (user.email, user.has_usable_password()) == (NEW, False)
    addresses = EmailAddress.objects.filter(user=user).values_list("email", "verified", "primary")
    assert list(addresses) == [(NEW, True, True)]
    assert not Authenticator.objects.filter(user=user).exists()
    assert not Device.objects.filter(user=user).exists()
    assert undo.undone_at is not None  # the mailbox of before that one brings nothing back either
    assert not is_in(before)
    assert not is_in(signed_in("ana@example.org"))


def test_a_sign_in_that_waits_for_its_second_factor_does_not_end_in_the_account(
    world: World, lindiwe: User, thabo: User
) -> None:
    """Without the factors that approving removes, it would need nothing more than the old password."""
    Authenticator.objects.create(user=world.ana.user, type=Authenticator.Type.RECOVERY_CODES, data={})
    Authenticator.objects.create(user=world.ana.user, type=Authenticator.Type.TOTP, data={"secret": ""})
    waiting = Client()
    answer = waiting.post(LOGIN, {"login": "ana@example.org", "password": PASSWORD})
    assert answer["Location"].startswith(reverse("mfa_authenticate"))
    approved(world.ana, lindiwe, thabo)
    for _try in range(2):
        waiting.get(reverse("mfa_authenticate"))
        waiting.post(reverse("mfa_authenticate"), {"code": "123456"})
        waiting.post(LOGIN, {"login": "ana@example.org", "password": PASSWORD})
    assert not is_in(waiting)


def stop_link(request: LostAddress) -> str:
    """The beginning of each link with which the old mailbox stops the account: its end says when it was made."""
    return stop_path(request).rsplit(":", 2)[0] + ":"


def test_both_addresses_are_told_and_the_new_one_gets_a_password(world: World, lindiwe: User, thabo: User) -> None:
    request = asked(world.ana, lindiwe)
    assert stop_link(request) in mail_to("ana@example.org", "address_asked")
    lost_addresses.approve_change(request=request, by=thabo, at=timezone.now())
    assert mails_to("ana@example.org") == ["address_asked", "address_replaced"]
    assert mails_to(NEW) == ["address_given"]
    told = mail_to("ana@example.org", "address_replaced")
    assert stop_link(request) in told and NEW in told and world.ana.number_in_groups in told
    given = mail_to(NEW, "address_given")
    assert reverse("account_reset_password") in given and "stop" not in given
    Client().post(reverse("account_reset_password"), {"email": NEW})
    mail = Message.objects.filter(to=NEW, key__startswith="account-").latest("pk").payload["text"]
    link = re.search(r"http://localhost(/accounts/password/reset/key/\S+)", mail)
    assert link
    client = Client()
    form = client.get(link[1])["Location"]
    client.post(form, {"password1": "purple tractor lamp", "password2": "purple tractor lamp"})
    assert is_in(signed_in(NEW, "purple tractor lamp"))


def test_what_no_longer_holds_is_not_mailed(world: World, lindiwe: User, thabo: User) -> None:
    request = asked(world.ana, lindiwe)
    first = Message.objects.get(to="ana@example.org", key__startswith="portal.address_asked")
    lost_addresses.approve_change(request=request, by=thabo, at=timezone.now())
    with pytest.raises(Obsolete):
        rendered(first)


# --- For 14 days --------------------------------------------------------------------------------------

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_kit_stays_and_the_account_stays_open_for_14_days(world: World, lindiwe: User, thabo: User) -> None:
    row = validated(world.ana, world.body, "100000004711", at=AT)
    code = handovers.release(registration=row, by=world.ana.user, at=AT).code
    approved(world.ana, lindiwe, thabo, at=AT)
    last = AT + timedelta(days=14) - timedelta(seconds=1)
    for at in (AT, AT + timedelta(days=7), last):
        assert code_of(lambda at=at: handovers.release(registration=row, by=world.ana.user, at=at)) == "recovered"
        assert code_of(lambda at=at: actions.close_account(member=world.ana, by=world.ana.user, at=at)) == "recovered"
    assert (
        code_of(lambda: handovers.redeem(code=code, member=world.ben, by=world.ben.user, at=AT + timedelta(hours=1)))
        == "claimed"
    )
    after = last + timedelta(seconds=1)
    assert handovers.release(registration=row, by=world.ana.user, at=after).code
    assert actions.close_account(member=world.ana, by=world.ana.user, at=after).closed_at == after


def test_the_pages_say_until_when_beside_the_button(world: World, lindiwe: User, thabo: User) -> None:
    row = validated(world.ana, world.body, "100000004711", at=timezone.now())
    request = approved(world.ana, lindiwe, thabo)
    assert request.held_until
    day = timezone.localtime(request.held_until).strftime("%-d %B %Y")
    client = Client()
    client.force_login(User.objects.get(pk=world.ana.user_id))
    page = client.get(row.get_absolute_url()).content.decode()
    assert f"you can hand it over from {day} on" in page and reverse("kitbag:release", args=[row.pk]) not in page
    answer = client.get(reverse("kitbag:release", args=[row.pk]), follow=True).content.decode()
    assert f"you can hand it over from {day} on" in answer


# --- The link in the old mailbox ----------------------------------------------------------------------


def test_the_link_stops_the_account_and_opens_a_case_but_gives_nothing_back(
    world: World, lindiwe: User, thabo: User
) -> None:
    request = approved(world.ana, lindiwe, thabo)
    user = User.objects.get(pk=world.ana.user_id)
    user.set_password(PASSWORD)
    user.save()
    inside = signed_in(NEW)
    assert is_in(inside)
    visitor = Client()
    assert visitor.get(stop_path(request)).status_code == 200  # programs that read mail follow links
    assert not AccountFreeze.objects.exists()
    for _press in range(2):
        assert visitor.post(stop_path(request))["Location"] == reverse("account_stopped")
    user.refresh_from_db()
    assert AccountFreeze.objects.get().member == world.ana
    assert (user.email, user.is_active) == (NEW, False)
    case = Case.objects.get()
    assert (case.visitor_email, case.about) == ("ana@example.org", request)
    assert not is_in(inside)
    assert mails_to("ana@example.org")[-1] == mails_to(NEW)[-1] == "account_stopped"
    assert "nobody can sign in" in mail_to(NEW, "account_stopped")


def test_a_stopped_account_says_what_happens_next(world: World, lindiwe: User) -> None:
    request = asked(world.ana, lindiwe)
    lost_addresses.freeze_by_link(request=request, at=timezone.now())
    client = Client()
    answer = client.post(LOGIN, {"login": "ana@example.org", "password": PASSWORD}, follow=True)
    page = answer.content.decode()
    assert answer.redirect_chain[-1][0] == reverse("account_stopped")
    assert "Two of our staff are looking into it" in page and reverse("cases:contact") in page
    wrong = Client().post(LOGIN, {"login": "ana@example.org", "password": "wrong one"}, follow=True)
    assert not wrong.redirect_chain  # who does not know the password learns nothing


def test_a_link_that_is_forged_or_too_old_does_nothing(world: World, lindiwe: User, thabo: User) -> None:
    request = approved(world.ana, lindiwe, thabo, at=timezone.now() - timedelta(days=14, minutes=1))
    for path in [stop_path(request), "/accounts/stop/nonsense/", stop_path(request)[:-3] + "xx/"]:
        for answer in (Client().get(path), Client().post(path)):
            assert "This link doesn’t work any more" in answer.content.decode(), path
    assert not AccountFreeze.objects.exists()
    assert User.objects.get(pk=world.ana.user_id).is_active


def test_two_people_release_a_stopped_account(world: World, lindiwe: User, thabo: User) -> None:
    freeze = lost_addresses.freeze_by_link(request=asked(world.ana, lindiwe), at=timezone.now())
    now = timezone.now()
    table = [
        ("unasked", lambda: lost_addresses.release_account(freeze=freeze, by=thabo, at=now)),
        ("empty", lambda: lost_addresses.ask_to_release(freeze=freeze, reason=" ", by=thabo, at=now)),
        ("own", lambda: lost_addresses.ask_to_release(freeze=freeze, reason="Me", by=world.ana.user, at=now)),
        ("", lambda: lost_addresses.ask_to_release(freeze=freeze, reason="Her passport", by=lindiwe, at=now)),
        ("asked", lambda: lost_addresses.ask_to_release(freeze=freeze, reason="Again", by=thabo, at=now)),
        ("second_person", lambda: lost_addresses.release_account(freeze=freeze, by=lindiwe, at=now)),
        ("own", lambda: lost_addresses.release_account(freeze=freeze, by=world.ana.user, at=now)),
        ("", lambda: lost_addresses.keep_stopped(freeze=freeze, by=thabo, at=now)),
        ("unasked", lambda: lost_addresses.release_account(freeze=freeze, by=thabo, at=now)),
        ("", lambda: lost_addresses.ask_to_release(freeze=freeze, reason="Her passport", by=thabo, at=now)),
        ("", lambda: lost_addresses.release_account(freeze=freeze, by=lindiwe, at=now)),
        ("released", lambda: lost_addresses.release_account(freeze=freeze, by=lindiwe, at=now)),
        ("released", lambda: lost_addresses.keep_stopped(freeze=freeze, by=lindiwe, at=now)),
    ]
    for number, (code, call) in enumerate(table):
        if code:
            assert code_of(call) == code, number
        else:
            call()
    user = User.objects.get(pk=world.ana.user_id)
    assert user.is_active and not user.has_usable_password()  # a password from before is not trusted
    assert reverse("account_reset_password") in mail_to("ana@example.org", "account_released")
    assert code_of(lambda: lost_addresses.freeze_by_link(request=freeze.lost_address, at=now)) == "used"


def test_the_database_refuses_a_release_by_one_person(world: World, lindiwe: User, thabo: User) -> None:
    freeze = lost_addresses.freeze_by_link(request=asked(world.ana, lindiwe), at=timezone.now())
    rows, now = AccountFreeze.objects.filter(pk=freeze.pk), timezone.now()
    for values in [
        {"released_by": thabo, "released_at": now},
        {"asked_by": thabo, "asked_at": now, "released_by": thabo, "released_at": now},
        {"asked_by": thabo},
        {"released_at": now},
        {"released_by": thabo},
    ]:
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**values)


def test_an_address_can_be_changed_while_the_account_is_stopped_and_it_stays_stopped(
    world: World, lindiwe: User, thabo: User
) -> None:
    lost_addresses.freeze_by_link(request=approved(world.ana, lindiwe, thabo), at=timezone.now())
    member = Member.objects.get(pk=world.ana.pk)
    right = asked(member, thabo, new_email="right@example.org")
    lost_addresses.approve_change(request=right, by=lindiwe, at=timezone.now())
    user = User.objects.get(pk=world.ana.user_id)
    assert (user.email, user.is_active) == ("right@example.org", False)
