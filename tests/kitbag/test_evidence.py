"""Receipts and photos of serial numbers: who adds, who reads, what is refused, what is read (R24, R25)."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from cps_portal.core.files.actions import Uploads, store
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.errors import Refusal
from kitbag.actions import registrations, review
from kitbag.actions.evidence import add_evidence, is_undecided, remove_evidence
from kitbag.enums import EvidenceKind, RefusalReason, RegistrationState
from kitbag.models import Claim, Evidence, Registration
from kitbag.rules.photos import is_same_model
from tests.admin.conftest import SignIn, as_support, staff
from tests.factories import details, draft, submitted, validated
from tests.files import samples
from tests.rows import each_row
from tests.world import World

__all__ = ["as_support", "staff"]


def add(row: Registration, *contents: bytes) -> list[Evidence]:
    uploads = Uploads(fresh=[samples.upload(content) for content in contents])
    return add_evidence(registration=row, uploads=uploads, by=row.member.user, at=timezone.now()).rows


def refused(action: Any, **arguments: Any) -> str:
    with pytest.raises(Refusal) as refusal:
        action(**arguments, at=timezone.now())
    return refusal.value.code


def finish(row: Registration) -> str:
    return f"/kitbag/{row.pk}/finish/"


@pytest.fixture
def row(world: World) -> Registration:
    return draft(world.ana, world.body)


@pytest.fixture
def in_review(world: World) -> Registration:
    row = submitted(world.ana, world.body, "12345", insisted=True)
    registrations.check_registration(registration=row, at=timezone.now())
    row.refresh_from_db()
    return row


# --- Who opens it --------------------------------------------------------------------------------


def test_only_the_owner_and_staff_who_decide_can_open_it(
    row: Registration, as_ana: Client, as_ben: Client, as_support: Client, staff: SignIn
) -> None:
    url = add(row, samples.jpeg())[0].file.get_absolute_url()
    assert (as_ana.get(url).status_code, as_support.get(url).status_code) == (200, 200)
    assert (as_ben.get(url).status_code, staff().get(url).status_code) == (404, 404)
    assert Client().get(url).status_code == 302, "first who are you"


def test_staff_do_not_open_what_is_not_handed_over_yet(row: Registration, as_support: Client) -> None:
    waiting = store(upload=samples.upload(samples.jpeg()), purpose="evidence", by=row.member.user, at=timezone.now())
    assert as_support.get(waiting.get_absolute_url()).status_code == 404


# --- Adding and taking back ----------------------------------------------------------------------


def test_it_is_added_until_it_is_decided_and_again_in_a_claim(
    world: World, row: Registration, in_review: Registration
) -> None:
    assert [piece.kind for piece in add(row, samples.jpeg(), samples.pdf())] == ["other", "receipt"]
    assert add(in_review, samples.png())
    review.approve_registration(registration=in_review, by=world.staff, at=timezone.now())
    in_review.refresh_from_db()
    assert not is_undecided(in_review)
    fresh = Uploads(fresh=[samples.upload(samples.jpeg())])
    mine = {"registration": in_review, "by": world.ana.user}
    assert refused(add_evidence, uploads=fresh, **mine) == "decided"
    piece = in_review.evidence.get()
    assert refused(remove_evidence, evidence=piece, by=world.ana.user) == "decided"

    held = validated(world.ana, world.body, "012345678901")
    validated(world.ben, world.body, "012345678901")
    claim = Claim.objects.get(holder=held)
    assert add(claim.holder, samples.jpeg())
    assert add(claim.claimant, samples.jpeg())


def test_a_bad_file_keeps_no_good_one_out_and_a_form_sent_twice_adds_once(row: Registration) -> None:
    bad = samples.upload(b"MZ not a photo", "setup.exe")
    uploads = Uploads(fresh=[samples.upload(samples.jpeg()), bad])
    added = add_evidence(registration=row, uploads=uploads, by=row.member.user, at=timezone.now())
    assert (len(added.rows), [problem.code for problem in added.problems]) == (1, ["unknown"])
    again = Uploads(keys=(added.rows[0].file.key,))
    assert add_evidence(registration=row, uploads=again, by=row.member.user, at=timezone.now()).rows == []


def test_neither_too_many_nor_a_stranger_s(world: World, row: Registration, settings: Settings) -> None:
    settings.EVIDENCE_MAX_FILES = 2
    (piece, _other) = add(row, samples.jpeg(), samples.jpeg())
    one = Uploads(fresh=[samples.upload(samples.jpeg())])
    assert refused(add_evidence, registration=row, uploads=one, by=world.ana.user) == "many"
    assert refused(add_evidence, registration=row, uploads=one, by=world.ben.user) == "owner"
    assert refused(remove_evidence, evidence=piece, by=world.ben.user) == "owner"
    assert remove_evidence(evidence=piece, by=world.ana.user, at=timezone.now())
    assert not remove_evidence(evidence=piece, by=world.ana.user, at=timezone.now()), "again does nothing"
    assert StoredFile.objects.get(pk=piece.file_id).erased_at
    assert row.evidence.kept().count() == 1
    theirs = store(upload=samples.upload(samples.jpeg()), purpose="evidence", by=world.ben.user, at=timezone.now())
    stolen = Uploads(keys=(theirs.key,))
    assert refused(add_evidence, registration=row, uploads=stolen, by=world.ana.user) == "gone"


# --- The finish page -----------------------------------------------------------------------------


def test_without_a_script_the_file_comes_with_the_form_and_survives_an_error(row: Registration, as_ana: Client) -> None:
    page = as_ana.post(finish(row), {"store": "Orms", "evidence": samples.upload(samples.pdf(), "r.pdf")})
    assert page.status_code == 200
    assert b"Orms" in page.content
    piece = row.evidence.get()
    assert piece.file.get_absolute_url() in page.content.decode()
    page = as_ana.post(finish(row), {"do": f"drop-{piece.pk}", "store": "Orms"})
    assert b"Orms" in page.content
    assert not row.evidence.kept().exists()


def test_with_the_script_the_form_names_what_was_uploaded(row: Registration, as_ana: Client) -> None:
    line = as_ana.post(
        "/files/upload/", {"file": samples.upload(samples.jpeg()), "purpose": "evidence", "name": "evidence"}
    )
    key = StoredFile.objects.get().key
    assert key in line.content.decode()
    as_ana.post(finish(row), {"do": "later", "store": "Orms", "evidence_keys": [key]})
    assert row.evidence.get().file.key == key


@each_row(
    "sent",
    [
        {"evidence": samples.upload(b"MZ", "a.exe")},
        {"evidence_keys": ["nothing-of-mine"]},
        {"evidence_keys": ["\u00e9" * 40]},
        {"evidence_keys": [str(n) for n in range(11)]},
    ],
)
def test_an_error_is_beside_the_field_and_nothing_typed_is_lost(
    row: Registration, as_ana: Client, sent: dict[str, Any]
) -> None:
    page = as_ana.post(finish(row), {"do": "later", "store": "Orms", **sent})
    assert page.context["form"].errors["evidence"]
    assert b"Orms" in page.content
    row.refresh_from_db()
    assert row.store == ""


def test_what_staff_asked_for_is_shown_at_the_field(world: World, in_review: Registration, as_ana: Client) -> None:
    review.ask_for_more(registration=in_review, text="The receipt, please.", by=world.staff, at=timezone.now())
    page = as_ana.get(finish(in_review))
    in_review.refresh_from_db()
    assert in_review.refusal_reason == RefusalReason.NEEDS_EVIDENCE
    assert page.context["evidence_asked"]
    assert b"We asked for this" in page.content


def test_what_the_desk_asked_for_has_to_be_there_to_hand_it_in_again(
    world: World, in_review: Registration, as_ana: Client
) -> None:
    """R25; what had been there before it was asked for is not it."""
    add(in_review, samples.jpeg())
    review.ask_for_more(registration=in_review, text="The receipt, please.", by=world.staff, at=timezone.now())
    given = details(in_review.serial)
    typed = {
        "serial": given.serial,
        "country": given.country,
        "store": given.store,
        "insisted": "on",
        "do": "submit",
        "purchased_on_day": "12",
        "purchased_on_month": "9",
        "purchased_on_year": "2023",
    }
    page = as_ana.post(finish(in_review), typed)
    assert "what we asked for" in str(page.context["form"].errors["evidence"])
    assert given.store.encode() in page.content
    answer = as_ana.post(finish(in_review), {**typed, "evidence": samples.upload(samples.pdf(), "receipt.pdf")})
    in_review.refresh_from_db()
    assert (answer.status_code, in_review.state) == (302, RegistrationState.SUBMITTED)


# --- The product's page and the desk --------------------------------------------------------------


def test_evidence_is_added_and_removed_on_the_page_of_the_product(in_review: Registration, as_ana: Client) -> None:
    url = f"/kitbag/{in_review.pk}/evidence/"
    assert as_ana.post(url, {}).status_code == 422
    assert as_ana.post(url, {"evidence": samples.upload(b"MZ", "a.exe")}).status_code == 422
    assert as_ana.post(url, {"evidence": samples.upload(samples.jpeg())}).status_code == 302
    piece = in_review.evidence.get()
    page = as_ana.get(f"/kitbag/{in_review.pk}/").content.decode()
    assert f'<img src="{piece.file.get_absolute_url()}"' in page
    assert as_ana.post(f"{url}{piece.pk}/remove/").status_code == 302
    assert not in_review.evidence.kept().exists()


def test_the_desk_sees_it_beside_the_data(in_review: Registration, as_support: Client) -> None:
    photo, receipt = add(in_review, samples.jpeg(), samples.pdf())
    page = as_support.get(f"/admin/kitbag/registrationinreview/{in_review.pk}/desk/").content.decode()
    assert f'<img src="{photo.file.get_absolute_url()}"' in page
    assert f'href="{receipt.file.get_absolute_url()}"' in page


def test_both_sides_of_a_claim_show_theirs(world: World, as_support: Client) -> None:
    held = validated(world.ana, world.body, "012345678901")
    validated(world.ben, world.body, "012345678901")
    claim = Claim.objects.get(holder=held)
    pieces = [*add(claim.holder, samples.jpeg()), *add(claim.claimant, samples.jpeg())]
    page = as_support.get(f"/admin/kitbag/claim/{claim.pk}/change/").content.decode()
    assert all(piece.file.get_absolute_url() in page for piece in pieces)


# --- Serial from a photo --------------------------------------------------------------------------


def read(client: Client, row: Registration, content: bytes | None, **more: Any) -> Any:
    photo = {} if content is None else {"photo": samples.upload(content)}
    return client.post(finish(row), {"do": "photo", "store": "Orms", **photo, **more})


def test_the_number_of_a_body_is_filled_in_and_the_photo_forgotten(
    world: World, row: Registration, as_ana: Client
) -> None:
    page = read(as_ana, row, samples.jpeg(serial="032021000123", model=world.body.name))
    assert page.context["form"]["serial"].value() == "032021000123"
    assert page.context["reading"].same_model
    assert b"Orms" in page.content
    assert not StoredFile.objects.exists()
    page = read(as_ana, row, samples.jpeg(model="Canon EOS 1000D"), keep_photo="on")
    assert b"look like this product" in page.content
    assert row.evidence.get().kind == EvidenceKind.SERIAL


@each_row("content", [None, b"", b"MZ", samples.png(), samples.jpeg(serial="")])
def test_a_photo_without_a_serial_is_reported_at_the_field(
    row: Registration, as_ana: Client, content: bytes | None
) -> None:
    page = read(as_ana, row, content)
    assert page.context["form"].errors["photo"]
    assert b"Orms" in page.content


@each_row(
    ("said", "names", "same"),
    [
        ("Canon EOS R5", ["EOS R5"], True),
        ("Canon EOS R5m2", ["EOS R5 Mark II"], True),
        ("Canon EOS-1D X Mark III", ["EOS-1D X Mark III"], True),
        ("Canon EOS 5D Mark IV", ["EOS 5D Mark III"], False),
        ("Canon EOS R5", ["EOS R5 Mark II"], False),
        ("Canon EOS REBEL T6i", ["EOS 750D", "EOS Rebel T6i"], True),
        ("", ["EOS R5"], False),
    ],
)
def test_the_model_in_a_photo_is_compared_by_name_and_alias(said: str, names: list[str], same: bool) -> None:
    assert is_same_model(said, names) is same


def test_the_groups_are_the_ones_that_decide(groups: dict[str, Group]) -> None:
    codes = set(groups["Support"].permissions.values_list("codename", flat=True))
    assert {"answer_case", "decide_registration"} <= codes
