"""Erase the personal data in the kit of a closed account (R14)."""

from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import CharField, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

from cps_portal.core.lib.history import erasing_trail
from kitbag.actions import appeals, claims
from kitbag.actions.ledger import reconcile, reconcile_adjustments
from kitbag.actions.owner_details import delete_details_of
from kitbag.enums import RegistrationState, SerialChangeState
from kitbag.models import (
    Adjustment,
    Appeal,
    Handover,
    HeldDecision,
    Registration,
    Sale,
    SerialChange,
    Sighting,
    StolenReport,
)
from members.enums import PointsCause
from members.models import Member

DETAILS = {"serial": "", "country": "", "purchased_on": None, "store": "", "asked_for": ""}


@transaction.atomic
def erase_kit(*, member: Member, at: datetime) -> None:
    """Remove all registrations of a closed account, so that they no longer count, and blank their details.

    The caller has locked the member. Nobody is notified. Products, dates and ledger entries stay. A report of stolen
    kit that has not been lifted keeps product and serial number, so that the product is still recognised (R34), but no
    longer names the owner; so does the record of a serial number that a centre replaced (R64). Sales confirmed by
    retailers stay, without their link to a registration.
    """
    _remove_all(member, at)
    _end_adjustments(member, at)
    handovers = Handover.objects.filter(registration__member=member)
    handovers.filter(redeemed_at=None, revoked_at=None).update(revoked_at=at)
    handovers.update(code_digest=Concat(Value("erased-"), Cast("pk", CharField())))
    Appeal.objects.filter(registration__member=member).update(text="")
    about_claim = Q(claim__claimant__member=member) | Q(claim__holder__member=member)
    HeldDecision.objects.filter(Q(registration__member=member) | about_claim).delete()
    changes = SerialChange.objects.filter(registration__member=member)
    changes.filter(state=SerialChangeState.CLAIMED).update(state=SerialChangeState.DROPPED)
    changes.update(registration=None, claim=None)
    with erasing_trail():
        _history("SerialChangeEvent").filter(pgh_obj__registration=None).update(registration=None, claim=None)
    Sale.objects.filter(registration__member=member).update(registration=None, matched_at=None, settled="")
    _drop_owner(member)
    delete_details_of(member=member, at=at)
    Registration.objects.of(member).update(**DETAILS, serial_key=None, warning="")
    with erasing_trail():
        _history("RegistrationEvent").filter(pgh_obj__member=member).update(**DETAILS)


def _remove_all(member: Member, at: datetime) -> None:
    rows = Registration.objects.of(member).live().order_by("pk").select_for_update(of=("self",), no_key=True)
    live = list(rows.select_related("product", "member__user"))
    keys = [row.pk for row in live]
    Registration.objects.filter(pk__in=keys).update(
        state=RegistrationState.REMOVED, review_reason="", taken_by=None, taken_at=None, ended_at=at
    )
    for row in live:
        claims.close_claims(row=row, at=at)
        appeals.drop_appeal(row=row, at=at)
    reconcile(registrations=keys, cause=PointsCause.REMOVED, about="", by=None, at=at)


def _end_adjustments(member: Member, at: datetime) -> None:
    adjustments = Adjustment.objects.filter(member=member)
    keys = list(adjustments.active().values_list("pk", flat=True))
    adjustments.filter(pk__in=keys).update(ended_at=at)
    reconcile_adjustments(adjustments=keys, cause=PointsCause.ADJUSTMENT_ENDED, by=None, at=at)
    adjustments.update(reason="")


def _drop_owner(member: Member) -> None:
    """Take the owner out of reports of stolen kit, and the serial number out of reports that have been lifted."""
    reports = StolenReport.objects.filter(Q(member=member) | Q(registration__member=member))
    lifted_at_by_key = dict(reports.values_list("pk", "lifted_at"))
    keys, lifted = list(lifted_at_by_key), [key for key, lifted_at in lifted_at_by_key.items() if lifted_at]
    no_owner = {"member": None, "registration": None}
    Sighting.objects.filter(Q(report__in=keys) | Q(registration__member=member)).update(note="")
    StolenReport.objects.filter(pk__in=keys).update(**no_owner, police_reference="", note="", stolen_on=None)
    StolenReport.objects.filter(pk__in=lifted).update(serial_key="", lifted_because="-")
    history = _history("StolenReportEvent")
    with erasing_trail():
        history.filter(pgh_obj__in=keys).update(**no_owner, stolen_on=None, lifted_because="")
        history.filter(pgh_obj__in=lifted).update(serial_key="")


def _history(name: str) -> QuerySet[Any]:
    rows: QuerySet[Any] = apps.get_model("kitbag", name)._default_manager.all()
    return rows
