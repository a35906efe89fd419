"""What a planned change of a country means for a member who lives there (R1, R6): for its page, notices and mails."""

from datetime import timedelta

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from cps_portal.core.lib.country_names import with_article
from cps_portal.core.lib.written_dates import date_format
from cps_portal.site.presenters.moving import Move, home_with
from members.actions.country_plans import STAYS, WILL
from members.enums import ChangeState, Programme
from members.models import CountryPlan, Member, programme_in


def newest_plan(member: Member) -> CountryPlan | None:
    """The change that is planned where they live, else the newest that has taken effect or was cancelled."""
    plans = CountryPlan.objects.filter(country=member.country.code)
    return plans.open().first() or plans.order_by("-planned_at").first()


def build_country_change(member: Member, plan: CountryPlan) -> Move:
    """The country before and after the plan, for the member's level of today."""
    country = plan.country.code
    before = programme_in(country, plan.effective_on - timedelta(days=1))
    after = plan.as_programme()
    if not after.link and before:
        after.link = before.link
    day = date_format(plan.effective_on, "j F Y")
    is_done = plan.state in (ChangeState.RUNNING, ChangeState.DONE)
    return Move(
        member,
        home_with(member, country, before),
        home_with(member, country, after),
        is_done=is_done,
        headings=(_("Until then"), _("From %(day)s") % {"day": day}),
    )


def is_current(what: str, plan: CountryPlan, member: Member) -> bool:
    """Whether what members were told of a plan still holds for this one (R70)."""
    if member.country.code != plan.country.code:
        return False
    if what == WILL:
        return plan.state == ChangeState.PLANNED
    if what == STAYS:
        is_planned_again = CountryPlan.objects.open().filter(country=plan.country.code).exists()
        return plan.state == ChangeState.CANCELLED and not is_planned_again
    in_force = programme_in(plan.country.code)
    return plan.state in (ChangeState.RUNNING, ChangeState.DONE) and (
        in_force is not None and in_force.valid_from == plan.effective_on
    )


def title_of(what: str, plan: CountryPlan) -> str:
    """What is told, in a sentence without a full stop."""
    values = {"country": with_article(plan.country.name), "day": date_format(plan.effective_on, "j F Y")}
    if what == STAYS:
        return _("Nothing changes in %(country)s") % values
    if what == WILL:
        text = {
            Programme.FREE: _("From %(day)s, %(country)s offers other benefits"),
            Programme.SUBSCRIPTION: _("From %(day)s, CPS is a subscription in %(country)s"),
            Programme.NONE: _("From %(day)s, there’s no CPS in %(country)s"),
        }
    else:
        text = {
            Programme.FREE: _("%(country)s offers other benefits now"),
            Programme.SUBSCRIPTION: _("CPS is a subscription in %(country)s now"),
            Programme.NONE: _("There’s no CPS in %(country)s now"),
        }
    return capfirst(text[Programme(plan.kind)] % values)


def detail_of(what: str, plan: CountryPlan) -> str:
    if what == STAYS:
        day = date_format(plan.effective_on, "j F Y")
        return _("The change we announced for %(on)s was cancelled.") % {"on": day}
    return _("See what stops, what stays and where to go.")
