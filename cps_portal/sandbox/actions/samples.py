"""Sample data of a partner, made anew by one call: what a system of its kind needs to try everything."""

from datetime import datetime, timedelta
from uuid import uuid4

from allauth.account.models import EmailAddress
from django.db import transaction

from cps_portal.core.outbox import actions as outbox
from cps_portal.core.partners.enums import PartnerKind
from cps_portal.core.partners.models import IdempotencyRecord, Partner
from cps_portal.sandbox.actions.guard import lock_samples, require_sandbox
from cps_portal.sandbox.actions.jobs import DAY, make_jobs, sample_centre
from cps_portal.sandbox.actions.people import (
    address_of,
    home_of,
    join_member,
    new_prefix,
    register,
    sample_product,
    submit,
)
from cps_portal.sandbox.actions.rows import delete_rows, is_shared, samples_of
from cps_portal.sandbox.queries import sample_members
from cps_portal.sandbox.rules import magic_number, sample_address
from kitbag.actions import registrations, sales, stolen_reports
from kitbag.models import Registration
from members.models import Member, User
from members.offers.actions.cards import get_or_issue_card, replace_card
from members.offers.actions.packs import Report, record_report, request_pack
from members.offers.enums import CardEnd, PackStep

NAMES = ("ana", "ben", "chloe")
JOB_SERIALS = ("301", "302", "303", "304")  # of the products of each member
SOLD_ON = timedelta(days=20)


@transaction.atomic
def make_anew(*, partner: Partner, at: datetime) -> list[Member]:
    """Delete the partner's sample data and make it anew. Returns the members.

    Nothing of another partner is touched: a sample member who has come to belong to somebody else's rows as well, such
    as a job at another centre, is left where they are, under another address.
    Raises Refusal `real_people`, `product`, `terms`.
    """
    require_sandbox()
    lock_samples(partner)
    _delete_samples(partner, at)
    IdempotencyRecord.objects.filter(partner=partner).delete()  # their answers name what is gone
    centre = sample_centre(partner=partner) if partner.kind == PartnerKind.CENTRE else None
    country = home_of(centre, at)
    prefix = new_prefix()
    members = [join_member(partner=partner, name=name, country=country, at=at) for name in NAMES]
    ana, ben, chloe = members
    kit = {member.pk: _kit(member, number, prefix, at) for number, member in enumerate(members)}
    _serials(ana, ben, prefix, at)
    for member in members:
        member.refresh_from_db()
        get_or_issue_card(member=member, at=at - 200 * DAY)
    if centre:
        make_jobs(ana=kit[ana.pk], ben=kit[ben.pk], centre=centre, partner=partner, at=at)
    elif partner.kind == PartnerKind.RETAILER:
        _make_sales(partner, kit[chloe.pk], prefix, country, at)
    else:
        _make_packs(partner, members, at)
    return members


def _delete_samples(partner: Partner, at: datetime) -> None:
    """Also cancels the mails to them that are still waiting: what they are about is gone, so they could only fail."""
    locked = sample_members(partner).select_for_update(of=("self",))  # before what hangs on them, as everywhere
    users = set(locked.values_list("user", flat=True))
    rows = samples_of(partner, users)
    if is_shared(rows, partner):
        shared = {user for user in users if is_shared(samples_of(partner, [user]), partner)}
        for user in User.objects.filter(pk__in=shared):
            user.email = sample_address(f"kept-{uuid4().hex}", "somebody")
            user.save(update_fields=["email"])
            EmailAddress.objects.filter(user=user).update(email=user.email)
        rows = samples_of(partner, users - shared)
    addresses = User.objects.filter(pk__in=rows.get(User, set())).values_list("email", flat=True)
    outbox.erase_addresses(addresses=addresses, at=at)
    delete_rows(rows)


def _kit(member: Member, number: int, prefix: str, at: datetime) -> list[Registration]:
    """Registrations that count, with numbers that differ from member to member in the digit before the last three."""
    head = f"{prefix[:-1]}{(int(prefix[-1]) + number + 1) % 10}"
    return [register(member=member, serial=f"{head}{suffix}", at=at) for suffix in JOB_SERIALS]


def _serials(ana: Member, ben: Member, prefix: str, at: datetime) -> None:
    """The products with magic serial numbers: see MAGIC_SERIALS."""
    register(member=ana, serial=magic_number("registered", prefix), at=at)
    waiting = submit(member=ben, serial=magic_number("waiting", prefix), at=at, insisted=True)
    registrations.check_registration(registration=waiting, at=at)
    register(member=ana, serial=magic_number("duplicate", prefix), at=at)
    second = submit(member=ben, serial=magic_number("duplicate", prefix), at=at)
    registrations.check_registration(registration=second, at=at)
    stolen = register(member=ana, serial=magic_number("stolen", prefix), at=at)
    stolen_reports.report_own(
        registration=stolen,
        police_reference="SAMPLE-1",
        stolen_on=(at - 40 * DAY).date(),
        note="A sample, not a theft.",
        by=ana.user,
        at=at - 39 * DAY,
    )


def _make_sales(partner: Partner, kit: list[Registration], prefix: str, country: str, at: datetime) -> None:
    """One sale that matches, and one that waits for its buyer."""
    product = sample_product()
    matching = kit[0]
    for external_id, serial, day in (
        ("sample-1", matching.serial, matching.purchased_on),
        ("sample-2", magic_number("sold", prefix), (at - SOLD_ON).date()),
    ):
        sales.confirm_sale(
            partner=partner,
            external_id=external_id,
            product=product,
            serial=serial,
            country=country,
            sold_on=day or at.date(),
            receipt=external_id.upper(),
            at=at - DAY,
        )


def _make_packs(partner: Partner, members: list[Member], at: datetime) -> None:
    """A pack that was requested today, one that is on its way, one that nobody has accepted yet, and a lost card."""
    ana, ben, chloe = members
    request_pack(member=ana, address=address_of(ana), by=ana.user, at=at, partner=partner)
    sent = request_pack(member=ben, address=address_of(ben), by=ben.user, at=at - 6 * DAY, partner=partner)
    for days, step in ((5, PackStep.ACCEPTED), (4, PackStep.PACKED), (3, PackStep.DISPATCHED)):
        moment = at - days * DAY
        report = Report(step, 1, moment, f"sample-{step}", {"tracking": "SP 1"} if step == PackStep.DISPATCHED else {})
        record_report(pack=sent, report=report, partner=partner, at=moment)
    request_pack(member=chloe, address=address_of(chloe), by=chloe.user, at=at - DAY, partner=partner)
    card = get_or_issue_card(member=ben, at=at)
    replace_card(card=card, reason=CardEnd.LOST, by=ben.user, at=at, post=True, partner=partner)
