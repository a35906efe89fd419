"""Planning changes: form, preview, confirmation. What the preview showed is planned, once (R22)."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kitbag.actions.planning import Plan, cancel_change, earliest_day, plan_changes
from kitbag.enums import ProposalState, Stage
from kitbag.models import CatalogueProposal, Product, StageChange
from members.enums import ChangeState
from tests.admin.conftest import SignIn
from tests.factories import announced, applied, plan, validated
from tests.world import World

PLAN = "/admin/kitbag/stagechange/plan/"
CONFIRM = "/admin/kitbag/stagechange/confirm/"
LIST = "/admin/kitbag/stagechange/"


@pytest.fixture
def desk(staff: SignIn, world: World) -> Client:
    return staff("Programme")


def far() -> date:
    return earliest_day(timezone.now())


def filled(*rows: dict[str, Any], on: date | str | None = None) -> dict[str, Any]:
    """The form as posted; each row has a product, a stage, perhaps a successor and points."""
    data: dict[str, Any] = {"effective_on": str(on or far()), "rows-TOTAL_FORMS": len(rows), "rows-INITIAL_FORMS": 0}
    for place, row in enumerate(rows):
        data |= {f"rows-{place}-{name}": getattr(value, "pk", value) for name, value in row.items()}
    return data


def superseding(product: Product, successor: Product | None) -> dict[str, Any]:
    return {"product": product, "stage": "superseded", "successor": successor or "", "points": ""}


def confirm(client: Client, preview: Any, **data: str) -> Any:
    assert "signed" in preview.context, preview.content.decode()[-3000:]
    return client.post(CONFIRM, {"plan_request": preview.context["signed"], **data}, follow=True)


# Form, preview, confirm


def test_several_products_are_planned_in_one_go_as_previewed(desk: Client, world: World) -> None:
    chosen = {"action": "plan_chosen", "_selected_action": [world.lens.pk, world.pro_body.pk]}
    form = desk.post("/admin/kitbag/product/", chosen, follow=True)
    assert [row.initial["product"] for row in form.context["rows"]] == [world.pro_body.pk, world.lens.pk]
    preview = desk.post(PLAN, filled(superseding(world.lens, world.body), superseding(world.pro_body, world.body)))
    found = preview.context["effects"]
    assert (found.members, found.lost, found.level_changes) == (1, 120 + 300, 1)
    assert not StageChange.objects.exists()
    said = confirm(desk, preview).content.decode()
    assert "2 changes are planned." in said
    assert set(StageChange.objects.values_list("product", "before", "after", "state")) == {
        (world.lens.pk, 200, 80, "planned"),
        (world.pro_body.pk, 500, 200, "planned"),
    }
    assert all(change.planned_by is not None for change in StageChange.objects.all())
    assert LogEntry.objects.count() == 2


def test_one_product_is_planned_from_its_page_with_points_of_its_own(desk: Client, world: World) -> None:
    page = desk.get(reverse("admin:kitbag_product_change", args=[world.lens.pk])).content.decode()
    assert f"{PLAN}?products={world.lens.pk}" in page
    row = {**superseding(world.lens, None), "successor_slug": world.body.slug, "points": "60"}
    answer = confirm(desk, desk.post(PLAN, filled(row)))
    (change,) = StageChange.objects.all()
    assert (change.after, change.points_superseded, change.successor) == (60, 60, world.body)
    assert answer.redirect_chain[-1][0] == reverse("admin:kitbag_stagechange_change", args=[change.pk])


WRONG: list[tuple[dict[str, Any], str | None, tuple[str, str]]] = [
    ({"successor": ""}, None, ("successor", "Name the product that succeeds it")),
    ({"successor": "itself"}, None, ("successor", "itself succeeded")),
    ({"successor_slug": "no-such", "successor": ""}, None, ("successor", "no product with this slug")),
    ({"points": "900"}, None, ("points", "Points may only fall")),
    ({"points": "0"}, None, ("points", "never fall to 0")),
    ({"points": "99999999999999999999"}, None, ("points", "less than or equal")),
    ({"stage": "broken"}, None, ("stage", "not one of the available")),
    ({"stage": "current"}, None, ("successor", "no successor")),
    ({"successor": "99999999999999999999"}, None, ("successor", "not one of the available")),
    ({}, "2020-01-01", ("effective_on", "not in the future")),
    ({}, "2999-01-01", ("effective_on", "too far away")),
    ({}, "31/12/2027", ("effective_on", "not a date")),
]


def test_errors_are_shown_at_their_fields_and_no_input_is_lost(desk: Client, world: World) -> None:
    for row, on, (field, says) in WRONG:
        typed = {**superseding(world.lens, world.body), **row}
        if typed["successor"] == "itself":
            typed["successor"] = world.lens
        answer = desk.post(PLAN, filled(typed, on=on))
        errors = answer.context["day"].errors if field == "effective_on" else answer.context["rows"][0].errors
        assert says in str(errors[field]), row
        text = answer.content.decode()
        assert f'value="{typed["points"]}"' in text or not typed["points"]
        assert f'value="{on}"' in text or not on
    assert not StageChange.objects.exists()


MADE_UP = [
    {},
    {"rows-TOTAL_FORMS": "x", "rows-INITIAL_FORMS": "-1"},
    {"rows-TOTAL_FORMS": "1", "rows-INITIAL_FORMS": "0", "rows-0-product": "\x00", "rows-0-stage": "\x00"},
    {"rows-TOTAL_FORMS": "5000", "rows-INITIAL_FORMS": "0"},
    {"rows-TOTAL_FORMS": "1", "rows-INITIAL_FORMS": "0", "rows-0-product": "9" * 30, "effective_on": "\x00"},
]


def test_a_forged_form_is_shown_again(desk: Client) -> None:
    for data in MADE_UP:
        assert desk.post(PLAN, data).status_code == 200
    assert not StageChange.objects.exists()


def test_a_url_without_products_redirects_to_the_product_list(desk: Client) -> None:
    for wanted in ("", "abc", "9" * 40, "999999999,,\x00"):
        assert desk.get(PLAN, {"products": wanted}).headers["Location"] == "/admin/kitbag/product/"


# Short notice


def test_short_notice_asks_for_a_reason_and_keeps_the_rest(desk: Client, world: World) -> None:
    soon = timezone.localdate() + timedelta(days=9)
    preview = desk.post(PLAN, filled(superseding(world.lens, world.body), on=soon))
    assert preview.context["reason"] is not None
    asked = confirm(desk, preview)
    assert "Give a reason why it can’t wait" in str(asked.context["reason"].errors["short_notice_reason"])
    assert not StageChange.objects.exists()
    confirm(desk, asked, short_notice_reason="The maker withdrew it")
    change = StageChange.objects.get()
    assert (change.effective_on, change.short_notice_reason) == (soon, "The maker withdrew it")


def test_enough_notice_needs_no_reason_and_going_back_keeps_all_input(desk: Client, world: World) -> None:
    preview = desk.post(PLAN, filled({**superseding(world.lens, world.body), "points": "70"}))
    assert preview.context["reason"] is None
    form = confirm(desk, preview, back="1")
    row = form.context["rows"][0]
    assert (row["points"].value(), row["successor"].value()) == (70, world.body.pk)
    assert form.context["day"]["effective_on"].value() == far()


# Twice, stale, forged


def test_pressing_twice_plans_once(desk: Client, world: World) -> None:
    preview = desk.post(PLAN, filled(superseding(world.lens, world.body)))
    confirm(desk, preview)
    said = confirm(desk, preview).content.decode()
    assert "pressed the button twice" in said
    assert StageChange.objects.count() == 1


def test_a_plan_made_by_a_colleague_in_the_meantime_is_reported(desk: Client, world: World) -> None:
    preview = desk.post(PLAN, filled(superseding(world.lens, world.body)))
    plan_changes(
        plans=[plan(world.lens, Stage.UNSERVICEABLE, timezone.now(), effective_on=far())], by=None, at=timezone.now()
    )
    said = confirm(desk, preview).content.decode()
    assert "Nothing has been planned" in said
    assert "already planned for that day" in said
    assert StageChange.objects.count() == 1


@pytest.mark.parametrize("meanwhile", ["points", "member"])
def test_an_outdated_preview_is_shown_again(desk: Client, world: World, meanwhile: str) -> None:
    preview = desk.post(PLAN, filled(superseding(world.lens, world.body)))
    if meanwhile == "points":
        Product.objects.filter(pk=world.lens.pk).update(points_superseded=50)
    else:
        validated(world.ben, world.lens, "1000099")
    again = confirm(desk, preview)
    assert "Something has changed since you opened the preview" in again.content.decode()
    assert not StageChange.objects.exists()
    confirm(desk, again)
    assert StageChange.objects.count() == 1


def test_a_forged_or_borrowed_preview_plans_nothing(desk: Client, staff: SignIn, world: World) -> None:
    sealed = desk.post(PLAN, filled(superseding(world.lens, world.body))).context["signed"]
    other = staff("Programme")
    for client, text in [(desk, ""), (desk, sealed[:-2]), (desk, "\x00"), (other, sealed)]:
        assert "Start again" in client.post(CONFIRM, {"plan_request": text}, follow=True).content.decode()
    assert desk.get(CONFIRM).headers["Location"] == LIST
    assert not StageChange.objects.exists()


# Change and cancel


def test_a_plan_is_replaced_after_a_preview_without_the_old_one(desk: Client, world: World) -> None:
    old = announced(plan(world.lens, Stage.SUPERSEDED, timezone.now(), successor=world.body), timezone.now())
    page = reverse("admin:kitbag_stagechange_replace", args=[old.pk])
    form = desk.get(page)
    assert form.context["rows"][0]["stage"].value() == "superseded"
    row = {"product": world.lens, "stage": "unserviceable", "successor": "", "points": "35"}
    preview = desk.post(page, filled(row, on=far()))
    assert preview.context["effects"].lost == 165
    confirm(desk, preview)
    old.refresh_from_db()
    assert (old.state, old.replaced_by.after) == (ChangeState.CANCELLED, 35)
    said = confirm(desk, preview).content.decode()
    assert "pressed the button twice" in said
    assert "no longer planned" in desk.get(page, follow=True).content.decode()


def test_replacing_keeps_the_points_of_other_stages(desk: Client, world: World) -> None:
    own = {Stage.SUPERSEDED: 90, Stage.UNSERVICEABLE: 30}
    (old,) = plan_changes(
        plans=[Plan(world.lens, Stage.SUPERSEDED, far(), world.body, own)], by=None, at=timezone.now()
    )
    page = reverse("admin:kitbag_stagechange_replace", args=[old.pk])
    confirm(desk, desk.post(page, filled({**superseding(world.lens, world.body), "points": "100"})))
    new = StageChange.objects.get(replaces=old)
    assert (new.points_superseded, new.points_unserviceable) == (100, 30)


def test_cancelling_shows_first_how_many_members_are_notified_again(desk: Client, world: World) -> None:
    change = announced(plan(world.lens, Stage.SUPERSEDED, timezone.now()), timezone.now())
    page = reverse("admin:kitbag_stagechange_cancel", args=[change.pk])
    asked = desk.get(page)
    assert asked.context["notified"] == 1
    assert "1 member has been notified" in asked.content.decode()
    desk.post(page)
    change.refresh_from_db()
    assert change.state == ChangeState.CANCELLED
    assert "has been cancelled in the meantime" in desk.post(page, follow=True).content.decode()
    assert LogEntry.objects.count() == 1


# List and story


def test_the_page_of_a_change_from_planned_to_done(desk: Client, world: World) -> None:
    long_ago = timezone.now() - timedelta(days=100)
    today = timezone.localdate()
    planned = Plan(world.lens, Stage.SUPERSEDED, today, world.body)
    (late,) = plan_changes(plans=[planned], by=None, at=long_ago)
    page = reverse("admin:kitbag_stagechange_change", args=[late.pk])
    progress = reverse("admin:kitbag_stagechange_progress", args=[late.pk])
    assert "not all members have been notified" in desk.get(page).content.decode()
    StageChange.objects.filter(pk=late.pk).update(announced_at=timezone.now(), told=3)
    text = desk.get(page).content.decode()
    assert "It was due to take effect, but it won’t" in text
    assert "Change…" in text
    StageChange.objects.filter(pk=late.pk).update(announced_at=long_ago)
    change = applied(StageChange.objects.get(), timezone.now())
    assert "1 of 1" in desk.get(page).content.decode()
    assert "Change…" not in desk.get(page).content.decode()
    StageChange.objects.filter(pk=change.pk).update(state="running", finished_at=None, holders=200000, settled=12500)
    assert "12,500 of 200,000" in desk.get(LIST).content.decode()
    fragment = desk.get(progress).content.decode()
    assert 'value="12500" max="200000"' in fragment
    assert "every 3s" in fragment
    assert desk.get(reverse("admin:kitbag_stagechange_progress", args=[99999])).status_code == 404


# Proposals


@pytest.fixture
def proposals(world: World) -> list[CatalogueProposal]:
    return [
        CatalogueProposal.objects.create(
            product=product,
            changes={"stage": ["current", "superseded"], "successor": [None, world.body.slug]},
            proposed_at=timezone.now(),
        )
        for product in (world.lens, world.pro_body)
    ]


def lead(client: Client, action: str, rows: list[CatalogueProposal]) -> str:
    data = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post("/admin/kitbag/catalogueproposal/", data).headers["Location"]


def test_proposals_are_planned_together_from_one_day(desk: Client, proposals: list[CatalogueProposal]) -> None:
    page = lead(desk, "plan_chosen", proposals)
    assert "not in the future" in desk.post(page, {"effective_on": "2020-01-01"}).content.decode()
    preview = desk.post(page, {"effective_on": str(far())})
    assert preview.context["effects"].lost == 420
    assert "on=" in confirm(desk, preview, back="1").redirect_chain[-1][0]
    confirm(desk, preview)
    assert {row.state for row in CatalogueProposal.objects.all()} == {ProposalState.PLANNED}
    assert StageChange.objects.count() == 2
    assert "pressed the button twice" in confirm(desk, preview).content.decode()
    assert desk.get(page).headers["Location"] == "/admin/kitbag/catalogueproposal/"


def test_a_proposal_closed_since_the_preview_plans_nothing(desk: Client, proposals: list[CatalogueProposal]) -> None:
    preview = desk.post(lead(desk, "plan_chosen", proposals), {"effective_on": str(far())})
    proposals[1].state, proposals[1].closed_at = ProposalState.DECLINED, timezone.now()
    proposals[1].save()
    assert "closed in the meantime" in confirm(desk, preview).content.decode()
    assert not StageChange.objects.exists()


def test_proposals_are_declined_after_confirmation(desk: Client, proposals: list[CatalogueProposal]) -> None:
    page = lead(desk, "decline_chosen", proposals)
    assert desk.get(page).status_code == 200
    assert CatalogueProposal.objects.filter(state=ProposalState.OPEN).count() == 2
    desk.post(page)
    assert CatalogueProposal.objects.filter(state=ProposalState.DECLINED).count() == 2
    assert desk.get(page + "0000").status_code in (302, 404)


# Who may


def test_planning_needs_its_permission_and_looking_does_not(staff: SignIn, world: World) -> None:
    support = staff("Support")
    change = announced(plan(world.lens, Stage.SUPERSEDED, timezone.now()), timezone.now())
    row = CatalogueProposal.objects.create(product=world.body, changes={}, proposed_at=timezone.now())
    story = reverse("admin:kitbag_stagechange_change", args=[change.pk])
    assert support.get(story).status_code == 200
    assert "Cancel…" not in support.get(story).content.decode()
    assert "Plan a change…" not in support.get(LIST).content.decode()
    doors = [f"{LIST}{door}" for door in ("plan/", "load/", "load/sample.csv", "confirm/")]
    doors += [f"{LIST}{change.pk}/{door}/" for door in ("replace", "cancel")]
    doors += [f"/admin/kitbag/catalogueproposal/{door}/?proposals={row.pk}" for door in ("plan", "decline")]
    for door in doors:
        assert support.get(door).status_code == 403, door
        assert support.post(door).status_code == 403, door
    cancel_change(change=change, by=None, at=timezone.now())
