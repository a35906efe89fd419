"""Tracking numbers of packs and cards, as they are compared: capitals and digits only (R54)."""

from django.db.models import Func, Index, Q, Value
from django.db.models.functions import Upper

HAS_TRACKING = ~Q(tracking="")


def tracking_key() -> Upper:
    """The column `tracking` without spaces and dashes, in capitals."""
    signs = Func("tracking", Value("[^0-9A-Za-z]"), Value(""), Value("g"), function="regexp_replace")
    return Upper(signs)


def tracking_index(name: str) -> Index:
    return Index(tracking_key(), name=name, condition=HAS_TRACKING)
