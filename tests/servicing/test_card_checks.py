"""A foreign card is checked without a job, by support, at a centre or at the door of an event (R5, R54, R65)."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cps_portal.core.submissions.tokens import FIELD
from members.enums import AccessKind
from members.models import StaffAccess
from servicing.actions.erasure import VISITORS_KEPT_FOR, erase_visitors
from servicing.enums import CardOutcome
from servicing.models import CardRule, ServiceCentre, Ticket, VisitingMember
from tests.admin.conftest import signed_in
from tests.factories import UserFactory
from tests.offers.test_guests import event
from tests.rows import each_row
from tests.servicing.jobs import a_centre
from tests.servicing.test_desk import works_at
from tests.servicing.test_visiting import open_job
from tests.world import World

pytestmark = pytest.mark.django_db
CHECK = reverse("admin:servicing_visitingmember_check")


@pytest.fixture
def centre(world: World) -> ServiceCentre:
    return a_centre()


@pytest.fixture
def desk(centre: ServiceCentre, groups: dict[str, Group]) -> Client:
    return signed_in(works_at(centre, groups))


@pytest.fixture
def support(groups: dict[str, Group]) -> Client:
    user = UserFactory(is_staff=True)
    user.groups.add(groups["Support"])
    return signed_in(user)


def check(client: Client, **typed: object) -> Any:
    facts = {
        "region": "japan",
        "card_number": "JP 7001 2345",
        "name": "Haruka Sample",
        "expires_on": (timezone.localdate() + timedelta(days=300)).isoformat(),
    }
    return client.post(CHECK, {**facts, **typed})


def told(client: Client, answer: Any) -> str:
    assert answer.status_code == 302, answer.content.decode()[:4000]
    return " ".join(client.get(answer.url).content.decode().split())


def test_support_checks_a_card_for_a_centre_without_a_job(world: World, centre: ServiceCentre, support: Client) -> None:
    CardRule.objects.create(region="japan", check_on_card="A crane in the corner.", what_they_get="Tea for guests.")
    assert "A crane in the corner." in support.get(CHECK).content.decode()
    page = told(support, check(support, centre=centre.pk))
    for sentence in (
        "Yes, a visiting member",
        f"Repair and maintenance at {centre.name} at standard speed, about 10 working days.",
        "Tea for guests.",
        "No level here, whatever the card says",
        "A crane in the corner.",
    ):
        assert sentence in page
    row = VisitingMember.objects.get()
    assert (row.outcome, row.centre, row.event, row.name) == (CardOutcome.SERVED, centre, None, "Haruka Sample")
    assert row.by and not Ticket.objects.exists()
    access = StaffAccess.objects.get(kind=AccessKind.PAGE)
    assert (access.by, access.model, access.key) == (row.by, "servicing.visitingmember", row.pk)


def test_an_expired_card_is_a_customer_like_any_other(world: World, centre: ServiceCentre, desk: Client) -> None:
    day = (centre.today(timezone.now()) - timedelta(days=1)).isoformat()
    page = told(desk, check(desk, centre=centre.pk, expires_on=day))
    assert "No, this card is no longer valid" in page and "like any other customer" in page
    assert "The renewed card" in page and "Open a job for them" not in page
    assert VisitingMember.objects.get().outcome == CardOutcome.EXPIRED


def test_a_subscription_card_is_sent_to_its_own_programme(world: World, centre: ServiceCentre, support: Client) -> None:
    ServiceCentre.objects.filter(pk=centre.pk).update(country="FR")
    page = told(support, check(support, centre=centre.pk, region="subscription"))
    assert "their own programme serves them" in page and "France is in it" in page
    assert VisitingMember.objects.get().outcome == CardOutcome.OWN_PROGRAMME
    assert "Yes, a visiting member" in told(support, check(support, centre=centre.pk))


@each_row(
    ("is_open", "days", "says"),
    [
        (True, 300, "Entry to “The safari”"),
        (False, 300, "No entry to “The safari”: it does not welcome visiting members."),
        (True, -2, "No entry to “The safari” with this card."),
    ],
)
def test_at_the_door_of_an_event_its_mark_and_the_date_decide(
    world: World, support: Client, is_open: bool, days: int, says: str
) -> None:
    safari = event(open_to_visitors=is_open)
    until = (timezone.localdate() + timedelta(days=days)).isoformat()
    page = told(support, check(support, event=safari.pk, expires_on=until))
    assert says in page
    assert "Open a job for them" not in page, "nothing is handed in at a door"
    assert VisitingMember.objects.latest("pk").event == safari


def test_what_is_missing_is_said_beside_its_field_and_nothing_typed_is_lost(
    world: World, centre: ServiceCentre, support: Client
) -> None:
    a_centre("second")
    for typed, sentence in (
        ({}, "Choose the centre or the event that it is for."),
        ({"centre": 999}, "Choose a centre from the list."),
        ({"event": "x"}, "Choose an event from the list."),
        ({"region": "mars"}, "Choose a region from the list."),
        ({"region": "other", "centre": centre.pk}, "Copy this from the card."),
        ({"expires_on": "soon", "centre": centre.pk}, "Write the day like 2026-03-31."),
        ({"card_number": "\0", "centre": centre.pk}, "Haruka Sample"),
    ):
        answer = check(support, **typed)
        text = answer.content.decode()
        assert answer.status_code == 200 and sentence in text and "Haruka Sample" in text, typed
    assert not VisitingMember.objects.exists()


def test_what_the_rule_doubts_is_asked_before_it_is_recorded(world: World, centre: ServiceCentre, desk: Client) -> None:
    CardRule.objects.create(region="japan", number_shapes="JP 9999 9999")
    asked = check(desk, centre=centre.pk, card_number="JP 1").content.decode()
    assert "numbers of another shape" in asked and "It really is like this on the card" in asked
    assert not VisitingMember.objects.exists()
    assert check(desk, centre=centre.pk, card_number="JP 1", as_on_card="on").status_code == 302
    assert check(desk, centre=centre.pk).status_code == 302


def test_a_second_press_records_one_check(world: World, centre: ServiceCentre, desk: Client) -> None:
    token = desk.get(CHECK).content.decode().split(f'name="{FIELD}" value="')[1].split('"')[0]
    first, second = (check(desk, centre=centre.pk, **{FIELD: token}) for _time in range(2))
    assert (first.status_code, second.status_code, first.url) == (302, 302, second.url)
    assert VisitingMember.objects.count() == 1


def test_checks_of_the_same_card_are_shown_to_those_who_may_see_them(
    world: World, centre: ServiceCentre, desk: Client, support: Client, groups: dict[str, Group]
) -> None:
    other = a_centre("second")
    elsewhere = signed_in(works_at(other, groups))
    told(elsewhere, check(elsewhere, centre=other.pk))
    first = check(desk, centre=centre.pk, card_number="jp 7001 2345")
    assert f", {other.name}" not in told(desk, first)
    page = told(support, check(support, centre=centre.pk))
    assert f", {other.name}" in page and page.count("Served as a visiting member") == 3
    assert elsewhere.get(first.url).status_code == 404
    assert f", {centre.name}" in told(desk, check(desk, centre=centre.pk))
    changelist = reverse("admin:servicing_visitingmember_changelist")
    assert desk.get(changelist).context["cl"].result_count == 3
    assert support.get(changelist).context["cl"].result_count == 4


def test_a_checked_card_opens_a_job_with_what_was_typed(world: World, centre: ServiceCentre, desk: Client) -> None:
    page = told(desk, check(desk, centre=centre.pk))
    link = page.split("?card=")[1].split('"')[0]
    counter = desk.get(f"{reverse('admin:servicing_ticket_open')}?card={link}").content.decode()
    assert "JP 7001 2345" in counter and "Haruka Sample" in counter
    assert "JP 7001 2345" not in desk.get(f"{reverse('admin:servicing_ticket_open')}?card=x").content.decode()
    assert open_job(desk, world, centre).status_code == 302


def test_nobody_else_checks_cards(
    world: World, as_ana: Client, groups: dict[str, Group], centre: ServiceCentre
) -> None:
    programme = UserFactory(is_staff=True)
    programme.groups.add(groups["Programme"])
    assert signed_in(programme).get(CHECK).status_code == 403
    assert as_ana.get(CHECK).status_code == 302
    assert check(as_ana, centre=centre.pk).status_code == 302
    assert not VisitingMember.objects.exists()
    root = signed_in(UserFactory(is_staff=True, is_superuser=True))
    assert "Yes, a visiting member" in told(root, check(root, centre=centre.pk))


def test_the_person_of_a_check_is_erased_and_the_check_stays(
    world: World, centre: ServiceCentre, support: Client
) -> None:
    url = check(support, centre=centre.pk).url
    now = timezone.now()
    assert erase_visitors(at=now + VISITORS_KEPT_FOR - timedelta(hours=1)) == 0
    assert erase_visitors(at=now + VISITORS_KEPT_FOR + timedelta(hours=1)) == 1
    row = VisitingMember.objects.get()
    assert (row.name, row.card_number, row.outcome, row.centre) == ("", "", CardOutcome.SERVED, centre)
    assert "Haruka" not in support.get(url).content.decode()


def test_the_database_knows_the_outcomes(world: World) -> None:
    now = timezone.now()
    with pytest.raises(IntegrityError, match="outcome_known"), transaction.atomic():
        VisitingMember.objects.create(region="asia", name="Kei", expires_on=now, at=now, outcome="lost")
