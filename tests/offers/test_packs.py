"""The Welcome Pack: requested once, reported on, sent again, reported missing (R36 to R40, R56)."""

from itertools import permutations

import pytest
from allauth.account.models import EmailAddress
from django.db import IntegrityError, InternalError, transaction

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox.models import Message
from cps_portal.site.actions import close_account, erase_account
from members.enums import Level, NoticeCode
from members.models import Member, Notice
from members.offers import emails, webhooks
from members.offers.actions import pack_requests, packs
from members.offers.actions.packs import Report, erase_pack_and_card
from members.offers.actions.reference_data import load_offers
from members.offers.enums import OfferState, PackState, PackStep
from members.offers.models import Card, Offer, PackEvent, PackItem, WelcomePack
from members.support.enums import CaseKind, CaseState
from members.support.models import Case
from tests.mails import rendered
from tests.offers.packing import ADDRESS, ASKED, DAY, add_partner, asked, report
from tests.rows import each_row
from tests.world import World

HOUSE_SAYS = [PackStep.ACCEPTED, PackStep.PACKED, PackStep.DISPATCHED]


@pytest.fixture
def pack(world: World) -> WelcomePack:
    add_partner()
    return asked(world.ana)


def refused(pack_or_member: object, **changes: object) -> str:
    with pytest.raises(Refusal) as caught:
        packs.request_pack(**{"member": pack_or_member, "address": ADDRESS, "at": ASKED, **changes})  # type: ignore[arg-type]
    return caught.value.code


def webhooks_posted() -> list[str]:
    return list(Message.objects.filter(kind="webhook").order_by("pk").values_list("payload__id", flat=True))


def mails(step: str) -> int:
    return Message.objects.filter(kind="mail", key__contains=f"-{step}").count()


# --- Asking --------------------------------------------------------------------------------------


def test_a_pack_can_be_requested_once_ever_whatever_happens_to_the_level(world: World, pack: WelcomePack) -> None:
    assert pack.contents == list(PackItem.objects.values_list("code", flat=True)) != []
    assert Card.objects.live().filter(member=world.ana).count() == 1
    Member.objects.filter(pk=world.ana.pk).update(level=Level.RED)
    assert asked(world.ana, at=ASKED + DAY) == pack
    assert WelcomePack.objects.get().asked_at == ASKED
    assert webhooks_posted() == [f"pack-{pack.key}"]
    with pytest.raises(IntegrityError), transaction.atomic():
        WelcomePack.objects.create(
            member=world.ana,
            reference="ABCDEFGH",
            level_when_asked="gold",
            language="en",
            name="A",
            country="ZA",
            street="B",
            asked_at=ASKED,
            sending_since=ASKED,
            changed_at=ASKED,
        )


def test_a_refused_request_gives_the_reason_and_stores_nothing(world: World) -> None:
    chloe, by = world.chloe, world.chloe.user
    assert refused(chloe, by=by) == "none"
    load_offers()
    offer = Offer.objects.filter(kind="welcome_pack")
    assert refused(chloe, by=by) == "level"
    Member.objects.filter(pk=chloe.pk).update(level=Level.SILVER)
    offer.update(countries=["KE"])
    assert refused(chloe, by=by) == "country"
    offer.update(countries=["TR"])
    EmailAddress.objects.filter(user=by).update(verified=False)
    assert refused(chloe, by=by) == "email"
    EmailAddress.objects.filter(user=by).update(verified=True)
    offer.update(state=OfferState.WITHDRAWN)
    assert refused(chloe, by=by) == "none"
    Member.objects.filter(pk=chloe.pk).update(closed_at=ASKED)
    assert refused(chloe, by=by) == "closed"
    assert not WelcomePack.objects.exists()
    assert not Card.objects.exists()


def test_requesting_the_pack_dismisses_its_notice(world: World) -> None:
    Notice.objects.create(member=world.ana, key="offer", code=NoticeCode.WELCOME_PACK, path="/", at=ASKED)
    asked(world.ana)
    assert Notice.objects.get(key="offer").read_at == ASKED


def test_a_request_made_before_there_is_a_partner_is_sent_once_there_is_one(world: World) -> None:
    row = asked(world.ana)
    assert (row.partner, webhooks_posted()) == (None, [])
    utrecht = add_partner()
    assert pack_requests.send_pending_requests(at=ASKED + DAY) == 1
    assert pack_requests.send_pending_requests(at=ASKED + DAY) == 0
    row.refresh_from_db()
    assert row.partner == utrecht
    assert webhooks_posted() == [f"pack-{row.key}"]


# --- Reports of the partner ----------------------------------------------------------------------


@each_row("order", list(permutations(HOUSE_SAYS)))
def test_the_state_does_not_depend_on_the_order_of_reports(pack: WelcomePack, order: tuple[PackStep, ...]) -> None:
    for step in order:
        report(pack, step, ASKED + DAY * (1 + HOUSE_SAYS.index(step)), carrier="DHL", tracking="X1")
    pack.refresh_from_db()
    assert (pack.state, pack.carrier, pack.tracking) == (PackState.DISPATCHED, "DHL", "X1")
    assert pack.dispatched_at == ASKED + 3 * DAY
    assert mails("dispatched") == 1
    assert Notice.objects.filter(member=pack.member, code=NoticeCode.PACK_DISPATCHED).count() == 1


def test_a_report_received_twice_counts_once(pack: WelcomePack) -> None:
    for _twice in range(2):
        report(pack, PackStep.DISPATCHED, ASKED + DAY, external_id="7")
    assert PackEvent.objects.filter(step=PackStep.DISPATCHED).count() == mails("dispatched") == 1


@each_row(
    ("step", "sending", "days", "code"),
    [
        (PackStep.CANCELLED, 1, 0, "step"),
        (PackStep.RECEIVED, 1, 0, "step"),
        (PackStep.PACKED, 2, 0, "sending"),
        (PackStep.PACKED, 0, 0, "sending"),
        (PackStep.PACKED, 1, 1, "future"),
    ],
)
def test_a_partner_can_report_only_its_own_steps(
    pack: WelcomePack, step: PackStep, sending: int, days: int, code: str
) -> None:
    assert pack.partner is not None
    said = Report(step, sending, ASKED + DAY * days, "1", {})
    with pytest.raises(Refusal) as caught:
        packs.record_report(pack=pack, report=said, partner=pack.partner, at=ASKED)
    assert caught.value.code == code
    assert not PackEvent.objects.filter(external_id="1").exists()


# --- Sent again, cancelled, received -------------------------------------------------------------


def test_a_returned_pack_is_sent_again_as_the_same_request(world: World, pack: WelcomePack) -> None:
    report(pack, PackStep.DISPATCHED, ASKED + DAY, carrier="DHL")
    report(pack, PackStep.RETURNED, ASKED + 9 * DAY, reason="unknown_address")
    pack.refresh_from_db()
    assert (pack.state, pack.return_reason) == (PackState.RETURNED, "unknown_address")
    again = packs.resend_pack(pack=pack, by=world.staff, at=ASKED + 10 * DAY)
    assert (again.reference, again.sending, again.state) == (pack.reference, 2, PackState.REQUESTED)
    assert (again.carrier, again.return_reason, again.dispatched_at) == ("", "", None)
    assert again.missing_from == ASKED + 38 * DAY
    assert WelcomePack.objects.count() == 1
    assert webhooks_posted() == [f"pack-{pack.reference}-1", f"pack-{pack.reference}-2"]
    report(again, PackStep.RETURNED, ASKED + 11 * DAY, sending=1)
    again.refresh_from_db()
    assert again.state == PackState.REQUESTED, "what is late about the first sending says nothing about the second"
    assert (mails("returned"), mails("sent_again")) == (1, 1)
    assert webhooks.pack_requested(pack=pack.pk, sending=1) is None
    told = webhooks.pack_requested(pack=pack.pk, sending=2)
    assert told
    assert told["address"]["lines"] == ["Ana Example", "14 Oak Avenue", "JOHANNESBURG", "2092", "SOUTH AFRICA"]


def test_a_first_pack_that_arrives_after_all_cancels_the_second(world: World, pack: WelcomePack) -> None:
    with pytest.raises(Refusal, match="hasn’t left"):
        packs.confirm_received(pack=pack, by=world.ana.user, at=ASKED + DAY)
    report(pack, PackStep.DISPATCHED, ASKED + DAY)
    packs.resend_pack(pack=pack, by=world.staff, at=ASKED + 40 * DAY)
    for _twice in range(2):
        row = packs.confirm_received(pack=pack, by=world.ana.user, at=ASKED + 41 * DAY)
    assert row.state == PackState.RECEIVED
    assert webhooks_posted()[-1] == f"pack-{pack.reference}-2-cancelled"
    assert webhooks.pack_requested(pack=pack.pk, sending=2) is None
    assert PackEvent.objects.filter(step=PackStep.RECEIVED).count() == 1


def test_only_packs_that_have_not_left_can_be_cancelled_and_the_partner_is_informed(
    world: World, pack: WelcomePack
) -> None:
    packs.cancel_pack(pack=pack, by=world.staff, at=ASKED + DAY)
    assert webhooks_posted()[-1] == f"pack-{pack.key}-cancelled"
    assert webhooks.pack_requested(pack=pack.pk, sending=1) is None
    assert mails("cancelled") >= 1
    again = packs.resend_pack(pack=pack, by=world.staff, at=ASKED + 2 * DAY)
    report(again, PackStep.DISPATCHED, ASKED + 3 * DAY)
    with pytest.raises(Refusal) as caught:
        packs.cancel_pack(pack=pack, by=world.staff, at=ASKED + 4 * DAY)
    assert caught.value.code == "state"


# --- Missing and late ----------------------------------------------------------------------------


def test_a_pack_can_be_reported_missing_after_four_weeks_and_once(world: World, pack: WelcomePack) -> None:
    with pytest.raises(Refusal) as caught:
        packs.report_missing(pack=pack, by=world.ana.user, at=pack.missing_from - DAY / 86400)
    assert caught.value.code == "early"
    for _twice in range(2):
        row = packs.report_missing(pack=pack, by=world.ana.user, at=pack.missing_from)
    case = Case.objects.get()
    assert (case.kind, case.about, row.missing_case) == (CaseKind.MISSING_PACK, pack, case)
    report(pack, PackStep.RETURNED, ASKED + 30 * DAY)
    again = packs.resend_pack(pack=pack, by=world.staff, at=ASKED + 31 * DAY)
    packs.report_missing(pack=pack, by=world.ana.user, at=again.missing_from)
    assert Case.objects.count() == 2


def test_a_late_confirmation_opens_one_case_and_informs_the_member(world: World, pack: WelcomePack) -> None:
    assert pack_requests.open_late_cases(at=ASKED + 3 * DAY) == 0
    assert pack_requests.open_late_cases(at=ASKED + 3 * DAY + DAY / 24) == 1
    assert pack_requests.open_late_cases(at=ASKED + 4 * DAY) == 0
    case = Case.objects.get()
    assert (case.kind, case.state, case.member) == (CaseKind.PACK_LATE, CaseState.OPEN, world.ana)
    mail = Message.objects.get(key__startswith=f"case-{case.pk}-")
    assert "delayed" in rendered(mail)["subject"]
    assert "don’t have to do anything" in rendered(mail)["text"]
    assert "We’ve received your message" not in rendered(mail)["text"] + rendered(mail)["html"]


def test_a_confirmed_request_is_not_late(pack: WelcomePack) -> None:
    report(pack, PackStep.ACCEPTED, ASKED + DAY)
    assert pack_requests.open_late_cases(at=ASKED + 9 * DAY) == 0


# --- The address goes ----------------------------------------------------------------------------


def test_old_addresses_are_deleted_and_the_steps_are_kept(world: World, pack: WelcomePack) -> None:
    assert packs.delete_old_addresses(at=ASKED + 400 * DAY) == 0, "it may still have to be sent"
    report(pack, PackStep.DISPATCHED, ASKED + DAY)
    assert packs.delete_old_addresses(at=ASKED + 84 * DAY) == 0
    assert packs.delete_old_addresses(at=ASKED + 86 * DAY) == 1
    pack.refresh_from_db()
    assert (pack.name, pack.street, pack.phone, pack.state) == ("", "", "", PackState.DISPATCHED)
    assert PackEvent.objects.filter(pack=pack).count() == 2
    with pytest.raises(Refusal) as caught:
        packs.resend_pack(pack=pack, by=world.staff, at=ASKED + 90 * DAY)
    assert caught.value.code == "address"
    packs.resend_pack(pack=pack, by=world.staff, at=ASKED + 90 * DAY, address=ADDRESS)
    pack.refresh_from_db()
    assert (pack.street, pack.blanked_at) == (ADDRESS.street, None)


# --- Mails ---------------------------------------------------------------------------------------


@each_row(
    ("step", "words"),
    [
        ("dispatched", ["on its way", "DHL", "X1", "https://track.example/X1"]),
        ("returned", ["came back", "Address not found", "Check the address"]),
        ("sent_again", ["again", "don’t have to do anything"]),
        ("cancelled", ["cancelled", "write to us"]),
    ],
)
def test_each_mail_says_what_happened_and_what_comes_next(pack: WelcomePack, step: str, words: list[str]) -> None:
    WelcomePack.objects.update(
        state={"sent_again": PackState.REQUESTED}.get(step, step),
        dispatched_at=ASKED,
        carrier="DHL",
        tracking="X1",
        tracking_url="https://track.example/X1",
        return_reason="unknown_address",
    )
    mail = emails.pack_step(pack=pack.pk, sending=1, step=step)
    assert mail
    assert [word for word in [*words, "/offers/welcome-pack/"] if word not in mail["text"]] == []
    assert pack.reference_in_groups in mail["html"]
    assert mail["subject"].startswith("Your Welcome Pack")


def test_a_mail_that_is_outdated_is_not_sent(pack: WelcomePack) -> None:
    assert emails.pack_step(pack=pack.pk, sending=1, step="dispatched") is None
    assert emails.pack_step(pack=pack.pk, sending=2, step="returned") is None


def test_a_pack_of_an_erased_person_is_cancelled_and_its_parcel_is_followed_by_nobody(
    world: World, pack: WelcomePack
) -> None:
    """R14, R38: without its address a request would wait with the partner for ever."""
    report(pack, PackStep.ACCEPTED, ASKED + DAY)
    erase_pack_and_card(member=world.ana, at=ASKED + 40 * DAY)
    pack.refresh_from_db()
    assert (pack.state, pack.street) == (PackState.CANCELLED, "")
    assert webhooks_posted() == [f"pack-{pack.key}", f"pack-{pack.key}-cancelled"]
    erase_pack_and_card(member=world.ana, at=ASKED + 41 * DAY)  # again, as after a restore
    assert PackEvent.objects.filter(pack=pack, step=PackStep.CANCELLED).count() == 1


def test_how_the_parcel_of_an_erased_person_was_followed_is_not_kept(world: World, pack: WelcomePack) -> None:
    """R14: neither what was reported before, nor what comes after."""
    parcel = {"carrier": "PostNL", "tracking": "3SABCD1234", "tracking_url": "https://post.example/3SABCD1234"}
    report(pack, PackStep.DISPATCHED, ASKED + DAY, **parcel)
    close_account(member=world.ana, by=world.ana.user, at=ASKED + 5 * DAY)
    assert erase_account(member=world.ana.pk, at=ASKED + 40 * DAY)
    told = Notice.objects.filter(member=world.ana).count()
    report(pack, PackStep.RETURNED, ASKED + 41 * DAY, reason="refused", **parcel)
    pack.refresh_from_db()
    assert (pack.state, pack.carrier, pack.tracking, pack.tracking_url) == (PackState.RETURNED, "", "", "")
    assert [event.data for event in PackEvent.objects.filter(pack=pack).order_by("pk")] == [
        {},
        {},
        {"reason": "refused"},
    ]
    assert Notice.objects.filter(member=world.ana).count() == told
    with pytest.raises(InternalError), transaction.atomic():
        PackEvent.objects.filter(pack=pack).update(data={})  # for everybody else it is append-only again
