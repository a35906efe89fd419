"""Helpers for tests of Welcome Packs: requests, a fulfilment partner, and its reports."""

from datetime import UTC, datetime, timedelta
from itertools import count

from django.utils import timezone

from cps_portal.core.partners import actions as partners
from cps_portal.core.partners.enums import PartnerKind
from cps_portal.core.partners.models import Partner
from members.addresses import Address
from members.models import Member
from members.offers.actions import packs
from members.offers.actions.packs import Report
from members.offers.actions.reference_data import load_offers
from members.offers.enums import PackStep
from members.offers.models import WelcomePack

DAY = timedelta(days=1)
ASKED = datetime(2026, 3, 2, 9, tzinfo=UTC)
ADDRESS = Address(
    name="Ana Example",
    country="ZA",
    street="14 Oak Avenue",
    city="Johannesburg",
    postal_code="2092",
    phone="+27821234567",
)
_numbers = count(1)


def add_partner(url: str = "https://house.example/hooks") -> Partner:
    """Add a fulfilment partner; without `url` it has no webhook endpoint."""
    made = Partner.objects.create(name="Parcels of Utrecht", slug="utrecht", kind=PartnerKind.FULFILMENT)
    if url:
        partners.add_endpoint(partner=made, url=url, by=None, at=timezone.now())
    return made


def asked(member: Member, at: datetime = ASKED) -> WelcomePack:
    load_offers()
    return packs.request_pack(member=member, address=ADDRESS, by=member.user, at=at)


def report(
    pack: WelcomePack, step: PackStep, at: datetime, *, external_id: str = "", sending: int = 0, **data: str
) -> WelcomePack:
    """A report of the partner."""
    said = Report(step, sending or pack.sending, at, external_id or f"h-{next(_numbers)}", data)
    partner = pack.partner
    assert partner is not None
    return packs.record_report(pack=pack, report=said, partner=partner, at=at)[0]
