"""The addresses that a member has given us before (R61)."""

from members.addresses import Address
from members.models import Member
from members.offers.models import WelcomePack
from servicing.models import Parcel


def last_address(member: Member) -> Address | None:
    """Where the member's last job returned to, or else where the Welcome Pack went, while we still have it."""
    parcels = Parcel.objects.filter(tickets__member__in=member.accounts, blanked_at=None).exclude(street="")
    parcel = parcels.order_by("-made_at", "-pk").first()
    if parcel:
        return parcel.address
    pack = WelcomePack.objects.of_person(member).filter(blanked_at=None).first()
    return pack.address if pack else None
