"""Pages of the admin on which two people merge two accounts of one person, and undo it (R69)."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cps_portal.site import account_merges
from kitbag.actions.removals import remove_registration
from kitbag.enums import RemovalReason
from kitbag.models import MergedRegistration
from members.models import AccountMerge, Member
from tests.admin.conftest import SignIn
from tests.factories import UserFactory, draft, submitted, validated
from tests.world import World, join

pytestmark = pytest.mark.django_db


@pytest.fixture
def lindiwe(staff: SignIn) -> Client:
    return staff("Support", email="lindiwe@example.org")


@pytest.fixture
def thabo(staff: SignIn) -> Client:
    return staff("Support", email="thabo@example.org")


@pytest.fixture
def double(world: World) -> Member:
    member = join("Anna", "ZA", world.terms, timezone.now())
    validated(member, world.lens, "200000000001", at=timezone.now())
    member.refresh_from_db()
    return member


def page_of(member: Member) -> str:
    return reverse("admin:merge_accounts", args=[member.pk])


def propose(client: Client, world: World, double: Member, **typed: str) -> tuple[str, str]:
    """Fill in the form; where it leads, and the page."""
    form = {"other": double.number, "reason": "Same face on the card", **typed}
    answer = client.post(page_of(world.ana), form, follow=True)
    return (answer.redirect_chain[-1][0] if answer.redirect_chain else ""), answer.content.decode()


def test_one_proposes_line_by_line_and_another_one_merges_and_undoes(
    world: World, double: Member, lindiwe: Client, thabo: Client
) -> None:
    for typed in (double.number, double.number_in_groups, "ANNA@example.org"):
        preview = lindiwe.get(page_of(world.ana), {"other": typed}).content.decode()
        for words in ["Ana Example", "Anna Example", "1 product comes along", "Propose the merge", double.user.email]:
            assert words in preview, (typed, words)
    plan = account_merges.plan_merge(
        survivor=Member.objects.get(pk=world.ana.pk), ended=Member.objects.get(pk=double.pk), at=timezone.now()
    )
    assert f"{plan.points:,}" in preview
    page, own = propose(lindiwe, world, double)
    assert "so a colleague has to decide" in own and 'value="merge"' not in own
    lindiwe.post(page, {"do": "merge"})
    assert AccountMerge.objects.get().is_open
    assert 'value="merge"' in thabo.get(page).content.decode()
    done = thabo.post(page, {"do": "merge"}, follow=True).content.decode()
    assert "Both addresses are told" in done and 'value="undo"' in done
    assert Member.objects.get(pk=world.ana.pk).points == plan.points
    assert "decided meanwhile" in thabo.post(page, {"do": "merge"}, follow=True).content.decode()
    undone = lindiwe.post(page, {"do": "undo"}, follow=True).content.decode()
    assert "Undone." in undone and 'value="undo"' not in undone
    assert Member.objects.get(pk=double.pk).closed_at is None


def test_the_other_one_can_stay(world: World, double: Member, lindiwe: Client, thabo: Client) -> None:
    page, _own = propose(lindiwe, world, double, swap="1")
    thabo.post(page, {"do": "merge"})
    assert Member.objects.get(pk=world.ana.pk).merged_into == double


def test_wrong_input_is_answered_in_words(world: World, double: Member, lindiwe: Client) -> None:
    for typed, words in [
        ({"other": ""}, "Type the number or the address"),
        ({"other": "   "}, "Type the number or the address"),
        ({"other": "4711"}, "There is no member with this number"),
        ({"other": "nobody@example.org"}, "There is no member with this number"),
        ({"other": "nul\0"}, ""),
        ({"other": "x" * 300}, "at most 254 characters"),
        ({"other": "%_"}, "There is no member with this number"),
        ({"other": world.ana.number}, "These are the same account"),
        ({"reason": ""}, "Say how you know that it is one person"),
        ({"reason": "x" * 2001}, "at most 2000 characters"),
    ]:
        leads, page = propose(lindiwe, world, double, **typed)
        assert leads == "", typed
        assert words in page, typed
    assert not AccountMerge.objects.exists()


def test_what_has_to_be_done_before_is_named_and_there_is_no_button(
    world: World, double: Member, lindiwe: Client, thabo: Client
) -> None:
    page, _own = propose(lindiwe, world, double)
    submitted(double, world.body, "58211", insisted=True, at=timezone.now())
    for client, where in [(lindiwe, f"{page_of(world.ana)}?other={double.number}"), (thabo, page)]:
        shown = client.get(where).content.decode()
        assert "wait for a check" in shown
        assert "Propose the merge" not in shown and 'value="merge"' not in shown
    assert "wait for a check" in thabo.post(page, {"do": "merge"}, follow=True).content.decode()
    assert AccountMerge.objects.get().is_open


def test_a_merge_that_something_depends_on_says_what(
    world: World, double: Member, lindiwe: Client, thabo: Client
) -> None:
    page, _own = propose(lindiwe, world, double)
    thabo.post(page, {"do": "merge"})
    became = MergedRegistration.objects.get().became
    remove_registration(registration=became, reason=RemovalReason.SOLD, by=world.ana.user, at=timezone.now())
    shown = thabo.get(page).content.decode()
    assert "Products have been changed since" in shown and 'value="undo"' not in shown
    assert "Open a case with the member" in thabo.post(page, {"do": "undo"}, follow=True).content.decode()


def test_nobody_else_opens_these_pages(world: World, double: Member, staff: SignIn) -> None:
    merge = account_merges.propose_merge(
        survivor=world.ana, ended=double, reason="Same face", by=UserFactory(), at=timezone.now()
    )
    pages = [
        page_of(world.ana),
        f"{page_of(world.ana)}?other={double.number}",
        reverse("admin:members_accountmerge_changelist"),
        reverse("admin:members_accountmerge_change", args=[merge.pk]),
        reverse("admin:kitbag_mergedregistration_changelist"),
        reverse("admin:kitbag_mergedadjustment_changelist"),
    ]
    member, visitor = Client(), Client()
    member.force_login(world.ana.user)
    wrong = []
    for name, client, expected in [
        ("Programme", staff("Programme"), {403}),
        ("Centre", staff("Centre"), {403}),
        ("no group", staff(""), {403}),
        ("without second factor", staff("Support", second_factor=False), {302}),
        ("member", member, {302, 403}),
        ("visitor", visitor, {302}),
        ("Support", staff("Support"), {200}),
        ("superuser", staff(is_superuser=True), {200}),
    ]:
        for page in pages:
            codes = {client.get(page).status_code}
            if expected != {200}:
                codes.add(client.post(page, {"do": "merge"}).status_code)
            if codes - expected:
                wrong.append((page, name, codes))
    assert wrong == []
    assert AccountMerge.objects.get().is_open


def test_the_number_of_queries_does_not_depend_on_what_is_in_the_accounts(
    world: World, double: Member, lindiwe: Client
) -> None:
    where = f"{page_of(world.ana)}?other={double.number}"
    lindiwe.get(where)
    with CaptureQueriesContext(
        connection,
    ) as few:
        lindiwe.get(where)
    for n in range(5):
        draft(double, world.body, timezone.now())
        validated(double, world.pro_body, f"20000000020{n}", at=timezone.now())
    with CaptureQueriesContext(connection) as many:
        lindiwe.get(where)
    assert len(many) <= len(few)
    assert len(few) <= 60
