"""What two people of the staff decide: a lost sign-in address and a double account, both open (R69)."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from cps_portal.site import account_merges, lost_addresses
from members.models import AccountMerge, LostAddress, Member, User

PROPOSED_AGO = timedelta(hours=3)


@transaction.atomic
def make_requests(*, double: Member) -> None:
    """Asked for by the first of support, for the second one to decide. `double` is a second account of Ben's."""
    support, at = User.objects.get(email="support@example.org"), timezone.now() - PROPOSED_AGO
    dana, ben = (Member.objects.get(user__email=f"{name}@example.org") for name in ("dana", "ben"))
    if not LostAddress.objects.exists():
        lost_addresses.request_change(
            member=dana,
            new_email="dana.studio@example.org",
            reason="Her provider has closed the old mailbox. Called back; she knew the serial number of her R6.",
            attached=[],
            by=support,
            at=at,
        )
    if not AccountMerge.objects.exists():
        account_merges.propose_merge(
            survivor=ben,
            ended=double,
            reason="He wrote from both addresses about the same lens.",
            by=support,
            at=at,
        )
