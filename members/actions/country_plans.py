"""Changes of the programme of a country: planned, told in advance, applied once, or undone before (R1, R22)."""

from collections.abc import Iterable
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.actions import OutgoingMessage
from members.actions.notices import notify_members
from members.actions.plans import (
    begin_due_plans,
    check_day,
    check_notice,
    lock_for_step,
    lock_to_begin,
    mark_begun,
    mark_finished,
)
from members.emails import COUNTRY_CHANGE_PATH
from members.enums import ChangeState, NoticeCode, Programme
from members.models import CountryPlan, CountryProgramme, Member, MemberQuerySet, Notice, User, programme_in

WILL, STAYS, HAS = "will", "stays", "has"
CODES = {WILL: NoticeCode.COUNTRY_WILL_CHANGE, STAYS: NoticeCode.COUNTRY_STAYS, HAS: NoticeCode.COUNTRY_CHANGED}


def draft_country_plan(
    *,
    country: str,
    kind: str,
    service_level: str = "",
    link: str = "",
    effective_on: date,
    short_notice_reason: str = "",
    by: User | None = None,
    at: datetime,
) -> CountryPlan:
    """The plan that `plan_country` would write, for a preview. Raises Refusal beside its field."""
    today = timezone.localdate(at)
    check_day(effective_on, today=today)
    if kind == Programme.FREE and not service_level:
        raise Refusal("level", _("Choose how far benefits go in the free programme."), "service_level")
    if CountryPlan.objects.open().filter(country=country).exists():
        raise Refusal("twice", _("Another change of this country is planned. Cancel it first."), "country")
    if CountryProgramme.objects.filter(country=country, valid_from__gt=today).exists():
        raise Refusal("entered", _("This country has an entry for a later day already. Remove it first."), "country")
    plan = CountryPlan(
        country=country,
        kind=kind,
        service_level=service_level if kind == Programme.FREE else "",
        link=link,
        effective_on=effective_on,
        short_notice_reason=short_notice_reason.strip(),
        planned_at=at,
        planned_by=by,
    )
    now = programme_in(country, today)
    if now and (now.kind, now.service_level) == (plan.kind, plan.service_level):
        raise Refusal("same", _("This is what the country has today. Choose another programme."), "kind")
    if members_of_country(plan).exists():
        check_notice(plan, today=today)
    return plan


@transaction.atomic
def plan_country(
    *,
    country: str,
    kind: str,
    service_level: str = "",
    link: str = "",
    effective_on: date,
    short_notice_reason: str = "",
    by: User | None,
    at: datetime,
) -> CountryPlan:
    """Plan it. `announce_country_step` notifies the members of the country. Raises Refusal beside its field."""
    plan = draft_country_plan(
        country=country,
        kind=kind,
        service_level=service_level,
        link=link,
        effective_on=effective_on,
        short_notice_reason=short_notice_reason,
        by=by,
        at=at,
    )
    try:
        with transaction.atomic():
            plan.save()
    except IntegrityError as error:  # somebody else planned it at the same moment
        raise Refusal("twice", _("Another change of this country is planned. Cancel it first."), "country") from error
    return plan


def members_of_country(plan: CountryPlan) -> MemberQuerySet:
    """Everybody whom a plan touches: open accounts of people who live there today."""
    return Member.objects.open().filter(country=plan.country.code)


# --- Telling ---------------------------------------------------------------------------------------


@transaction.atomic
def announce_country_step(*, plan: int, limit: int, at: datetime) -> bool:
    """Notify the next `limit` members of the country, or of those whom a cancelled plan had been announced to.

    Returns whether there is more to do. Does nothing while another worker is at this plan.
    """
    row = lock_for_step(CountryPlan, plan)
    if row is None:
        return False
    if row.state == ChangeState.CANCELLED:
        return _recall_step(row, limit, at)
    if row.state != ChangeState.PLANNED or row.announced_at:
        return False
    members = _next_members(row, limit)
    if not members:
        row.announced_at = at
        row.save(update_fields=["announced_at"])
        return False
    _tell(WILL, row, members, at)
    row.cursor, row.stepped_at = members[-1].pk, at
    row.told += len(members)
    row.save(update_fields=["cursor", "stepped_at", "told"])
    return True


def _recall_step(row: CountryPlan, limit: int, at: datetime) -> bool:
    """Tell the next `limit` of those who may have read the announcement that it was cancelled."""
    if row.recalled_at:
        return False
    told = Notice.objects.filter(key__startswith=row.notice_keys(WILL), pk__gt=row.cursor)
    notices = list(told.select_related("member__user").order_by("pk")[:limit])
    if not notices:
        row.recalled_at = at
        row.save(update_fields=["recalled_at"])
        return False
    unsent = outbox.unsent_keys([notice.key for notice in notices])
    _tell(STAYS, row, [notice.member for notice in notices if notice.key not in unsent], at)
    row.cursor, row.stepped_at = notices[-1].pk, at
    row.save(update_fields=["cursor", "stepped_at"])
    return True


def _tell(what: str, plan: CountryPlan, members: Iterable[Member], at: datetime) -> None:
    """By notice and mail. The keys make it safe to repeat."""
    keys = [(f"{plan.notice_keys(what)}{member.pk}", member) for member in members]
    notify_members(
        Notice(key=key, member=member, code=CODES[what], params={"plan": plan.pk}, path=COUNTRY_CHANGE_PATH, at=at)
        for key, member in keys
    )
    payload = {"plan": plan.pk, "what": what}
    messages = [
        OutgoingMessage(
            key, member.user.email, outbox.rendered_later("portal.country_change", member=member.pk, **payload)
        )
        for key, member in keys
    ]
    outbox.enqueue_many(kind="mail", messages=messages)


def _next_members(row: CountryPlan, limit: int) -> list[Member]:
    members = members_of_country(row).filter(pk__gt=row.cursor)
    return list(members.select_related("user").order_by("pk")[:limit])


# --- Applying --------------------------------------------------------------------------------------


def begin_due_country_plans(*, at: datetime) -> list[int]:
    """Keys of the plans that need a worker (`begin_due_plans`)."""
    return begin_due_plans(CountryPlan, begin_country_plan, at=at)


@transaction.atomic
def begin_country_plan(*, plan: CountryPlan, at: datetime) -> bool:
    """Write the new row of the country, exactly once. From then on everything reads it; members are told in steps.

    A hold stays until staff end it: it has other reasons than the programme.
    """
    row = lock_to_begin(plan)
    if row is None:
        return False
    before = programme_in(row.country.code, row.effective_on)
    new = row.as_programme(region=before.region if before else "")
    new.link = row.link or (before.link if before else "")
    CountryProgramme.objects.update_or_create(
        country=new.country.code,
        valid_from=new.valid_from,
        defaults={
            "region": new.region,
            "kind": new.kind,
            "service_level": new.service_level,
            "link": new.link,
            "note": "",
            "sample": False,
            "served_with": before.served_with.code if before else "",
            "on_hold": before.on_hold if before else False,
            "hold_reason": before.hold_reason if before else "",
        },
    )
    mark_begun(row, at=at)
    return True


@transaction.atomic
def apply_country_step(*, plan: int, limit: int, at: datetime) -> bool:
    """Tell the next `limit` members of the country that it has changed. Returns whether there is more to do."""
    row = lock_for_step(CountryPlan, plan)
    if row is None or row.state != ChangeState.RUNNING:
        return False
    members = _next_members(row, limit)
    if not members:
        mark_finished(row, at=at)
        return False
    _tell(HAS, row, members, at)
    row.cursor, row.stepped_at = members[-1].pk, at
    row.moved += len(members)
    row.save(update_fields=["cursor", "stepped_at", "moved"])
    return True
