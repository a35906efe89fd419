"""A Welcome Pack is asked for once, reported on by the house, and sent again if it comes back (R36 to R40)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.reference import new_reference
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.models import Message
from cps_portal.core.partners import actions as partners
from cps_portal.core.partners.enums import PartnerKind
from cps_portal.core.partners.models import Partner, WebhookEndpoint
from members.actions import notices
from members.enums import NoticeCode
from members.models import Member, Notice, User
from members.offers import rules
from members.offers.actions.cards import get_or_issue_card
from members.offers.enums import PARTNER_STEPS, OfferKind, PackState, PackStep
from members.offers.models import Offer, PackEvent, PackItem, WelcomePack
from members.support import actions as cases
from members.support.enums import CaseKind

REQUESTED = "welcome_pack.requested"
CANCELLED = "welcome_pack.cancelled"
SWEEP_LIMIT = 1000
LATE = _(
    "The fulfilment house has not confirmed your Welcome Pack %(reference)s yet. We are looking into it; your request "
    "is safe, and there is nothing you have to do."
)
TOLD = {  # what the member did not do and therefore hears of (R56)
    PackStep.DISPATCHED: NoticeCode.PACK_DISPATCHED,
    PackStep.RETURNED: NoticeCode.PACK_RETURNED,
    PackStep.SENT_AGAIN: NoticeCode.PACK_SENT_AGAIN,
    PackStep.CANCELLED: NoticeCode.PACK_CANCELLED,
}


@dataclass(frozen=True)
class Address:
    """Where a parcel goes, in the parts that its country has; `phone` as E.164."""

    name: str
    country: str
    street: str
    city: str = ""
    city_area: str = ""
    country_area: str = ""
    postal_code: str = ""
    sorting_code: str = ""
    phone: str = ""


@dataclass(frozen=True)
class Report:
    """What a fulfilment house says about a pack. `sending` is the one it speaks of, counted from 1."""

    step: PackStep
    sending: int
    occurred_at: datetime
    external_id: str
    data: Mapping[str, str]


def why_not(*, member: Member, at: datetime) -> Refusal | None:
    """Why this member, who has not asked yet, cannot ask now (R36).

    `closed`; `none` (nobody can at the moment), `country` (not offered there), `level`; `email` (not confirmed yet).
    """
    if member.closed_at:
        return Refusal("closed", _("This account is closed."))
    current = Offer.objects.current(at).filter(kind=OfferKind.WELCOME_PACK)
    if not current.open_to(member, at).exists():
        offer = current.first()
        if offer is None:
            return Refusal("none", _("The Welcome Pack is not offered at the moment. Your address is not kept."))
        if offer.countries and member.country.code not in offer.countries:
            return Refusal("country", _("The Welcome Pack is not offered in your country. Your address is not kept."))
        return Refusal("level", _("The Welcome Pack comes with Silver. Your address is not kept."))
    if not EmailAddress.objects.filter(user=member.user, verified=True).exists():
        return Refusal("email", _("Confirm your e-mail address first: we tell you there when the pack is on its way."))
    return None


@transaction.atomic
def request_pack(*, member: Member, address: Address, by: User, at: datetime) -> WelcomePack:
    """Ask for the Welcome Pack, once ever (R36, R37): asked again, it is the pack there is, unchanged.

    Raises Refusal: those of `why_not`.
    """
    locked = Member.objects.locked().select_related("user").get(pk=member.pk)
    asked = WelcomePack.objects.filter(member=locked).first()
    if asked:
        return asked
    if refusal := why_not(member=locked, at=at):
        raise refusal
    get_or_issue_card(member=locked, at=at)
    pack = WelcomePack.objects.create(
        member=locked,
        reference=new_reference(lambda drawn: WelcomePack.objects.filter(reference=drawn).exists()),
        house=_house(),
        level_when_asked=locked.level,
        contents=list(PackItem.objects.filter(included=True).values_list("code", flat=True)),
        language=locked.language,
        asked_at=at,
        sending_since=at,
        changed_at=at,
        **asdict(address),
    )
    _note(pack, PackStep.ASKED, by=by, at=at)
    Notice.objects.filter(member=locked, code=NoticeCode.WELCOME_PACK, read_at=None).update(read_at=at)
    send_request(pack=pack, at=at)
    return pack


@transaction.atomic
def send_request(*, pack: WelcomePack, at: datetime) -> bool:
    """Put the request of this sending into the outbox; there already: nothing changes (R38).

    Returns whether it goes by webhook: a house without a system gets a file instead.
    """
    if pack.house is None:
        return False
    facts = {"pack": pack.pk, "sending": pack.sending}
    posted = partners.enqueue_webhook(
        partner=pack.house,
        type=REQUESTED,
        key=f"pack-{pack.key}",
        subject=f"welcome_packs/{pack.reference}",
        sequence=2 * pack.sending - 1,
        renderer="offers.pack_requested",
        at=at,
        **facts,
    )
    return bool(posted)


def send_pending_requests(*, at: datetime) -> int:
    """Find a house for the packs that have none, and post what was not posted: a house may come late (R38).

    Returns how many requests go by webhook.
    """
    house = _house()
    if house is None:
        return 0
    unsent = Q(house=None)
    for endpoint in WebhookEndpoint.objects.filter(partner__kind=PartnerKind.FULFILMENT).wanting(REQUESTED):
        sending = Cast(OuterRef("sending"), CharField())
        key_there = Concat(Value("pack-"), OuterRef("reference"), Value("-"), sending, Value(f"@{endpoint.pk}"))
        unsent |= Q(~Exists(Message.objects.filter(key=key_there)), house=endpoint.partner_id)
    waiting = WelcomePack.objects.filter(unsent, state=PackState.REQUESTED).order_by("pk")
    count = 0
    for key in waiting.values_list("pk", flat=True)[:SWEEP_LIMIT]:
        with transaction.atomic():
            pack = WelcomePack.objects.locked(key)
            if pack.state != PackState.REQUESTED:
                continue
            if pack.house is None:
                pack.house = house
                pack.save(update_fields=["house"])
            count += send_request(pack=pack, at=at)
    return count


@transaction.atomic
def record_report(
    *, pack: WelcomePack, report: Report, at: datetime, partner: Partner | None = None, by: User | None = None
) -> tuple[WelcomePack, bool]:
    """Write what the house says, itself or through staff (`by`). Returns the pack and whether it is new.

    The same `external_id` again changes nothing. Late and out of order is fine: where the pack is follows from all
    steps together. Raises Refusal: `step` (not the house's to say), `sending` (there was none such), `future`,
    `past` (before it was asked for).
    """
    locked = WelcomePack.objects.locked(pack.pk)
    if PackEvent.objects.filter(pack=locked, external_id=report.external_id).exists():
        return locked, False
    if report.step not in PARTNER_STEPS:
        raise Refusal("step", _("A fulfilment house does not report this."), "kind")
    if not 1 <= report.sending <= locked.sending:
        raise Refusal("sending", _("This pack was not sent that often."), "sending")
    if report.occurred_at > at + settings.PARTNER_CLOCKS_DIFFER:
        raise Refusal("future", _("This lies in the future. Set your clock."), "occurred_at")
    if report.occurred_at < locked.asked_at - rules.MAX_CALENDAR_DIFFERENCE:
        raise Refusal("past", _("This is before the pack was asked for. Check the date."), "occurred_at")
    before = locked.state
    PackEvent.objects.create(
        pack=locked,
        step=report.step,
        sending=report.sending,
        occurred_at=report.occurred_at,
        received_at=at,
        external_id=report.external_id,
        data=dict(report.data),
        partner=partner,
        by=by,
    )
    _follow(locked, at)
    if locked.state != before and report.step in TOLD:
        _tell(locked, report.step, at)
    return locked, True


@transaction.atomic
def confirm_received(*, pack: WelcomePack, by: User, at: datetime) -> WelcomePack:
    """The member says that it is there; again changes nothing. Raises Refusal `state` before it can be.

    It may be the one that was thought lost: then what was to be sent again does not leave (R37).
    """
    locked = WelcomePack.objects.locked(pack.pk)
    if locked.state == PackState.RECEIVED:
        return locked
    if not locked.can_be_here:
        raise Refusal("state", _("It has not left yet. Tell us once it is there."))
    in_time = locked.state in rules.CANCELLABLE_STATES
    _note(locked, PackStep.RECEIVED, by=by, at=at)
    if in_time and locked.sending > 1:
        _call_off(locked, at)
    return locked


@transaction.atomic
def report_missing(*, pack: WelcomePack, by: User, at: datetime) -> WelcomePack:
    """Not received, four weeks after asking: a case for staff, once a sending (R40).

    Raises Refusal `early`, or `state` if it is not on its way. Reported already: nothing changes.
    """
    locked = WelcomePack.objects.locked(pack.pk)
    if (
        locked.missing_case_id
        and PackEvent.objects.filter(pack=locked, step=PackStep.MISSING, sending=locked.sending).exists()
    ):
        return locked
    if locked.state not in rules.UNDELIVERED_STATES:
        raise Refusal("state", _("It is not on its way."))
    if at < locked.missing_from:
        raise Refusal("early", _("Give it four weeks. Then you can tell us with one click."))
    words = {"reference": locked.reference_in_groups}
    locked.missing_case = cases.open_case(
        kind=CaseKind.MISSING_PACK,
        subject=str(_("Welcome Pack not received")),
        text=str(_("My Welcome Pack %(reference)s has not arrived.") % words),
        member=locked.member,
        about=locked,
        by=by,
        at=at,
    )
    locked.save(update_fields=["missing_case"])
    _note(locked, PackStep.MISSING, by=by, at=at)
    return locked


@transaction.atomic
def send_again(*, pack: WelcomePack, by: User, at: datetime, address: Address | None = None) -> WelcomePack:
    """The same request once more, with another address perhaps (R37).

    Raises Refusal `state` if the first is still with the house, `address` if the old one was deleted meanwhile,
    `closed`.
    """
    locked = WelcomePack.objects.locked(pack.pk)
    if locked.member.closed_at:
        raise Refusal("closed", _("This account is closed."))
    if locked.state not in rules.RESENDABLE_STATES:
        raise Refusal("state", _("It can be sent again once it came back, got lost or was cancelled."))
    if address is None and locked.blanked_at:
        raise Refusal("address", _("The address was deleted. Ask the member for it."), "street")
    for name, value in (asdict(address) if address else {}).items():
        setattr(locked, name, value)
    locked.sending += 1
    locked.sending_since = at
    locked.dispatched_at = locked.blanked_at = None
    locked.carrier = locked.tracking = locked.tracking_url = locked.return_reason = ""
    locked.missing_case = locked.late_case = None
    locked.house = locked.house if locked.house and locked.house.active else _house()
    locked.state = PackState.REQUESTED
    locked.save()
    _note(locked, PackStep.SENT_AGAIN, by=by, at=at)
    _tell(locked, PackStep.SENT_AGAIN, at)
    send_request(pack=locked, at=at)
    return locked


@transaction.atomic
def cancel_pack(*, pack: WelcomePack, by: User, at: datetime) -> WelcomePack:
    """Stop a request: what has not left never leaves, and the house is told. Raises Refusal `state` if it has left."""
    locked = WelcomePack.objects.locked(pack.pk)
    if locked.state not in rules.CANCELLABLE_STATES:
        raise Refusal("state", _("Only what has not been dispatched can be cancelled."))
    _note(locked, PackStep.CANCELLED, by=by, at=at)
    _call_off(locked, at)
    _tell(locked, PackStep.CANCELLED, at)
    return locked


def open_late_cases(*, at: datetime) -> int:
    """A case for each request that no house has acknowledged for days (R38). Returns how many."""
    late = WelcomePack.objects.unacknowledged(at - settings.PACK_LATE_AFTER).filter(
        late_case=None, member__closed_at=None
    )
    keys = late.order_by("sending_since", "pk").values_list("pk", flat=True)
    return sum(_open_late_case(key, at) for key in keys[:SWEEP_LIMIT])


@transaction.atomic
def _open_late_case(key: int, at: datetime) -> bool:
    pack = WelcomePack.objects.locked(key)
    late = pack.state == PackState.REQUESTED and pack.sending_since < at - settings.PACK_LATE_AFTER
    if pack.late_case_id or not late:
        return False
    with translation.override(pack.member.language):
        subject = str(_("Your Welcome Pack takes longer"))
        text = str(LATE) % {"reference": pack.reference_in_groups}
    pack.late_case = cases.open_case(
        kind=CaseKind.PACK_LATE, subject=subject, text=text, member=pack.member, about=pack, by=None, at=at
    )
    pack.save(update_fields=["late_case"])
    notices.notify_member(
        member=pack.member,
        key=f"pack-{pack.key}-late",
        code=NoticeCode.PACK_LATE,
        params={"reference": pack.reference_in_groups},
        path=pack.get_absolute_url(),
        at=at,
    )
    return True


@transaction.atomic
def delete_old_addresses(*, at: datetime) -> int:
    """Delete addresses that nobody needs any more: the story and the state stay. Returns how many."""
    return blank(WelcomePack.objects.to_blank(at - settings.PACK_ADDRESS_KEPT), at)


def blank(packs: Any, at: datetime) -> int:
    """Delete the addresses of these packs."""
    nothing = dict.fromkeys(
        ["name", "street", "city", "city_area", "country_area", "postal_code", "sorting_code", "phone"], ""
    )
    return int(packs.update(blanked_at=at, **nothing))


def _call_off(pack: WelcomePack, at: datetime) -> None:
    """Tell the house that this sending is not wanted any more."""
    if pack.house:
        facts = {"pack": pack.pk, "sending": pack.sending}
        key = f"pack-{pack.key}-cancelled"
        partners.enqueue_webhook(
            partner=pack.house,
            type=CANCELLED,
            key=key,
            subject=f"welcome_packs/{pack.reference}",
            sequence=2 * pack.sending,
            renderer="offers.pack_cancelled",
            at=at,
            **facts,
        )


def _house() -> Partner | None:
    return Partner.objects.filter(kind=PartnerKind.FULFILMENT, active=True).order_by("pk").first()


def _note(pack: WelcomePack, step: PackStep, *, by: User | None, at: datetime) -> None:
    PackEvent.objects.create(pack=pack, step=step, sending=pack.sending, occurred_at=at, received_at=at, by=by)
    _follow(pack, at)


def _follow(pack: WelcomePack, at: datetime) -> None:
    """Let the copies on the row say what the steps say."""
    story = list(PackEvent.objects.filter(pack=pack).order_by("pk"))
    found = rules.pack_progress(rules.PackStepRecord(PackStep(one.step), one.sending, one.occurred_at) for one in story)
    pack.state = found.state
    pack.dispatched_at = found.times.get(PackStep.DISPATCHED)
    pack.changed_at = at
    for one in story:
        if one.sending == pack.sending and one.step == PackStep.DISPATCHED:
            pack.carrier = one.data.get("carrier", pack.carrier)
            pack.tracking = one.data.get("tracking", pack.tracking)
            pack.tracking_url = one.data.get("tracking_url", pack.tracking_url)
        if one.sending == pack.sending and one.step == PackStep.RETURNED:
            pack.return_reason = one.data.get("reason", pack.return_reason)
    pack.save(
        update_fields=["state", "dispatched_at", "changed_at", "carrier", "tracking", "tracking_url", "return_reason"]
    )


def _tell(pack: WelcomePack, step: PackStep, at: datetime) -> None:
    """Notice and mail, worded when it leaves (R56)."""
    key = f"pack-{pack.key}-{step}"
    notices.notify_member(
        member=pack.member,
        key=key,
        code=TOLD[step],
        params={"reference": pack.reference_in_groups},
        path=pack.get_absolute_url(),
        at=at,
    )
    payload = outbox.rendered_later("offers.pack_step", pack=pack.pk, sending=pack.sending, step=step.value)
    outbox.enqueue(key=key, kind="mail", to=pack.member.user.email, payload=payload, at=at)
