"""Rate limit for look-ups of members, cards and serial numbers, so that nobody can enumerate them (R55)."""

from django.conf import settings
from rest_framework import exceptions

from cps_portal.core.lib import buffered_counts
from cps_portal.core.rest.views import PartnerView


class LookUpView(PartnerView):
    """Look-ups of a credential are counted together, besides its requests. Without Redis there is no limit."""

    def count_look_up(self) -> None:
        """Raises Throttled. Call it inside the idempotent part: a repeated response does not count."""
        limit, seconds = settings.LOOK_UP_LIMIT
        counted = buffered_counts.count(f"look-up:{self.access.credential.pk}", seconds=seconds)
        if counted and counted[0] > limit:
            raise exceptions.Throttled(wait=counted[1])
