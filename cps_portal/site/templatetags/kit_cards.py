"""Registrations as cards. Written in Python: a template takes more than twice as long, and a Kitbag has hundreds."""

from django import template
from django.template import Context
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from cps_portal.core.lib.text import latin_digits
from cps_portal.site.templatetags.portal import icon, kit_picture, points_chip
from kitbag.presenters.registrations import RegistrationCard

register = template.Library()
NOTHING = SafeString("")


@register.simple_tag(takes_context=True)
def kit_cards(context: Context) -> SafeString:
    """Of `cards`; `can_pick`: those that can be finished together have a box; `slow`: they no longer ask (R18, R19)."""
    can_pick, asks = bool(context.get("can_pick")), not context.get("slow")
    return SafeString("\n".join(_card(card, can_pick=can_pick, asks=asks) for card in context["cards"]))


def _card(card: RegistrationCard, *, can_pick: bool, asks: bool) -> SafeString:
    return format_html(
        '<article class="kit" id="kit-{}"{}{}><span class="tile">{}</span><div>'
        '<h3 class="kit__name"><a href="{}"><bdi translate="no">{}</bdi></a></h3>{}</div>'
        '<p class="kit__foot">{}{}</p>{}</article>',
        card.key,
        _state(card),
        _polling(card) if asks and card.is_polling else NOTHING,
        kit_picture(card.registration),
        card.address,
        card.name,
        _sentence(card),
        points_chip(card, words=True),
        _badge(card),
        _box(card) if can_pick and card.can_be_picked else NOTHING,
    )


def _state(card: RegistrationCard) -> SafeString:
    if card.needs_member:
        return SafeString(' data-state="pending"')
    return SafeString(' data-state="checking"') if card.status == "pending" else NOTHING


def _polling(card: RegistrationCard) -> SafeString:
    return format_html(' hx-get="{}?as=card" hx-trigger="every 1s" hx-swap="outerHTML"', card.status_url)


def _sentence(card: RegistrationCard) -> SafeString:
    if card.service and not card.needs_member:
        return format_html('<p class="kit__meta">{}</p>', card.service.sentence)
    if card.summary:
        twin = NOTHING
        if card.duplicate_url:
            twin = format_html(' <a href="{}">{}</a>', card.duplicate_url, _("See the other one"))
        turn = SafeString(" kit__meta--turn") if card.needs_member else NOTHING
        return format_html('<p class="kit__meta{}">{}{}</p>', turn, card.summary, twin)
    serial = NOTHING
    if card.serial:
        number = format_html('<span class="ltr" lang="en" translate="no">{}</span>', latin_digits(card.serial))
        serial = format_html("{} {} · ", _("Serial"), number)
    return format_html('<p class="kit__meta">{}{}</p>', serial, card.bought)


def _badge(card: RegistrationCard) -> SafeString:
    if card.service:
        return render_to_string("kitbag/_service_badge.html", {"service": card.service})
    if card.target:
        track = _("Fast Track:")
        return format_html(
            '<span class="badge">{}<span class="sr">{}</span> {}</span>', icon("bolt"), track, card.target
        )
    if card.is_polling:
        return format_html('<span class="badge">{}{}</span>', icon("clock"), _("Being checked"))
    if card.status == "pending" and not card.needs_member:
        return format_html('<span class="badge">{}{}</span>', icon("user"), _("In review"))
    return NOTHING


def _box(card: RegistrationCard) -> SafeString:
    words = _("Pick %(product)s") % {"product": card.name}
    return format_html(
        '<label class="kit__pick"><input type="checkbox" name="pick" value="{}" data-points="{}" aria-label="{}">'
        "</label>",
        card.key,
        card.points,
        words,
    )
