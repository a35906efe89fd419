"""Second factors of the demonstration's staff. Their current code is shown where it is asked for.

Never in production: the templates of this package are found only with the settings for development.
"""

import time
from base64 import b32decode, b32encode
from dataclasses import dataclass
from secrets import token_bytes

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from cps_portal.dev.demo.world import ADMIN, STAFF
from members.models import User

SECRET_BYTES, DIGITS, PERIOD_SECONDS = 20, 6, 30  # as authenticator apps expect
EMAILS = [*STAFF, ADMIN]


@dataclass(frozen=True)
class Code:
    digits: str
    seconds: int  # for which it still works


def give_second_factors() -> None:
    """Set up an authenticator app for every account of the demonstration's staff that has no second factor."""
    for user in User.objects.filter(email__in=EMAILS, authenticator=None):
        secret = get_adapter().encrypt(b32encode(token_bytes(SECRET_BYTES)).decode())
        Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": secret})


def current_code(user: User | None) -> Code | None:
    """What the authenticator app would show now; None for everybody but the demonstration's staff."""
    rows = Authenticator.objects.filter(user=user, user__email__in=EMAILS, type=Authenticator.Type.TOTP)
    row = rows.first() if user else None
    if row is None:
        return None
    now = int(time.time())
    app = TOTP(b32decode(get_adapter().decrypt(row.data["secret"])), DIGITS, SHA1(), PERIOD_SECONDS)  # noqa: S303  # RFC 6238
    return Code(app.generate(now).decode(), PERIOD_SECONDS - now % PERIOD_SECONDS)
