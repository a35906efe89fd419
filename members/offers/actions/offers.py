"""Signing up, giving back, the line that fills itself, and what staff do with an offer (R56, R59).

Locks: the member who acts, then the offer's row, several offers by key. Who moves up is not locked: telling them only
inserts rows. So nobody who holds an offer waits for a member.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import CharField, Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.background import after_commit
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.models import Message
from members.actions import notices
from members.enums import NoticeCode
from members.models import Member, Notice, User
from members.offers.enums import OfferKind, OfferState, PlaceState
from members.offers.models import Offer, SignUp
from members.offers.models.offers import SIGNED_UP

NEWS_BATCH = 500
FILL_SQL = """
with line as (
  select id, row_number() over (order by since, id) as turn
  from offers_signup where offer_id = %(offer)s and state = 'waiting'
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
def sign_up(*, member: Member, offer: Offer, by: User, at: datetime) -> SignUp:
    """A place if one is free, else the end of the line. Again: nothing changes; given back before: a new turn.

    Raises Refusal: `closed` (the account), `none` (not offered to this member now), `over` (too late), `pack`.
    """
    whose = Member.objects.locked().get(pk=member.pk)
    locked = _locked(offer)
    if whose.closed_at:
        raise Refusal("closed", _("This account is closed."))
    mine = SignUp.objects.filter(offer=locked, member=whose).first()
    if mine and mine.state in SIGNED_UP:
        return mine
    if locked.kind == OfferKind.WELCOME_PACK:
        raise Refusal("pack", _("The Welcome Pack is asked for on its own page."))
    if not locked.takes_sign_ups(at):
        raise Refusal("over", _("Signing up has ended."))
    if not Offer.objects.open_to(whose, at).filter(pk=locked.pk).exists():
        raise Refusal("none", _("This is not offered at your level or in your country now. See what is."))
    mine = mine or SignUp(offer=locked, member=whose)
    mine.state, mine.since, mine.ended_at = PlaceState.WAITING, at, None
    mine.save()
    _fill(locked, at, quiet=mine.pk)
    mine.refresh_from_db()
    return mine


@transaction.atomic
def cancel_sign_up(*, member: Member, offer: Offer, by: User | None, at: datetime) -> SignUp | None:
    """Give a place or a turn in the line back; the oldest waiting one has the place at once (R59)."""
    whose = Member.objects.locked().get(pk=member.pk)
    locked = _locked(offer)
    mine = SignUp.objects.filter(offer=locked, member=whose).first()
    if mine is None or mine.state not in SIGNED_UP:
        return mine
    mine.state, mine.place, mine.ended_at = PlaceState.GIVEN_BACK, None, at
    mine.save()
    _fill(locked, at)
    return mine


@transaction.atomic
def cancel_all_sign_ups(*, member: Member, at: datetime) -> None:
    """An account that closes keeps nobody waiting."""
    Member.objects.locked().get(pk=member.pk)
    mine = SignUp.objects.filter(member=member, state__in=SIGNED_UP)
    for offer in Offer.objects.filter(sign_ups__in=mine).order_by("pk"):
        cancel_sign_up(member=member, offer=offer, by=None, at=at)


@transaction.atomic
def fill(*, offer: Offer, at: datetime) -> int:
    """Give what places are free to those who wait, the oldest first. Returns how many got one."""
    return _fill(_locked(offer), at)


@transaction.atomic
def publish(*, offer: Offer, by: User, at: datetime) -> Offer:
    """Show it to whom it reaches; who wants news is told by mail, once (R56, R59). Raises Refusal: `over`, `pack`."""
    locked = _locked(offer)
    if locked.state == OfferState.PUBLISHED:
        return locked
    if locked.until and locked.until <= at:
        raise Refusal("over", _("It has ended. Choose a later end first."))
    others = Offer.objects.filter(kind=OfferKind.WELCOME_PACK, state=OfferState.PUBLISHED)
    if locked.kind == OfferKind.WELCOME_PACK and others.exists():
        raise Refusal("pack", _("There is a published Welcome Pack offer. Withdraw it first."))
    locked.state = OfferState.PUBLISHED
    locked.save(update_fields=["state"])
    after_commit("offers.send_news")
    return locked


@transaction.atomic
def withdraw(*, offer: Offer, by: User, at: datetime) -> Offer:
    """Nobody is offered it any more; everybody signed up is told once (R56)."""
    locked = _locked(offer)
    if locked.state != OfferState.PUBLISHED:
        return locked
    locked.state = OfferState.WITHDRAWN
    locked.save(update_fields=["state"])
    _tell(_signed_up(locked), NoticeCode.OFFER_WITHDRAWN, at)
    return locked


@transaction.atomic
def change_offer(*, offer: Offer, values: Mapping[str, Any], by: User, at: datetime) -> Offer:
    """Write what staff typed; another time or venue is told to everybody signed up, new places go to the line."""
    locked = _locked(offer)
    before = (locked.starts_at, locked.ends_at, locked.venue)
    for name, value in values.items():
        setattr(locked, name, value)
    locked.save()
    if locked.state == OfferState.PUBLISHED:
        if before != (locked.starts_at, locked.ends_at, locked.venue):
            _tell(_signed_up(locked), NoticeCode.OFFER_CHANGED, at)
        _fill(locked, at)
    return locked


def send_news(*, at: datetime, limit: int = NEWS_BATCH) -> bool:
    """Tell the next members who want news of an event or special offer that is open to them, once each.

    Returns whether there may be more.
    """
    for offer in Offer.objects.current(at).exclude(kind=OfferKind.WELCOME_PACK).order_by("pk"):
        if not offer.takes_sign_ups(at):
            continue
        told = Message.objects.filter(key=Concat(Value(f"offer-{offer.pk}-news-"), Cast(OuterRef("pk"), CharField())))
        reached = audience(levels=offer.levels, countries=offer.countries).filter(~Exists(told), wants_news=True)
        people = list(reached.select_related("user").order_by("pk")[:limit])
        if people:
            with transaction.atomic():
                letters = [
                    outbox.OutgoingMessage(
                        f"offer-{offer.pk}-news-{each.pk}",
                        each.user.email,
                        outbox.rendered_later("offers.news", offer=offer.pk, member=each.pk),
                    )
                    for each in people
                ]
                outbox.enqueue_many(kind="mail", letters=letters, at=at)
            return True
    return False


def audience(*, levels: Iterable[str], countries: Iterable[str]) -> Any:
    """The members an offer of these levels and countries reaches today; no country: everywhere."""
    here = Q(country__in=list(countries)) if countries else Q()
    return Member.objects.filter(here, level__in=list(levels), closed_at=None, user__is_active=True).exclude(
        user__email=""
    )


def _locked(offer: Offer) -> Offer:
    return Offer.objects.select_for_update(no_key=True).get(pk=offer.pk)


def _signed_up(offer: Offer) -> Any:
    return SignUp.objects.filter(offer=offer, state__in=SIGNED_UP)


def _fill(offer: Offer, at: datetime, quiet: int | None = None) -> int:
    """Under the offer's lock. `quiet` needs no telling: they look at the page."""
    if offer.state != OfferState.PUBLISHED or not offer.takes_sign_ups(at):
        return 0
    with connection.cursor() as cursor:
        cursor.execute(FILL_SQL, {"offer": offer.pk, "places": offer.places})
        got = [key for (key,) in cursor.fetchall()]
    _tell(SignUp.objects.filter(pk__in=[key for key in got if key != quiet]), NoticeCode.PLACE_FREE, at)
    return len(got)


def _tell(rows: Any, code: NoticeCode, at: datetime) -> None:
    """On the dashboard and by mail, in a fixed number of statements."""
    told = list(rows.select_related("offer", "member__user").order_by("pk"))
    if not told:
        return
    keys = {row.pk: f"{code}-{row.pk}-{at:%Y%m%dT%H%M%S%f}" for row in told}
    notices.notify_members(
        Notice(
            key=keys[row.pk],
            member=row.member,
            code=code,
            params={"title": row.offer.title},
            path=row.offer.get_absolute_url(),
            at=at,
        )
        for row in told
    )
    letters = [
        outbox.OutgoingMessage(
            keys[row.pk], row.member.user.email, outbox.rendered_later("offers.sign_up", sign_up=row.pk, what=str(code))
        )
        for row in told
    ]
    outbox.enqueue_many(kind="mail", letters=letters, at=at)
