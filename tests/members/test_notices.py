"""Every kind of notice: it is worded from the rows, and gone when it no longer holds (R56, R70)."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cps_portal.core.outbox.enums import State
from cps_portal.core.outbox.models import Message
from cps_portal.site.actions import move_member
from cps_portal.site.presenters.notice_words import READERS
from kitbag.actions import (
    adjustments,
    handovers,
    planning,
    registrations,
    removals,
    review,
    stage_change_notices,
    stolen_reports,
)
from kitbag.enums import RefusalReason, RemovalReason, Stage
from kitbag.models import Product, Registration
from members import actions
from members.enums import NoticeCode
from members.models import CountryPlan, Member, Notice
from members.offers.actions import cards, offers, pack_requests, packs
from members.offers.actions.reference_data import load_offers
from members.offers.enums import CardEnd, PackStep
from members.offers.models import Offer, SignUp
from members.support import actions as cases
from members.support.enums import CaseKind
from members.support.models import Case
from servicing.actions.events import Actor
from servicing.actions.messages import record_answer, write_message
from tests.factories import announced, plan, submitted, validated
from tests.notices import archive, shown
from tests.offers.packing import ADDRESS, add_partner, asked, report
from tests.rows import each_row
from tests.servicing.jobs import a_centre, a_request
from tests.world import World

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=0)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
Story = Callable[[World], Iterator[Member]]


def tell_levels(at: Any = NOW) -> None:
    actions.notify_level_changes(limit=100, at=at + HOUR)


def sent() -> None:
    """All mails have left."""
    Message.objects.filter(state=State.QUEUED).update(state=State.SENT, attempts=1, next_at=None, sent_at=NOW)


def remove(member: Member, product: Product) -> None:
    row = Registration.objects.get(member=member, product=product, state="validated")
    removals.remove_registration(registration=row, reason=RemovalReason.SOLD, by=member.user, at=NOW)


# Each story tells its member something, and yields; then something happens, and what was told no longer holds.


def level_up(world: World) -> Iterator[Member]:
    validated(world.ben, world.pro_body, "200000000001", at=NOW)
    tell_levels()
    yield world.ben
    remove(world.ben, world.pro_body)


def level_down(world: World) -> Iterator[Member]:
    remove(world.ana, world.body)
    tell_levels()
    yield world.ana
    adjust(world, 900)


def adjust(world: World, points: int) -> Any:
    return adjustments.adjust_points(
        member=world.ana, points=points, reason="Thanks", expires_on=None, by=world.staff, at=NOW
    )


def waiting(world: World) -> Registration:
    """A registration of Ben that a person has to decide."""
    row = submitted(world.ben, world.body, "ABCDE99", insisted=True, at=NOW)
    return registrations.check_registration(registration=row, at=NOW)


def registration_approved(world: World) -> Iterator[Member]:
    row = waiting(world)
    review.approve_registration(registration=row, by=world.staff, at=NOW)
    yield world.ben
    remove(world.ben, world.body)


def registration_refused(world: World) -> Iterator[Member]:
    row = waiting(world)
    reason = RefusalReason.SERIAL_UNREADABLE
    review.refuse_registration(registration=row, reason=reason, by=world.staff, at=NOW)
    yield world.ben
    removals.remove_registration(registration=row, reason=RemovalReason.SOLD, by=world.ben.user, at=NOW)


def points_will_change(world: World) -> Iterator[Member]:
    change = announced(plan(world.body, Stage.SUPERSEDED, NOW), NOW)
    yield world.ana
    planning.cancel_change(change=change, by=world.staff, at=NOW)


def plan_cancelled(world: World) -> Iterator[Member]:
    change = announced(plan(world.body, Stage.SUPERSEDED, NOW), NOW)
    sent()
    planning.cancel_change(change=change, by=world.staff, at=NOW)
    stage_change_notices.notify_holders_step(change=change.pk, limit=9, at=NOW + HOUR)
    yield world.ana
    announced(plan(world.body, Stage.SUPERSEDED, NOW + DAY), NOW + DAY)


def points_adjusted(world: World) -> Iterator[Member]:
    row = adjust(world, 100)
    yield world.ana
    adjustments.end_adjustment(adjustment=row, by=world.staff, at=NOW)


def thresholds(world: World) -> Any:
    day = timezone.localdate(NOW) + timedelta(days=80)
    made = actions.plan_thresholds(effective_on=day, silver=500, gold=1200, platinum=1600, by=world.staff, at=NOW)
    actions.announce_thresholds_step(plan=made.pk, limit=9, at=NOW + HOUR)
    return made


def levels_will_change(world: World) -> Iterator[Member]:
    thresholds(world)
    yield world.ana
    adjust(world, 300)  # Gold then, too


def levels_stay(world: World) -> Iterator[Member]:
    made = thresholds(world)
    sent()
    actions.cancel_plan(plan=made, by=world.staff, at=NOW)
    actions.announce_thresholds_step(plan=made.pk, limit=9, at=NOW + HOUR)
    yield world.ana
    day = timezone.localdate(NOW) + timedelta(days=90)
    actions.plan_thresholds(effective_on=day, silver=600, gold=1300, platinum=1700, by=world.staff, at=NOW + DAY)


def country_plan(world: World) -> CountryPlan:
    day = timezone.localdate(NOW) + timedelta(days=80)
    made = actions.plan_country(country="ZA", kind="subscription", effective_on=day, by=world.staff, at=NOW)
    while actions.announce_country_step(plan=made.pk, limit=9, at=NOW + HOUR):
        pass
    return made


def country_will_change(world: World) -> Iterator[Member]:
    made = country_plan(world)
    yield world.ana
    actions.cancel_plan(plan=made, by=world.staff, at=NOW)


def country_stays(world: World) -> Iterator[Member]:
    made = country_plan(world)
    sent()
    actions.cancel_plan(plan=made, by=world.staff, at=NOW)
    while actions.announce_country_step(plan=made.pk, limit=9, at=NOW + HOUR):
        pass
    yield world.ana
    country_plan(world)


def country_changed(world: World) -> Iterator[Member]:
    made = country_plan(world)
    CountryPlan.objects.update(effective_on=timezone.localdate(NOW), short_notice_reason="Agreed")
    assert actions.begin_country_plan(plan=made, at=NOW)
    while actions.apply_country_step(plan=made.pk, limit=9, at=NOW):
        pass
    yield world.ana
    move_member(member=world.ana, country="KE", by=world.ana.user, at=NOW)


def case_of(world: World) -> Case:
    return cases.open_case(
        kind=CaseKind.CONTACT, subject="A bag", text="Where?", member=world.ana, by=world.ana.user, at=NOW
    )


def case_answered(world: World) -> Iterator[Member]:
    case = case_of(world)
    cases.answer(case=case, text="Here.", by=world.staff, at=NOW)
    yield world.ana
    cases.close(case=case, by=world.staff, at=NOW)


def case_asked(world: World) -> Iterator[Member]:
    case = case_of(world)
    cases.answer(case=case, text="Which bag?", by=world.staff, at=NOW, asks=True)
    yield world.ana
    cases.write_message(case=case, text="The blue one.", by=world.ana.user, at=NOW)


def case_closed(world: World) -> Iterator[Member]:
    case = case_of(world)
    cases.close(case=case, by=world.staff, at=NOW, notify=True)
    yield world.ana
    cases.reopen(case=case, by=world.staff, at=NOW)


def redeemed(world: World) -> Registration:
    row = Registration.objects.get(member=world.ana, product=world.body)
    code = handovers.release(registration=row, by=world.ana.user, at=NOW).code
    return handovers.redeem(code=code, member=world.ben, by=world.ben.user, at=NOW)


def handed_over(world: World) -> Iterator[Member]:
    redeemed(world)
    yield world.ana
    sold = Registration.objects.filter(member=world.ana, state="transferred")
    sold.update(state="removed", removal_reason=RemovalReason.SOLD)


def came_to_you(world: World) -> Iterator[Member]:
    redeemed(world)
    yield world.ben
    remove(world.ben, world.body)


def stolen(world: World) -> Any:
    row = Registration.objects.get(member=world.ana, product=world.body)
    return stolen_reports.report_own(
        registration=row, police_reference="CAS 1", stolen_on=None, note="", by=world.ana.user, at=NOW
    )


def stolen_presented(world: World) -> Iterator[Member]:
    made = stolen(world)
    stolen_reports.record_sighting(report=made, registration=None, where="intake", at=NOW)
    yield world.ana
    stolen_reports.lift_report(report=made, reason="Found", by=world.staff, at=NOW)


def stolen_lifted(world: World) -> Iterator[Member]:
    stolen_reports.lift_report(report=stolen(world), reason="Found", by=world.staff, at=NOW)
    yield world.ana
    stolen(world)


def moved(world: World) -> Iterator[Member]:
    move_member(member=world.ana, country="KE", by=world.ana.user, at=NOW)
    yield world.ana
    move_member(member=world.ana, country="ZA", by=world.ana.user, at=NOW)


def welcome_pack(world: World) -> Iterator[Member]:
    load_offers()
    validated(world.ben, world.pro_body, "200000000001", at=NOW)
    tell_levels()
    yield world.ben
    world.ben.refresh_from_db()
    packs.request_pack(member=world.ben, address=ADDRESS, by=world.ben.user, at=NOW)


def pack_dispatched(world: World) -> Iterator[Member]:
    add_partner()
    pack = report(asked(world.ana), PackStep.DISPATCHED, NOW)
    yield world.ana
    packs.confirm_received(pack=pack, by=world.ana.user, at=NOW)


def pack_returned(world: World) -> Iterator[Member]:
    add_partner()
    pack = report(asked(world.ana), PackStep.DISPATCHED, NOW)
    pack = report(pack, PackStep.RETURNED, NOW, reason="not_collected")
    yield world.ana
    packs.resend_pack(pack=pack, by=world.staff, at=NOW)


def pack_sent_again(world: World) -> Iterator[Member]:
    add_partner()
    pack = report(asked(world.ana), PackStep.DISPATCHED, NOW)
    pack = report(pack, PackStep.RETURNED, NOW, reason="not_collected")
    pack = packs.resend_pack(pack=pack, by=world.staff, at=NOW)
    yield world.ana
    report(pack, PackStep.DISPATCHED, NOW)


def pack_late(world: World) -> Iterator[Member]:
    add_partner()
    pack = asked(world.ana)
    assert pack_requests.open_late_cases(at=NOW) == 1
    yield world.ana
    report(pack, PackStep.ACCEPTED, NOW)


def pack_cancelled(world: World) -> Iterator[Member]:
    add_partner()
    pack = packs.cancel_pack(pack=asked(world.ana), by=world.staff, at=NOW)
    yield world.ana
    type(pack).objects.update(state="requested")


def card_replaced(world: World) -> Iterator[Member]:
    card = cards.get_or_issue_card(member=world.ana, at=NOW)
    card = cards.replace_card(card=card, reason=CardEnd.LOST, by=world.staff, at=NOW)
    yield world.ana
    cards.revoke_card(member=world.ana, reason=CardEnd.LOST, by=world.staff, at=NOW)


def open_day(world: World) -> Offer:
    values = {"title": "Open day", "levels": ["gold", "red"], "since": NOW - DAY, "starts_at": NOW + 9 * DAY}
    offer = Offer.objects.create(slug="open-day", kind="event", venue="Cape Town", places=1, **values)
    return offers.publish(offer=offer, by=world.staff, at=NOW)


def place_free(world: World) -> Iterator[Member]:
    offer = open_day(world)
    for member in (world.ana, world.ben):
        offers.sign_up(member=member, offer=offer, at=NOW)
    offers.cancel_sign_up(member=world.ana, offer=offer, at=NOW)
    yield world.ben
    offers.cancel_sign_up(member=world.ben, offer=offer, at=NOW)


def offer_changed(world: World) -> Iterator[Member]:
    offer = open_day(world)
    offers.sign_up(member=world.ana, offer=offer, at=NOW)
    offers.change_offer(offer=offer, values={"venue": "Durban"}, by=world.staff, at=NOW)
    yield world.ana
    Offer.objects.update(starts_at=NOW - HOUR)  # it is over


def offer_withdrawn(world: World) -> Iterator[Member]:
    offer = open_day(world)
    offers.sign_up(member=world.ana, offer=offer, at=NOW)
    offers.withdraw(offer=offer, by=world.staff, at=NOW)
    yield world.ana
    SignUp.objects.update(state="given_back", place=None, ended_at=NOW)


def ticket(world: World) -> Iterator[Member]:
    job = a_request(world, a_centre(), at=NOW)
    write_message(ticket=job, text="Which lens?", actor=Actor(user=world.staff), at=NOW, asks=True)
    yield world.ana
    record_answer(ticket=job, actor=Actor(user=world.staff), at=NOW)


STORIES: dict[NoticeCode, Story] = {code: globals()[code.value] for code in NoticeCode}


def test_every_kind_of_notice_has_words_and_a_rule() -> None:
    assert set(READERS) == set(NoticeCode) == set(STORIES)


@each_row("code", NoticeCode)
def test_a_notice_is_shown_while_it_holds_and_then_only_in_the_archive(
    world: World, code: NoticeCode, client: Client
) -> None:
    """R70: what no longer holds leaves the dashboard, and the archive marks it."""
    story = STORIES[code](world)
    member = next(story)
    told = [line for line in shown(member, NOW + HOUR) if line.code == code]
    assert len(told) == 1, shown(member)
    (line,) = told
    assert line.title and line.detail and "  " not in line.title + line.detail and "%(" not in line.title + line.detail
    params = Notice.objects.get(pk=line.key).params
    assert all(isinstance(value, int | list) for name, value in params.items() if name not in ("kind", "from", "to"))
    client.force_login(member.user)
    assert line.title.split("%")[0] in client.get("/notices/").content.decode().replace("&amp;", "&")
    with pytest.raises(StopIteration):
        next(story)
    assert line.key not in {line.key for line in shown(member, NOW + HOUR)}
    (kept,) = [old for old in archive(member, NOW + HOUR) if old.key == line.key]
    assert not kept.is_current
    assert "This no longer applies." in client.get("/notices/").content.decode()


def test_the_numbers_of_a_notice_are_those_of_today(world: World) -> None:
    """A level reached with 500 points says 700 after another product counts."""
    validated(world.ben, world.pro_body, "200000000001", at=NOW)
    tell_levels()
    validated(world.ben, world.lens, "2000003", at=NOW)
    (line,) = [line for line in shown(world.ben) if line.code == NoticeCode.LEVEL_UP]
    assert (line.title, line.detail) == ("You’re Silver now", "You have 700 points.")


def test_of_two_notices_about_the_same_case_only_the_newer_is_shown(world: World) -> None:
    case = case_of(world)
    for minutes in (1, 2):
        cases.answer(case=case, text="Here.", by=world.staff, at=NOW + timedelta(minutes=minutes))
    assert [line.code for line in shown(world.ana, NOW + HOUR)].count(NoticeCode.CASE_ANSWERED) == 1
    old, new = sorted(line.key for line in archive(world.ana) if line.code == NoticeCode.CASE_ANSWERED)
    current = {line.key: line.is_current for line in archive(world.ana)}
    assert (current[old], current[new]) == (False, True)


def test_the_archive_has_pages_and_says_the_same_on_each(world: World, as_ana: Client) -> None:
    case = case_of(world)
    for number in range(30):
        cases.answer(case=case, text="Here.", by=world.staff, at=NOW + timedelta(minutes=number))
    pages = [as_ana.get(f"/notices/?page={number}").content.decode() for number in (1, 2)]
    assert sum(page.count("We’ve answered your message") for page in pages) == 30
    assert sum(page.count("This no longer applies.") for page in pages) >= 29


def test_nobody_reads_the_notices_of_another_member(world: World, as_ben: Client) -> None:
    case_asked(world)
    assert "Please answer" not in as_ben.get("/notices/").content.decode()
