"""Joining, and what members change about themselves (R6, R8, R9)."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox import actions as outbox
from members import emails, rules
from members.enums import Programme
from members.models import CountryProgramme, Member, TermsAcceptance, TermsVersion, User


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
    outbox.enqueue(key=f"welcome-{member.pk}", kind="mail", to=user.email, payload=emails.welcome(member))
    return member


@transaction.atomic
def accept_terms(*, member: Member, terms: TermsVersion, at: datetime) -> None:
    """Keep that the member accepted this version (R9); a second time changes nothing."""
    TermsAcceptance.objects.get_or_create(member=member, terms=terms, defaults={"at": at})


@transaction.atomic
def change_profile(*, member: Member, **fields: str | bool) -> Member:
    """Change what members say about themselves: names, specialty, language, theme, what else they hear (R56)."""
    allowed = {"first_name", "last_name", "specialty", "language", "theme"}
    allowed |= {"wants_news", "wants_counted", "wants_reminders"}
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
