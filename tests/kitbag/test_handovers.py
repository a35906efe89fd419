"""Resale: R26, R35."""

import re
import string
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox.models import Message
from kitbag.actions import handovers, registrations, removals, stolen_reports
from kitbag.emails import handed_over
from kitbag.enums import RegistrationState, RemovalReason
from kitbag.models import Handover, PointsEntry, Registration
from kitbag.rules import codes
from members.enums import Level, NoticeCode, PointsCause
from members.models import Member, Notice
from tests.factories import submitted, validated
from tests.rows import each_row
from tests.world import World

NOW = timezone.now()
pytestmark = pytest.mark.django_db


def owned(world: World) -> Registration:
    return Registration.objects.get(member=world.ana, product=world.pro_body)


def released(world: World) -> str:
    return handovers.release(registration=owned(world), by=world.ana.user, at=NOW).code


def redeem(code: str, member: Member, **changes: object) -> Registration:
    return handovers.redeem(code=code, member=member, by=member.user, at=changes.get("at", NOW))  # type: ignore[arg-type]


def refusal_of(code: str, member: Member, **changes: object) -> Refusal:
    with pytest.raises(Refusal) as caught:
        redeem(code, member, **changes)
    return caught.value


def test_the_product_goes_over_with_its_purchase_and_both_settle(world: World) -> None:
    code = released(world)
    bought = redeem(f" {code.lower().replace('-', ' ')} ", world.ben)
    sold = owned(world)
    world.ana.refresh_from_db()
    world.ben.refresh_from_db()
    assert (sold.state, bought.state) == (RegistrationState.TRANSFERRED, RegistrationState.VALIDATED)
    for name in ("product_id", "serial", "serial_key", "no_serial", "purchased_on", "country", "store"):
        assert getattr(bought, name) == getattr(sold, name), name
    assert (world.ana.points, world.ana.level) == (500, Level.SILVER)
    assert (world.ben.points, world.ben.level) == (500, Level.SILVER)
    assert PointsEntry.objects.get(registration=sold, amount=-500).cause == PointsCause.TRANSFERRED
    assert PointsEntry.objects.get(registration=bought).amount == 500
    assert Handover.objects.get().redeemed_as == bought
    told = {
        notice.member: notice for notice in Notice.objects.exclude(code__in=["level_up", "level_down", "welcome_pack"])
    }
    assert told[world.ana].code == NoticeCode.HANDED_OVER
    assert told[world.ben].code == NoticeCode.CAME_TO_YOU
    assert Message.objects.filter(key__startswith="handover-").count() == 2


def test_neither_mail_names_the_other(world: World) -> None:
    bought = redeem(released(world), world.ben)
    for row, sold, other in [(owned(world), True, world.ben), (bought, False, world.ana)]:
        letter = handed_over(registration=row.pk, sold=sold)
        assert letter
        text = letter["subject"] + letter["text"] + letter["html"]
        assert row.product.name in text
        for secret in (other.user.email, other.number, f"{other.first_name} "):
            assert secret not in text


def test_only_a_digest_of_the_code_is_kept(world: World) -> None:
    code = codes.normalise(released(world))
    digest = Handover.objects.get().code_digest
    assert re.fullmatch(r"[0-9a-f]{64}", digest)
    assert code not in digest.upper()


def test_every_code_that_cannot_be_redeemed_has_the_same_answer(world: World) -> None:
    never = codes.new_code(lambda signs: signs[3])
    answers = [str(refusal_of(never, world.ben))]
    code = released(world)
    answers.append(str(refusal_of(code, world.ana)))  # one's own
    answers.append(str(refusal_of(code, world.ben, at=NOW + timedelta(days=14))))  # run out
    newer = released(world)
    answers.append(str(refusal_of(code, world.ben)))  # replaced
    handovers.revoke(registration=owned(world), by=world.ana.user, at=NOW)
    answers.append(str(refusal_of(newer, world.ben)))  # taken back
    last = released(world)
    redeem(last, world.ben)
    answers.append(str(refusal_of(last, world.chloe)))  # used
    assert set(answers) == {str(handovers.UNKNOWN)}


@each_row("place", range(codes.LENGTH))
def test_a_wrong_sign_and_two_that_changed_places_are_noticed(place: int) -> None:
    code = codes.new_code(lambda signs: signs[7]) if place % 2 else "7KQM3XHA9RT"
    code = (
        code
        if len(code) == codes.LENGTH
        else next(code + sign for sign in codes.ALPHABET if codes.has_valid_check_character(code + sign))
    )
    wrong = [code[:place] + sign + code[place + 1 :] for sign in codes.ALPHABET if sign != code[place]]
    assert not any(codes.has_valid_check_character(other) for other in wrong)
    if place + 1 < codes.LENGTH and code[place] != code[place + 1]:
        assert not codes.has_valid_check_character(code[:place] + code[place + 1] + code[place] + code[place + 2 :])


def test_codes_have_no_signs_that_look_alike() -> None:
    assert not set("0O1ILBSUZ") & set(codes.ALPHABET)
    assert set(codes.ALPHABET) <= set(string.ascii_uppercase + string.digits)


def test_a_removal_takes_the_code_along(world: World) -> None:
    code = released(world)
    removals.remove_registration(registration=owned(world), reason=RemovalReason.SOLD, by=None, at=NOW)
    assert refusal_of(code, world.ben).code == "unknown"
    assert Handover.objects.get().revoked_at == NOW


def test_nothing_is_handed_over_while_it_is_claimed_or_stolen(world: World) -> None:
    code = released(world)
    claimant = submitted(world.ben, world.pro_body, "100000000001")
    registrations.check_registration(registration=claimant, at=NOW)
    with pytest.raises(Refusal, match="claims this serial number"):
        released(world)
    assert refusal_of(code, world.chloe).code == "claimed"
    assert refusal_of(code, world.ben).code == "own_duplicate"
    removals.remove_registration(registration=claimant, reason=RemovalReason.MISTAKE, by=None, at=NOW)
    stolen_reports.report_own(
        registration=owned(world), police_reference="CR 1", stolen_on=None, note="", by=world.ana.user, at=NOW
    )
    with pytest.raises(Refusal):
        released(world)
    refusal = refusal_of(code, world.ben)
    assert (refusal.code, str(refusal)) == ("stolen", "Please contact us about this product.")
    assert stolen_reports.StolenReport.objects.get().sightings.get().where == "redeem"


def test_a_draft_cannot_be_released_and_a_full_kitbag_cannot_redeem(world: World, settings) -> None:  # type: ignore[no-untyped-def]
    code = released(world)
    row = submitted(world.ben, world.lens, "1000009")
    settings.KITBAG_LIMIT = 1
    assert refusal_of(code, world.ben).code == "limit"
    with pytest.raises(Refusal):
        handovers.release(registration=row, by=world.ben.user, at=NOW)


# --- Pages -----------------------------------------------------------------------------------------


def code_on(page: str) -> str:
    found = re.search(r"[2-9A-Y]{4}-[2-9A-Y]{4}-[2-9A-Y]{4}", page)
    assert found
    return found.group()


def test_the_story_on_the_pages(world: World, as_ana: Client, as_ben: Client) -> None:
    row = owned(world)
    page = as_ana.get(f"/kitbag/{row.pk}/release/").content.decode()
    assert "from 1,000 to 500 points" in page
    assert "from Gold to Silver" in page
    answer = as_ana.post(f"/kitbag/{row.pk}/release/")
    assert "no-store" in answer["Cache-Control"]
    code = code_on(answer.content.decode())
    assert code not in as_ana.get(f"/kitbag/{row.pk}/release/").content.decode()
    assert "Waiting for its new owner" in as_ana.get(f"/kitbag/{row.pk}/").content.decode()
    shown = as_ben.post("/kitbag/redeem/", {"code": code}).content.decode()
    assert "100000000001" in shown
    assert "12 September 2023" in shown
    assert world.ana.number not in shown
    row.refresh_from_db()
    assert row.state == RegistrationState.VALIDATED
    done = as_ben.post("/kitbag/redeem/", {"code": code, "do": "redeem"}, follow=True).content.decode()
    assert "is yours now" in done
    assert "It has a new owner" in as_ana.get(f"/kitbag/{row.pk}/").content.decode()


def test_codes_are_not_to_be_tried_out(world: World, as_ben: Client, settings) -> None:  # type: ignore[no-untyped-def]
    settings.HANDOVER_LIMITS = {"redeem": (2, 60), "address": (40, 60)}
    code = codes.new_code(lambda signs: signs[3])
    answers = [as_ben.post("/kitbag/redeem/", {"code": code}).status_code for _try in range(3)]
    assert answers == [422, 422, 429]
    good = released(world)
    assert as_ben.post("/kitbag/redeem/", {"code": good, "do": "redeem"}).status_code == 429


@each_row("code", ["", " ", "\x00", "AAAA", "ÄÖÜ" * 4, "7" * 12, "x" * 5000, "<b>7KQM-3XHA-9RTC"])
def test_nonsense_gets_a_sentence(world: World, as_ben: Client, code: str) -> None:
    answer = as_ben.post("/kitbag/redeem/", {"code": code, "do": "redeem"})
    assert answer.status_code == 422
    assert "error" in answer.content.decode()


@each_row("page", ["release", "revoke", "stolen", "found", "undo"])
def test_what_is_not_ones_own_is_not_there(world: World, as_ben: Client, client: Client, page: str) -> None:
    address = f"/kitbag/{owned(world).pk}/{page}/"
    assert as_ben.post(address).status_code == 404
    assert client.post(address).status_code == 302
    owner = Client()
    owner.force_login(world.ana.user)
    assert owner.post(address).status_code in (200, 302, 422)


def test_kit_without_a_serial_number_can_be_handed_over(world: World) -> None:
    row = validated(world.ana, world.grip, "48392")
    Registration.objects.filter(pk=row.pk).update(serial="", serial_key=None, no_serial=True)
    code = handovers.release(registration=row, by=world.ana.user, at=NOW).code
    assert redeem(code, world.ben).no_serial
