"""Membership rests outside the free programme: why offers, the card and the Welcome Pack are refused then (R65)."""

from datetime import datetime

from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.country_names import with_article
from cps_portal.core.lib.errors import Refusal
from members.models import Member
from members.queries import membership_of


def resting_refusal(member: Member, at: datetime) -> Refusal | None:
    """The refusal with the code `resting`; None while the membership is active."""
    membership = membership_of(member, timezone.localdate(at))
    if membership.is_active:
        return None
    sentence = (
        _("%(country)s has the subscription programme. Offers, card and Welcome Pack rest while you live there.")
        if membership.is_subscription
        else _("There’s no programme in %(country)s. Offers, card and Welcome Pack rest while you live there.")
    )
    return Refusal("resting", capfirst(sentence % {"country": with_article(member.country.name)}))
