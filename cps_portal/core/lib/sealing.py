"""Encryption of secrets in the database that cannot be hashed, because the portal has to use them itself.

The keys are settings.ENCRYPTION_KEYS: the first one encrypts, each of them decrypts. To rotate, put a new key first,
run `manage.py reseal_secrets`, and take the old one out.
"""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class Purpose(Enum):
    """What a secret is for. Each purpose has keys of its own: what is sealed for one cannot be read for another."""

    WEBHOOKS = b"cps_portal.core.partners: secrets of webhook endpoints"
    SECOND_FACTORS = b"members: authenticator apps and recovery codes"


def seal(text: str, purpose: Purpose) -> str:
    return _fernet(purpose).encrypt(text.encode()).decode()


def unseal(sealed: str, purpose: Purpose) -> str:
    """Raises cryptography.fernet.InvalidToken if it was sealed under a key that is not configured, or not by us."""
    return _fernet(purpose).decrypt(sealed.encode()).decode()


def reseal(sealed: str, purpose: Purpose) -> str:
    """The same secret under the newest key. Raises InvalidToken as `unseal` does."""
    return _fernet(purpose).rotate(sealed.encode()).decode()


def _fernet(purpose: Purpose) -> MultiFernet:
    return _fernet_of(tuple(settings.ENCRYPTION_KEYS), purpose)


@lru_cache(maxsize=8)
def _fernet_of(keys: Sequence[str], purpose: Purpose) -> MultiFernet:
    return MultiFernet([Fernet(urlsafe_b64encode(_derive(key, purpose))) for key in keys])


def _derive(key: str, purpose: Purpose) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.value).derive(key.encode())
