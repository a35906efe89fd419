"""What a case is about: a row of any app above this one, named by the links that lead to the contact form."""

from django.apps import apps
from django.conf import settings
from django.db.models import Model

from members.models import Member

LARGEST_KEY = 2**63 - 1


def find_related(text: str, member: Member | None) -> Model | None:
    """The row behind "registration:12", if such a thing may be written about and is the member's or everybody's."""
    name, _colon, key = text.partition(":")
    known = settings.CASES_ABOUT.get(name)
    if not known or not (key.isascii() and key.isdecimal()) or int(key[:20]) > LARGEST_KEY or len(key) > 19:
        return None
    label, owner = known
    rows = apps.get_model(label)._default_manager.filter(pk=int(key))
    if owner:
        rows = rows.filter(**{owner: member}) if member else rows.none()
    found: Model | None = rows.first()
    return found


def page_of(row: Model) -> str:
    """Where its owner sees it; "" if it has no page."""
    return str(row.get_absolute_url()) if hasattr(row, "get_absolute_url") else ""
