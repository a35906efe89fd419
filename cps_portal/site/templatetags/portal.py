"""Template tags for the building blocks of the design: icons, drawings, error summaries."""

from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import Any

from django import template
from django.conf import settings
from django.forms import BaseForm
from django.templatetags.static import static
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cps_portal.core.lib.text import latin_digits
from cps_portal.core.lib.written_numbers import grouped, signed
from kitbag.enums import Stage
from kitbag.models import Product, Registration, own_details
from kitbag.presenters.registrations import RegistrationCard
from kitbag.rules.drawings import Drawing, choose_drawing

register = template.Library()
REMEMBERED = 4096  # chips: lists show the same points again and again


@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    """An icon of the sprite, hidden from screen readers: the text beside it must say the same."""
    return _icon(name, classes, static_address("img/icons.svg"))


@cache
def static_address(path: str) -> str:
    """Of a static file. It never changes while a process runs, and a list asks fifty times."""
    return static(path)


@cache
def _icon(name: str, classes: str, sprite: str) -> SafeString:
    kind = "mark" if name == "mark" else "icon"
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>', f"{kind} {classes}".strip(), sprite, name
    )


@register.filter("latin_digits")
def with_latin_digits(text: str) -> str:
    """A serial number as typed (R28), with digits of every script as 0 to 9."""
    return latin_digits(text)


@register.simple_tag
def language_buttons() -> SafeString:
    """Those that choose a language, each in its own words, with the one of the page marked."""
    return _language_buttons(tuple(settings.LANGUAGES), get_language())


@lru_cache(REMEMBERED)
def _language_buttons(languages: tuple[tuple[str, str], ...], here: str | None) -> SafeString:
    current = SafeString(' aria-current="true"')
    buttons = format_html_join(
        "\n",
        '<li><button type="submit" name="language" value="{}" lang="{}"{}><bdi>{}</bdi></button></li>',
        [(code, code, current if code == here else "", name) for code, name in languages],
    )
    return format_html("<ul>{}</ul>", buttons)


register.filter("signed", signed)  # a change of points


@register.filter
def with_labels(rows: Iterable[Iterable[str]], headers: Iterable[Mapping[str, Any]]) -> list[SafeString]:
    """The rows of an admin list as Django renders their cells, each with the name of its column in `data-label`.

    On a phone a row is a card, and the heads are no longer above the cells.
    """
    labels = [f' data-label="{escape(_label(header))}" ' for header in headers]
    return [SafeString("".join(map(_with_label, cells, labels))) for cells in rows]


def _label(header: Mapping[str, Any]) -> str:
    is_box = "action-checkbox" in str(header.get("class_attrib", ""))
    return "" if is_box else capfirst(str(header["text"]))


def _with_label(cell: str, label: str) -> str:
    tag, _blank, rest = cell.partition(" ")  # <td class="field-level">Gold</td>
    return f"{tag}{label}{rest}"


@register.simple_tag
def kit_drawing(what: Product | str) -> SafeString:
    """The drawing of a product, or that of this name. Each is a file of its own, so that a page loads what it shows."""
    if isinstance(what, str):
        drawing = Drawing(what)
    else:
        drawing = choose_drawing(category=what.category, mount=what.mount, name=what.name)
    return _art(drawing, static_address(f"img/kit/{drawing.name}.svg"))


@cache
def _art(drawing: Drawing, address: str) -> SafeString:
    colours = [("data-ring", drawing.ring), ("data-barrel", drawing.barrel)]
    return format_html(
        '<svg class="art" viewBox="0 0 120 90"{} aria-hidden="true"><use href="{}#art"/></svg>',
        format_html_join("", ' {}="{}"', [(name, value) for name, value in colours if value]),
        address,
    )


@register.simple_tag
def kit_picture(registration: Registration, *, large: bool = False) -> SafeString:
    """The member's own photo of a product, or else its drawing. Its size is known, so that nothing jumps."""
    own = own_details(registration)
    file = own and (own.photo if large else own.thumbnail)
    if not file:
        return kit_drawing(registration.product)
    if not large:
        return format_html(
            '<img src="{}" width="320" height="240" alt="" loading="lazy" decoding="async">', file.get_absolute_url()
        )
    words = _("Your photo of %(product)s") % {"product": registration.product.name}
    return format_html(
        '<img src="{}" width="640" height="400" alt="{}" decoding="async">', file.get_absolute_url(), words
    )


@register.simple_tag
def points_chip(card: RegistrationCard, *, words: bool = False) -> SafeString:
    """The points of a registration (R18, R20); `words` adds what the number is. Not a template: lists have fifty."""
    return _points_chip(
        card.status, card.points, card.former_points, turn=card.needs_member, words=words, language=get_language()
    )


@lru_cache(REMEMBERED)
def _points_chip(
    status: str, points: int, former_points: int | None, *, turn: bool, words: bool, language: str | None
) -> SafeString:
    """`language` is that of the words; chips are kept for each."""
    is_pending = status == "pending"
    state = "" if status == "counted" else format_html(' data-state="{}"', status)
    mark, former, what = SafeString(""), SafeString(""), SafeString("")
    if turn:
        mark = SafeString('<i class="dot"></i>')
    elif status == Stage.UNSERVICEABLE:
        mark = icon("nowrench")
    if former_points and not is_pending:
        former = format_html('<s><span class="sr">{} </span>{}</s> ', _("was"), grouped(former_points))
    if is_pending:
        hidden = SafeString("" if words else ' class="sr"')
        what = format_html(" <small{}>{}</small>", hidden, _("points waiting"))
    elif words:
        what = format_html(" <small>{}</small>", _("points"))
    return format_html('<span class="points"{}>{}{}{}{}</span>', state, mark, former, grouped(points), what)


@register.inclusion_tag("components/error_summary.html")
def error_summary(form: BaseForm) -> dict[str, object]:
    """The list of errors at the top of a form; app.js moves the focus there."""
    fields = [(field.id_for_label, error) for field in form for error in field.errors]
    return {"fields": fields, "others": form.non_field_errors(), "count": len(fields) + len(form.non_field_errors())}


@register.simple_block_tag
def one_line(content: str) -> SafeString:
    """A rendered text without its breaks, that may also stand in an attribute."""
    return SafeString(" ".join(content.split()).replace('"', "&quot;"))
