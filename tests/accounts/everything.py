"""A member with data in every table. All free text is marked, so that tests find what is left after erasing."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, models
from django.test import Client

from cps_portal.core.files import actions as files
from kitbag.actions import adjustments, appeals, owner_details, registrations, removals, review
from kitbag.actions.kit_groups import add_group
from kitbag.enums import RefusalReason, RemovalReason, SerialChangeState
from kitbag.models import Handover, HeldDecision, Product, Registration, SerialChange, Sighting, StolenReport
from members import actions as members
from members.enums import AccessKind, Door, NoticeCode
from members.models import (
    AccountFreeze,
    AccountMerge,
    Device,
    EmailChange,
    LostAddress,
    LostAddressFile,
    Member,
    Notice,
    PushSubscription,
    User,
)
from members.offers.enums import CardRequestState
from members.offers.models import Card, CardRequest, Offer, PackEvent, SignUp, WelcomePack
from members.support import actions as cases
from members.support.enums import CaseKind
from servicing.enums import Direction
from servicing.models import (
    Estimate,
    EstimateDraft,
    EstimateLine,
    Loan,
    LoanUnit,
    PackedTicket,
    Parcel,
    Part,
    ServiceCentre,
    ServiceReport,
    Shipment,
    Ticket,
    TicketEvent,
    TicketFile,
    TicketMessage,
    TicketNote,
)
from tests.factories import details, draft, submitted, validated
from tests.files.samples import jpeg
from tests.world import World
from tests.world import join as join_world

MARK = "zqmark"
STOLEN = "100000009999"  # stays, so that the next one who comes with it is stopped
START = datetime(2026, 2, 2, 9, 0, tzinfo=UTC)


def add_everything(world: World, name: str = "Zqmark") -> Member:
    """Somebody with kit in every state, a claim, an appeal, cases, files, mails, sign-in keys and a trail of staff."""
    member = join_world(name, "ZA", world.terms, START)
    user = member.user
    members.change_profile(member=member, last_name=f"{name} Old", specialty="weddings")
    members.change_profile(member=member, last_name=f"{name} New", specialty="sport")
    EmailAddress.objects.create(user=user, email=f"second@{name.lower()}.example.org")
    EmailChange.objects.create(user=user, old_email=f"old@{name.lower()}.example.org", new_email=user.email, at=START)
    browser = Client(headers={"user-agent": f"{name} Browser"})
    browser.post("/accounts/login/", {"login": user.email, "password": "a short sentence works well"})
    PushSubscription.objects.create(
        device=Device.objects.filter(user=user).latest("pk"),
        endpoint=f"https://push.example/{name}",
        kinds=["level"],
        created_at=START,
    )
    Authenticator.objects.create(user=user, type="webauthn", data={"name": f"{name} phone"})
    Client().post("/accounts/password/reset/", {"email": user.email})
    _add_kit(world, member, name)
    _add_words(world, member, name)
    _add_own_details(member, name)
    _add_offers(world, member, name)
    _add_service(world, member, name)
    _add_lost_address(world, member, name)
    _add_log(world.staff, member)
    _add_looks(world.staff, member, name)
    member.refresh_from_db()
    return member


def _add_kit(world: World, member: Member, name: str) -> None:
    shop = {"store": f"{name} Cameras"}
    half = draft(member, world.lens, START)
    registrations.save_details(registration=half, details=details(f"{name}1", **shop), at=START)
    waiting = _handed_in(member, world.body, f"{name}2", shop)
    assert waiting.state == "submitted"
    refused = _handed_in(member, world.body, f"{name}3", shop)
    review.refuse_registration(registration=refused, reason=RefusalReason.SERIAL_WRONG, by=world.staff, at=START)
    appeals.make_appeal(registration=refused, text=f"{name} is right", by=member.user, at=START)
    HeldDecision.objects.create(
        kind="ask",
        registration=waiting,
        text=f"{name}, the receipt?",
        note=f"{name} changed it",
        by=world.staff,
        held_at=START,
        apply_at=START + timedelta(seconds=10),
        state="dropped",
        ended_at=START + timedelta(seconds=10),
    )
    asked = _handed_in(member, world.body, f"{name}4", shop)
    review.ask_for_more(registration=asked, text=f"the receipt of {name}", by=world.staff, at=START)
    removed = draft(member, world.lens, START)
    registrations.save_details(registration=removed, details=details(f"{name}5", **shop), at=START)
    removals.remove_registration(registration=removed, reason=RemovalReason.SOLD, by=member.user, at=START)
    counted = validated(member, world.pro_body, STOLEN, at=START)
    counted.store = shop["store"]
    counted.save()
    validated(member, world.body, "100000000777", at=START)
    submitted(world.ben, world.body, "100000000777", at=START)  # claims it
    registrations.check_registration(registration=Registration.objects.get(member=world.ben), at=START)
    Handover.objects.create(registration=counted, code_digest=f"{name}-digest", made_at=START, expires_at=START)
    adjustments.adjust_points(
        member=member, points=50, reason=f"{name} was kind", expires_on=None, by=world.staff, at=START
    )
    SerialChange.objects.create(  # both numbers stay known, without their owner (R64)
        product=world.body,
        registration=waiting,
        serial="700000000002",
        serial_key="700000000002",
        new_serial="700000000008",
        new_key="700000000008",
        state=SerialChangeState.APPLIED,
        at=START,
    )
    report = StolenReport.objects.create(
        product=world.pro_body,
        serial_key=STOLEN,
        registration=counted,
        member=member,
        reported_at=START,
        police_reference=f"{name} 1/26",
        note=f"beside the car of {name}",
    )
    Sighting.objects.create(report=report, at=START, note=f"{name} was told by phone", noted_by=world.staff)
    StolenReport.objects.create(
        product=world.body,
        serial_key=f"{name}6".upper(),
        member=member,
        police_reference=f"{name} 2/26",
        reported_at=START,
        lifted_at=START,
        lifted_by=world.staff,
        lifted_because=f"{name} found it",
    )


def _add_lost_address(world: World, member: Member, name: str) -> None:
    """Somebody asked for another sign-in address, and the old mailbox has stopped the account for a while (R69)."""
    passport = SimpleUploadedFile(f"{name} passport.jpg", jpeg(), "image/jpeg")
    row = LostAddress.objects.create(
        member=member,
        old_email=f"lost@{name.lower()}.example.org",
        new_email=f"other@{name.lower()}.example.org",
        reason=f"{name} called back",
        requested_by=world.staff,
        requested_at=START,
    )
    stored = files.store(upload=passport, purpose="lost_address", by=world.staff, at=START)
    files.attach(files=[stored], at=START)
    LostAddressFile.objects.create(request=row, file=stored)
    AccountFreeze.objects.create(
        member=member, lost_address=row, at=START, asked_by=world.staff, asked_at=START, reason=f"{name} came by"
    )
    AccountMerge.objects.create(
        survivor=world.ana, ended=member, reason=f"{name} too?", requested_by=world.staff, requested_at=START
    )


def _handed_in(member: Member, product: Product, serial: str, shop: dict[str, str]) -> Registration:
    row = draft(member, product, START)
    registrations.submit_registration(registration=row, details=details(serial, **shop), insisted=True, at=START)
    return registrations.check_registration(registration=row, at=START)


def _add_words(world: World, member: Member, name: str) -> None:
    case = cases.open_case(
        kind=CaseKind.CONTACT, subject=f"{name} asks", text=f"I am {name}", member=member, by=member.user, at=START
    )
    cases.answer(case=case, text=f"Dear {name}", by=world.staff, at=START)
    cases.add_note(case=case, text=f"{name} was rude", by=world.staff, at=START)
    draft = {"text": f"{name}, listen", "is_note": False, "latest": case.messages.latest("pk").pk}
    cases.save_draft(case=case, by=world.staff, at=START, **draft)
    members.write_note(member=member, text=f"{name} was rude", pinned=True, by=world.staff, at=START)
    before = cases.Visitor(f"{name} before joining", member.user.email.upper())
    cases.open_case(
        kind=CaseKind.CONTACT, subject=f"{name}?", text=f"{name} may join?", visitor=before, by=None, at=START
    )
    Notice.objects.create(
        key=f"told-{member.pk}", member=member, code=NoticeCode.POINTS_ADJUSTED, params={"reason": name}, at=START
    )
    upload = SimpleUploadedFile(f"{name}.jpg", jpeg(), "image/jpeg")
    files.attach(files=[files.store(upload=upload, purpose="evidence", by=member.user, at=START)], at=START)


def _add_own_details(member: Member, name: str) -> None:
    """What the member keeps about a product for themselves."""
    row = Registration.objects.of(member).live().earliest("pk")
    upload = SimpleUploadedFile(f"{name}-3.jpg", jpeg(), "image/jpeg")
    owner_details.set_photo(registration=row, upload=upload, by=member.user, at=START)
    owner_details.set_price(registration=row, price=Decimal(5), currency="ZAR", proof=None, by=member.user)
    owner_details.set_group(registration=row, group=add_group(member=member, name=f"Van of {name}"), by=member.user)


def _add_offers(world: World, member: Member, name: str) -> None:
    parcel = {
        "name": name,
        "country": "ZA",
        "street": f"{name} Avenue 1",
        "city": f"{name}ville",
        "city_area": f"{name} Park",
        "country_area": name,
        "postal_code": f"{name}1",
        "sorting_code": f"{name}2",
        "phone": "+27820000000",
        "carrier": f"{name} Post",
        "tracking": f"{name}3",
        "tracking_url": f"https://example.org/{name}",
        "asked_at": START,
        "changed_at": START,
    }
    pack = WelcomePack.objects.create(
        member=member,
        reference="2K70MQ2X",
        level_when_asked="gold",
        contents=["letter"],
        language="en",
        sending_since=START,
        **parcel,
    )
    PackEvent.objects.create(pack=pack, step="asked", sending=1, occurred_at=START, received_at=START, by=member.user)
    card = Card.objects.create(member=member, number="880000000017", token=f"{name}-token", issued_at=START)
    CardRequest.objects.create(
        member=member,
        card=card,
        reference="5K70MQ2X",
        state=CardRequestState.DISPATCHED,
        reported_at=START,
        dispatched_at=START,
        **parcel,
    )
    offer = Offer.objects.create(
        kind="special", slug="cleaning", title="Cleaning", summary="Free", levels=["gold"], since=START
    )
    SignUp.objects.create(offer=offer, member=member, state="held", place=1, since=START)


def _add_service(world: World, member: Member, name: str) -> None:
    """A job and a loan that are over: nobody is erased before."""
    centre = ServiceCentre.objects.create(
        slug="a-centre",
        name="A centre",
        kind="PSC",
        country="ZA",
        city="Johannesburg",
        latitude=-26,
        longitude=28,
        zone="Africa/Johannesburg",
        programme="free",
    )
    parcel = Parcel.objects.create(
        reference="3K70MQ2X",
        centre=centre,
        made_at=START,
        name=name,
        country="ZA",
        street=f"{name} Avenue 1",
        city=f"{name}ville",
        phone="+27820000000",
    )
    ticket = Ticket.objects.create(
        reference="4K70MQ2X",
        parcel=parcel,
        member=member,
        product=world.body,
        serial=f"{name}7",
        serial_key=f"{name}7".upper(),
        centre=centre,
        service="repair",
        fault=f"{name} dropped it",
        condition=f"{name} scratched it",
        accessories=f"strap of {name}",
        level="gold",
        track="standard",
        target_days=10,
        state="closed",
        opened_at=START,
        ended_at=START,
        changed_at=START,
    )
    for direction in Direction:
        shipment = Shipment.objects.create(
            direction=direction,
            carrier_name=f"{name} Post",
            number=f"{name}4",
            number_key=f"{name}4".upper(),
            url=f"https://example.org/{name}",
            sent_at=START,
        )
        shipment.tickets.add(ticket)
    ServiceReport.objects.create(
        ticket=ticket, product=world.body, done="Cleaned", notes=f"{name} was glad", technician=f"{name} Lee", at=START
    )
    TicketNote.objects.create(ticket=ticket, by=world.staff, text=f"{name} was rude", at=START)
    PackedTicket.objects.create(
        ticket=ticket,
        number=f"{name}5",
        number_key=f"{name}5".upper(),
        carrier_name=f"{name} Post",
        by=world.staff,
        at=START,
    )
    TicketEvent.objects.create(ticket=ticket, kind="requested", occurred_at=START, received_at=START)
    TicketMessage.objects.create(ticket=ticket, from_member=True, by=member.user, text=f"{name} asks", at=START)
    upload = SimpleUploadedFile(f"{name}-2.jpg", jpeg(), "image/jpeg")
    file = files.store(upload=upload, purpose="evidence", by=member.user, at=START)
    files.attach(files=[file], at=START)
    TicketFile.objects.create(ticket=ticket, file=file, kind="fault", at=START)
    estimate = Estimate.objects.create(
        ticket=ticket,
        number=1,
        currency="ZAR",
        valid_until=START.date(),
        note=f"{name} agreed",
        state="approved",
        sent_at=START,
        answered_at=START,
    )
    EstimateDraft.objects.create(
        ticket=ticket,
        lines=[{"text": f"For {name}"}],
        valid_until=f"{name} asks",
        note=f"{name} asked",
        occurred_at=f"{name} came",
        by=world.staff,
        saved_at=START,
    )
    EstimateLine.objects.create(estimate=estimate, position=1, text="Shutter", price=100)
    Part.objects.create(ticket=ticket, name="Shutter", ordered_at=START)
    unit = LoanUnit.objects.create(centre=centre, product=world.body, serial="100000000888")
    Loan.objects.create(
        unit=unit,
        ticket=ticket,
        member=member,
        state="returned",
        reserved_at=START,
        agreed_at=START,
        agreement="1",
        out_at=START,
        condition_out=f"{name} saw it",
        due_back=START.date(),
        returned_at=START,
        condition_in=f"{name} broke it",
    )


def _add_log(staff: User, member: Member) -> None:
    for row in [member, member.user, *Registration.objects.of(member)]:
        _log(staff, row)
    address = EmailAddress.objects.filter(user=member.user, primary=False).get()
    _log(staff, EmailAddress(pk=987654321, email=address.email), DELETION)


def _add_looks(staff: User, member: Member, name: str) -> None:
    """What staff opened, and that they looked at the portal as the member."""
    members.record_access(
        by=staff,
        at=START,
        kind=AccessKind.PAGE,
        door=Door.DESK,
        page="admin:members_member_change",
        members=[member.pk],
        model="members.member",
        key=member.pk,
    )
    members.start_view(member=member, reason=f"{name} asked", by=staff, at=START)


def _log(staff: User, row: models.Model, flag: int = CHANGE) -> None:
    LogEntry.objects.create(
        user=staff,
        content_type=ContentType.objects.get_for_model(row),
        object_id=str(row.pk),
        object_repr=str(row)[:200],
        action_flag=flag,
        change_message=f"about {row}",
        action_time=START,
    )


def traces(word: str) -> dict[str, int]:
    """Every column of every table of the database that holds text with the word, and in how many rows."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select c.table_name, c.column_name from information_schema.columns c join information_schema.tables t"
            " using (table_schema, table_name) where table_schema = 'public' and t.table_type = 'BASE TABLE' and"
            " (c.data_type in ('text', 'character varying', 'character', 'json', 'jsonb', 'bytea', 'ARRAY'))"
        )
        columns = cursor.fetchall()
        asked = " union all ".join(
            f'select \'{table}.{column}\', count(*) from "{table}" where "{column}"::text ilike %(word)s'  # noqa: S608
            for table, column in columns
        )
        cursor.execute(asked, {"word": f"%{word}%"})
        return {where: count for where, count in cursor.fetchall() if count}


AFTER = timedelta(days=31)
