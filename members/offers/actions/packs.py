"""Welcome Packs: requested once, followed by the partner's reports, and sent again if they come back (R36 to R40)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import pgtrigger
from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction
from django.db.models import CharField, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.reference import new_reference
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.partners import actions as partners
from cps_portal.core.partners.models import Partner
from members.actions import notices
from members.addresses import Address
from members.enums import NoticeCode
from members.models import BLANK_ADDRESS, Member, Notice, User
from members.offers import rules
from members.offers.actions.card_requests import delete_old_card_addresses, erase_card_requests
from members.offers.actions.cards import get_or_issue_card, revoke_card
from members.offers.actions.pack_requests import MAX_PACKS_PER_RUN, current_partner, send_cancellation, send_request
from members.offers.actions.resting import resting_refusal
from members.offers.enums import PARTNER_STEPS, CancelReason, CardEnd, OfferKind, PackState, PackStep
from members.offers.models import Card, Offer, PackEvent, PackItem, WelcomePack
from members.queries import active_countries, membership_of
from members.support import actions as cases
from members.support.enums import CaseKind

NOTICE_CODES = {  # the steps that members are notified of: those they did not take themselves (R56)
    PackStep.DISPATCHED: NoticeCode.PACK_DISPATCHED,
    PackStep.RETURNED: NoticeCode.PACK_RETURNED,
    PackStep.SENT_AGAIN: NoticeCode.PACK_SENT_AGAIN,
    PackStep.CANCELLED: NoticeCode.PACK_CANCELLED,
}
PARCEL_DETAILS = ("carrier", "tracking", "tracking_url")  # in the data of a step


@dataclass(frozen=True)
class Report:
    """A step that the fulfilment partner reports. `sending` counts from 1."""

    step: PackStep
    sending: int
    occurred_at: datetime
    external_id: str
    data: Mapping[str, str]


def pack_refusal(*, member: Member, at: datetime) -> Refusal | None:
    """Why a member who has not requested the pack yet cannot do so now; None if they can (R36).

    The code is `closed`, `resting` (they live outside the free programme), `none` (not offered to anybody at the
    moment), `country`, `level` or `email` (not confirmed).
    """
    if member.closed_at:
        return Refusal("closed", _("This account is closed."))
    return resting_refusal(member, at) or _offer_refusal(member, at) or _address_refusal(member)


def _offer_refusal(member: Member, at: datetime) -> Refusal | None:
    current = Offer.objects.current(at).filter(kind=OfferKind.WELCOME_PACK)
    if not current.open_to(membership_of(member, timezone.localdate(at)), at).exists():
        offer = current.first()
        if offer is None:
            return Refusal("none", _("We don’t offer the Welcome Pack at the moment. We haven’t kept your address."))
        if offer.countries and member.country.code not in offer.countries:
            return Refusal(
                "country", _("We don’t offer the Welcome Pack in your country. We haven’t kept your address.")
            )
        return Refusal("level", _("The Welcome Pack comes with Silver. We haven’t kept your address."))
    return None


def _address_refusal(member: Member) -> Refusal | None:
    if not EmailAddress.objects.filter(user=member.user, verified=True).exists():
        return Refusal("email", _("Please confirm your email address first, so that we can tell you when it ships."))
    return None


@transaction.atomic
def request_pack(
    *, member: Member, address: Address, by: User, at: datetime, partner: Partner | None = None
) -> WelcomePack:
    """Request the Welcome Pack: one per member, ever (R36, R37). A second request returns the first pack, unchanged.

    A pack that was cancelled before it was packed, because the membership rested, is opened again (R65).
    `partner`: who posts it; by default `current_partner`.
    Raises Refusal: those of `pack_refusal`.
    """
    locked = Member.objects.locked().select_related("user").get(pk=member.pk)
    existing = WelcomePack.objects.of_person(locked).first()
    if existing and not existing.can_be_requested_again:
        return existing
    if refusal := pack_refusal(member=locked, at=at):
        raise refusal
    get_or_issue_card(member=locked, at=at)
    if existing:
        return _request_again(existing.pk, address, by, at)
    pack = WelcomePack.objects.create(
        member=locked,
        reference=new_reference(lambda drawn: WelcomePack.objects.filter(reference=drawn).exists()),
        partner=partner or current_partner(),
        level_when_asked=locked.level,
        contents=_contents_of_new_packs(),
        language=locked.language,
        asked_at=at,
        sending_since=at,
        changed_at=at,
        **asdict(address),
    )
    _add_step(pack, PackStep.ASKED, by=by, at=at)
    Notice.objects.filter(member=locked, code=NoticeCode.WELCOME_PACK, read_at=None).update(read_at=at)
    send_request(pack=pack, at=at)
    return pack


@transaction.atomic
def record_report(
    *, pack: WelcomePack, report: Report, at: datetime, partner: Partner | None = None, by: User | None = None
) -> tuple[WelcomePack, bool]:
    """Record a step reported by the partner, or by staff on its behalf (`by`). Returns the pack and whether it is new.

    Idempotent by `external_id`. Reports may come late and out of order: the state follows from all steps together.
    Raises Refusal: `step` (not one that a partner can report), `sending` (no such sending), `future`, `past` (before
    the request).
    """
    locked = WelcomePack.objects.locked(pack.pk)
    if PackEvent.objects.filter(pack=locked, external_id=report.external_id).exists():
        return locked, False
    if report.step not in PARTNER_STEPS:
        raise Refusal("step", _("A fulfilment partner does not report this step."), "kind")
    if not 1 <= report.sending <= locked.sending:
        raise Refusal("sending", _("There is no such sending of this pack."), "sending")
    if report.occurred_at > at + settings.PARTNER_CLOCKS_DIFFER:
        raise Refusal("future", _("This time is in the future. Check your clock."), "occurred_at")
    if report.occurred_at < locked.asked_at - rules.MAX_CALENDAR_DIFFERENCE:
        raise Refusal("past", _("This is before the pack was requested. Check the date."), "occurred_at")
    state_before = locked.state
    has_left_before = report.step == PackStep.DISPATCHED and _was_cancelled(locked, report.sending)
    PackEvent.objects.create(
        pack=locked,
        step=report.step,
        sending=report.sending,
        occurred_at=report.occurred_at,
        received_at=at,
        external_id=report.external_id,
        data=_without_parcel(report.data) if locked.member.erased_at else dict(report.data),
        partner=partner,
        by=by,
    )
    _update_from_steps(locked, at)
    if has_left_before and report.sending < locked.sending and locked.state in rules.CANCELLABLE_STATES:
        _replace_sending(locked, report, at)
    if locked.state != state_before and report.step in NOTICE_CODES:
        _notify(locked, report.step, at)
    return locked, True


@transaction.atomic
def confirm_received(*, pack: WelcomePack, by: User, at: datetime) -> WelcomePack:
    """The member confirms receipt; a second time changes nothing. Raises Refusal `state` if it cannot have arrived.

    It may be a pack that was thought lost: then the replacement is cancelled, if it has not left yet (R37).
    """
    locked = WelcomePack.objects.locked(pack.pk)
    if locked.state == PackState.RECEIVED:
        return locked
    if not locked.can_be_received:
        raise Refusal("state", _("Your pack hasn’t left yet. Tell us once you have it."))
    can_cancel = locked.state in rules.CANCELLABLE_STATES
    _add_step(locked, PackStep.RECEIVED, by=by, at=at)
    if can_cancel and locked.sending > 1:
        send_cancellation(pack=locked, at=at)
    return locked


@transaction.atomic
def report_missing(*, pack: WelcomePack, by: User, at: datetime) -> WelcomePack:
    """The member has not received the pack after four weeks: open a case, once per sending (R40).

    Reported already: nothing changes. Raises Refusal `early`, or `state` if it is not on its way.
    """
    locked = WelcomePack.objects.locked(pack.pk)
    reports = PackEvent.objects.filter(pack=locked, step=PackStep.MISSING, sending=locked.sending)
    if locked.missing_case_id and reports.exists():
        return locked
    if locked.state not in rules.UNDELIVERED_STATES:
        raise Refusal("state", _("Your pack isn’t on its way."))
    if at < locked.missing_from:
        weeks = rules.MISSING_AFTER // timedelta(weeks=1)
        message = _("Please give it %(weeks)s weeks. After that you can tell us with one click.")
        raise Refusal("early", message % {"weeks": weeks})
    locked.missing_case = cases.open_case(
        kind=CaseKind.MISSING_PACK,
        subject=str(_("Welcome Pack not received")),
        text=str(_("My Welcome Pack %(reference)s hasn’t arrived.") % {"reference": locked.reference_in_groups}),
        member=locked.member.account_in_use,
        about=locked,
        by=by,
        at=at,
    )
    locked.save(update_fields=["missing_case"])
    _add_step(locked, PackStep.MISSING, by=by, at=at)
    return locked


@transaction.atomic
def resend_pack(*, pack: WelcomePack, by: User, at: datetime, address: Address | None = None) -> WelcomePack:
    """Send the same pack again, to another address if one is given (R37).

    Raises Refusal `state` if the last sending is still with the partner, `address` if the old address has been
    deleted, `closed`, `resting` (they live outside the free programme).
    """
    locked = WelcomePack.objects.locked(pack.pk)
    if locked.person.closed_at:
        raise Refusal("closed", _("This account is closed."))
    if resting_refusal(locked.person, at):
        sentence = _("Their membership rests in %(country)s. The pack can go once they are back in the free programme.")
        raise Refusal("resting", sentence % {"country": locked.person.country.name})
    if locked.state not in rules.RESENDABLE_STATES:
        raise Refusal("state", _("You can send it again once it was returned, lost or cancelled."))
    if address is None and locked.blanked_at:
        raise Refusal("address", _("The address has been deleted. Ask the member for it."), "street")
    _start_sending(locked, address, by, at)
    if by != locked.person.user:
        _notify(locked, PackStep.SENT_AGAIN, at)
    return locked


@transaction.atomic
def correct_address(*, pack: WelcomePack, address: Address, by: User, at: datetime) -> WelcomePack:
    """The member corrects the address of a pack that came back, and it is sent again (R37).

    Raises Refusal: `state` if it has not come back, and as `resend_pack`.
    """
    locked = WelcomePack.objects.locked(pack.pk)
    if locked.state != PackState.RETURNED:
        raise Refusal("state", _("Your pack hasn’t come back, so there’s nothing to correct."))
    return resend_pack(pack=locked, address=address, by=by, at=at)


@transaction.atomic
def cancel_pack(*, pack: WelcomePack, by: User, at: datetime) -> WelcomePack:
    """Cancel a request and inform the partner. Raises Refusal `state` if the pack has left."""
    locked = WelcomePack.objects.locked(pack.pk)
    if locked.state not in rules.CANCELLABLE_STATES:
        raise Refusal("state", _("A pack can’t be cancelled any more once it has left."))
    _cancel(locked, CancelReason.STAFF, by=by, at=at)
    _notify(locked, PackStep.CANCELLED, at)
    return locked


@transaction.atomic
def print_another_card(*, pack: WelcomePack, by: User, at: datetime) -> bool:
    """Cancel a sending that has not left, and request it once more with the card that is valid now (R37, R69).

    To the same address, and without a message to the member. Returns False if it has left.
    """
    locked = WelcomePack.objects.locked(pack.pk)
    if locked.state not in rules.CANCELLABLE_STATES:
        return False
    _cancel(locked, CancelReason.MERGED, by=by, at=at)
    _start_sending(locked, None, by, at)
    return True


@transaction.atomic
def cancel_resting_pack(*, member: Member, by: User | None, at: datetime) -> WelcomePack | None:
    """Cancel a pack that is not packed yet, because the membership rests (R65); packed ones are delivered.

    Returns the pack; None if there is nothing to cancel. The member is not notified: the caller does that.
    """
    pack = WelcomePack.objects.filter(member__in=member.accounts, state__in=rules.UNPACKED_STATES).first()
    if pack is None or not resting_refusal(member, at):
        return None
    locked = WelcomePack.objects.locked(pack.pk)
    if locked.state not in rules.UNPACKED_STATES:
        return None
    _cancel(locked, CancelReason.RESTING, by=by, at=at)
    return locked


def cancel_resting_packs(*, at: datetime, limit: int = MAX_PACKS_PER_RUN) -> int:
    """The same for everybody whose country has left the free programme (R1). They are notified. Returns how many."""
    active = active_countries(timezone.localdate(at))
    resting = WelcomePack.objects.filter(state__in=rules.UNPACKED_STATES).exclude(member__country__in=active)
    count = 0
    for pack in resting.select_related("member").order_by("pk")[:limit]:
        with transaction.atomic():
            if cancelled := cancel_resting_pack(member=pack.person, by=None, at=at):
                _notify(cancelled, PackStep.CANCELLED, at)
                count += 1
    return count


@transaction.atomic
def delete_old_addresses(*, at: datetime) -> int:
    """Delete addresses that are no longer needed; steps and state stay. Returns how many, of packs and cards."""
    deleted = _delete_addresses(WelcomePack.objects.to_blank(at - settings.PACK_ADDRESS_KEPT), at)
    return deleted + delete_old_card_addresses(at=at)


@transaction.atomic
def erase_pack_and_card(*, member: Member, at: datetime) -> None:
    """Delete the address and the parcel, and end the card (R14).

    That there was a pack is kept: it is one per member, ever (R37). One that has not left is cancelled: without its
    address it would wait with the partner for ever.
    """
    packs = WelcomePack.objects.filter(member=member)
    for pack in packs.filter(state__in=rules.CANCELLABLE_STATES):
        _cancel(WelcomePack.objects.locked(pack.pk), CancelReason.CLOSED, by=None, at=at)
    _delete_addresses(packs.filter(blanked_at=None), at)
    packs.update(carrier="", tracking="", tracking_url="")
    _erase_parcels(packs)
    for pack in packs:
        keys = [f"pack-{pack.reference}-{sending}" for sending in range(1, pack.sending + 1)]
        partners.erase_answers(keys=[*keys, *(f"{key}-cancelled" for key in keys)])
    erase_card_requests(member=member, at=at)
    revoke_card(member=member, reason=CardEnd.CLOSED, by=None, at=at)
    Card.objects.filter(member=member).update(token=Concat(Value("erased-"), Cast("pk", CharField())))


def _erase_parcels(packs: QuerySet[WelcomePack]) -> None:
    """Remove what leads to the parcel from the steps: at the carrier it leads on to the name and the address."""
    events = PackEvent.objects.filter(pack__in=packs, data__has_any_keys=PARCEL_DETAILS)
    with pgtrigger.ignore("offers.PackEvent:append_only"):
        for event in events:
            event.data = _without_parcel(event.data)
            event.save(update_fields=["data"])


def _without_parcel(data: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in data.items() if name not in PARCEL_DETAILS}


def _delete_addresses(packs: QuerySet[WelcomePack], at: datetime) -> int:
    return packs.update(blanked_at=at, **BLANK_ADDRESS)


def _contents_of_new_packs() -> list[str]:
    return list(PackItem.objects.filter(included=True).values_list("code", flat=True))


def _request_again(pk: int, address: Address, by: User, at: datetime) -> WelcomePack:
    pack = WelcomePack.objects.locked(pk)
    pack.level_when_asked = pack.person.level
    pack.contents = _contents_of_new_packs()
    pack.language = pack.person.language
    _start_sending(pack, address, by, at)
    Notice.objects.filter(member=pack.person, code=NoticeCode.WELCOME_PACK, read_at=None).update(read_at=at)
    return pack


def _start_sending(pack: WelcomePack, address: Address | None, by: User, at: datetime) -> None:
    """Request the same pack once more, to another address if one is given. The pack is locked."""
    for name, value in (asdict(address) if address else {}).items():
        setattr(pack, name, value)
    pack.sending += 1
    pack.sending_since = at
    pack.dispatched_at = pack.blanked_at = None
    pack.carrier = pack.tracking = pack.tracking_url = pack.return_reason = ""
    pack.missing_case = pack.late_case = None
    pack.partner = pack.partner if pack.partner and pack.partner.active else current_partner()
    pack.state = PackState.REQUESTED
    pack.save()
    _add_step(pack, PackStep.SENT_AGAIN, by=by, at=at)
    send_request(pack=pack, at=at)


def _cancel(pack: WelcomePack, reason: CancelReason, *, by: User | None, at: datetime) -> None:
    _add_step(pack, PackStep.CANCELLED, by=by, at=at, data={"reason": reason.value})
    send_cancellation(pack=pack, at=at)


def _was_cancelled(pack: WelcomePack, sending: int) -> bool:
    return PackEvent.objects.filter(pack=pack, sending=sending, step=PackStep.CANCELLED).exists()


def _replace_sending(pack: WelcomePack, report: Report, at: datetime) -> None:
    """A cancelled sending had left before the partner knew: the member gets that one, and no second pack (R37)."""
    _cancel(pack, CancelReason.ARRIVES, by=None, at=at)
    _add_step(pack, PackStep.DISPATCHED, by=None, at=at, data=dict(report.data))


def _add_step(
    pack: WelcomePack, step: PackStep, *, by: User | None, at: datetime, data: Mapping[str, str] | None = None
) -> None:
    PackEvent.objects.create(
        pack=pack, step=step, sending=pack.sending, occurred_at=at, received_at=at, by=by, data=dict(data or {})
    )
    _update_from_steps(pack, at)


def _update_from_steps(pack: WelcomePack, at: datetime) -> None:
    """Derive state, dates and tracking of the pack from all of its steps."""
    events = list(PackEvent.objects.filter(pack=pack).order_by("pk"))
    progress = rules.pack_progress(
        rules.PackStepRecord(PackStep(event.step), event.sending, event.occurred_at) for event in events
    )
    pack.state = progress.state
    pack.dispatched_at = progress.times.get(PackStep.DISPATCHED)
    pack.changed_at = at
    for event in events:
        if event.sending == pack.sending and event.step == PackStep.DISPATCHED:
            pack.carrier = event.data.get("carrier", pack.carrier)
            pack.tracking = event.data.get("tracking", pack.tracking)
            pack.tracking_url = event.data.get("tracking_url", pack.tracking_url)
        if event.sending == pack.sending and event.step == PackStep.RETURNED:
            pack.return_reason = event.data.get("reason", pack.return_reason)
    pack.save(
        update_fields=["state", "dispatched_at", "changed_at", "carrier", "tracking", "tracking_url", "return_reason"]
    )


def _notify(pack: WelcomePack, step: PackStep, at: datetime) -> None:
    """Notify the member by notice and mail (R56); nobody, if the person has been erased (R14)."""
    if pack.person.erased_at:
        return
    key = f"pack-{pack.key}-{step}"
    notices.notify_member(
        member=pack.person,
        key=key,
        code=NOTICE_CODES[step],
        params={"pack": pack.pk, "sending": pack.sending},
        path=pack.get_absolute_url(),
        at=at,
    )
    payload = outbox.rendered_later("offers.pack_step", pack=pack.pk, sending=pack.sending, step=step.value)
    outbox.enqueue(key=key, kind="mail", to=pack.person.user.email, payload=payload, at=at)
