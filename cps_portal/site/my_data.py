"""Everything held about a member, as a ZIP that is written while it is read (R14)."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Case as If
from django.db.models import QuerySet, TextField, Value, When
from django.db.models.fields.json import KT
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from cps_portal.core.files import actions as files
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.sheets import escape_formula
from cps_portal.core.outbox.models import Message
from kitbag.models import (
    Adjustment,
    Announcement,
    Appeal,
    Claim,
    Encounter,
    Handover,
    PointsEntry,
    Registration,
    StolenReport,
)
from members.models import LevelChange, Member, Notice, TermsAcceptance, ThresholdAnnouncement
from members.offers.models import Card, PackEvent, SignUp, WelcomePack
from members.support.models import Case, CaseMessage
from servicing.models import Estimate, EstimateLine, Loan, Ticket, TicketEvent, TicketFile, TicketMessage
from servicing.models import Part as SparePart

ROWS = 500
PIECE = 64 * 1024
KIT = ("registration__product__name", "registration")


@dataclass(frozen=True)
class Part:
    """One table of the download: its file name, the rows of a member, and what of each."""

    name: str
    model: type[models.Model]
    whose: str | Callable[[Member], QuerySet[Any]]
    fields: tuple[str, ...]

    def rows(self, member: Member) -> Iterator[dict[str, Any]]:
        if isinstance(self.whose, str):
            found = self.model._default_manager.filter(**{self.whose: member.pk})
        else:
            found = self.whose(member)
        return found.order_by("pk").values(*self.fields).iterator(chunk_size=ROWS)


def _mails(member: Member) -> QuerySet[Message]:
    """Without the text of those that carry a key to the account."""
    addresses = EmailAddress.objects.filter(user=member.user_id).values_list("email", flat=True)
    mine = {address.lower() for address in [*addresses, member.user.email]}
    letters = Message.objects.alias(whom=Lower("to")).filter(whom__in=mine, blanked_at=None)
    return letters.annotate(
        subject=KT("payload__subject"),
        text=If(
            When(key__startswith="account-", then=Value("")), default=KT("payload__text"), output_field=TextField()
        ),
        facts=KT("payload__facts"),
    )


def _claims(member: Member) -> QuerySet[Claim]:
    """Those of either side. Who the other side is, is not the member's to know (R32)."""
    return Claim.objects.filter(claimant__member=member) | Claim.objects.filter(holder__member=member)


def _history(app: str, name: str) -> type[models.Model]:
    return apps.get_model(app, name)


PROFILE = (
    "first_name",
    "last_name",
    "country",
    "specialty",
    "language",
    "wants_news",
    "wants_counted",
    "wants_reminders",
    "closed_at",
)
REGISTRATION = (
    "product__name",
    "state",
    "serial",
    "no_serial",
    "serial_insisted",
    "country",
    "purchased_on",
    "store",
    "review_reason",
    "refusal_reason",
    "removal_reason",
    "asked_for",
    "submitted_at",
    "decided_at",
    "ended_at",
)
PARTS = [
    Part(
        "profile",
        Member,
        "pk",
        (
            "number",
            "user__email",
            "user__date_joined",
            "user__last_login",
            *PROFILE,
            "theme",
            "points",
            "level",
            "joined_at",
        ),
    ),
    Part("profile_history", _history("members", "MemberEvent"), "pgh_obj", ("pgh_created_at", *PROFILE)),
    Part(
        "addresses",
        EmailAddress,
        lambda m: EmailAddress.objects.filter(user=m.user_id),
        (
            "email",
            "verified",
            "primary",
        ),
    ),
    Part(
        "sign_in_keys",
        Authenticator,
        lambda m: Authenticator.objects.filter(user=m.user_id),
        (
            "type",
            "created_at",
            "last_used_at",
        ),
    ),
    Part("terms_accepted", TermsAcceptance, "member", ("terms__version", "at")),
    Part("notices", Notice, "member", ("code", "params", "path", "at", "read_at")),
    Part("level_changes", LevelChange, "member", ("from_level", "to_level", "points", "cause", "about", "at")),
    Part("kit", Registration, "member", ("id", *REGISTRATION, "added_at")),
    Part(
        "kit_history",
        _history("kitbag", "RegistrationEvent"),
        "member",
        (
            "pgh_created_at",
            "pgh_obj_id",
            *REGISTRATION,
        ),
    ),
    Part(
        "points",
        PointsEntry,
        "member",
        (
            "amount",
            "cause",
            "stage",
            *KIT,
            "adjustment",
            "stage_change",
            "at",
        ),
    ),
    Part("adjustments", Adjustment, "member", ("id", "points", "reason", "expires_on", "made_at", "ended_at")),
    Part(
        "announcements",
        Announcement,
        "member",
        (
            "change__product__name",
            "change__to_stage",
            "change__effective_on",
            "at",
            "withdrawn_at",
        ),
    ),
    Part("level_announcements", ThresholdAnnouncement, "member", ("plan__effective_on", "at", "withdrawn_at")),
    Part(
        "appeals",
        Appeal,
        "registration__member",
        (
            *KIT,
            "text",
            "refusal_reason",
            "made_at",
            "granted",
            "decided_at",
            "case__reference",
        ),
    ),
    Part("claims", Claim, _claims, ("claimant__product__name", "opened_at", "respond_by", "outcome", "decided_at")),
    Part("handovers", Handover, "registration__member", (*KIT, "made_at", "expires_at", "revoked_at", "redeemed_at")),
    Part(
        "stolen_reports",
        StolenReport,
        "member",
        (
            "product__name",
            "serial_key",
            "registration",
            "police_reference",
            "stolen_on",
            "note",
            "reported_at",
            "lifted_at",
            "lifted_because",
        ),
    ),
    Part("stolen_seen", Encounter, "report__member", ("report", "where", "at")),
    Part(
        "cases",
        Case,
        "member",
        (
            "reference",
            "kind",
            "subject",
            "state",
            "opened_at",
            "first_answered_at",
            "closed_at",
        ),
    ),
    Part(
        "case_messages",
        CaseMessage,
        lambda m: CaseMessage.objects.public().filter(case__member=m),
        (
            "case__reference",
            "author",
            "text",
            "at",
        ),
    ),
    Part(
        "welcome_pack",
        WelcomePack,
        "member",
        (
            "reference",
            "state",
            "level_when_asked",
            "contents",
            "name",
            "street",
            "city",
            "city_area",
            "country_area",
            "postal_code",
            "sorting_code",
            "country",
            "phone",
            "asked_at",
            "dispatched_at",
            "carrier",
            "tracking",
        ),
    ),
    Part("welcome_pack_steps", PackEvent, "pack__member", ("step", "sending", "occurred_at", "received_at", "data")),
    Part("cards", Card, "member", ("number", "issued_at", "revoked_at", "end")),
    Part("sign_ups", SignUp, "member", ("offer__title", "state", "since", "ended_at")),
    Part(
        "services",
        Ticket,
        "member",
        (
            "reference",
            "product__name",
            "serial",
            "centre__name",
            "service",
            "fault",
            "condition",
            "accessories",
            "warranty_asked",
            "warranty",
            "why_no_warranty",
            "level",
            "track",
            "target_days",
            "state",
            "opened_at",
            "booked_in_at",
            "due_at",
            "ready_at",
            "missed_at",
            "ended_at",
            "carrier",
            "tracking",
        ),
    ),
    Part(
        "service_steps",
        TicketEvent,
        "ticket__member",
        (
            "ticket__reference",
            "kind",
            "occurred_at",
            "received_at",
            "data",
        ),
    ),
    Part("service_messages", TicketMessage, "ticket__member", ("ticket__reference", "from_member", "text", "at")),
    Part("service_files", TicketFile, "ticket__member", ("ticket__reference", "kind", "file", "at")),
    Part(
        "estimates",
        Estimate,
        "ticket__member",
        (
            "ticket__reference",
            "number",
            "currency",
            "valid_until",
            "note",
            "state",
            "sent_at",
            "answered_at",
        ),
    ),
    Part(
        "estimate_lines",
        EstimateLine,
        "estimate__ticket__member",
        (
            "estimate__ticket__reference",
            "estimate__number",
            "position",
            "text",
            "quantity",
            "price",
            "tax_percent",
        ),
    ),
    Part(
        "spare_parts",
        SparePart,
        "ticket__member",
        (
            "ticket__reference",
            "name",
            "ordered_at",
            "expected_on",
            "arrived_at",
        ),
    ),
    Part(
        "loans",
        Loan,
        "member",
        (
            "ticket__reference",
            "unit__product__name",
            "unit__serial",
            "state",
            "reserved_at",
            "agreed_at",
            "agreement",
            "out_at",
            "condition_out",
            "due_back",
            "returned_at",
            "condition_in",
            "cancelled_at",
        ),
    ),
    Part("mails", Message, _mails, ("to", "subject", "text", "facts", "state", "created_at", "sent_at")),
    Part(
        "files",
        StoredFile,
        lambda m: StoredFile.objects.filter(owner=m.user_id),
        (
            "id",
            "purpose",
            "kind",
            "size",
            "original_name",
            "created_at",
            "erased_at",
        ),
    ),
]

STAFF = "who of the staff did it, not whom it is about"
LEFT_OUT: dict[str, str] = {
    "admin.LogEntry": STAFF,
    "offers.CardEvent": "the same facts as cards",
    "offers.WelcomePackEvent": "the same facts as welcome_pack_steps",
    "servicing.CentreStaff": STAFF,
    "servicing.VisitingMember": "no member of ours: somebody of another region, seen by a centre",
    "servicing.EstimateHistoryEvent": "the same facts as service_steps",
    "servicing.LoanHistoryEvent": "the same facts as service_steps",
    "servicing.TicketHistoryEvent": "the same facts as service_steps",
    "kitbag.Sale": "a shop's word about a serial number, which kit has; it names nobody",
    "partners.Credential": STAFF,
    **dict.fromkeys(
        [f"oauth2_provider.{name}" for name in ("AccessToken", "DeviceGrant", "Grant", "IDToken", "RefreshToken")],
        "of partners' machines: no person has one",
    ),
    "kitbag.Hold": "only that a product is in service, which the services say",
    "kitbag.RegistrationInReview": "the same rows as kit",
    "sessions.Session": "only finds its user by being opened: who is signed in, which the profile says by last_login",
}


class _Pieces(io.RawIOBase):
    """What the ZIP has written and nobody has fetched yet."""

    def __init__(self) -> None:
        self.held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.held += data
        return len(data)

    def take(self) -> bytes:
        piece = bytes(self.held)
        self.held.clear()
        return piece


def archive(member: Member, *, at: datetime) -> Iterator[bytes]:
    """The ZIP piece by piece: each table as JSON and as CSV, and the files that the member uploaded."""
    pieces = _Pieces()
    with zipfile.ZipFile(pieces, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, texts in _texts(member, at):
            with bundle.open(name, "w") as entry:
                for text in texts:
                    entry.write(text)
                    if len(pieces.held) > PIECE:
                        yield pieces.take()
    yield pieces.take()


def _texts(member: Member, at: datetime) -> Iterator[tuple[str, Iterable[bytes]]]:
    yield "README.txt", [_about(member, at).encode()]
    for part in PARTS:
        yield f"{part.name}.json", _as_json(part.rows(member))
        yield f"{part.name}.csv", _as_csv(part.rows(member), part.fields)
    for file in StoredFile.objects.kept().filter(owner=member.user_id).order_by("pk").iterator(chunk_size=ROWS):
        yield f"files/{file.download_name}", _content(file)


def _about(member: Member, at: datetime) -> str:
    return _(
        "What the portal holds about member %(number)s, on %(at)s.\n\n"
        "Each table is there twice: as JSON for programs, as CSV for a spreadsheet. Times are in UTC.\n"
        "The text of mails with sign-in links is left out, and so are notes that staff wrote for each other.\n"
    ) % {"number": member.number_in_groups, "at": at.isoformat(timespec="seconds")}


def _as_json(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    opening = b"[\n"
    for row in rows:
        yield opening + json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False).encode()
        opening = b",\n"
    yield b"[]\n" if opening == b"[\n" else b"\n]\n"


def _as_csv(rows: Iterable[dict[str, Any]], fields: tuple[str, ...]) -> Iterator[bytes]:
    line = io.StringIO(newline="")
    writer = csv.writer(line)
    writer.writerow(fields)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in fields])
        yield line.getvalue().encode()
        line.seek(0)
        line.truncate()
    yield line.getvalue().encode()


def _cell(value: Any) -> Any:
    """A spreadsheet must not take what somebody typed for a formula."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, dict | list):
        return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
    return escape_formula(value) if isinstance(value, str) else value


def _content(file: StoredFile) -> Iterator[bytes]:
    """Nothing if it was erased a moment ago."""
    try:
        content = files.file_storage().open(file.stored_as)
    except FileNotFoundError:
        return
    with content:
        yield from content.chunks(PIECE)
