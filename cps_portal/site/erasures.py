"""The list of erased people, kept outside the database: a restored one does not know of them any more (R14).

For each there is a small file beside the backups. Its name is a hash of the member with the SECRET_KEY, which says
nothing to anybody who has not got both; its content is the moment.
"""

from datetime import datetime

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.utils.crypto import salted_hmac

from members.models import Member

SALT = "portal.erasures"


def record_erasure(*, member: Member, at: datetime) -> None:
    """Add to the list. Raises OSError if that is not possible: then nobody may be erased."""
    storage, name = storages["erasures"], _names(member)[0]
    if not storage.exists(name):
        storage.save(name, ContentFile(at.isoformat().encode()))


def read_erasures() -> dict[str, datetime]:
    """The moments of all erasures, by name."""
    storage = storages["erasures"]
    try:
        names = storage.listdir("")[1]
    except FileNotFoundError:  # nobody has ever been erased
        return {}
    return {name: _read(name) for name in names}


def find_erasure(member: Member, erasures: dict[str, datetime]) -> datetime | None:
    """When this member was erased, as far as the list says."""
    return next((erasures[name] for name in _names(member) if name in erasures), None)


def _names(member: Member) -> list[str]:
    """By the secret key of today, and by those before it.

    With the number and the moment of joining, because after a restore a new member can get the key of an erased one.
    """
    value = f"{member.pk} {member.number} {member.joined_at.isoformat()}"
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [salted_hmac(SALT, value, secret=secret, algorithm="sha256").hexdigest() for secret in secrets]


def _read(name: str) -> datetime:
    """What the file says. One that was left empty, such as by a full disk, counts from when it was written."""
    storage = storages["erasures"]
    with storage.open(name) as file:
        content = bytes(file.read())
    try:
        return datetime.fromisoformat(content.decode())
    except ValueError:
        return storage.get_modified_time(name)
