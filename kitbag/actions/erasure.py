"""What is left of a member's kit once the person is gone (R14)."""

from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import CharField, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

from kitbag.actions import appeals, claims
from kitbag.actions.ledger import reconcile, reconcile_adjustments
from kitbag.enums import RegistrationState
from kitbag.models import Adjustment, Appeal, Handover, Registration, Sale, StolenReport
from members.enums import PointsCause
from members.models import Member

DETAILS = {"serial": "", "serial_key": None, "country": "", "purchased_on": None, "store": "", "asked_for": ""}


@transaction.atomic
def erase_kit(*, member: Member, at: datetime) -> None:
    """Take all kit of a closed account out of the Kitbag, so that it counts nothing, and blank its details.

    The member is locked, and gone already: nobody is told. Products, dates and entries of the ledger stay. A
    standing report of stolen kit stays by product and serial number, so that the next one is stopped (R34), but
    no longer says whose it was. A shop's word about a serial number stays too, and leads to nobody.
    """
    _remove_all(member, at)
    _end_adjustments(member, at)
    handovers = Handover.objects.filter(registration__member=member)
    handovers.filter(redeemed_at=None, revoked_at=None).update(revoked_at=at)
    handovers.update(code_digest=Concat(Value("erased-"), Cast("pk", CharField())))
    Appeal.objects.filter(registration__member=member).update(text="")
    Sale.objects.filter(registration__member=member).update(registration=None, matched_at=None, settled="")
    _drop_owner(member)
    Registration.objects.of(member).update(**DETAILS, warning="")
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
    reconcile(registrations=keys, cause=PointsCause.REMOVED, about="", by=None, at=at, later=True)


def _end_adjustments(member: Member, at: datetime) -> None:
    mine = Adjustment.objects.filter(member=member)
    keys = list(mine.active().values_list("pk", flat=True))
    mine.filter(pk__in=keys).update(ended_at=at)
    reconcile_adjustments(adjustments=keys, cause=PointsCause.ADJUSTMENT_ENDED, by=None, at=at, later=True)
    mine.update(reason="")


def _drop_owner(member: Member) -> None:
    """A lifted report stops nobody, so it keeps no serial number either."""
    mine = list(
        StolenReport.objects.filter(Q(member=member) | Q(registration__member=member)).values_list("pk", "lifted_at")
    )
    keys, lifted = [pk for pk, _at in mine], [pk for pk, lifted_at in mine if lifted_at]
    nobody = {"member": None, "registration": None}
    StolenReport.objects.filter(pk__in=keys).update(**nobody, police_reference="", note="", stolen_on=None)
    StolenReport.objects.filter(pk__in=lifted).update(serial_key="", lifted_because="-")
    history = _history("StolenReportEvent")
    history.filter(pgh_obj__in=keys).update(**nobody, stolen_on=None, lifted_because="")
    history.filter(pgh_obj__in=lifted).update(serial_key="")


def _history(name: str) -> QuerySet[Any]:
    rows: QuerySet[Any] = apps.get_model("kitbag", name)._default_manager.all()
    return rows
