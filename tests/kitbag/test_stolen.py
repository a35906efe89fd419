"""Stolen kit: R34."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox.models import Message
from kitbag.actions import registrations, review, stolen_reports
from kitbag.emails import stolen_presented
from kitbag.enums import RegistrationState, ReviewReason
from kitbag.models import Claim, Registration, Sighting, StolenReport
from members.enums import NoticeCode
from members.models import Notice
from members.support.models import Case
from tests.factories import submitted
from tests.world import World

NOW = timezone.now()
CONTACT = "Please contact us about this product."
FIELDS = {
    "police_reference": "CR 12/2026",
    "stolen_on_day": "1",
    "stolen_on_month": "2",
    "stolen_on_year": "2026",
    "note": "",
}
pytestmark = pytest.mark.django_db


@pytest.fixture
def reported(world: World) -> StolenReport:
    row = Registration.objects.get(member=world.ana, product=world.pro_body)
    return stolen_reports.report_own(
        registration=row, police_reference="CR 12/2026", stolen_on=None, note="", by=world.ana.user, at=NOW
    )


def presented(world: World) -> Registration:
    row = submitted(world.ben, world.pro_body, "1000 0000-0001")
    return registrations.check_registration(registration=row, at=NOW)


def test_it_stays_its_owners_and_counts(world: World, reported: StolenReport) -> None:
    world.ana.refresh_from_db()
    assert world.ana.points == 1000
    assert reported.registration
    assert reported.registration.state == RegistrationState.VALIDATED


def test_a_stolen_product_is_refused_and_owner_and_staff_are_notified(world: World, reported: StolenReport) -> None:
    row = presented(world)
    assert (row.state, row.review_reason) == (RegistrationState.SUBMITTED, ReviewReason.STOLEN)
    assert not Claim.objects.exists()
    assert Sighting.objects.get().registration == row
    notice = Notice.objects.get(code=NoticeCode.STOLEN_PRESENTED)
    assert notice.member == world.ana
    assert Message.objects.filter(key=notice.key, to=world.ana.user.email).exists()
    letter = stolen_presented(report=reported.pk)
    assert letter
    assert world.ben.number not in letter["text"]
    assert world.ben.user.email not in letter["text"]


def test_the_presenter_reads_only_that_they_should_contact_us(
    world: World, reported: StolenReport, as_ben: Client
) -> None:
    row = presented(world)
    for address in (
        f"/kitbag/{row.pk}/",
        "/kitbag/",
        "/kitbag/?view=table",
        "/kitbag/points/?show=waiting",
        "/dashboard/",
    ):
        page = as_ben.get(address).content.decode()
        for word in ("stolen", "police", "theft", world.ana.number):
            assert word not in page.lower(), (address, word)
    assert CONTACT in as_ben.get(f"/kitbag/{row.pk}/").content.decode()
    assert not Message.objects.filter(to=world.ben.user.email, key__contains="stolen").exists()
    assert not Notice.objects.filter(member=world.ben).exists()


def test_it_cannot_be_approved_until_the_report_is_lifted(world: World, reported: StolenReport) -> None:
    row = presented(world)
    with pytest.raises(Refusal, match="Lift the report first"):
        review.approve_registration(registration=row, by=world.staff, at=NOW)
    stolen_reports.lift_report(report=reported, reason="Found by the police", by=world.staff, at=NOW)
    row = review.approve_registration(registration=row, by=world.staff, at=NOW)
    assert Claim.objects.get().claimant == row


def test_its_own_owner_is_not_stopped(world: World, reported: StolenReport) -> None:
    assert reported.registration
    assert stolen_reports.find_report_by_other(reported.registration) is None
    assert stolen_reports.find_report(world.pro_body, "100000000001") == reported
    assert stolen_reports.find_report(world.body, "100000000001") is None
    assert stolen_reports.find_report(world.pro_body, None) is None


def test_lifting_is_recorded_and_not_ones_own(world: World, reported: StolenReport) -> None:
    with pytest.raises(Refusal, match="own kit"):
        stolen_reports.lift_report(report=reported, reason="Mine", by=world.ana.user, at=NOW)
    with pytest.raises(Refusal, match="Say why"):
        stolen_reports.lift_report(report=reported, reason=" ", by=world.staff, at=NOW)
    row = stolen_reports.lift_report(report=reported, reason="Found", by=world.staff, at=NOW)
    assert (row.lifted_by, row.lifted_because, row.lifted_at) == (world.staff, "Found", NOW)
    with pytest.raises(Refusal, match="already"):
        stolen_reports.lift_report(report=reported, reason="Found", by=world.staff, at=NOW)
    assert Notice.objects.filter(member=world.ana, code=NoticeCode.STOLEN_LIFTED).exists()


def test_staff_can_report_a_product_that_no_member_has_registered(world: World) -> None:
    facts = {"product": world.body, "police_reference": "P 1", "stolen_on": None, "note": "", "by": world.staff}
    report = stolen_reports.report_by_staff(serial="0077 1234", at=NOW, **facts)  # type: ignore[arg-type]
    assert report.serial_key == "771234"
    with pytest.raises(Refusal, match="already"):
        stolen_reports.report_by_staff(serial="771234", at=NOW, **facts)  # type: ignore[arg-type]
    row = submitted(world.ben, world.body, "0000 0077 1234")
    row = registrations.check_registration(registration=row, at=NOW)
    assert row.review_reason == ReviewReason.STOLEN
    assert not Notice.objects.filter(code=NoticeCode.STOLEN_PRESENTED).exists()


def test_the_owner_is_notified_once_a_day(world: World, reported: StolenReport) -> None:
    for hours in (0, 0, 24):
        stolen_reports.record_sighting(
            report=reported, registration=None, where="centre", at=NOW + timedelta(hours=hours)
        )
    assert Sighting.objects.count() == 3
    assert Notice.objects.filter(code=NoticeCode.STOLEN_PRESENTED).count() == 2


def test_the_pages_of_the_owner(world: World, as_ana: Client) -> None:
    row = Registration.objects.get(member=world.ana, product=world.pro_body)
    address = f"/kitbag/{row.pk}/stolen/"
    wrong = as_ana.post(address, {**FIELDS, "police_reference": "", "stolen_on_year": "2099", "note": "By the sea"})
    assert wrong.status_code == 422
    assert "By the sea" in wrong.content.decode()
    future = as_ana.post(address, {**FIELDS, "stolen_on_year": "2099"}).content.decode()
    assert "This date is in the future" in future
    page = as_ana.post(address, FIELDS, follow=True).content.decode()
    assert "Reported stolen on" in page
    assert as_ana.get(f"/kitbag/{row.pk}/release/").status_code == 302
    for _twice in range(2):
        page = as_ana.post(f"/kitbag/{row.pk}/found/", follow=True).content.decode()
    assert "You told us you have it back" in page
    assert Case.objects.get().about == row
    assert StolenReport.objects.get().lifted_at is None
