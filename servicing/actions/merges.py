"""Jobs under way of an account that goes into another one of the same person, and back again (R49, R69).

No job gets another owner: the account that stays reads and works on those of both. What a job refers to moves with the
kit, so that nothing else is opened, removed or handed over for the same product meanwhile.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kitbag.models import Hold, Registration
from members.models import Member
from servicing.actions.events import give_places, hold_key
from servicing.actions.loans import loan_hold_key
from servicing.models import Loan, Ticket
from servicing.rules.places import PLACES, free_places

Blocker = str | Promise


def job_blockers(*, survivor: Member, ended: Member, twins: Mapping[int, int]) -> list[Blocker]:
    """Why the jobs of `ended` cannot go on in the other account. `twins`: products that both accounts have, by key."""
    jobs = Ticket.objects.of(ended).open()
    is_busy = jobs.exists() or Loan.objects.open().filter(member__in=ended.accounts).exists()
    fast = Ticket.objects.filter(member__in=[*survivor.accounts, *ended.accounts], place__isnull=False)
    ends = [
        (job, twins[job.registration_id]) for job in jobs.filter(registration__in=list(twins)) if job.registration_id
    ]
    stays = list(Ticket.objects.of(survivor).open().filter(registration__in=[twin for _job, twin in ends]))
    kept = {job.registration_id for job in stays}
    doubled = [*stays, *(job for job, twin in ends if twin in kept)]
    blockers: list[Blocker] = []
    if is_busy and ended.absorbed:
        sentence = _(
            "%(number)s has taken another account in and has jobs or loans under way, so it has to be the one that"
            " stays: propose it the other way round, or wait until they have ended."
        )
        blockers.append(sentence % {"number": ended.number_in_groups})
    if (count := fast.count()) > PLACES:
        sentence = _(
            "Together they have %(count)s products in Fast Track, and one person has %(places)s places: %(jobs)s. Wait"
            " until enough of them are ready, or let the customer cancel one that has not been sent."
        )
        blockers.append(sentence % {"count": count, "places": PLACES, "jobs": _numbers(fast)})
    if doubled:
        sentence = _(
            "The same product has a job in both accounts: %(jobs)s. Cancel the one that was opened by mistake, or wait"
            " until one has ended."
        )
        blockers.append(sentence % {"jobs": _numbers(doubled)})
    return blockers


def _numbers(tickets: Iterable[Ticket]) -> str:
    return ", ".join(sorted(ticket.reference_in_groups for ticket in tickets))


def move_jobs(*, survivor: Member, ended: Member, became: Mapping[int, int]) -> None:
    """Let the open jobs of `ended` go on with the products as they count now, each in a place of its own (R49).

    Both members are locked and one account by now, and there are no blockers. `became`: by the key of a product that
    has ended, that of the one which counts instead.
    """
    _renumber(survivor, ended)
    _refer(ended, became)


def return_jobs(*, survivor: Member, ended: Member, became: Mapping[int, int], at: datetime) -> None:
    """Let the jobs of `ended` refer to its own products again. Both members are locked, and two accounts by now."""
    _refer(ended, {new: old for old, new in became.items()})
    for member in (survivor, ended):
        give_places(member=member, at=at)


def has_new_jobs(*, ended: Member, products: list[int], since: datetime) -> bool:
    """Whether one of these products was sent for service since the accounts became one."""
    new = Ticket.objects.filter(registration__in=products, opened_at__gte=since)
    return new.exclude(member=ended).exists() or Ticket.objects.filter(member=ended, opened_at__gt=since).exists()


def _renumber(survivor: Member, ended: Member) -> None:
    """Keep the places of `ended` where their numbers are free, and give the others one that is."""
    with_place = list(Ticket.objects.filter(member=ended, place__isnull=False).order_by("place"))
    others = Ticket.objects.of(survivor).exclude(member=ended).filter(place__isnull=False)
    taken = set(others.values_list("place", flat=True))
    kept = {ticket.place for ticket in with_place} - taken
    free = iter(free_places([place for place in taken | kept if place]))
    for ticket in with_place:
        if ticket.place in taken:
            ticket.place = next(free)
            ticket.save(update_fields=["place"])


def _refer(member: Member, successors: Mapping[int, int]) -> None:
    """Point the open jobs of a member, and what they and their loans hold, to other registrations of the product."""
    tickets = list(Ticket.objects.filter(member=member, registration__in=list(successors), ended_at=None))
    loans = Loan.objects.open().filter(ticket__member=member, ticket__registration__in=list(successors))
    holds = {loan_hold_key(loan): loan.ticket.registration_id for loan in loans.select_related("ticket")}
    holds |= {hold_key(ticket): ticket.registration_id for ticket in tickets}
    closed_with_loan = Ticket.objects.filter(loans__in=loans.values("pk")).exclude(pk__in=[one.pk for one in tickets])
    for ticket in [*tickets, *closed_with_loan]:
        if ticket.registration_id:
            ticket.registration = Registration.objects.get(pk=successors[ticket.registration_id])
            ticket.save(update_fields=["registration"])
    for key, registration in holds.items():
        if registration:
            Hold.objects.filter(key=key).update(registration=successors[registration])
