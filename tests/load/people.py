"""The crowd of a load run: members with a password and some with an open session, and clerks."""

import random
import time
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.db import connection

from cps_portal.dev.embedded.schema import bring_up_to_date
from kitbag.enums import RegistrationState
from kitbag.models import Registration
from members.models import User
from tests.factories import PASSWORD
from tests.load.visits import Answers, Person, Visitor, clerk_visit, drive, member_visit

SESSIONS, CLERKS = 500, 5
KINDS = {
    "visiting": "Members who are signed in",
    "arriving": "Members who sign in first",
    "working": "Clerks of the desk",
}


@dataclass(frozen=True)
class Crowd:
    members: list[Person]
    clerks: list[Person]


def prepare(members: int) -> Crowd:
    bring_up_to_date()
    call_command("make_crowd", members=members, registrations=5 * members, verbosity=0)
    User.objects.update(password=make_password(PASSWORD))
    users = User.objects.filter(member__closed_at=None, member__isnull=False, is_active=True).order_by("pk")[:SESSIONS]
    pages = {
        owner: f"/kitbag/{key}/"
        for owner, key in Registration.objects.filter(
            state=RegistrationState.VALIDATED, member__user__in=[user.pk for user in users]
        ).values_list("member__user", "pk")
    }
    found = [Person(user.email, session_of(user), pages.get(user.pk, "")) for user in users]
    clerks = [
        User.objects.create_superuser(f"clerk{number}@example.org", PASSWORD, passkey_offer=False)
        for number in range(CLERKS)
    ]
    Authenticator.objects.bulk_create(
        Authenticator(user=clerk, type=Authenticator.Type.TOTP, data={}) for clerk in clerks
    )
    connection.close()
    return Crowd(found, [Person(clerk.email, session_of(clerk, second_factor=True)) for clerk in clerks])


def session_of(user: User, *, second_factor: bool = False) -> dict[str, str]:
    """The cookie of a new session, as after signing in."""
    store: Any = import_module(settings.SESSION_ENGINE).SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    if second_factor:
        store[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "mfa", "at": time.time(), "type": "totp"}]
        store["account_authentication_methods_user"] = str(user.pk)
    store.save()
    return {settings.SESSION_COOKIE_NAME: str(store.session_key)}


def run(kind: str, crowd: Crowd, port: int, rate: float, seconds: float) -> Answers:
    """Visits of one kind at this rate. An answer that breaks off is an error, too."""
    answers = Answers()

    def visit(dice: random.Random) -> None:
        person = dice.choice(crowd.clerks if kind == "working" else crowd.members)
        visitor = Visitor(port, answers, {} if kind == "arriving" else person.cookies)
        try:
            if kind == "arriving":
                visitor.sign_in(person.email, PASSWORD)
            (clerk_visit if kind == "working" else member_visit)(visitor, person)
        except (OSError, ValueError) as error:
            with answers.lock:
                answers.errors.append(repr(error))
        finally:
            visitor.line.close()

    answers.visits = drive(rate, seconds, visit, seed=7)
    return answers
