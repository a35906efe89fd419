"""What there is around a registration: its page asks once, and reads only what exists."""

from datetime import date
from typing import NamedTuple

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from cps_portal.core.lib.compiled_queries import CompiledQuery
from kitbag.models import Appeal, Claim, Evidence, Handover, Hold, KitGroup, Registration, StageChange, StolenReport
from members.enums import LostAddressState
from members.models import LostAddress

ITSELF = OuterRef("pk")


class Around(NamedTuple):
    """Whether there is any of these."""

    appeal: bool
    theft_report: bool
    handover: bool
    hold: bool
    claim: bool
    evidence: bool
    groups: bool
    planned_change: bool
    recovered_address: bool


AROUND: CompiledQuery[Around] = CompiledQuery(
    lambda registration, today: Registration.objects.filter(pk=registration).values_list(
        Exists(Appeal.objects.filter(registration=ITSELF)),
        Exists(StolenReport.objects.active().filter(registration=ITSELF)),
        Exists(Handover.objects.filter(registration=ITSELF)),
        Exists(Hold.objects.filter(registration=ITSELF)),
        Exists(Claim.objects.open().filter(Q(claimant=ITSELF) | Q(holder=ITSELF))),
        Exists(Evidence.objects.filter(registration=ITSELF)),
        Exists(KitGroup.objects.filter(member=OuterRef("member"))),
        Exists(StageChange.objects.planned().filter(product=OuterRef("product"), effective_on__gt=today)),
        Exists(LostAddress.objects.filter(member=OuterRef("member"), state=LostAddressState.APPROVED)),
    )
)


def what_there_is(registration: Registration, today: date | None = None) -> Around:
    """In one query."""
    rows = AROUND.all(registration=registration.pk, today=today or timezone.localdate())
    return Around(*rows[0])
