"""Adjustments of points, upcoming changes on the page of a member, and ledger checks (R21, R54)."""

from datetime import timedelta

from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kitbag.actions.adjustments import adjust_points
from kitbag.enums import Stage
from kitbag.models import Adjustment, LedgerCheck, PointsEntry
from tests.admin.conftest import SignIn
from tests.factories import announced, moved, plan
from tests.world import World

CHECKS = "/admin/kitbag/ledgercheck/"


def page_of(world: World) -> str:
    return reverse("admin:members_member_change", args=[world.ana.pk])


def give(world: World) -> str:
    return reverse("admin:kitbag_adjustment_give", args=[world.ana.pk])


def test_points_are_added_after_a_preview_of_the_level_and_only_once(as_support: Client, world: World) -> None:
    assert give(world) in as_support.get(page_of(world)).content.decode()
    typed = {"points": "700", "reason": "Sorry for the delay", "expires_on": ""}
    looked = as_support.post(give(world), typed)
    assert looked.context["after"] == {"points": 1700, "level": "Platinum", "moves": True}
    assert not Adjustment.objects.exists()
    again = {**typed, "previewed": looked.context["previewed"]}
    other = as_support.post(give(world), {**again, "points": "7000"})
    assert other.context["after"]["points"] == 8000
    as_support.post(give(world), again)
    twice = as_support.post(give(world), again)
    assert twice.context["after"]["points"] == 2400
    row = Adjustment.objects.get()
    assert (row.points, row.reason, row.expires_on) == (700, "Sorry for the delay", None)
    world.ana.refresh_from_db()
    assert (world.ana.points, world.ana.level) == (1700, "platinum")
    assert LogEntry.objects.count() == 1


BAD = [
    ("points", ""),
    ("points", "0"),
    ("points", "-3"),
    ("points", "x"),
    ("points", "9" * 30),
    ("reason", " "),
    ("reason", "\x00"),
    ("reason", "x" * 201),
    ("expires_on", "2020-01-01"),
    ("expires_on", "2999-01-01"),
    ("expires_on", "soon"),
]


def test_a_bad_adjustment_is_refused_beside_its_field(as_support: Client, world: World) -> None:
    for field, value in BAD:
        typed = {"points": "5", "reason": "Sorry", "expires_on": "", field: value}
        answer = as_support.post(give(world), typed)
        if not answer.context["form"].errors:  # what only the action knows is said on the second press
            answer = as_support.post(give(world), {**typed, "previewed": answer.context["previewed"]})
        assert answer.context["form"].errors[field], (field, value)
    assert not Adjustment.objects.exists()


def test_an_adjustment_is_ended_once_after_a_preview(as_support: Client, world: World) -> None:
    row = adjust_points(
        member=world.ana, points=700, reason="Sorry", expires_on=None, by=world.staff, at=timezone.now()
    )
    end = reverse("admin:kitbag_adjustment_end", args=[row.pk])
    assert "End now…" in as_support.get("/admin/kitbag/adjustment/").content.decode()
    assert as_support.get(end).context["after"] == {"points": 1000, "level": "Gold", "moves": True}
    assert not Adjustment.objects.get().ended_at
    as_support.post(end)
    assert Adjustment.objects.get().ended_by is not None
    assert "already ended" in as_support.post(end, follow=True).content.decode()
    assert LogEntry.objects.count() == 1


def test_the_page_of_a_member_links_entries_to_their_cause_and_shows_upcoming_changes(
    as_support: Client, world: World
) -> None:
    now = timezone.now()
    done = moved(world.lens, Stage.SUPERSEDED, now)
    ahead = announced(plan(world.body, Stage.SUPERSEDED, now), now)
    ends = timezone.localdate() + timedelta(days=20)
    row = adjust_points(member=world.ana, points=40, reason="Fair stand", expires_on=ends, by=world.staff, at=now)
    text = as_support.get(page_of(world)).content.decode()
    assert reverse("admin:kitbag_stagechange_change", args=[done.pk]) in text
    assert reverse("admin:kitbag_stagechange_change", args=[ahead.pk]) in text
    assert text.count(reverse("admin:kitbag_adjustment_change", args=[row.pk])) == 2  # ledger, ahead
    for entry in PointsEntry.objects.filter(registration__isnull=False):
        assert reverse("admin:kitbag_registration_change", args=[entry.registration_id]) in text
    assert "920 → 880" in text
    assert "880 → 700" in text


def test_adjusting_needs_its_permission(staff: SignIn, world: World) -> None:
    row = adjust_points(member=world.ana, points=5, reason="Sorry", expires_on=None, by=world.staff, at=timezone.now())
    client = staff("Programme")
    assert "End now…" not in client.get("/admin/kitbag/adjustment/").content.decode()
    for door in (give(world), reverse("admin:kitbag_adjustment_end", args=[row.pk])):
        assert client.get(door).status_code == 403
        assert client.post(door, {"points": "5", "reason": "x"}).status_code == 403


def test_a_ledger_check_reports_whether_all_points_agree(as_support: Client, world: World) -> None:
    now = timezone.now()
    LedgerCheck.objects.create(started_at=now, finished_at=now, members=3)
    LedgerCheck.objects.create(started_at=now)
    bad = LedgerCheck.objects.create(started_at=now, finished_at=now, wrong_points=1, differing=[world.ana.number])
    text = as_support.get(CHECKS).content.decode()
    assert [text.count(word) for word in ("everything agrees", "not finished", "icon-yes", "icon-no")] == [1, 1, 1, 1]
    page = as_support.get(f"{CHECKS}{bad.pk}/change/").content.decode()
    assert f"?q={world.ana.number}" in page
    assert as_support.get(f"{CHECKS}add/").status_code == 403
