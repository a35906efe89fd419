"""Two accounts line by line, and what becomes of each line in a merge (R69)."""

from collections.abc import Iterable
from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cps_portal.core.lib.written_dates import date_format
from cps_portal.site.account_merges import MergePlan
from kitbag.models import Registration
from members.enums import Level
from members.models import LevelThreshold, Member
from members.offers.models import SIGNED_UP, Card, SignUp, WelcomePack
from members.rules import level_for
from members.support.enums import CaseState
from members.support.models import Case
from servicing.models import Ticket

MAX_NAMED = 6  # products named in a cell


@dataclass(frozen=True)
class Line:
    """A row of the comparison."""

    label: str
    stays: str
    ends: str
    afterwards: str

    @property
    def differs(self) -> bool:
        return self.stays != self.ends


def compare(plan: MergePlan) -> list[Line]:
    """The lines of both accounts. The number of queries does not depend on what is in them."""
    stays, ends = plan.survivor, plan.ended
    level = Level(level_for(plan.points, LevelThreshold.objects.in_force())).label
    total = _("%(level)s, %(points)s") % {"level": level, "points": intcomma(plan.points)}
    pairs = [
        (_("Name"), stays.full_name, ends.full_name, _("That of the account that stays")),
        (_("Email"), stays.user.email, ends.user.email, _("Both are told. The second one no longer signs in.")),
        (_("Country"), stays.country.name, ends.country.name, _("That of the account that stays")),
        (_("Level and points"), _standing(stays), _standing(ends), _("Together: %(total)s") % {"total": total}),
        (_("Kit"), _kit(stays), _kit(ends), _kit_afterwards(plan)),
        (_("Points from staff"), _adjustments(stays), _adjustments(ends), _("Count in the account that stays")),
        (_("Card"), _card(stays), _card(ends), _("The second one ends at once")),
        (_("Welcome Pack"), _pack(stays), _pack(ends), _("One a person, ever")),
        (_("Jobs"), _jobs(stays), _jobs(ends), _("Go on in the account that stays, in the same places")),
        (_("Cases"), _cases(stays), _cases(ends), _("All are read and answered in the account that stays")),
        (_("Events"), _sign_ups(stays), _sign_ups(ends), _("Places come along; of the same event one goes back")),
        (
            _("Notices"),
            _notices(stays),
            _notices(ends),
            _("Old ones stay behind, new ones come here"),
        ),
        (_("Signs in"), _factors(stays), _factors(ends), _("The account that stays signs in as before")),
        (_("Joined"), _day(stays), _day(ends), _("Both dates are kept")),
    ]
    return [Line(*map(str, pair)) for pair in pairs]


def _kit_afterwards(plan: MergePlan) -> str:
    words = []
    if plan.kit.moving:
        count = len(plan.kit.moving)
        words.append(ngettext("%(n)s product comes along.", "%(n)s products come along.", count) % {"n": count})
    if plan.kit.same:
        names = _names(kept.product.name for _ended, kept in plan.kit.same)
        words.append(_("In both, counted once: %(names)s.") % {"names": names})
    if plan.kit.staying:
        names = _names(row.product.name for row in plan.kit.staying)
        words.append(_("Stays behind and can be added again: %(names)s.") % {"names": names})
    return " ".join(words) or _("As it is")


def _names(names: Iterable[str]) -> str:
    every = list(names)
    shown = ", ".join(every[:MAX_NAMED])
    return shown if len(every) <= MAX_NAMED else _("%(names)s and more") % {"names": shown}


def _standing(member: Member) -> str:
    return f"{member.get_level_display()}, {intcomma(member.points)}"


def _kit(member: Member) -> str:
    rows = list(Registration.objects.of(member).live().select_related("product").order_by("-pk"))
    count = ngettext("%(n)s product", "%(n)s products", len(rows)) % {"n": len(rows)}
    return f"{count}: {_names(str(row) for row in rows)}" if rows else _("none")


def _adjustments(member: Member) -> str:
    return ", ".join(map(str, member.adjustments.active())) or _("none")


def _card(member: Member) -> str:
    card = Card.objects.live().filter(member=member).first()
    return card.number_in_groups if card else _("none")


def _pack(member: Member) -> str:
    pack = WelcomePack.objects.of_person(member).first()
    return pack.get_state_display() if pack else _("none")


def _jobs(member: Member) -> str:
    ended = list(Ticket.objects.of(member).values_list("ended_at", flat=True))
    running = ended.count(None)
    return _("%(n)s, of which %(running)s running") % {"n": len(ended), "running": running} if ended else _("none")


def _cases(member: Member) -> str:
    states = list(Case.objects.of(member).values_list("state", flat=True))
    running = len(states) - states.count(CaseState.CLOSED)
    return _("%(n)s, of which %(running)s open") % {"n": len(states), "running": running} if states else _("none")


def _sign_ups(member: Member) -> str:
    titles = SignUp.objects.filter(member=member, state__in=SIGNED_UP).values_list("offer__title", flat=True)
    return _names(titles) or _("none")


def _notices(member: Member) -> str:
    return str(member.notices.count())


def _factors(member: Member) -> str:
    kinds: list[str | Promise] = [_("password")] if member.user.has_usable_password() else []
    if Authenticator.objects.filter(user=member.user_id).exists():
        kinds.append(_("second factor"))
    return ", ".join(map(str, kinds)) or _("not at the moment")


def _day(member: Member) -> str:
    return date_format(timezone.localtime(member.joined_at), "j F Y")
