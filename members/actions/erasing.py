"""What is left of a member once the person is gone (R14)."""

from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.conf import settings
from django.db import transaction

from members.enums import Theme
from members.models import Member, Notice, PendingLevelNotice

NOBODY = "erased-{key}@example.invalid"


@transaction.atomic
def erase_person(*, member: Member, at: datetime) -> list[str]:
    """Take the person out of a member: names, addresses, ways of signing in, also from the history.

    The member is locked. Number, country, dates, accepted terms and moves of level stay, of nobody. Returns the
    addresses that were theirs and the one that stands there now, for whoever has to look for mails.
    """
    user = member.user
    addresses = {address.lower() for address in EmailAddress.objects.filter(user=user).values_list("email", flat=True)}
    addresses |= {user.email.lower(), NOBODY.format(key=user.pk)}
    EmailAddress.objects.filter(user=user).delete()
    Authenticator.objects.filter(user=user).delete()
    user.groups.clear()
    user.user_permissions.clear()
    user.email = NOBODY.format(key=user.pk)
    user.set_unusable_password()
    user.is_active = user.is_superuser = False
    user.last_login = None
    user.save()
    member.first_name = member.last_name = member.specialty = ""
    member.language, member.theme, member.wants_news = settings.LANGUAGE_CODE, Theme.AUTO, False
    member.erased_at = at
    member.save(update_fields=["first_name", "last_name", "specialty", "language", "theme", "wants_news", "erased_at"])
    history = apps.get_model("members", "MemberEvent")._default_manager.filter(pgh_obj_id=member.pk)
    history.update(first_name="", last_name="", specialty="", language="", wants_news=False)
    return sorted(addresses)


@transaction.atomic
def delete_notices(*, member: Member) -> None:
    """Delete what the dashboard would have told: nobody will read it."""
    PendingLevelNotice.objects.filter(member=member).delete()
    Notice.objects.filter(member=member).delete()
