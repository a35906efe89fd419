"""Joining, changing one's profile and country, and erasing the person (R6, R8, R9, R14)."""

from dataclasses import dataclass
from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.background import publish_event
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.history import erasing_trail
from members import rules
from members.enums import Programme, Theme
from members.models import (
    AccountFreeze,
    AccountMerge,
    Device,
    EmailChange,
    LostAddress,
    Member,
    TermsAcceptance,
    TermsVersion,
    User,
    programme_in,
)

ERASED_EMAIL = "erased-{key}@example.invalid"


@dataclass(frozen=True)
class Profile:
    """What a person enters about themselves when they join."""

    first_name: str
    last_name: str
    country: str
    language: str = "en"
    specialty: str = ""
    wants_news: bool = False


ON_HOLD = _(
    "CPS is on hold in this country at the moment, so nobody can join there. Write to us if you have questions."
)


@transaction.atomic
def join(*, user: User, profile: Profile, is_adult: bool, terms: TermsVersion, at: datetime) -> Member:
    """Make `user` a Red member (R8), and record which terms they accepted (R9).

    Raises Refusal: `country` (no free programme there, R2), `hold` (it is on hold there, R1), `age` (under 18),
    `member` (they are one already).
    """
    programme = programme_in(str(profile.country), timezone.localdate(at))
    if programme is None or programme.kind != Programme.FREE:
        raise Refusal(
            "country", _("The free programme isn’t available in this country. Please choose another one."), "country"
        )
    if programme.on_hold:
        raise Refusal("hold", ON_HOLD, "country")
    if not is_adult:
        raise Refusal("age", _("You need to be 18 or over to join."), "adult")
    if Member.objects.filter(user=user).exists():
        raise Refusal("member", _("You are already a member."))
    # The key is drawn before the row is written, because the member number is made from it and may not be empty.
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
    TermsAcceptance.objects.create(member=member, terms=terms, language=profile.language, at=at)
    return member


@transaction.atomic
def accept_terms(*, member: Member, terms: TermsVersion, language: str = "", at: datetime) -> None:
    """Record that the member accepted this version, and in which language they read it, if known (R9). Idempotent."""
    TermsAcceptance.objects.get_or_create(member=member, terms=terms, defaults={"language": language, "at": at})


@transaction.atomic
def change_profile(*, member: Member, **fields: str | bool) -> Member:
    """Change a member's own fields: names, specialty, language, appearance, e-mail preferences (R56)."""
    allowed = {"first_name", "last_name", "specialty", "language", "theme"}
    allowed |= {"wants_news", "wants_counted", "wants_reminders"}
    if unknown := fields.keys() - allowed:
        raise ValueError(f"members cannot change {sorted(unknown)}")
    Member.objects.locked().get(pk=member.pk)
    for name, value in fields.items():
        setattr(member, name, value)
    member.save(update_fields=list(fields))
    return member


@transaction.atomic
def move_country(*, member: Member, country: str, at: datetime) -> Member:
    """Change the country a member lives in (R6). Kit, points and history are kept.

    Pages call `cps_portal.site.actions.move_member`, which also sees to the pack, places and jobs.
    Raises Refusal `country` if there is no entry for this country, or the member lives there already.
    """
    if programme_in(country, timezone.localdate(at)) is None:
        raise Refusal("country", _("Please choose a country from the list."), "country")
    locked = Member.objects.locked().get(pk=member.pk)
    if locked.country.code == country:
        raise Refusal("country", _("You already live there. Please choose another country."), "country")
    locked.country = country
    locked.save(update_fields=["country"])
    publish_event("members.member_moved", locked.pk)
    return locked


@transaction.atomic
def erase_person(*, member: Member, at: datetime) -> list[str]:
    """Remove everything that identifies the person: names, addresses, ways to sign in, also from the history (R14).

    The caller has locked the member. Number, country, dates, accepted terms and level changes are kept. Returns the
    e-mail addresses to look for in messages: the person's own, and the placeholder that replaced them.
    """
    user = member.user
    addresses = {address.lower() for address in EmailAddress.objects.filter(user=user).values_list("email", flat=True)}
    addresses |= {user.email.lower(), ERASED_EMAIL.format(key=user.pk)}
    for pairs in (EmailChange.objects.filter(user=user), LostAddress.objects.filter(member=member)):
        for pair in pairs.values_list("old_email", "new_email"):
            addresses |= {address.lower() for address in pair if address}
    LostAddress.objects.filter(member=member).update(old_email="", new_email="", reason="")
    AccountFreeze.objects.filter(member=member).update(reason="")
    AccountMerge.objects.filter(Q(survivor=member) | Q(ended=member)).update(reason="")
    EmailChange.objects.filter(user=user).delete()
    Device.objects.filter(user=user).delete()
    EmailAddress.objects.filter(user=user).delete()
    Authenticator.objects.filter(user=user).delete()
    user.groups.clear()
    user.user_permissions.clear()
    user.email = ERASED_EMAIL.format(key=user.pk)
    user.set_unusable_password()
    user.is_active = user.is_superuser = False
    user.last_login = None
    user.save()
    member.first_name = member.last_name = member.specialty = ""
    member.language, member.theme, member.wants_news = settings.LANGUAGE_CODE, Theme.AUTO, False
    member.erased_at = at
    member.save(update_fields=["first_name", "last_name", "specialty", "language", "theme", "wants_news", "erased_at"])
    history = apps.get_model("members", "MemberEvent")._default_manager.filter(pgh_obj_id=member.pk)
    with erasing_trail():
        history.update(first_name="", last_name="", specialty="", language="", wants_news=False)
    return sorted(addresses)
