"""Looking somebody or something up: as often as people come to a counter, never so often as to go through all (R55)."""

from django.conf import settings
from rest_framework import exceptions

from cps_portal.core.lib import buffered_counts
from cps_portal.core.rest.views import PartnerView


class LookUpView(PartnerView):
    """Counted by credential over all look-ups, beside its requests. While nobody counts everybody is let through."""

    def count_look_up(self) -> None:
        """Raises Throttled. Not for what is answered again by its Idempotency-Key."""
        most, seconds = settings.LOOK_UP_LIMIT
        found = buffered_counts.count(f"look-up:{self.access.credential.pk}", seconds=seconds)
        if found and found[0] > most:
            raise exceptions.Throttled(wait=found[1])
