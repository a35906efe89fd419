"""Mails about what spans the apps: a move to another country (R6, R56)."""

from django.conf import settings
from django.urls import reverse
from django.utils import translation

from cps_portal.core.outbox.mail import render_mail
from cps_portal.core.outbox.renderers import renderer
from cps_portal.site.presenters.moving import build_move
from members.enums import NoticeCode
from members.models import Member, Notice
from members.queries import confirmed_first_name

MOVED = "portal.moved"


@renderer(MOVED)
def moved(*, member: int, notice: str) -> dict[str, str] | None:
    """What a move has changed, as it is today. None if they moved again since, or closed the account."""
    reader = Member.objects.open().filter(pk=member).first()
    last = Notice.objects.filter(member=member, code=NoticeCode.MOVED).first()
    if reader is None or last is None or last.key != notice or last.params["to"] != reader.country.code:
        return None
    with translation.override(reader.language):
        move = build_move(reader, from_country=last.params["from"], to_country=last.params["to"], is_done=True)
        context = {
            "first_name": confirmed_first_name(reader),
            "move": move,
            "country": move.after.country,
            "link": move.after.membership.link,
            "stops": move.stops,
            "stays": move.stays,
            "url": f"{settings.SITE_URL}{reverse('moved')}",
            "contact_url": f"{settings.SITE_URL}{reverse('cases:contact')}",
        }
        return render_mail("moved", context, language=reader.language)
