"""Files that a centre's systems send: looked at as strictly as those of a page, kept once, forgotten (R14, R25)."""

import io
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as conf
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from PIL import Image
from pytest_django import Settings

from cps_portal.core.files.actions import file_storage
from cps_portal.core.files.models import StoredFile
from cps_portal.core.files.scanners import Infected
from cps_portal.core.outbox.models import Message
from members.models import Notice
from servicing.actions.erasure import VISITORS_KEPT_FOR, erase_tickets, erase_visitors
from servicing.actions.messages import MAX_FILES
from servicing.enums import TicketFileKind, TicketState
from servicing.models import Ticket, TicketFile, VisitingMember
from tests.api.machines import FILES, Machine, machine
from tests.files import samples
from tests.files.test_store import HOSTILE
from tests.rows import each_row
from tests.world import World


@pytest.fixture
def path(ticket: Ticket) -> str:
    return f"tickets/{ticket.reference}/documents"


def parts(content: bytes | None = None, kind: str = "document", name: str = "IMG 1.jpg") -> dict[str, Any]:
    return {"kind": kind, "file": SimpleUploadedFile(name, samples.jpeg() if content is None else content)}


def fault_of(answer: HttpResponse) -> tuple[int, str, str]:
    said = answer.json()
    return answer.status_code, said["errors"][0]["pointer"], said["errors"][0]["code"]


def body_of(answer: HttpResponse) -> bytes:
    assert answer.status_code == 200
    return b"".join(answer)


def left() -> int:
    """How many files have content."""
    return sum(file_storage().exists(name) for name in StoredFile.objects.values_list("stored_as", flat=True) if name)


@pytest.mark.parametrize(
    ("kind", "make", "becomes"),
    [
        (TicketFileKind.FAULT, samples.jpeg, "image/jpeg"),
        (TicketFileKind.PROOF, samples.heic, "image/jpeg"),
        (TicketFileKind.DOCUMENT, samples.pdf, "application/pdf"),
    ],
)
def test_a_file_of_any_kind_is_kept_clean_and_read_again(
    workshop: Machine, path: str, kind: str, make: Any, becomes: str
) -> None:
    answer = workshop.send(path, parts(make(), kind, "whatever.bin"))
    assert answer.status_code == 201, answer.content
    row = TicketFile.objects.get()
    assert answer.json() == workshop.get(path).json()["results"][0]
    assert answer.json() == {**answer.json(), "id": row.pk, "kind": kind, "content_type": becomes}
    assert (row.partner, row.file.owner, row.file.attached_at) == (workshop.partner, None, row.at)
    assert answer["Location"] == f"/api/v1/{path}/{row.pk}/content"
    content = body_of(workshop.get(answer["Location"].removeprefix("/api/v1/")))
    assert len(content) == answer.json()["bytes"]


def test_where_a_photo_was_taken_stays_behind(workshop: Machine, path: str) -> None:
    given = samples.jpeg()
    assert samples.GPS_MARK in given
    where = workshop.send(path, parts(given))["Location"]
    content = body_of(workshop.get(where.removeprefix("/api/v1/")))
    assert samples.GPS_MARK not in content
    with Image.open(io.BytesIO(content)) as image:
        assert not dict(image.getexif())


def test_a_wrong_broken_or_hostile_file_is_refused_beside_its_field_and_never_kept(
    workshop: Machine, path: str
) -> None:
    for what, (content, code) in HOSTILE.items():
        assert fault_of(workshop.send(path, parts(content))) == (400, "/file", code), what
    assert (left(), StoredFile.objects.count(), TicketFile.objects.count()) == (0, 0, 0)


def form(*given: tuple[str, str]) -> bytes:
    """Parts by what stands behind `form-data; ` and their content."""
    lines = [f"--a-line\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n" for head, content in given]
    return "".join([*lines, "--a-line--"]).encode()


KIND, FILE = ('name="kind"', "fault"), ('name="file"; filename="a.jpg"', "x")
MALFORMED: dict[str, tuple[bytes, str]] = {
    "nothing at all": (b"", "/kind"),
    "no line": (b"abc", "/kind"),
    "no file": (form(KIND), "/file"),
    "a file that is a word": (form(KIND, ('name="file"', "x")), "/file"),
    "an empty file": (form(KIND, (FILE[0], "")), "/file"),
    "no kind": (form(FILE), "/kind"),
    "an unknown kind": (form(('name="kind"', "invoice"), FILE), "/kind"),
    "a kind that is a file": (form(('name="kind"; filename="fault"', "fault"), FILE), "/kind"),
    "an unknown field": (form(KIND, FILE, ('name="ticket"', "1")), "/ticket"),
    "two files": (form(KIND, FILE, FILE), "/file"),
    "two kinds": (form(KIND, KIND, FILE), "/kind"),
    "another file beside it": (form(KIND, FILE, ('name="more"; filename="b.jpg"', "x")), "/more"),
    "a charset of no words": (form(KIND, ("name=\"file\"; filename*=hex''%61.jpg", "x")), ""),
    "half of a surrogate pair": (form(KIND, ("name=\"file\"; filename*=utf-7''%2B2AA%2D.jpg", "x")), ""),
    "many fields": (form(*((f'name="k{n}"', "x") for n in range(1100))), ""),
}


def test_a_form_that_is_not_as_described_is_refused(workshop: Machine, path: str) -> None:
    kind = f"{FILES}; boundary=a-line; charset=hex"
    for what, (body, pointer) in MALFORMED.items():
        answer = workshop.ask("POST", path, body, kind, **{"Idempotency-Key": "one"})
        assert answer.status_code == 400, what
        if pointer:
            assert pointer in [one["pointer"] for one in answer.json()["errors"]], what
    assert not StoredFile.objects.exists()


def test_what_is_no_form_is_refused_by_its_type(workshop: Machine, path: str) -> None:
    assert workshop.post(path, {"kind": "fault"}).status_code == 415
    assert workshop.ask("POST", path, b"x", "multipart/form-data", **{"Idempotency-Key": "x"}).status_code == 400


def test_what_is_too_large_is_413_by_its_announcement_and_by_its_file(
    workshop: Machine, path: str, settings: Settings
) -> None:
    body = b"x" * ((conf.FILES_MAX_MEGABYTES + 1) * 1024 * 1024)
    assert workshop.send(path, parts(body)).status_code == 413
    settings.FILES_MAX_MEGABYTES = 0
    answer = workshop.send(path, parts())
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert not StoredFile.objects.exists()


def test_the_same_file_with_another_boundary_is_the_same_request(workshop: Machine, path: str) -> None:
    given = samples.jpeg()
    first = workshop.send(path, parts(given), key="one", boundary="a-line")
    again = workshop.send(path, parts(given), key="one", boundary="another-line")
    assert (again.status_code, again.content, again["Location"]) == (201, first.content, first["Location"])
    assert again["Idempotency-Replayed"] == "true"
    assert (TicketFile.objects.count(), StoredFile.objects.count(), left()) == (1, 1, 1)


@each_row(
    "other",
    [parts(samples.jpeg("999")), parts(kind="proof"), parts(name="other.jpg"), {"kind": "document"}],
    ids=["content", "kind", "name", "no file"],
)
def test_another_file_with_the_same_key_is_refused(workshop: Machine, path: str, other: dict[str, Any]) -> None:
    assert workshop.send(path, parts(), key="one").status_code == 201
    answer = workshop.send(path, other, key="one")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_used")
    assert StoredFile.objects.count() == 1


def test_the_ticket_of_another_centre_is_404_and_the_upload_is_not_read(workshop: Machine, path: str) -> None:
    assert machine("stranger").send(path, parts()).status_code == 404
    assert workshop.send("tickets/3F7K2M9A/documents", parts()).status_code == 404
    assert machine("reader", scopes=["tickets:read"]).send(path, parts()).status_code == 403
    assert Client().post(f"/api/v1/{path}", parts()).status_code == 401
    assert not StoredFile.objects.exists()


def test_a_job_that_is_long_over_or_full_takes_none(workshop: Machine, ticket: Ticket, path: str) -> None:
    now = timezone.now()
    Ticket.objects.update(state=TicketState.CLOSED, ended_at=now - timedelta(days=29), place=None, place_since=None)
    assert workshop.send(path, parts()).status_code == 201
    Ticket.objects.update(ended_at=now - timedelta(days=31))
    answer = workshop.send(path, parts())
    assert (answer.status_code, answer.json()["code"]) == (409, "over")
    Ticket.objects.update(state=TicketState.ASSESSED, ended_at=None)
    rows = [StoredFile(purpose="ticket", kind="jpeg", size=1, stored_as="x", created_at=now) for _n in range(MAX_FILES)]
    for row, key in zip(rows, range(MAX_FILES), strict=True):
        row.key = f"full-{key}"
    made = StoredFile.objects.bulk_create(rows)
    TicketFile.objects.bulk_create(TicketFile(ticket=ticket, file=row, kind="fault", at=now) for row in made)
    assert fault_of(workshop.send(path, parts()))[::2] == (409, "many")


def test_who_knows_an_older_version_is_stopped(workshop: Machine, path: str) -> None:
    known = workshop.get(path.removesuffix("/documents"))["ETag"]
    assert workshop.send(path, parts(), **{"If-Match": known}).status_code == 201
    answer = workshop.send(path, parts(), **{"If-Match": known})
    assert (answer.status_code, answer.json()["code"]) == (412, "changed")
    assert TicketFile.objects.count() == 1


@pytest.mark.parametrize(("kind", "told"), [("document", 1), ("fault", 0), ("proof", 0)])
def test_the_customer_is_notified_of_a_document(
    workshop: Machine, ticket: Ticket, kind: str, told: int, client: Client
) -> None:
    path = f"tickets/{ticket.reference}/documents"
    assert workshop.send(path, parts(kind=kind)).status_code == 201
    assert Notice.objects.filter(key__startswith="ticket-document-").count() == told
    assert Message.objects.filter(key__startswith="ticket-document-").count() == told
    assert ticket.member
    client.force_login(ticket.member.user)
    where = TicketFile.objects.get().file.get_absolute_url()
    assert where in client.get(ticket.get_absolute_url()).content.decode()
    assert client.get(where).status_code == 200


def test_uploads_are_refused_while_the_scanner_is_down_and_the_same_key_works_later(
    workshop: Machine, path: str, settings: Settings
) -> None:
    settings.FILES_SCANNER, settings.FILES_CLAMD = "cps_portal.core.files.scanners.clamd", "127.0.0.1:1"
    answer = workshop.send(path, parts(), key="one")
    assert (answer.status_code, answer.json()["code"]) == (503, "unreachable")
    assert int(answer["Retry-After"]) > 0
    settings.FILES_SCANNER = "tests.api.test_documents.infected"
    assert fault_of(workshop.send(path, parts(), key="two")) == (400, "/file", "infected")
    settings.FILES_SCANNER = ""
    assert workshop.send(path, parts(), key="one").status_code == 201


def infected(upload: Any) -> None:
    """A scanner that finds something in everything."""
    raise Infected


def test_files_are_sent_so_often_a_minute_and_no_more(workshop: Machine, path: str, settings: Settings) -> None:
    settings.FILES_UPLOAD_LIMIT = (2, 60)
    answers = [workshop.send(path, parts()).status_code for _n in range(3)]
    assert answers == [201, 201, 429]


def test_erasing_a_member_reaches_it_and_nothing_comes_after(workshop: Machine, ticket: Ticket, path: str) -> None:
    assert workshop.send(path, parts()).status_code == 201
    now = timezone.now()
    Ticket.objects.update(state=TicketState.CLOSED, ended_at=now, place=None, place_since=None)
    assert ticket.member
    erase_tickets(member=ticket.member, at=now)
    assert (left(), workshop.get(path).json()["results"]) == (0, [])
    type(ticket.member).objects.filter(pk=ticket.member.pk).update(
        first_name="", last_name="", specialty="", closed_at=now, erased_at=now
    )
    assert workshop.send(path, parts()).json()["code"] == "over"
    assert left() == 0


# --- The photo of a foreign card ---------------------------------------------------------------------


@pytest.fixture
def visitor(workshop: Machine, world: World) -> VisitingMember:
    said = {
        "centre": workshop.partner.centres.get().slug,
        "product": world.pro_body.slug,
        "service": "repair",
        "fault": "It sticks",
        "region": "asia",
        "card_number": "AS 123",
        "name": "Kei Example",
        "expires_on": (timezone.localdate() + timedelta(days=300)).isoformat(),
    }
    answer = workshop.post("visitors", said)
    assert answer.status_code == 201, answer.content
    return VisitingMember.objects.get()


def card(content: bytes | None = None) -> dict[str, Any]:
    return {"file": SimpleUploadedFile("card.jpg", samples.jpeg() if content is None else content)}


def test_a_card_gets_a_photo_and_a_better_one(workshop: Machine, visitor: VisitingMember) -> None:
    path = f"visitors/{visitor.pk}/card-photo"
    assert workshop.get(path).status_code == 404
    first = workshop.send(path, card(), key="one")
    assert (first.status_code, first.json()["has_photo"], first["Location"]) == (201, True, f"/api/v1/{path}")
    assert first.json() == workshop.get(f"visitors/{visitor.pk}").json()
    assert samples.GPS_MARK not in body_of(workshop.get(path))
    assert workshop.send(path, card(samples.png()), key="two").status_code == 201
    assert workshop.send(path, card(), key="one").content == first.content
    assert left() == 1
    visitor.refresh_from_db()
    assert visitor.photo and not visitor.photo.erased_at


@pytest.mark.parametrize(
    ("given", "pointer", "code"),
    [
        ({}, "/file", "required"),
        (card(b"a text that is no picture"), "/file", "unknown"),
        ({**card(), "kind": "fault"}, "/kind", "invalid"),
    ],
)
def test_a_photo_that_is_none_is_refused(
    workshop: Machine, visitor: VisitingMember, given: dict[str, Any], pointer: str, code: str
) -> None:
    assert fault_of(workshop.send(f"visitors/{visitor.pk}/card-photo", given)) == (400, pointer, code)


def test_a_card_of_another_centre_does_not_exist(workshop: Machine, visitor: VisitingMember) -> None:
    other = machine("stranger")
    assert other.send(f"visitors/{visitor.pk}/card-photo", card()).status_code == 404
    assert workshop.send(f"visitors/{visitor.pk}/card-photo", card()).status_code == 201
    assert other.get(f"visitors/{visitor.pk}/card-photo").status_code == 404


def test_the_photo_is_erased_with_the_data_of_the_card(workshop: Machine, visitor: VisitingMember) -> None:
    path = f"visitors/{visitor.pk}/card-photo"
    assert workshop.send(path, card()).status_code == 201
    now = timezone.now()
    Ticket.objects.update(state=TicketState.CLOSED, ended_at=now - VISITORS_KEPT_FOR)
    assert erase_visitors(at=now) == 1
    assert (left(), workshop.get(path).status_code) == (0, 404)
    answer = workshop.send(path, card())
    assert (answer.status_code, answer.json()["code"], left()) == (409, "erased", 0)
