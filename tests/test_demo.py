"""The demonstration world is created once, by the portal's own actions, and never by mistake."""

from io import StringIO

import pytest
from django.apps import apps
from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db.models import Sum
from django.utils import timezone
from pytest_django import Settings

from cps_portal.core.partners.models import Credential
from cps_portal.dev.demo import partners as demo_partners
from cps_portal.dev.demo import reviews as demo_reviews
from cps_portal.dev.demo import world
from kitbag.enums import Stage
from kitbag.models import Appeal, PointsEntry, Product, Registration
from members.enums import Level
from members.models import LevelChange, Member, User
from members.support.models import CannedAnswer, Case
from servicing.models import Ticket

OURS = {"members", "cases", "kitbag", "servicing", "outbox", "partners", "offers"}


def make() -> str:
    out = StringIO()
    call_command("make_demo", even_in_production=True, stdout=out)
    return out.getvalue()


def everything() -> dict[str, list[dict[str, object]]]:
    models = [model for model in apps.get_models() if model._meta.app_label in OURS]
    return {model._meta.label: list(model._default_manager.order_by("pk").values()) for model in models}


def level(name: str) -> str:
    return Member.objects.get(user__email=f"{name}@example.org").level


def test_it_is_refused_where_invented_members_are_not_allowed(db: None, settings: Settings) -> None:
    settings.CROWDS_ALLOWED = False
    with pytest.raises(CommandError, match="production"):
        call_command("make_demo")
    assert not User.objects.exists()


def shows_all_of_servicing() -> None:
    """Jobs in every situation that the pages and the API of centres have something to say about."""
    jobs = Ticket.objects.filter(ended_at=None)
    situations = {
        "on its way, with tracking": jobs.filter(state="in_transit").exclude(shipments__number=""),
        "on time": jobs.filter(booked_in_at__isnull=False, missed_at=None, paused=False),
        "late, with its loan out": jobs.filter(loan_out=True, loan_wanted=True).exclude(missed_at=None),
        "an estimate with a discount": jobs.filter(state="estimate_sent", estimates__lines__kind="discount"),
        "a question": jobs.filter(state="assessed", paused=True),
        "the same fault again": jobs.filter(follows__isnull=False, state="booked_in"),
        "ready, one of them packed": jobs.filter(state="ready", packed__isnull=False),
        "a visiting member": jobs.filter(visitor__isnull=False),
        "a request for the guides": jobs.filter(state="requested", centre__partner__slug="sample-centre"),
    }
    assert [title for title, rows in situations.items() if not rows.exists()] == []
    finished = Ticket.objects.filter(state="closed")
    assert set(finished.values_list("level", flat=True)) == {"silver", "gold", "platinum"}
    assert len({at.strftime("%Y-%m") for at in finished.values_list("opened_at", flat=True)}) >= 6
    assert 0 < finished.exclude(missed_at=None).count() < finished.count() / 2
    assert len(set(Case.objects.values_list("state", flat=True))) >= 4


@pytest.mark.wide
def test_it_is_complete_even_after_an_interruption_and_a_second_run_changes_nothing(groups: dict[str, Group]) -> None:
    for load in ("load_catalogue", "load_programme", "load_centres"):
        call_command(load, verbosity=0)
    # Interrupted at the worst moment: a superseded product is current, so that Ana can have registered it in time.
    world.create_staff()
    world.create_ana_before_supersession()
    assert Product.objects.get(slug=world.SUPERSEDED).stage == Stage.CURRENT

    output = make()
    assert all(person.email in output for person in world.CAST)
    assert world.PASSWORD in output
    for kind, (slug, _name) in demo_partners.SANDBOX.items():
        assert slug in output
        sandbox = Credential.objects.get(client_id=slug)
        assert (sandbox.partner.kind, sandbox.is_live(timezone.now())) == (kind, True)
        assert check_password(demo_partners.SECRET, sandbox.client_secret)
    assert Case.objects.count() > 4, "cases of every kind for the desk"
    assert CannedAnswer.objects.exists()
    levels = [level(name) for name in ("ana", "ben", "chloe", "dana", "emil")]
    assert levels == [Level.GOLD, Level.RED, Level.SILVER, Level.GOLD, Level.PLATINUM]
    for member in Member.objects.annotate(ledger=Sum("entries__amount")):
        assert member.points == (member.ledger or 0)
    assert Registration.objects.queue().count() == 2 + len(demo_reviews.WAITING) + 1
    appeal = Appeal.objects.get()
    assert User.objects.filter(groups__name="Support").exclude(pk=appeal.refused_by_id).exists(), "a second person"
    assert Registration.objects.filter(member__user__email="emil@example.org").count() == world.EMIL_PRODUCTS

    # The supersession is in Ana's history, and the catalogue is as it was.
    supersessions = PointsEntry.objects.filter(cause="superseded")
    assert [entry.member.user.email for entry in supersessions] == ["ana@example.org"]
    assert LevelChange.objects.filter(from_level=Level.GOLD, to_level=Level.SILVER).count() == 1
    assert Product.objects.get(slug=world.SUPERSEDED).stage == Stage.SUPERSEDED

    shows_all_of_servicing()

    before = everything()
    assert "nothing was changed" in make()
    assert everything() == before
