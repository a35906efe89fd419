"""Reports of stolen kit by its owner or by staff, and sightings of it (R34).

Somebody who presents stolen kit only reads that they should contact us. Its owner and staff are notified.
"""

from collections.abc import Collection
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.history_context import attributed_to
from cps_portal.core.outbox import actions as outbox
from kitbag import rules
from kitbag.actions.transitions import constraint_name, lock_registration
from kitbag.enums import RegistrationState
from kitbag.models import Handover, Product, Registration, Sighting, StolenReport
from kitbag.presenters.texts import SERIAL_SENTENCES
from kitbag.queries.serial_changes import known_keys, known_serials
from members import actions as members
from members.enums import NoticeCode
from members.models import Member, User
from members.support import actions as cases
from members.support.enums import CaseKind, CaseState
from members.support.models import Case

MAX_REFERENCE_LENGTH = 80
MAX_NOTE_LENGTH = 500
MAX_REASON_LENGTH = 200
MAX_SIGHTING_NOTE_LENGTH = 1000
CONTACT_US = _("Please contact us about this product.")
ALREADY_REPORTED = _("This product has already been reported as stolen.")


@transaction.atomic
def report_own(
    *, registration: Registration, police_reference: str, stolen_on: date | None, note: str, by: User, at: datetime
) -> StolenReport:
    """Report a member's own product as stolen. It stays theirs and keeps its points.

    Raises Refusal: `not_yours` (it does not count for them), `no_serial`, `standing` (reported already), and beside
    their fields `future`, `long`, `missing`.
    """
    row = lock_registration(registration)
    if row.state != RegistrationState.VALIDATED:
        raise Refusal("not_yours", _("You can only report products that count. Please write to us about this one."))
    if not row.serial_key:
        raise Refusal("no_serial", _("It has no serial number for us to look out for. Please write to us about it."))
    return _report(
        product=row.product,
        serial_key=row.serial_key,
        registration=row,
        police_reference=police_reference,
        stolen_on=stolen_on,
        note=note,
        by=by,
        at=at,
    )


@transaction.atomic
def report_by_staff(
    *, product: Product, serial: str, police_reference: str, stolen_on: date | None, note: str, by: User, at: datetime
) -> StolenReport:
    """Report what the police or an insurer told staff, whether or not a member has registered the product.

    Raises Refusal as `report_own`, and beside `serial` what a serial number cannot be, such as `serial_ean`.
    """
    if problem := rules.look_up_problem(serial):
        raise Refusal(f"serial_{problem}", SERIAL_SENTENCES[problem], "serial")
    key = rules.serial_key(serial)
    return _report(
        product=product,
        serial_key=key,
        registration=None,
        police_reference=police_reference,
        stolen_on=stolen_on,
        note=note,
        by=by,
        at=at,
    )


def find_report(product: Product | int, serial_key: str | None) -> StolenReport | None:
    """The open report of a product with this serial number, or with one that it had or has besides (R64); or None."""
    if not serial_key:
        return None
    key = product if isinstance(product, int) else product.pk
    return StolenReport.objects.active().filter(product=key).presented(*known_keys(key, serial_key)).first()


def find_reported(presented: Collection[tuple[int, str]]) -> set[tuple[int, str]]:
    """Those of many pairs of product key and serial key for which there is an open report."""
    if not presented:
        return set()
    families = known_serials(presented)
    keys = {key for family in families.values() for _product, key in family}
    stored = StolenReport.objects.active().presented(*keys).values_list("product_id", "serial_key")
    reported = {(product, rules.look_alike_key(key)) for product, key in stored}
    return {
        serial
        for serial, family in families.items()
        if any((product, rules.look_alike_key(key)) in reported for product, key in family)
    }


def find_report_by_other(row: Registration, member: Member | None = None) -> StolenReport | None:
    """The open report of this product by anybody but the member who presents it (by default its registrant)."""
    report = find_report(row.product_id, row.serial_key)
    presenter = member.pk if member else row.member_id
    return None if report is None or report.member_id == presenter else report


def require_not_reported(row: Registration) -> None:
    """Raise Refusal `stolen`, worded for staff, if somebody else reported this product as stolen."""
    if find_report_by_other(row):
        raise Refusal(
            "stolen", _("This serial number is reported as stolen. Lift the report first or refuse the registration.")
        )


@transaction.atomic
def record_sighting(*, report: StolenReport, registration: Registration | None, where: str, at: datetime) -> Sighting:
    """Record for staff that somebody presented it, and notify the owner, at most once a day."""
    sighting = Sighting.objects.create(report=report, registration=registration, where=where, at=at)
    owner = report.member
    if owner is None or report.registration is None or owner.closed_at:
        return sighting
    key = f"stolen-{report.pk}-{timezone.localdate(at).isoformat()}"
    params = {"report": report.pk}
    path = report.registration.get_absolute_url()
    members.notify_member(member=owner, key=key, code=NoticeCode.STOLEN_PRESENTED, params=params, path=path, at=at)
    payload = outbox.rendered_later("kitbag.stolen_presented", report=report.pk)
    outbox.enqueue(key=key, kind="mail", to=owner.user.email, payload=payload)
    return sighting


@transaction.atomic
def note_sighting(*, sighting: Sighting, text: str, by: User) -> Sighting:
    """What happened when it was presented, for support. A second note is added to the first.

    Raises Refusal beside `note` if all of it is too long.
    """
    locked = Sighting.objects.select_for_update(of=("self",)).get(pk=sighting.pk)
    note = "\n\n".join(part for part in (locked.note, text.strip()) if part)
    if len(note) > MAX_SIGHTING_NOTE_LENGTH:
        message = _("This is too long. Use at most %(n)d characters.") % {"n": MAX_SIGHTING_NOTE_LENGTH}
        raise Refusal("long", message, "note")
    locked.note, locked.noted_by = note, by
    locked.save(update_fields=["note", "noted_by"])
    return locked


@transaction.atomic
def request_lifting(*, registration: Registration, by: User, at: datetime) -> Case:
    """Open a case in which the owner asks staff to lift the report, or return the open one.

    Only staff lift reports, because a thief might be using the owner's account. Raises Refusal `none` without a report.
    """
    row = lock_registration(registration)
    if find_own_report(row) is None:
        raise Refusal("none", _("There’s no report of this product any more."))
    if case := find_lifting_request(row):
        return case
    with translation.override(row.member.language):
        subject = _t("Found again: %(product)s") % {"product": row.product.name}
        text = _t("I have my %(product)s, serial number %(serial)s, back. Please lift the report of its theft.") % {
            "product": row.product.name,
            "serial": row.serial,
        }
    return cases.open_case(
        kind=CaseKind.KIT, subject=subject[:120], text=text, member=row.member, about=row, by=by, at=at
    )


@transaction.atomic
def lift_report(*, report: StolenReport, reason: str, by: User, at: datetime) -> StolenReport:
    """Lift a report and keep the reason (R34). Open handover codes of the product are revoked.

    Raises Refusal: `lifted`, `own`, and `reason` or `long` beside `reason`.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise Refusal("reason", _("Say why you lift the report."), "reason")
    _require_short(reason, MAX_REASON_LENGTH, "reason")
    if report.member_id:
        Member.objects.locked().get(pk=report.member_id)
    rows = StolenReport.objects.select_for_update(of=("self",), no_key=True)
    row = rows.select_related("product", "registration", "member__user").get(pk=report.pk)
    if row.lifted_at:
        raise Refusal("lifted", _("This report has already been lifted."))
    if row.member and row.member.user_id == by.pk:
        raise Refusal("own", _("This is your own kit, so someone else has to decide."))
    row.lifted_at, row.lifted_by, row.lifted_because = at, by, reason
    row.save(update_fields=["lifted_at", "lifted_by", "lifted_because"])
    if row.member and row.registration:
        open_codes = Handover.objects.filter(registration=row.registration, revoked_at=None, redeemed_at=None)
        open_codes.update(revoked_at=at)
        members.notify_member(
            member=row.member,
            key=f"stolen-{row.pk}-lifted",
            code=NoticeCode.STOLEN_LIFTED,
            params={"report": row.pk},
            path=row.registration.get_absolute_url(),
            at=at,
        )
    return row


def find_own_report(row: Registration) -> StolenReport | None:
    """The open report that its owner made, or None."""
    return StolenReport.objects.active().filter(registration=row).first()


def find_lifting_request(row: Registration) -> Case | None:
    """The open case in which the owner asked to have the report lifted, or None."""
    report = find_own_report(row)
    if report is None:
        return None
    mine = Case.objects.of(row.member).filter(kind=CaseKind.KIT, opened_at__gte=report.reported_at)
    return mine.filter(about_id=row.pk).exclude(state=CaseState.CLOSED).order_by("-pk").first()


def find_registrations(report: StolenReport) -> list[Registration]:
    """All members' registrations of the reported product, for staff; at most 20."""
    keys = known_keys(report.product_id, report.serial_key)
    registrations = Registration.objects.filter(product=report.product_id, serial_key__in=keys)
    return list(registrations.select_related("product", "member__user").order_by("pk")[:20])


def _report(
    *,
    product: Product,
    serial_key: str,
    registration: Registration | None,
    police_reference: str,
    stolen_on: date | None,
    note: str,
    by: User,
    at: datetime,
) -> StolenReport:
    reference, note = " ".join(police_reference.split()), note.strip()
    if not reference:
        raise Refusal("missing", _("Type the reference number of the police report."), "police_reference")
    _require_short(reference, MAX_REFERENCE_LENGTH, "police_reference")
    _require_short(note, MAX_NOTE_LENGTH, "note")
    if stolen_on and stolen_on > timezone.localdate(at):
        raise Refusal("future", _("This date is in the future. Enter the day it was stolen."), "stolen_on")
    if find_report(product, serial_key):
        raise Refusal("standing", ALREADY_REPORTED)
    try:
        with transaction.atomic(), attributed_to(by):
            return StolenReport.objects.create(
                product=product,
                serial_key=serial_key,
                registration=registration,
                member=registration.member if registration else None,
                police_reference=reference,
                stolen_on=stolen_on,
                note=note,
                reported_at=at,
            )
    except IntegrityError as error:
        if constraint_name(error) != "stolen_report_one_standing":
            raise
        raise Refusal("standing", ALREADY_REPORTED) from None


def _require_short(text: str, max_length: int, field: str) -> None:
    if len(text) > max_length:
        raise Refusal("long", _("This is too long. Use at most %(n)d characters.") % {"n": max_length}, field)
