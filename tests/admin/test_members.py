"""Staff find a member with one search box, and see everything on one page."""

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cps_portal.site.templatetags.portal import with_labels
from kitbag.actions import registrations, review
from kitbag.enums import RefusalReason
from tests.factories import draft, submitted
from tests.rows import each_row
from tests.world import World

LIST = "/admin/members/member/"


def page(world: World) -> str:
    return reverse("admin:members_member_change", args=[world.ana.pk])


@each_row(
    "typed",
    [
        "{number}",
        "{groups}",
        " {groups} ",
        "ana@example.org",
        "ANA@example",
        "100000000001",
        "1000 0000-0001",
        "Ana Example",
        "exa ana",
    ],
)
def test_a_member_is_found_by_number_address_name_or_serial(as_support: Client, world: World, typed: str) -> None:
    text = typed.format(number=world.ana.number, groups=world.ana.number_in_groups)
    assert [row.pk for row in as_support.get(LIST, {"q": text}).context["cl"].result_list] == [world.ana.pk]


def test_a_search_without_a_match_finds_no_member(as_support: Client, world: World) -> None:
    for typed in ["999", "zoe@", "!!!", "44"]:
        assert as_support.get(LIST, {"q": typed}).context["cl"].result_count == 0


def test_the_page_says_why_each_product_is_grey(as_support: Client, world: World) -> None:
    now = timezone.now()
    draft(world.ana, world.body)
    shape = submitted(world.ana, world.body, "77120", insisted=True)
    registrations.check_registration(registration=shape, at=now)
    wrong = submitted(world.ana, world.body, "052021007718")
    reason = RefusalReason.SERIAL_UNREADABLE
    review.refuse_registration(registration=wrong, reason=reason, by=world.staff, at=now)
    text = as_support.get(page(world)).content.decode()
    assert "Missing: serial number, country of purchase, date of purchase and store." in text
    assert "The serial number looks unusual" in text
    assert "We couldn’t confirm the serial number." in text
    assert "All four details are complete and checked." in text  # the ledger
    assert "Red → Silver" in text


def test_corrected_names_go_through_the_action_and_nothing_else_changes(as_support: Client, world: World) -> None:
    forged = {"points": "9", "level": "platinum", "country": "TR"}
    names = {"first_name": "Anna", "last_name": "Example", "specialty": ""}
    assert as_support.post(page(world), {**names, **forged}).status_code == 302
    world.ana.refresh_from_db()
    assert (world.ana.first_name, world.ana.level, world.ana.country.code) == ("Anna", "gold", "ZA")
    assert world.ana.points == 1000
    history = as_support.get("/admin/members/memberevent/").content.decode()
    assert page(world) in history  # where
    event = world.ana.pgh_event_model.objects.latest("pgh_id")  # type: ignore[attr-defined]
    details = as_support.get(reverse("admin:members_memberevent_change", args=[event.pk])).content.decode()
    assert "“Ana” → “Anna”" in details


def test_each_cell_of_a_list_names_its_column_for_phones(as_root: Client, world: World) -> None:
    page = as_root.get("/admin/members/member/").content.decode()
    assert f'<td data-label="Level" class="field-level">{world.ana.get_level_display()}</td>' in page
    cells = ['<td class="action-checkbox"><input></td>', '<th class="field-a">A</th>']
    heads = [{"text": "<input>", "class_attrib": ' class="action-checkbox-column"'}, {"text": 'the "A"'}]
    assert with_labels([cells], heads) == [
        (
            '<td data-label="" class="action-checkbox"><input></td>'
            '<th data-label="The &quot;A&quot;" class="field-a">A</th>'
        ),
    ]


def test_members_are_neither_added_nor_deleted_here(as_root: Client, world: World) -> None:
    assert as_root.get("/admin/members/member/add/").status_code == 403
    assert as_root.post(reverse("admin:members_member_delete", args=[world.ben.pk]), {"post": "yes"}).status_code == 403


def test_staff_cannot_change_the_country_past_the_rules_of_moving(world: World, as_root: Client) -> None:
    """R6: the country is read-only in the admin; it changes by moving only."""
    page = as_root.get(f"/admin/members/member/{world.ana.pk}/change/")
    assert page.status_code == 200
    assert 'name="country"' not in page.text
