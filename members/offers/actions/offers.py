"""Sign-ups and waiting lists of offers, and what staff do with an offer (R56, R59).

Lock order: the member who acts, then the offer; several offers in key order. Members who move up from the waiting list
are not locked, because notifying them only inserts rows: so nobody waits for a member while holding an offer's lock.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.background import after_commit
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.history_context import attributed_to
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.models import Message
from members.actions import notices
from members.enums import NoticeCode
from members.models import Member, Notice, User
from members.offers.actions.resting import resting_refusal
from members.offers.emails import time_and_venue
from members.offers.enums import OfferKind, OfferState, PlaceState
from members.offers.models import Offer, SignUp
from members.offers.models.offers import SIGNED_UP
from members.queries import active_countries, members_with_benefits_of, membership_of

MAX_NEWS_PER_BATCH = 500
FILL_PLACES_SQL = """
with line as (
  select s.id, row_number() over (order by s.since, s.id) as turn
  from offers_signup s join members_member m on m.id = s.member_id
  where s.offer_id = %(offer)s and s.state = 'waiting' and m.country = any(%(countries)s)
), taken as (
  select count(*) as number from offers_signup where offer_id = %(offer)s and state = 'held'
), free as (
  select n, row_number() over (order by n) as turn
  from generate_series(1, (select number from taken) + (select count(*) from line)) as n
  where not exists (select 1 from offers_signup as other where other.offer_id = %(offer)s and other.place = n)
)
update offers_signup as mine set state = 'held', place = free.n
from line join free using (turn)
where mine.id = line.id and (%(places)s::int is null or line.turn <= %(places)s - (select number from taken))
returning mine.id
"""


@transaction.atomic
def sign_up(*, member: Member, offer: Offer, at: datetime) -> SignUp:
    """Sign the member up: with a place if one is free, else at the end of the waiting list.

    Signed up already: nothing changes. After a cancellation they join the end of the list.
    Raises Refusal: `closed` (the account), `resting` (they live outside the free programme), `none` (not offered to
    this member now), `over` (too late), `pack`.
    """
    member = Member.objects.locked().get(pk=member.pk)
    locked = _locked(offer)
    if member.closed_at:
        raise Refusal("closed", _("This account is closed."))
    entry = SignUp.objects.filter(offer=locked, member=member).first()
    if entry and entry.state == PlaceState.HELD:
        return entry
    if refusal := resting_refusal(member, at):
        raise refusal
    if entry and entry.state == PlaceState.WAITING:
        return entry
    if locked.kind == OfferKind.WELCOME_PACK:
        raise Refusal("pack", _("You can request the Welcome Pack on its own page."))
    if not locked.takes_sign_ups(at):
        raise Refusal("over", _("Sign-up has ended."))
    membership = membership_of(member, timezone.localdate(at))
    if not Offer.objects.open_to(membership, at).filter(pk=locked.pk).exists():
        raise Refusal("none", _("This offer isn’t available at your level or in your country right now."))
    entry = entry or SignUp(offer=locked, member=member)
    entry.state, entry.since, entry.ended_at = PlaceState.WAITING, at, None
    entry.save()
    _fill_places(locked, at, without_notice=entry.pk)
    entry.refresh_from_db()
    return entry


@transaction.atomic
def cancel_sign_up(*, member: Member, offer: Offer, at: datetime) -> SignUp | None:
    """Give up a place or a position on the waiting list. The first on the list gets the place at once (R59)."""
    member = Member.objects.locked().get(pk=member.pk)
    locked = _locked(offer)
    entry = SignUp.objects.filter(offer=locked, member=member).first()
    if entry is None or entry.state not in SIGNED_UP:
        return entry
    entry.state, entry.place, entry.ended_at = PlaceState.GIVEN_BACK, None, at
    entry.save()
    _fill_places(locked, at)
    return entry


@transaction.atomic
def cancel_all_sign_ups(*, member: Member, at: datetime) -> None:
    """Cancel all sign-ups of an account that is closed, so that others get the places (R14)."""
    Member.objects.locked().get(pk=member.pk)
    entries = SignUp.objects.filter(member=member, state__in=SIGNED_UP)
    for offer in Offer.objects.filter(sign_ups__in=entries).order_by("pk"):
        cancel_sign_up(member=member, offer=offer, at=at)


@transaction.atomic
def fill_places_for(*, member: Member, at: datetime) -> None:
    """Give out free places of the offers that a member waits for: their membership is active again (R65)."""
    Member.objects.locked().get(pk=member.pk)
    waiting = SignUp.objects.filter(member=member, state=PlaceState.WAITING)
    for offer in Offer.objects.filter(sign_ups__in=waiting).order_by("pk"):
        _fill_places(_locked(offer), at)


@transaction.atomic
def publish(*, offer: Offer, by: User, at: datetime) -> Offer:
    """Publish an offer; members who want news get one mail about it (R56, R59). Raises Refusal: `over`, `pack`."""
    locked = _locked(offer)
    if locked.state == OfferState.PUBLISHED:
        return locked
    if locked.until and locked.until <= at:
        raise Refusal("over", _("This offer has ended. Choose a later end first."))
    published_packs = Offer.objects.filter(kind=OfferKind.WELCOME_PACK, state=OfferState.PUBLISHED)
    if locked.kind == OfferKind.WELCOME_PACK and published_packs.exists():
        raise Refusal("pack", _("Another Welcome Pack offer is published. Withdraw that one first."))
    locked.state = OfferState.PUBLISHED
    with attributed_to(by):
        locked.save(update_fields=["state"])
    after_commit("offers.send_news")
    return locked


@transaction.atomic
def withdraw(*, offer: Offer, by: User, at: datetime) -> Offer:
    """Withdraw an offer, and notify everybody who is signed up (R56)."""
    locked = _locked(offer)
    if locked.state != OfferState.PUBLISHED:
        return locked
    locked.state = OfferState.WITHDRAWN
    with attributed_to(by):
        locked.save(update_fields=["state"])
    _notify(_signed_up(locked), NoticeCode.OFFER_WITHDRAWN, at)
    return locked


@transaction.atomic
def change_offer(*, offer: Offer, values: Mapping[str, Any], by: User, at: datetime) -> Offer:
    """Change an offer. New places go to the waiting list; members who signed up are notified of a new time (R56)."""
    locked = _locked(offer)
    known = time_and_venue(locked)
    for name, value in values.items():
        setattr(locked, name, value)
    with attributed_to(by):
        locked.save()
    if locked.state == OfferState.PUBLISHED:
        if known != time_and_venue(locked):
            _notify_of_change(locked, known, at)
        _fill_places(locked, at)
    return locked


def send_news(*, at: datetime, limit: int = MAX_NEWS_PER_BATCH) -> bool:
    """Mail the next `limit` members who want news about an offer that is open to them, once per offer (R56).

    Returns whether there may be more to send.
    """
    for offer in Offer.objects.current(at).exclude(kind=OfferKind.WELCOME_PACK).order_by("pk"):
        if not offer.takes_sign_ups(at):
            continue
        key = Concat(Value(f"offer-{offer.pk}-news-"), Cast(OuterRef("pk"), CharField()))
        sent = Message.objects.filter(key=key)
        readers = audience(levels=offer.levels, countries=offer.countries).filter(~Exists(sent), wants_news=True)
        batch = list(readers.select_related("user").order_by("pk")[:limit])
        if batch:
            with transaction.atomic():
                mails = [
                    outbox.OutgoingMessage(
                        f"offer-{offer.pk}-news-{reader.pk}",
                        reader.user.email,
                        outbox.rendered_later("offers.news", offer=offer.pk, member=reader.pk),
                    )
                    for reader in batch
                ]
                outbox.enqueue_many(kind="mail", messages=mails, at=at)
            return True
    return False


def audience(*, levels: Iterable[str], countries: Iterable[str]) -> QuerySet[Member]:
    """The members that an offer for these levels and countries reaches today; no countries means all (R59, R65)."""
    in_countries = Q(country__in=list(countries)) if countries else Q()
    reached = members_with_benefits_of(levels)
    members = Member.objects.open().filter(in_countries, reached, user__is_active=True)
    return members.exclude(user__email="")


def _locked(offer: Offer) -> Offer:
    return Offer.objects.select_for_update(no_key=True).get(pk=offer.pk)


def _signed_up(offer: Offer) -> QuerySet[SignUp]:
    return SignUp.objects.filter(offer=offer, state__in=SIGNED_UP)


def _fill_places(offer: Offer, at: datetime, without_notice: int | None = None) -> int:
    """Give out free places; the caller holds the offer's lock. Members whose membership rests are passed over (R65).

    The sign-up `without_notice` is not notified: that member sees the result on the page.
    """
    if offer.state != OfferState.PUBLISHED or not offer.takes_sign_ups(at):
        return 0
    countries = list(active_countries(timezone.localdate(at)))
    parameters = {"offer": offer.pk, "places": offer.places, "countries": countries}
    with connection.cursor() as cursor:
        cursor.execute(FILL_PLACES_SQL, parameters)
        moved_up = [key for (key,) in cursor.fetchall()]
    _notify(SignUp.objects.filter(pk__in=set(moved_up) - {without_notice}), NoticeCode.PLACE_FREE, at)
    return len(moved_up)


def _notify_of_change(offer: Offer, known: list[str], at: datetime) -> None:
    """Notify everybody for whom the time or venue is another one than they know.

    Of several changes in a burst, only the last is mailed, after a pause (R70). What a member knows is what stood there
    before the first change that they have neither been mailed nor read: so changed and changed back tells nobody.
    """
    entries = list(_signed_up(offer).select_related("offer", "member__user").order_by("pk"))
    about = [entry.pk for entry in entries]
    earlier = Notice.objects.filter(code=NoticeCode.OFFER_CHANGED, params__sign_up__in=about).order_by("-pk")
    unsent = outbox.withdraw_unsent(earlier.values_list("key", flat=True))
    known_to = {entry.pk: known for entry in entries}
    is_open = dict.fromkeys(known_to, True)  # no later change than those seen so far has reached the member
    for notice in earlier:
        key = notice.params["sign_up"]
        is_open[key] = is_open[key] and notice.key in unsent and notice.read_at is None
        if is_open[key]:
            known_to[key] = notice.params.get("known", known)
    changed = [entry for entry in entries if known_to[entry.pk] != time_and_venue(offer)]
    _write(changed, NoticeCode.OFFER_CHANGED, at, known_to)


def _notify(sign_ups: QuerySet[SignUp], code: NoticeCode, at: datetime) -> None:
    """Notify members by notice and mail, in a fixed number of statements."""
    _write(list(sign_ups.select_related("offer", "member__user").order_by("pk")), code, at, {})


def _write(entries: Sequence[SignUp], code: NoticeCode, at: datetime, known_to: Mapping[int, list[str]]) -> None:
    if not entries:
        return
    keys = {entry.pk: f"{code}-{entry.pk}-{at:%Y%m%dT%H%M%S%f}" for entry in entries}
    facts = {entry.pk: {"known": known_to[entry.pk]} if entry.pk in known_to else {} for entry in entries}
    notices.notify_members(
        Notice(
            key=keys[entry.pk],
            member=entry.member,
            code=code,
            params={"sign_up": entry.pk, **facts[entry.pk]},
            path=entry.offer.get_absolute_url(),
            at=at,
        )
        for entry in entries
    )
    mails = [
        outbox.OutgoingMessage(
            keys[entry.pk],
            entry.member.user.email,
            outbox.rendered_later("offers.sign_up", sign_up=entry.pk, what=str(code), **facts[entry.pk]),
        )
        for entry in entries
    ]
    pause = timedelta(minutes=settings.NOTICE_PAUSE_MINUTES if code == NoticeCode.OFFER_CHANGED else 0)
    outbox.enqueue_many(kind="mail", messages=mails, at=at, pause=pause)
