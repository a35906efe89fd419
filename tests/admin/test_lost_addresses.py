"""Pages of the admin on which two people change a lost sign-in address and release a stopped account (R69)."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cps_portal.site import lost_addresses
from members.models import AccountFreeze, LostAddress, User
from tests.admin.conftest import SignIn
from tests.factories import UserFactory
from tests.files.samples import jpeg
from tests.world import World

NEW = "new@example.org"
pytestmark = pytest.mark.django_db


@pytest.fixture
def lindiwe(staff: SignIn) -> Client:
    return staff("Support", email="lindiwe@example.org")


@pytest.fixture
def thabo(staff: SignIn) -> Client:
    return staff("Support", email="thabo@example.org")


def ask(client: Client, world: World, **typed: object) -> tuple[str, str]:
    """Fill in the form; where it leads, and the page."""
    url = reverse("admin:lost_address", args=[world.ana.pk])
    form = {"new_email": NEW, "reason": "Knew the serial number of her R1", **typed}
    answer = client.post(url, form, follow=True)
    return (answer.redirect_chain[-1][0] if answer.redirect_chain else ""), answer.content.decode()


def test_one_asks_with_evidence_and_another_one_approves(world: World, lindiwe: Client, thabo: Client) -> None:
    passport = SimpleUploadedFile("passport.jpg", jpeg(), "image/jpeg")
    page, own = ask(lindiwe, world, files=passport)
    assert "so a colleague has to decide" in own and 'value="approve"' not in own
    row = LostAddress.objects.get()
    file = row.files.get().file
    seen = thabo.get(page).content.decode()
    assert "Knew the serial number" in seen and file.get_absolute_url() in seen and 'value="approve"' in seen
    assert thabo.get(file.get_absolute_url()).status_code == 200
    answer = thabo.post(page, {"do": "approve"}, follow=True).content.decode()
    assert "Both addresses are told" in answer and 'value="approve"' not in answer
    assert User.objects.get(pk=world.ana.user_id).email == NEW
    member = Client()
    member.force_login(User.objects.get(pk=world.ana.user_id))
    assert member.get(file.get_absolute_url()).status_code == 404  # somebody else may have sent it in her name


def test_wrong_input_is_answered_beside_its_field_and_nothing_is_lost(world: World, lindiwe: Client) -> None:
    for typed, words in [
        ({"new_email": ""}, "Type the address that the member can read"),
        ({"new_email": "no address"}, "This is not an email address"),
        ({"new_email": "ben@example.org"}, "Another account uses this address"),
        ({"new_email": "ana@example.org"}, "the address that the account has now"),
        ({"reason": "   "}, "Say how you know"),
        ({"reason": "x" * 2001}, "at most 2000 characters"),
        ({"new_email": "a\0b@example.org"}, ""),
        ({"reason": "nul\0"}, ""),
        ({"files_keys": "x" * 99}, "no longer there"),
        ({"files": SimpleUploadedFile("virus.exe", b"MZ", "image/jpeg")}, "Only photos"),
    ]:
        leads, page = ask(lindiwe, world, **typed)
        assert leads == "", typed
        assert words in page, typed
        assert "Knew the serial number of her R1" in page or "reason" in typed
    assert not LostAddress.objects.exists()


def test_a_second_request_and_a_second_decision_are_refused_in_words(
    world: World, lindiwe: Client, thabo: Client
) -> None:
    page, _shown = ask(lindiwe, world)
    leads, again = ask(thabo, world, new_email="third@example.org")
    assert leads == "" and page in again
    lindiwe.post(page, {"do": "approve"})
    assert LostAddress.objects.get().is_open
    assert "A colleague has to look at it" in lindiwe.post(page, {"do": "approve"}, follow=True).content.decode()
    thabo.post(page, {"do": "refuse"})
    assert "decided meanwhile" in thabo.post(page, {"do": "approve"}, follow=True).content.decode()
    assert User.objects.get(pk=world.ana.user_id).email == "ana@example.org"


def test_two_people_release_a_stopped_account_on_its_page(world: World, lindiwe: Client, thabo: Client) -> None:
    ask(lindiwe, world)
    freeze = lost_addresses.freeze_by_link(request=LostAddress.objects.get(), at=timezone.now())
    page = reverse("admin:members_accountfreeze_change", args=[freeze.pk])
    assert (
        "has stopped this account"
        in thabo.get(reverse("admin:members_lostaddress_change", args=[freeze.lost_address_id])).content.decode()
    )
    assert "Say what you found out" in lindiwe.post(page, {"do": "ask", "reason": ""}).content.decode()
    lindiwe.post(page, {"do": "ask", "reason": "Saw her passport"})
    assert 'value="release"' not in lindiwe.get(page).content.decode()
    lindiwe.post(page, {"do": "release"})
    assert AccountFreeze.objects.standing().exists()
    assert "Saw her passport" in thabo.get(page).content.decode()
    assert "Released." in thabo.post(page, {"do": "release"}, follow=True).content.decode()
    assert User.objects.get(pk=world.ana.user_id).is_active


def test_nobody_else_opens_these_pages(world: World, staff: SignIn) -> None:
    request = lost_addresses.request_change(
        member=world.ana, new_email=NEW, reason="Called back", attached=[], by=UserFactory(), at=timezone.now()
    )
    freeze = lost_addresses.freeze_by_link(request=request, at=timezone.now())
    pages = [
        reverse("admin:lost_address", args=[world.ben.pk]),
        reverse("admin:members_lostaddress_changelist"),
        reverse("admin:members_lostaddress_change", args=[request.pk]),
        reverse("admin:members_lostaddressfile_changelist"),
        reverse("admin:members_accountfreeze_changelist"),
        reverse("admin:members_accountfreeze_change", args=[freeze.pk]),
    ]
    member, visitor = Client(), Client()
    member.force_login(world.ben.user)
    visits = [
        ("Programme", staff("Programme"), {403}),
        ("Centre", staff("Centre"), {403}),
        ("no group", staff(""), {403}),
        ("without second factor", staff("Support", second_factor=False), {302}),
        ("member", member, {302, 403}),
        ("visitor", visitor, {302}),
        ("Support", staff("Support"), {200}),
        ("superuser", staff(is_superuser=True), {200}),
    ]
    wrong = []
    for page in pages:
        for name, client, expected in visits:
            codes = {client.get(page).status_code}
            if expected != {200}:
                codes.add(client.post(page, {"do": "approve"}).status_code)
            if codes - expected:
                wrong.append((page, name, codes))
    assert wrong == []
    assert LostAddress.objects.get().is_open and AccountFreeze.objects.get().asked_by is None


def test_missing_rows_and_erased_members_are_not_found(as_support: Client, world: World) -> None:
    type(world.ben).objects.filter(pk=world.ben.pk).update(
        closed_at=timezone.now(), erased_at=timezone.now(), first_name="", last_name="", specialty=""
    )
    for page in [
        reverse("admin:lost_address", args=[world.ben.pk]),
        reverse("admin:lost_address", args=[4711]),
        reverse("admin:members_lostaddress_change", args=[4711]),
        reverse("admin:members_accountfreeze_change", args=[4711]),
    ]:
        assert as_support.get(page).status_code == 404, page


def test_the_list_finds_a_request_by_either_address_and_by_the_member(world: World, lindiwe: Client) -> None:
    ask(lindiwe, world)
    listing = reverse("admin:members_lostaddress_changelist")
    for term in ["NEW@example.org", "ana@example", "Ana", world.ana.number]:
        assert lindiwe.get(listing, {"q": term}).context["cl"].result_count == 1, term
    assert re.search(r"Waits for a second person", lindiwe.get(listing).content.decode())


def test_the_whole_member_leads_to_what_two_people_decide(world: World, lindiwe: Client, staff: SignIn) -> None:
    whole_member = reverse("admin:members_member_change", args=[world.ana.pk])
    page = lindiwe.get(whole_member).content.decode()
    assert reverse("admin:lost_address", args=[world.ana.pk]) in page
    assert reverse("admin:merge_accounts", args=[world.ana.pk]) in page
    ask(lindiwe, world)
    freeze = lost_addresses.freeze_by_link(request=LostAddress.objects.get(), at=timezone.now())
    link = reverse("admin:members_accountfreeze_change", args=[freeze.pk])
    assert link in lindiwe.get(whole_member).content.decode()
    assert link not in staff("Programme").get(whole_member).content.decode()
