from typing import cast

from django.http import HttpRequest

from members.models import User


def staff_user(request: HttpRequest) -> User:
    """The member of staff who sent the request. The admin site has checked that they are signed in."""
    return cast("User", request.user)
