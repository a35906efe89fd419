"""What there is around a member: their dashboard asks once, and reads only what exists."""

from datetime import date
from typing import NamedTuple

from django.db.models import Exists

from cps_portal.core.lib.compiled_queries import CompiledQuery
from kitbag.models import Adjustment
from members.models import Member
from members.offers.models import SIGNED_UP, CardRequest, SignUp, WelcomePack
from members.support.enums import CaseState
from members.support.models import Case
from servicing.models import Loan, Ticket


class AroundMember(NamedTuple):
    """Whether there is any of these. Jobs, loans, cases and packs are also those of accounts that became one (R69)."""

    jobs: bool  # open ones
    loans: bool  # open ones
    cases_waiting: bool  # for the member's reply
    card_returned: bool
    packs: bool
    sign_ups: bool
    expiring_points: bool  # that staff added until a later day


AROUND: CompiledQuery[AroundMember] = CompiledQuery(
    lambda member, today, **accounts: Member.objects.filter(pk=member).values_list(
        Exists(Ticket.objects.open().filter(member__in=[*accounts.values()])),
        Exists(Loan.objects.open().filter(member__in=[*accounts.values()])),
        Exists(Case.objects.filter(member__in=[*accounts.values()], state=CaseState.WAITING)),
        Exists(CardRequest.objects.returned().filter(member=member)),
        Exists(WelcomePack.objects.filter(member__in=[*accounts.values()])),
        Exists(SignUp.objects.filter(member=member, state__in=SIGNED_UP)),
        Exists(Adjustment.objects.active().filter(member=member, expires_on__gt=today)),
    )
)


def what_there_is(member: Member, today: date) -> AroundMember:
    """In one query."""
    accounts = {f"account_{n}": key for n, key in enumerate(member.accounts)}
    rows = AROUND.all(member=member.pk, today=today, **accounts)
    return AroundMember(*rows[0])
