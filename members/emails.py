"""The texts of the mails that members get. Builds them from rows; sends nothing."""

from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise

from cps_portal.outbox.mail import render_mail
from members import rules
from members.enums import Level
from members.models import Member


def welcome(member: Member) -> dict[str, str]:
    """The first mail after joining (R8): subject, text and html in the member's language."""
    return render_mail(
        "welcome",
        {"member": member, "number": member.number_in_groups, "url": settings.SITE_URL},
        language=member.language,
    )


def level_changed(
    member: Member,
    *,
    from_level: str,
    to_level: str,
    points: int,
    thresholds: dict[str, int],
    cause: str | Promise,
) -> dict[str, str]:
    """A level was reached or lost (R11, R56), with what is missing to the next one (R12)."""
    ahead = rules.next_level(points, thresholds)
    with translation.override(member.language):
        context = {
            "member": member,
            "first_name": member.first_name,
            "from_level_name": Level(from_level).label,
            "to_level_name": Level(to_level).label,
            "to_level": to_level,
            "up": Level(to_level).rank > Level(from_level).rank,
            "points": points,
            "next_level_name": Level(ahead[0]).label if ahead else "",
            "points_missing": ahead[1] if ahead else 0,
            "cause": str(cause),
            "url": f"{settings.SITE_URL}/kitbag/points/",
        }
    return render_mail("level_changed", context, language=member.language)
