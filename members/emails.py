"""The texts of the mails that members get. Builds them from rows; sends nothing."""

from django.conf import settings
from django.utils import translation

from cps_portal.outbox.mail import render_mail
from members import rules
from members.enums import Level, PointsCause
from members.models import LevelThreshold, Member

POINTS_PATH = "/kitbag/points/"


def welcome(member: Member) -> dict[str, str]:
    """The first mail after joining (R8): subject, text and html in the member's language."""
    return render_mail(
        "welcome",
        {"member": member, "number": member.number_in_groups, "url": settings.SITE_URL},
        language=member.language,
    )


def level_changed(*, member: int, points: int, cause: str, about: str, **levels: str) -> dict[str, str] | None:
    """A level was reached or lost (R11, R56), with what is missing to the next one (R12); worded when it leaves.

    `levels` are "from" and "to". None if the account was closed meanwhile.
    """
    reader = Member.objects.open().filter(pk=member).first()
    if reader is None:
        return None
    before, after = Level(levels["from"]), Level(levels["to"])
    ahead = rules.next_level(points, LevelThreshold.objects.in_force())
    with translation.override(reader.language):
        context = {
            "member": reader,
            "first_name": reader.first_name,
            "from_level_name": before.label,
            "to_level_name": after.label,
            "to_level": after.value,
            "up": after.rank > before.rank,
            "points": points,
            "next_level_name": Level(ahead[0]).label if ahead else "",
            "points_missing": ahead[1] if ahead else 0,
            "cause": f"{about}: {PointsCause(cause).label}" if about else PointsCause(cause).label,
            "url": f"{settings.SITE_URL}{POINTS_PATH}",
        }
    return render_mail("level_changed", context, language=reader.language)
