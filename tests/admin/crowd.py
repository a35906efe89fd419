"""Rows of every kind that the desk lists, as many as asked for."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.utils import timezone

from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.reference import new_reference
from cps_portal.core.outbox.enums import SuppressionReason
from cps_portal.core.outbox.models import Suppression
from cps_portal.core.partners.actions import add_endpoint, issue_credential
from cps_portal.core.partners.models import ApiCall, Attempt, IdempotencyRecord, Partner
from kitbag.actions import handovers, registrations, review, stolen_reports
from kitbag.actions.appeals import make_appeal
from kitbag.actions.planning import plan_changes
from kitbag.enums import RefusalReason, Shelf, Stage
from kitbag.models import (
    Adjustment,
    Announcement,
    AuthorisedPeriod,
    CatalogueProposal,
    Evidence,
    HeldDecision,
    KitGroup,
    LedgerCheck,
    MergedAdjustment,
    MergedRegistration,
    MissedSearch,
    OwnerDetails,
    Registration,
    Retailer,
    Sale,
    SerialChange,
    SerialShape,
)
from members.actions import write_note as write_member_note
from members.actions.staff_access import record_access, start_view
from members.enums import AccessKind, Door, Level, Programme, ServiceLevel
from members.models import (
    AccountFreeze,
    AccountMerge,
    CountryPlan,
    CountryProgramme,
    Device,
    EmailChange,
    LevelBenefit,
    LevelThreshold,
    LostAddress,
    LostAddressFile,
    Member,
    PendingLevelNotice,
    PushSubscription,
    TermsVersion,
    ThresholdAnnouncement,
    ThresholdPlan,
    User,
)
from members.offers.actions.cards import get_or_issue_card
from members.offers.actions.offers import sign_up
from members.offers.models import CardRequest, Offer, PackEvent, PackItem, WelcomePack
from members.support.actions import open_case
from members.support.enums import CaseKind
from members.support.models import CannedAnswer, CaseAttachment, CaseReader
from servicing.actions.estimates import Line, approve_estimate, send_estimate
from servicing.actions.events import Actor, record_event
from servicing.actions.messages import write_message
from servicing.actions.parts import order_part
from servicing.actions.service_requests import RequestedItem, open_parcel
from servicing.actions.tickets import book_in
from servicing.actions.visitors import Visitor, open_for_visitor
from servicing.actions.warranty import decide_warranty
from servicing.enums import CardRegion, EventKind, ServiceKind
from servicing.models import (
    CalendarException,
    CalendarSnapshot,
    CardRule,
    Carrier,
    CentreStaff,
    EstimatedHoliday,
    EstimateDraft,
    Loan,
    LoanUnit,
    PackedTicket,
    ReadySet,
    ReadySetLine,
    ServiceCentre,
    ServiceReport,
    Shipment,
    TicketFile,
    TicketNote,
    WarrantyPeriod,
)
from servicing.queries.entitlement import Item
from tests.factories import ProductFactory, UserFactory, counting, plan, submitted, validated
from tests.servicing.jobs import a_centre
from tests.world import join

LONG_AGO = datetime(2024, 3, 1, 9, 0, tzinfo=UTC)


def add_people(numbers: range, terms: TermsVersion, by: User) -> list[Member]:
    """Each with a product that counts, one refused and one in the queue, whose serial number all of them claim."""
    people = []
    claimer = join(f"claimer-{numbers.start}", "KE", terms)
    for n in numbers:
        member = join(f"person-{n}", "ZA", terms)
        start_view(member=member, reason="Asked", by=by, at=timezone.now())
        record_access(
            by=by, at=timezone.now(), kind=AccessKind.PAGE, door=Door.DESK, page="admin:index", members=[member.pk]
        )
        write_member_note(member=member, text="Call first", pinned=False, by=by, at=timezone.now())
        Authenticator.objects.create(user=member.user, type=Authenticator.Type.TOTP, data={"secret": "hush"})
        product = ProductFactory(points_current=600)
        counting(member, product, f"20000000{n:04}")
        refused = submitted(member, product, f"3{n:011}")
        review.refuse_registration(registration=refused, reason=RefusalReason.SERIAL_WRONG, by=by, at=timezone.now())
        validated(claimer, product, f"20000000{n:04}")  # a claim opens
        wrong = submitted(member, product, f"4{n:011}")
        review.refuse_registration(registration=wrong, reason=RefusalReason.DETAILS_WRONG, by=by, at=timezone.now())
        make_appeal(registration=wrong, text="Look again.", by=member.user, at=timezone.now())
        waiting = submitted(member, ProductFactory(), "12345", insisted=True)
        registrations.check_registration(registration=waiting, at=timezone.now())
        CatalogueProposal.objects.create(product=product, changes={"stage": ["current", "x"]}, proposed_at=LONG_AGO)
        case = open_case(
            kind=CaseKind.KIT, subject="S", text="T", about=refused, member=member, by=member.user, at=timezone.now()
        )
        for_case, for_kit = (
            StoredFile.objects.create(
                purpose=purpose, kind="pdf", size=1, stored_as=f"{purpose}{n}", owner=member.user, created_at=LONG_AGO
            )
            for purpose in ("case", "evidence")
        )
        CaseReader.objects.create(case=case, user=by, seen_at=LONG_AGO)
        CaseAttachment.objects.create(message=case.messages.get(), file=for_case)
        Evidence.objects.create(registration=waiting, file=for_kit, added_at=LONG_AGO)
        photo, thumbnail = (
            StoredFile.objects.create(
                purpose="product_photo", kind="jpeg", size=1, stored_as=name, owner=member.user, created_at=LONG_AGO
            )
            for name in (f"photo{n}", f"thumbnail{n}")
        )
        group = KitGroup.objects.create(member=member, name="Studio")
        OwnerDetails.objects.create(registration=waiting, photo=photo, thumbnail=thumbnail, group=group)
        get_or_issue_card(member=member, at=timezone.now())
        people.append(member)
    add_changes(people, by)
    add_stolen(people)
    add_packs(people, by)
    add_jobs(people, by)
    add_events(people)
    add_what_two_people_decide(people, by, terms)
    return people


def add_what_two_people_decide(people: list[Member], by: User, terms: TermsVersion) -> None:
    """Decisions that are held, lost addresses, stopped accounts, and merges."""
    second, now = UserFactory(is_staff=True), timezone.now()
    for member in people:
        row, other = member.registrations.order_by("pk")[:2]
        HeldDecision.objects.create(
            kind="approve", registration=row, by=by, held_at=LONG_AGO, apply_at=now, state="dropped", ended_at=now
        )
        request = LostAddress.objects.create(member=member, reason="Called back", requested_by=by, requested_at=now)
        proof = StoredFile.objects.create(
            purpose="case", kind="pdf", size=1, stored_as=f"proof{member.pk}", owner=by, created_at=LONG_AGO
        )
        LostAddressFile.objects.create(request=request, file=proof)
        AccountFreeze.objects.create(
            member=member,
            lost_address=request,
            at=LONG_AGO,
            asked_by=by,
            asked_at=LONG_AGO,
            released_by=second,
            released_at=now,
        )
        double = join(f"double-{member.pk}", "ZA", terms)
        merge = AccountMerge.objects.create(survivor=member, ended=double, requested_by=by, requested_at=now)
        MergedRegistration.objects.create(
            merge=merge, registration=row, became=other, ended_state=row.state, state_after=other.state
        )
        points = member.adjustments.get()
        again = Adjustment.objects.create(member=double, points=5, reason="Sorry", made_at=now, made_by=by)
        MergedAdjustment.objects.create(merge=merge, adjustment=points, became=again)


def add_events(people: list[Member]) -> None:
    for member in people:
        event = Offer.objects.create(
            kind="special", slug=f"offer-{member.pk}", title="X", levels=Level.values, since=LONG_AGO, state="published"
        )
        sign_up(member=member, offer=event, at=timezone.now())


def add_changes(people: list[Member], by: User) -> None:
    """A planned change of each one's product, of which they were told; points that staff added; a check."""
    now = timezone.now()
    held = {row.member_id: row.product for row in validated_of(people)}
    plans = [plan(held[member.pk], Stage.UNSERVICEABLE, now) for member in people]
    changes = plan_changes(plans=plans, by=by, at=now)
    for member, change in zip(people, changes, strict=True):
        MissedSearch.objects.create(day=now.date(), text=f"nothing {member.pk}", count=2, counted_at=now)
        Announcement.objects.create(change=change, member=member, letter=f"change-{change.pk}", at=now)
        Adjustment.objects.create(member=member, points=5, reason="Sorry", made_at=now, made_by=by)
        levels = ThresholdPlan.objects.create(
            effective_on=date(2040, 1, 1) + timedelta(days=member.pk), silver=1, gold=2, platinum=3, planned_at=now
        )
        CountryPlan.objects.create(
            country="TR",
            kind="none",
            effective_on=date(2040, 1, 1),
            state="cancelled",
            planned_at=now,
            cancelled_at=now,
        )
        ThresholdAnnouncement.objects.create(plan=levels, member=member, letter=f"levels-{levels.pk}", at=now)
        PendingLevelNotice.objects.get_or_create(change=member.level_changes.latest("pk"), defaults={"member": member})
        LedgerCheck.objects.create(started_at=now, finished_at=now, wrong_points=1, differing=[member.number], by=by)


def add_stolen(people: list[Member]) -> None:
    """Each has a code out for one more that counts, and has reported it stolen since; somebody came with it."""
    now = timezone.now()
    product = ProductFactory()
    for member in people:
        by = member.user
        row = counting(member, product, f"48{member.pk:010}")
        handovers.release(registration=row, by=by, at=now)
        report = stolen_reports.report_own(
            registration=row, police_reference=f"CR {row.pk}", stolen_on=None, note="", by=by, at=now
        )
        stolen_reports.record_sighting(report=report, registration=row, where="redeem", at=now)


def add_packs(people: list[Member], by: User) -> None:
    """Each has asked for a Welcome Pack."""
    for member in people:
        pack = WelcomePack.objects.create(
            member=member,
            reference=f"{member.pk:08d}",
            level_when_asked=Level.SILVER,
            language="en",
            name="N",
            country="ZA",
            street="S",
            asked_at=LONG_AGO,
            sending_since=LONG_AGO,
            changed_at=LONG_AGO,
        )
        PackEvent.objects.create(pack=pack, step="asked", sending=1, occurred_at=LONG_AGO, received_at=LONG_AGO, by=by)
        PackItem.objects.create(code=f"item-{member.pk}", name="Something")
        CardRequest.objects.create(
            member=member,
            reference=new_reference(lambda drawn: False),
            name="N",
            country="ZA",
            street="S",
            reported_at=LONG_AGO,
            changed_at=LONG_AGO,
        )


def add_jobs(people: list[Member], by: User) -> None:
    """Each has a job with everything that a job can have, and a visiting member came."""
    now, actor = timezone.now(), Actor(user=by)
    for member in people:
        centre = a_centre(f"of-{member.pk}")
        row = counting(member, ProductFactory(), f"47{member.pk:010}")
        wanted = RequestedItem(Item(row.product, registration=row), ServiceKind.REPAIR, fault="It sticks")
        ticket = open_parcel(member=member, centre=centre, items=[wanted], by=member.user, at=now).tickets[0]
        decide_warranty(ticket=ticket, in_warranty=True, proof_seen=True, actor=actor, at=now)
        book_in(ticket=ticket, actor=actor, at=now)
        record_event(ticket=ticket, kind=EventKind.ASSESSED, actor=actor, at=now)
        lines = [Line("Shutter", Decimal(1), Decimal(100))]
        day = centre.today(now)
        estimate = send_estimate(ticket=ticket, lines=lines, currency="ZAR", valid_until=day, actor=actor, at=now)
        approve_estimate(estimate=estimate, actor=actor, at=now)
        order_part(ticket=ticket, name="Shutter", actor=actor, at=now)
        message = write_message(ticket=ticket, text="Soon", actor=actor, at=now)
        file = StoredFile.objects.create(
            purpose="ticket", kind="pdf", size=1, stored_as=f"ticket{member.pk}", owner=by, created_at=LONG_AGO
        )
        TicketFile.objects.create(ticket=ticket, file=file, kind="document", message=message, at=now)
        unit = LoanUnit.objects.create(centre=centre, product=row.product, serial=f"45{member.pk:010}")
        Loan.objects.create(unit=unit, ticket=ticket, member=member, reserved_at=now)
        CalendarException.objects.create(centre=centre, first=day, last=day)
        CentreStaff.objects.create(centre=centre, user=member.user)
        shipment = Shipment.objects.create(direction="to_centre", number=f"T {member.pk}", sent_at=now)
        shipment.tickets.add(ticket)
        report = ServiceReport.objects.create(ticket=ticket, product=row.product, done="New shutter", by=by, at=now)
        ServiceReport.objects.filter(pk=report.pk).update(done="New shutter unit")
        TicketNote.objects.create(ticket=ticket, by=by, text="Call first", at=now)
        EstimateDraft.objects.create(ticket=ticket, lines=[{"text": "Shutter"}], by=by, saved_at=now)
        ready = ReadySet.objects.create(centre=centre, name="Shutter unit")
        ReadySetLine.objects.create(ready_set=ready, text="Shutter unit", price=100)
        PackedTicket.objects.create(ticket=ticket, number="T 1", number_key="T1", by=by, at=now)
        change = SerialChange.objects.create(
            product=row.product,
            registration=row,
            serial=f"43{member.pk:010}",
            serial_key=f"43{member.pk:010}",
            new_serial=row.serial,
            new_key=row.serial_key,
            state="applied",
            by=by,
            at=now,
        )
        SerialChange.objects.filter(pk=change.pk).update(by=None)
        visitor = Visitor("asia", f"AS {member.pk}", day, "Kei")
        item = Item(row.product, f"46{member.pk:010}")
        open_for_visitor(
            visitor=visitor, centre=centre, item=RequestedItem(item, ServiceKind.MAINTENANCE), actor=actor, at=now
        )


def validated_of(people: list[Member]) -> QuerySet[Registration]:
    return Registration.objects.filter(member__in=people, state="validated").select_related("product")


def add_rest(numbers: range, by: User) -> None:
    kind = ContentType.objects.get_for_model(Member)
    for n in numbers:
        day = date(2030, 1, 1) + timedelta(days=n)
        TermsVersion.objects.create(version=f"crowd-{n}", valid_from=datetime(2030, 1, 1, tzinfo=UTC))
        LevelThreshold.objects.create(level=Level.SILVER, points_from=500 + n, valid_from=day)
        CountryProgramme.objects.create(country="FR", region="EMEA", kind=Programme.SUBSCRIPTION, valid_from=day)
        LevelBenefit.objects.create(
            level=Level.RED,
            service_level=ServiceLevel.FULL,
            country=f"{chr(65 + n // 26)}{chr(65 + n % 26)}",
            first_answer_hours=24,
        )
        SerialShape.objects.create(categories=[f"kind-{n}"], period="all", pattern=r"\d+")
        ServiceCentre.objects.create(
            name=f"Centre {n}",
            slug=f"centre-{n}",
            kind="PSC",
            country="ZA",
            city="X",
            latitude=1,
            longitude=1,
            programme=Programme.FREE,
        )
        Device.objects.create(user=by, key=f"device-{n}", signed_in_at=LONG_AGO, last_seen_at=LONG_AGO)
        PushSubscription.objects.create(
            device=Device.objects.latest("pk"),
            endpoint=f"https://push.example/{n}",
            kinds=["level"],
            created_at=LONG_AGO,
        )
        EmailChange.objects.create(user=by, old_email=f"old-{n}@example.org", new_email=by.email, at=LONG_AGO)
        CalendarSnapshot.objects.create(centre=ServiceCentre.objects.latest("pk"), facts={})
        Carrier.objects.create(slug=f"carrier-{n}", name=f"Carrier {n}")
        CardRule.objects.get_or_create(region=CardRegion.values[n % len(CardRegion)])
        WarrantyPeriod.objects.create(shelf=Shelf.BODIES, country=f"{chr(65 + n // 26)}{chr(65 + n % 26)}", months=24)
        EstimatedHoliday.objects.create(country="AE", day=day, name="Eid", asked_at=LONG_AGO)
        Suppression.objects.create(address=f"gone-{n}@example.org", reason=SuppressionReason.BOUNCED, since=LONG_AGO)
        shop = Retailer.objects.create(name=f"Shop {n}", country="ZA")
        AuthorisedPeriod.objects.create(retailer=shop, begins_on=day)
        Group.objects.create(name=f"crowd-{n}")
        StoredFile.objects.create(
            purpose="case", kind="jpeg", size=1, digest="x", stored_as=f"x{n}", owner=by, created_at=LONG_AGO
        )
        house = Partner.objects.create(name=f"House {n}", slug=f"house-{n}", kind="fulfilment")
        endpoint, _secret = add_endpoint(partner=house, url="https://example.org/", by=by, at=LONG_AGO)
        Attempt.objects.create(endpoint=endpoint, key=f"x@{n}", type="x", at=LONG_AGO, took_ms=1)
        shop_partner = Partner.objects.create(name=f"Shops {n}", slug=f"shops-{n}", kind="retailer")
        credential, _secret = issue_credential(
            partner=shop_partner, name="Till", scopes=["catalogue"], by=by, at=LONG_AGO
        )
        ApiCall.objects.create(
            credential=credential, at=LONG_AGO, request_id=f"x{n}", method="GET", path="/", status=200, took_ms=1
        )
        IdempotencyRecord.objects.create(
            partner=shop_partner, key="x", request_hash="x", at=LONG_AGO, status=200, body=b"{}"
        )
        Sale.objects.create(
            partner=shop_partner,
            external_id="1",
            product=ProductFactory(),
            serial="1",
            serial_key="1",
            country="ZA",
            sold_on=day,
            receipt="1",
            confirmed_at=LONG_AGO,
        )
        CannedAnswer.objects.create(title=f"Crowd {n}", text="Hello {name}")
        LogEntry.objects.create(user=by, content_type=kind, object_id=str(n), object_repr="x", action_flag=CHANGE)


def add_crowd(numbers: range, terms: TermsVersion) -> None:
    by = User.objects.filter(is_superuser=True).first() or UserFactory(is_staff=True, is_superuser=True)
    add_people(numbers, terms, by)
    add_rest(numbers, by)
    assert EmailAddress.objects.count() >= len(numbers)
