"""The data download contains everything about a member and nothing about others (R14)."""

import csv
import io
import json
import secrets
import zipfile
from typing import Any

from django.apps import apps
from django.utils import timezone

from cps_portal.core.files.models import StoredFile
from cps_portal.site.actions import ways_to
from cps_portal.site.presenters.my_data import CHUNK_BYTES, archive
from cps_portal.site.presenters.my_data_tables import LEFT_OUT, TABLES
from members.enums import NoticeCode
from members.models import Member, Notice, User
from tests.accounts.everything import MARK, STOLEN, add_everything
from tests.rows import each_row
from tests.world import World

# What leads to a user or member and is not in the download, and why.
NOT_ABOUT_A_PERSON = "rules and plans of the programme, made by staff"
NOT_IN_IT = {
    **LEFT_OUT,
    "kitbag.AdjustmentEvent": "how the rows of adjustments came about, without their words",
    "kitbag.AppealEvent": "how the rows of appeals came about, without their words",
    "kitbag.ClaimEvent": "how the rows of claims came about",
    "kitbag.HandoverEvent": "how the rows of handovers came about",
    "kitbag.SerialChangeEvent": "how the rows of new_serials came about",
    "kitbag.StolenReportEvent": "how the rows of stolen_reports came about",
    "pghistory.MiddlewareEvents": "all rows of history in one view, by who of the staff was signed in",
    "kitbag.LedgerCheck": "a log of comparisons: numbers only",
    "kitbag.StageChange": NOT_ABOUT_A_PERSON,
    "kitbag.StageChangeEvent": NOT_ABOUT_A_PERSON,
    "cases.CaseEvent": "who of the staff worked on a case, without its words",
    "cases.CaseAttachment": "the file and the message are in files and case_messages",
    "kitbag.Evidence": "the file is in files",
    "kitbag.CatalogueProposal": NOT_ABOUT_A_PERSON,
    "members.CountryPlan": NOT_ABOUT_A_PERSON,
    "members.CountryPlanEvent": NOT_ABOUT_A_PERSON,
    "members.ThresholdPlan": NOT_ABOUT_A_PERSON,
    "members.ThresholdPlanEvent": NOT_ABOUT_A_PERSON,
    "members.PendingLevelNotice": "a mail that waits for its turn; the change is in level_changes",
    "members.User": "its address and dates are in profile",
    "members.User_groups": "rights of staff",
    "members.User_user_permissions": "rights of staff",
}


def opened(member: Member) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(archive(member, at=timezone.now()))))


def table(bundle: zipfile.ZipFile, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(bundle.read(f"{name}.json"))
    return rows


def test_every_model_with_personal_data_is_in_the_download_or_left_out_for_a_reason() -> None:
    there = {part.model for part in TABLES}
    undecided = {
        model._meta.label
        for model in apps.get_models(include_auto_created=True)
        if model not in there
        and model._meta.label not in NOT_IN_IT
        and (model is User or list(ways_to(Member, model)) or list(ways_to(User, model, 1)))
    }
    assert undecided == set(), "add them to TABLES in my_data_tables.py, or to LEFT_OUT with a reason"


def test_the_download_contains_everything_about_the_member(world: World) -> None:
    somebody = add_everything(world)
    bundle = opened(somebody)
    assert bundle.testzip() is None
    for part in TABLES:
        rows = table(bundle, part.name)
        assert rows or part.name in {"announcements", "level_announcements"}, part.name
        lines = list(csv.DictReader(io.StringIO(bundle.read(f"{part.name}.csv").decode())))
        assert len(lines) == len(rows)
    (profile,) = table(bundle, "profile")
    assert profile["number"] == somebody.number
    assert {row["last_name"] for row in table(bundle, "profile_history")} >= {"Zqmark Old", "Zqmark New"}
    assert {row["serial"] for row in table(bundle, "kit")} >= {STOLEN, "Zqmark1", "Zqmark3"}
    assert sum(row["amount"] for row in table(bundle, "points")) == somebody.points
    said = {row["text"] for row in table(bundle, "case_messages")}
    assert {"I am Zqmark", "Dear Zqmark"} <= said
    kept = StoredFile.objects.filter(owner=somebody.user).earliest("pk")
    assert len(bundle.read(f"files/{kept.download_name}")) == kept.size


def test_the_download_contains_no_staff_notes_no_sign_in_links_and_nobody_else(world: World) -> None:
    somebody = add_everything(world)
    bundle = opened(somebody)
    everything = b"".join(bundle.read(name) for name in bundle.namelist() if not name.startswith("files/")).decode()
    assert "was rude" not in everything
    assert "/accounts/password/reset/key/" not in everything
    assert world.staff.email not in everything
    others = b"".join(archive(world.ben, at=timezone.now()))
    assert MARK not in str(zipfile.ZipFile(io.BytesIO(others)).read("kit.json")).lower()


@each_row("typed", ["=1+1", "+27 11", "@sum(a1)", "-2+3", "-A1"])
def test_typed_text_is_never_a_formula_in_the_csv_files(world: World, typed: str) -> None:
    world.ana.first_name = typed
    world.ana.save()
    (profile,) = csv.DictReader(io.StringIO(opened(world.ana).read("profile.csv").decode()))
    assert profile["first_name"] == f"'{typed}"


def test_the_download_is_streamed_in_pieces(world: World) -> None:
    now = timezone.now()
    facts = [{"reference": secrets.token_hex(200)} for _n in range(1500)]
    Notice.objects.bulk_create(
        Notice(key=f"n{n}", member=world.ana, code=NoticeCode.CASE_CLOSED, params=params, at=now)
        for n, params in enumerate(facts)
    )
    sizes = [len(piece) for piece in archive(world.ana, at=now)]
    assert sum(sizes) > 3 * CHUNK_BYTES
    assert max(sizes) < 2 * CHUNK_BYTES
