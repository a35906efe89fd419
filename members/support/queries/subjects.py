"""What a case is about: a row of any app, named in the links that lead to the contact form."""

from django.apps import apps
from django.conf import settings
from django.db.models import Model

from members.models import Member

MAX_KEY = 2**63 - 1


def find_related(text: str, member: Member | None) -> Model | None:
    """The row named by text such as "registration:12".

    None if CASES_ABOUT does not list this kind of row, or if the row belongs to another member.
    """
    name, _colon, key = text.partition(":")
    setting = settings.CASES_ABOUT.get(name)
    if not setting or not (key.isascii() and key.isdecimal()) or int(key[:20]) > MAX_KEY or len(key) > 19:
        return None
    label, owner_lookup = setting
    rows = apps.get_model(label)._default_manager.filter(pk=int(key))
    if owner_lookup:
        rows = rows.filter(**{owner_lookup: member}) if member else rows.none()
    row: Model | None = rows.first()
    return row


def page_url(row: Model) -> str:
    """The page on which its owner sees it; "" if there is none."""
    return str(row.get_absolute_url()) if hasattr(row, "get_absolute_url") else ""
