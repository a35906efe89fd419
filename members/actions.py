"""Everything that writes for members. Actions take who (`by`) and when (`at`), lock, check, write and post."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cps_portal.lib.errors import Refusal
from cps_portal.outbox import actions as outbox
from members import emails, rules
from members.enums import Level, NoticeCode, Programme
from members.models import (
    CountryProgramme,
    LevelChange,
    LevelThreshold,
    Member,
    Notice,
    TermsAcceptance,
    TermsVersion,
    User,
)

SETTLE_LEVEL_SQL = """
with moved as (
    select m.id, m.level as was, m.points + d.amount as points
    from unnest(%(members)s::bigint[], %(amounts)s::int[]) as d (id, amount)
    join members_member m using (id)
), due as (
    select moved.*, (
        select t.level from unnest(%(levels)s::text[], %(froms)s::int[]) as t (level, points_from)
        where t.points_from <= moved.points order by t.points_from desc limit 1
    ) as level
    from moved
), written as (
    update members_member m set points = due.points, level = due.level from due
    where m.id = due.id and (m.points, m.level) is distinct from (due.points, due.level)
)
insert into members_levelchange (member_id, from_level, to_level, points, cause, at)
select id, was, level, points, %(cause)s, %(at)s from due where was <> level order by id
returning id
"""

CAUSE_THRESHOLDS = "thresholds"


@dataclass(frozen=True)
class Profile:
    """What a person tells about themselves on joining."""

    first_name: str
    last_name: str
    country: str
    language: str = "en"
    specialty: str = ""
    wants_news: bool = False


@transaction.atomic
def join(*, user: User, profile: Profile, is_adult: bool, terms: TermsVersion, at: datetime) -> Member:
    """Make `user` a Red member at once (R8), and keep which terms were accepted and when (R9).

    Raises Refusal: `country` (no free programme there, R2), `age` (under 18), `member` (is one already).
    """
    programme = CountryProgramme.objects.in_force(timezone.localdate(at)).filter(country=profile.country).first()
    if programme is None or programme.kind != Programme.FREE:
        raise Refusal("country", _("The free programme is not offered in this country. Choose another one."), "country")
    if not is_adult:
        raise Refusal("age", _("You need to be 18 or over to join."), "adult")
    if Member.objects.filter(user=user).exists():
        raise Refusal("member", _("This person is a member already."))
    with connection.cursor() as cursor:
        cursor.execute("select nextval(pg_get_serial_sequence('members_member', 'id'))")
        (key,) = cursor.fetchone()
    member = Member.objects.create(
        pk=key,
        user=user,
        number=rules.member_number(key),
        first_name=profile.first_name,
        last_name=profile.last_name,
        country=profile.country,
        language=profile.language,
        specialty=profile.specialty,
        wants_news=profile.wants_news,
        joined_at=at,
    )
    TermsAcceptance.objects.create(member=member, terms=terms, at=at)
    outbox.post(key=f"welcome-{member.pk}", kind="mail", to=user.email, payload=emails.welcome(member))
    return member


@transaction.atomic
def accept_terms(*, member: Member, terms: TermsVersion, at: datetime) -> None:
    """Keep that the member accepted this version (R9); a second time changes nothing."""
    TermsAcceptance.objects.get_or_create(member=member, terms=terms, defaults={"at": at})


@transaction.atomic
def change_profile(*, member: Member, **fields: str | bool) -> Member:
    """Change what members say about themselves: names, specialty, language, theme, wants_news."""
    allowed = {"first_name", "last_name", "specialty", "language", "theme", "wants_news"}
    if unknown := fields.keys() - allowed:
        raise ValueError(f"not a member's own field: {sorted(unknown)}")
    Member.objects.locked().get(pk=member.pk)
    for name, value in fields.items():
        setattr(member, name, value)
    member.save(update_fields=list(fields))
    return member


@transaction.atomic
def move_country(*, member: Member, country: str, at: datetime) -> Member:
    """Move house to another country (R6). Kit, points and history stay.

    Raises Refusal `country` if the country takes no part in any programme row, or is the present one.
    """
    if not CountryProgramme.objects.in_force(timezone.localdate(at)).filter(country=country).exists():
        raise Refusal("country", _("Choose a country from the list."), "country")
    locked = Member.objects.locked().get(pk=member.pk)
    if locked.country.code == country:
        raise Refusal("country", _("You already live there. Choose another country."), "country")
    locked.country = country
    locked.save(update_fields=["country"])
    return locked


@transaction.atomic
def read_notice(*, member: Member, notice: int, at: datetime) -> None:
    """Put a notice of the dashboard away."""
    Notice.objects.filter(pk=notice, member=member, read_at=None).update(read_at=at)


def tell(*, member: Member, key: str, code: NoticeCode, params: dict[str, str | int], path: str, at: datetime) -> None:
    """Put a notice on the member's dashboard; the same key twice says it once (R56)."""
    Notice.objects.bulk_create(
        [Notice(key=key, member=member, code=code, params=params, path=path, at=at)], ignore_conflicts=True
    )


def settle_level(*, deltas: Mapping[int, int], cause: str, because: str | Promise, at: datetime) -> list[LevelChange]:
    """Add what the ledger gained to the members' points and let the level follow (R11), in one statement.

    `deltas` maps member keys to points. The caller has locked these members in an earlier statement of the
    open transaction. `because` is the sentence for the mail to those whose level moved (R56). Returns the
    level changes.
    """
    thresholds = LevelThreshold.objects.in_force()
    with connection.cursor() as cursor:
        cursor.execute(
            SETTLE_LEVEL_SQL,
            {
                "members": list(deltas.keys()),
                "amounts": list(deltas.values()),
                "levels": list(thresholds.keys()),
                "froms": list(thresholds.values()),
                "cause": cause,
                "at": at,
            },
        )
        keys = [key for (key,) in cursor.fetchall()]
    changes = list(LevelChange.objects.filter(pk__in=keys).select_related("member__user").order_by("pk"))
    for change in changes:
        _tell_level(change, thresholds, because)
    return changes


def _tell_level(change: LevelChange, thresholds: dict[str, int], because: str | Promise) -> None:
    member = change.member
    up = Level(change.to_level).rank > Level(change.from_level).rank
    key = f"level-{change.pk}"
    tell(
        member=member,
        key=key,
        code=NoticeCode.LEVEL_UP if up else NoticeCode.LEVEL_DOWN,
        params={"from": change.from_level, "to": change.to_level, "points": change.points},
        path="/kitbag/points/",
        at=change.at,
    )
    mail = emails.level_changed(
        member,
        from_level=change.from_level,
        to_level=change.to_level,
        points=change.points,
        thresholds=thresholds,
        cause=because,
    )
    outbox.post(key=key, kind="mail", to=member.user.email, payload=mail)


@transaction.atomic
def apply_thresholds(*, after: int, limit: int, at: datetime) -> int | None:
    """Let the thresholds in force decide the level of the next `limit` members by key (R10, R11).

    Returns the last key looked at, None at the end. Members whose level is right already are not touched.
    """
    keys = list(Member.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:limit])
    if not keys:
        return None
    list(Member.objects.filter(pk__in=keys).locked().values_list("pk"))
    settle_level(
        deltas=dict.fromkeys(keys, 0),
        cause=CAUSE_THRESHOLDS,
        because=_("The points needed for the levels have changed."),
        at=at,
    )
    return keys[-1]
