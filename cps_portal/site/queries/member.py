"""The whole member, for staff: the newest rows of every subject, and how many there are in all (R54).

The number of queries does not depend on how many rows there are. Each subject is read by a function of its own, so that
the page leaves out what its reader may not see. Histories and conversations are read from both, if two accounts became
one (R69).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db.models import Count, F, Max, Model, Q, QuerySet
from django.db.models.functions import Lower

from cps_portal.core.outbox.enums import Kind
from cps_portal.core.outbox.models import Message
from cps_portal.site.queries.mails import mails_to
from kitbag.models import Claim, PointsEntry, Registration, StolenReport, Totals, totals_of
from kitbag.queries.duplicates import find_own_duplicates
from members.enums import NoticeCode
from members.models import Device, LevelChange, Member, MemberNote, Notice, TermsAcceptance, User
from members.offers.models import Card, CardRequest, SignUp, WelcomePack
from members.support.enums import CaseState
from members.support.models import Case
from servicing.enums import OPEN_LOANS
from servicing.models import Loan, Ticket

MAX_KIT, MAX_ENTRIES, MAX_JOBS, MAX_ROWS, MAX_NOTES, MAX_LEVEL_CHANGES = 20, 8, 6, 6, 10, 3
MOVED_FOR = timedelta(days=60)  # that long the page says that somebody has moved
M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Newest(Generic[M]):
    """The newest rows, and how many there are in all."""

    rows: list[M]
    total: int

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.total - len(self.rows)


def newest(rows: "QuerySet[M]", most: int) -> Newest[M]:
    """The first `most` rows of an ordered query, and the number of all of them: in two queries."""
    shown = list(rows[: most + 1])
    return Newest(shown[:most], len(shown) if len(shown) <= most else rows.count())


# --- Kit and points ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kit:
    """What is in the Kitbag and why it does not count, greyed first; what was removed comes last, also what had been
    removed from an account that became one with this one (R69).

    The mappings are by key of the registration. `totals` are those of `RegistrationQuerySet.totals`.
    """

    kit: Newest[Registration]
    totals: Totals
    claims: dict[int, Claim]
    reports: list[StolenReport]
    duplicates: dict[int, int]


def read_kit(member: Member) -> Kit:
    of_member = Registration.objects.of(member)
    shown_too = Registration.objects.absorbed_by(member).filter(merged_as=None)
    rows = (of_member | shown_too if member.absorbed else of_member).with_counted().select_related("product")
    shown = newest(rows.order_by(F("ended_at").desc(nulls_first=True), F("counted").asc(), "-pk"), MAX_KIT)
    keys = [row.pk for row in shown.rows]
    claims = Claim.objects.open().filter(Q(claimant__in=keys) | Q(holder__in=keys))
    return Kit(
        kit=shown,
        totals=totals_of(member),
        claims={key: claim for claim in claims for key in (claim.claimant_id, claim.holder_id)},
        reports=list(stolen_reports(member)),
        duplicates=find_own_duplicates(shown.rows),
    )


def stolen_reports(member: Member) -> "QuerySet[StolenReport]":
    """The member's standing reports, with `seen_at`: when such a product was presented last."""
    reports = StolenReport.objects.active().filter(member=member).select_related("product")
    return reports.annotate(seen_at=Max("sightings__at"))


def read_entries(member: Member) -> Newest[PointsEntry]:
    entries = (
        PointsEntry.objects.of(member)
        .with_total()
        .select_related("registration__product", "adjustment", "stage_change__successor", "stage_change__product", "by")
    )
    return newest(entries.order_by("-pk"), MAX_ENTRIES)


def read_level_changes(member: Member) -> list[LevelChange]:
    return list(LevelChange.objects.filter(member__in=member.accounts).order_by("-pk")[:MAX_LEVEL_CHANGES])


# --- Service -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Service:
    """Jobs, those that are open first, with their boxes; what is lent, by key of the ticket."""

    tickets: Newest[Ticket]
    places: int
    loans: dict[int, Loan]
    loans_out: int


def read_service(member: Member, reader: User) -> Service:
    """Of the centres that the reader may see."""
    tickets = Ticket.objects.of(member).seen_by(reader)
    whole = tickets.select_related("product", "centre", "parcel").prefetch_related("events", "shipments")
    shown = newest(whole.order_by(F("ended_at").desc(nulls_first=True), "-pk"), MAX_JOBS)
    shown_or_open = Q(ticket__in=[row.pk for row in shown.rows]) | Q(state__in=OPEN_LOANS)
    loans = Loan.objects.seen_by(reader).filter(shown_or_open, member__in=member.accounts)
    rows = list(loans.select_related("unit__product").order_by("pk"))
    return Service(
        tickets=shown,
        places=tickets.filter(place__isnull=False).count(),
        loans={row.ticket_id: row for row in rows},
        loans_out=sum(row.state in OPEN_LOANS for row in rows),
    )


# --- What was said -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cases:
    """The cases, open ones first."""

    rows: list[Case]
    open: int
    total: int


def read_cases(member: Member) -> Cases:
    of_member = Case.objects.of(member)
    counts = of_member.aggregate(total=Count("pk"), open=Count("pk", filter=~Q(state=CaseState.CLOSED)))
    order = (F("closed_at").desc(nulls_first=True), F("due_at").asc(nulls_last=True), "-pk")
    return Cases(list(of_member.select_related("assigned_to").order_by(*order)[:MAX_ROWS]), **counts)


def read_mails(member: Member) -> Newest[Message]:
    return newest(_mails(member).order_by("-pk"), MAX_ROWS)


def find_mail(member: Member, key: int) -> Message | None:
    return _mails(member).filter(pk=key).first()


def _mails(member: Member) -> "QuerySet[Message]":
    return mails_to(member, *absorbed_accounts(member)).filter(kind=Kind.MAIL)


def absorbed_accounts(member: Member) -> list[Member]:
    """The accounts that became one with this one; without any, nothing is queried."""
    if not member.absorbed:
        return []
    return list(Member.objects.filter(pk__in=member.absorbed).select_related("user").order_by("pk"))


def read_notices(member: Member) -> Newest[Notice]:
    return newest(Notice.objects.filter(member__in=member.accounts), MAX_ROWS)


def notices_with(member: Member, keys: list[str]) -> list[Notice]:
    """The notices that say the same as the mails with these keys."""
    return list(Notice.objects.filter(member__in=member.accounts, key__in=keys))


def last_move(member: Member, now: datetime) -> Notice | None:
    """What the member was told when they moved, if that was not long ago (R6)."""
    return Notice.objects.filter(member=member, code=NoticeCode.MOVED, at__gt=now - MOVED_FOR).first()


def read_notes(member: Member) -> Newest[MemberNote]:
    return newest(MemberNote.objects.filter(member__in=member.accounts).select_related("by"), MAX_NOTES)


# --- Offers --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cards:
    """The valid card, the newest if there is none, and how a new one is on its way."""

    card: Card | None
    total: int
    request: CardRequest | None


def read_cards(member: Member) -> Cards:
    cards = newest(Card.objects.filter(member=member), 1)
    request = CardRequest.objects.filter(member=member).first()
    return Cards(cards.rows[0] if cards.rows else None, cards.total, request)


def read_pack(member: Member) -> WelcomePack | None:
    return WelcomePack.objects.of_person(member).first()


def read_sign_ups(member: Member) -> Newest[SignUp]:
    rows = SignUp.objects.filter(member=member).select_related("offer")
    return newest(rows.order_by(F("offer__starts_at").desc(nulls_last=True), "-pk"), MAX_ROWS)


# --- The person ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Person:
    """How the member signs in, what they accepted, and when they were last here."""

    addresses: list[EmailAddress]
    factors: list[str]
    terms: TermsAcceptance | None
    last_seen: datetime | None


def read_person(member: Member) -> Person:
    accepted = TermsAcceptance.objects.filter(member=member).select_related("terms")
    seen = Device.objects.filter(user=member.user_id).aggregate(last=Max("last_seen_at"))
    return Person(
        addresses=list(EmailAddress.objects.filter(user=member.user_id).order_by("-primary", Lower("email"))),
        factors=list(Authenticator.objects.filter(user=member.user_id).order_by("type").values_list("type", flat=True)),
        terms=accepted.order_by("-pk").first(),
        last_seen=seen["last"],
    )
