"""New cards for lost ones: where they go, who prints them, and how far they are (R38, R40)."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.reference import new_reference
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.partners import actions as partners
from cps_portal.core.partners.models import Partner
from members.actions import notices
from members.addresses import Address
from members.enums import NoticeCode
from members.models import BLANK_ADDRESS, Member
from members.offers import rules
from members.offers.actions.pack_requests import current_partner
from members.offers.enums import PARTNER_STEPS, CardRequestState, PackStep
from members.offers.models import Card, CardRequest, WelcomePack
from members.queries import active_countries

CARD_REQUESTED = "membership_card.requested"
S = CardRequestState
STATES = {  # the furthest step that was reported gives the state; late reports never set it back
    PackStep.RETURNED: S.RETURNED,
    PackStep.DISPATCHED: S.DISPATCHED,
    PackStep.PACKED: S.PACKED,
    PackStep.ACCEPTED: S.ACCEPTED,
}
MOMENTS = {step: f"{step}_at" for step in STATES}
NOT_SENT = (S.REQUESTED, S.ACCEPTED, S.PACKED)


def keep_address(*, member: Member, address: Address, at: datetime) -> CardRequest:
    """Keep where the new card goes until staff issue it. The caller has locked the member."""
    CardRequest.objects.filter(member=member, state=S.REPORTED).delete()
    return _create(member, address, at)


def address_for_card(member: Member) -> Address | None:
    """Where a new card goes: as the member said last, or else as the Welcome Pack; None if neither is kept."""
    given = CardRequest.objects.unissued().filter(member=member).first()
    source = given or WelcomePack.objects.filter(member=member, blanked_at=None).first()
    return source.address if source else None


def ask_to_print(*, card: Card, at: datetime, partner: Partner | None) -> CardRequest:
    """Ask this fulfilment partner for this card: by webhook, or it waits for their token or file (R38).

    The caller has locked the member. Raises Refusal `address` beside `post`.
    """
    address = address_for_card(card.member)
    if address is None:
        raise Refusal("address", _("We have no postal address for this member. Leave this unticked."), "post")
    if partner is None:
        raise Refusal("address", _("There is no fulfilment partner. Leave this unticked."), "post")
    request = CardRequest.objects.unissued().filter(member=card.member).first() or _create(card.member, address, at)
    _ask(request, card, partner, at)
    return request


def ask_again(*, request: CardRequest, address: Address | None, at: datetime) -> CardRequest:
    """Ask for a card that came back once more: a request of its own, so that late reports still belong to the old one.

    `address`: None for the same one. The caller has locked the member.
    Raises Refusal: `state` if it did not come back, was sent again already or the card is no longer valid; `address`.
    """
    back = CardRequest.objects.returned().filter(pk=request.pk).select_related("card", "member").first()
    if back is None or back.card is None:
        raise Refusal("state", _("This card isn’t waiting to be sent again."))
    if address is None and back.blanked_at:
        raise Refusal("address", _("The old address has been deleted. Enter a new one."))
    partner = current_partner()
    if partner is None:
        raise Refusal("address", _("There is no fulfilment partner."))
    again = _create(back.member, address or back.address, at)
    again.repeats = back.repeats + 1
    _ask(again, back.card, partner, at)
    notices.dismiss_notices(keys=[_returned_key(back)], at=at)
    return again


def _ask(request: CardRequest, card: Card, partner: Partner, at: datetime) -> None:
    request.card, request.partner, request.state = card, partner, S.REQUESTED
    request.asked_at = request.changed_at = at
    request.save()
    partners.enqueue_webhook(
        partner=partner,
        type=CARD_REQUESTED,
        key=request.key,
        subject=f"membership_cards/{card.number}",
        sequence=request.repeats + 1,
        renderer="offers.card_requested",
        at=at,
        card=card.pk,
    )


@transaction.atomic
def record_card_report(
    *, request: CardRequest, step: PackStep, occurred_at: datetime, data: Mapping[str, str], at: datetime
) -> tuple[CardRequest, bool]:
    """Record a step that the partner reports. Returns the request and whether the step was not known yet.

    Raises Refusal: `step`, `future`, `past`, `state` if the card was not asked for or is no longer wanted.
    """
    locked = CardRequest.objects.select_for_update(no_key=True).get(pk=request.pk)
    if step not in PARTNER_STEPS:
        raise Refusal("step", _("A fulfilment partner does not report this step."), "kind")
    if locked.asked_at is None:
        raise Refusal("state", _("This card has not been requested."), "kind")
    if occurred_at > at + settings.PARTNER_CLOCKS_DIFFER:
        raise Refusal("future", _("This time is in the future. Check your clock."), "occurred_at")
    if occurred_at < locked.asked_at - rules.MAX_CALENDAR_DIFFERENCE:
        raise Refusal("past", _("This is before the card was requested. Check the date."), "occurred_at")
    if getattr(locked, MOMENTS[step]) is not None:
        return locked, False
    setattr(locked, MOMENTS[step], occurred_at)
    for name, value in data.items():
        setattr(locked, "return_reason" if name == "reason" else name, value)
    previous = locked.state
    _set_state(locked)
    locked.changed_at = at
    locked.save()
    if locked.state == S.RETURNED != previous:
        _notify_of_return(locked, at)
    return locked, True


def _notify_of_return(request: CardRequest, at: datetime) -> None:
    """The member checks the address, and the card is sent again (R40, R56)."""
    if not CardRequest.objects.returned().filter(pk=request.pk).exists():
        return
    member = Member.objects.select_related("user").get(pk=request.member_id)
    key = _returned_key(request)
    params: dict[str, Any] = {"card": request.card_id, "request": request.pk}
    notices.notify_member(
        member=member,
        key=key,
        code=NoticeCode.CARD_REPLACED,
        params=params,
        path=reverse("offers:card_again"),
        at=at,
    )
    payload = outbox.rendered_later("offers.card_returned", request=request.pk)
    outbox.enqueue(key=key, kind="mail", to=member.user.email, payload=payload, at=at)


def _returned_key(request: CardRequest) -> str:
    return f"card-back-{request.reference}"


def cancel_unsent(*, card: Card, at: datetime) -> int:
    """A card that is no longer valid is not printed. Returns how many requests were cancelled."""
    requests = CardRequest.objects.filter(card=card, state__in=NOT_SENT)
    return requests.update(state=S.CANCELLED, changed_at=at)


def waiting_for_file() -> Q:
    """Requests that have to go by file, because their partner has no webhook endpoint."""
    active = Q(member__country__in=active_countries(), card__revoked_at=None)
    return active & Q(state=S.REQUESTED, blanked_at=None, partner__endpoints=None)


@transaction.atomic
def export_card_requests(*, at: datetime, limit: int) -> list[CardRequest]:
    """The requests for the next file, recorded as accepted: whoever has the file has the requests."""
    waiting = CardRequest.objects.filter(waiting_for_file()).order_by("asked_at", "pk")
    keys = list(waiting.values_list("pk", flat=True)[:limit])
    rows = CardRequest.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=keys, state=S.REQUESTED)
    locked = rows.select_related("member", "card").order_by("pk")
    requests = sorted(locked, key=lambda request: keys.index(request.pk))
    for request in requests:
        request.state, request.accepted_at, request.changed_at, request.file = S.ACCEPTED, at, at, at.isoformat()
        request.save(update_fields=["state", "accepted_at", "changed_at", "file"])
    return requests


def exported_cards(moment: str) -> list[CardRequest]:
    """The card requests of an earlier file, without those that are cancelled or whose address is deleted."""
    rows = CardRequest.objects.filter(file=moment, blanked_at=None).exclude(state=S.CANCELLED)
    return list(rows.select_related("member", "card").order_by("asked_at", "pk")) if moment else []


def delete_old_card_addresses(*, at: datetime) -> int:
    """Delete addresses some weeks after the last step. Returns how many."""
    old = CardRequest.objects.filter(blanked_at=None, changed_at__lt=at - settings.PACK_ADDRESS_KEPT)
    return old.exclude(state__in=NOT_SENT).update(blanked_at=at, **BLANK_ADDRESS)


def erase_card_requests(*, member: Member, at: datetime) -> None:
    """Delete the addresses and parcels of a person (R14)."""
    requests = CardRequest.objects.filter(member=member)
    requests.filter(blanked_at=None).update(blanked_at=at, **BLANK_ADDRESS)
    requests.update(carrier="", tracking="", tracking_url="")


def _create(member: Member, address: Address, at: datetime) -> CardRequest:
    return CardRequest.objects.create(
        member=member,
        reference=new_reference(_is_taken),
        reported_at=at,
        changed_at=at,
        **asdict(address),
    )


def _is_taken(reference: str) -> bool:
    """Packs and cards share one space of references, because they are in the same file."""
    in_cards = CardRequest.objects.filter(reference=reference).exists()
    return in_cards or WelcomePack.objects.filter(reference=reference).exists()


def _set_state(request: CardRequest) -> None:
    if request.state == S.CANCELLED and not request.dispatched_at:
        return
    request.state = next(state for step, state in STATES.items() if getattr(request, MOMENTS[step]))
