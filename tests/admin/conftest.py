"""Staff of each kind, signed in with their second factor."""

import time
from collections.abc import Callable

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group
from django.test import Client

from members.models import User
from tests.factories import UserFactory

SignIn = Callable[..., Client]


def signed_in(user: User, *, second_factor: bool = True) -> Client:
    client = Client()
    client.force_login(user)
    if second_factor:
        Authenticator.objects.get_or_create(user=user, type=Authenticator.Type.TOTP, defaults={"data": {}})
        session = client.session
        session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "mfa", "at": time.time(), "type": "totp"}]
        session["account_authentication_methods_user"] = str(user.pk)
        session.save()
    return client


@pytest.fixture
def staff(groups: dict[str, Group]) -> SignIn:
    """Signs in somebody of the staff, in a group or none."""

    def make(group: str = "", *, second_factor: bool = True, **fields: object) -> Client:
        user = UserFactory(is_staff=True, **fields)
        if group:
            user.groups.add(groups[group])
        return signed_in(user, second_factor=second_factor)

    return make


@pytest.fixture
def as_root(staff: SignIn) -> Client:
    return staff(is_superuser=True)


@pytest.fixture
def as_support(staff: SignIn) -> Client:
    return staff("Support")
