"""Drawings of products in mails: cells of tables instead of pictures, which mail programs hide at first."""

from typing import NamedTuple

from django import template

from kitbag.models import Product
from kitbag.rules.drawings import choose_drawing

register = template.Library()
BODIES = ("pro", "body", "dslr", "slr", "rangefinder", "film-compact", "compact", "bridge", "cine", "camcorder", "ptz")
RINGS = {"l": "#c8102e", "do": "#1d7a46"}
BLACK, WHITE = "#23262a", "#e3e0d8"


class MailDrawing(NamedTuple):
    """`kind` is "lens", "body" or "box"; `ring` is a colour or "", `barrel` a colour."""

    kind: str
    ring: str = ""
    barrel: str = BLACK


@register.filter
def mail_drawing(product: Product) -> MailDrawing:
    """As on the pages, in fewer shapes: the ring and the barrel are those of the true drawing."""
    drawing = choose_drawing(category=product.category, mount=product.mount, name=product.name)
    if drawing.name.startswith("lens"):
        return MailDrawing("lens", RINGS.get(drawing.ring, ""), WHITE if drawing.barrel else BLACK)
    return MailDrawing("body" if drawing.name.startswith(BODIES) else "box")
