"""The QR code of a card (R41)."""

import segno
from django.conf import settings
from django.utils.safestring import SafeString, mark_safe

from members.offers.models import Card


def check_url(card: Card) -> str:
    """What the code says: the absolute address of the public page."""
    return f"{settings.SITE_URL}{card.check_path}"


def as_svg(card: Card) -> SafeString:
    """Without the quiet zone: the page leaves white around it."""
    drawn = _code(card).svg_inline(omitsize=True, border=0, svgclass="qr", lineclass=None, dark="#000")
    return mark_safe(drawn)  # noqa: S308  # segno's own drawing: squares, no text


def as_rows(card: Card) -> list[list[bool]]:
    """The squares, from the top; True is dark."""
    return [[bool(square) for square in row] for row in _code(card).matrix]


def _code(card: Card) -> segno.QRCode:
    return segno.make(check_url(card), error="m", micro=False)
