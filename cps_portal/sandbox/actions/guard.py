"""Nothing of the sandbox runs where real people are, whatever the settings say."""

from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.locks import require_transaction
from cps_portal.core.partners.models import Partner
from cps_portal.sandbox.queries import has_real_people


def require_sandbox() -> None:
    """Raises Refusal `real_people` if somebody with a real address is a member here: then nothing is touched."""
    if has_real_people():
        raise Refusal("real_people", _("There are real members here, so nothing was done. Please tell us."))


def lock_samples(partner: Partner) -> None:
    """Lock the partner, before anything it has: making samples anew and ageing them happen one after the other."""
    require_transaction("lock_samples")
    Partner.objects.select_for_update(no_key=True).get(pk=partner.pk)
