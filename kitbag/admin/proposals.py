"""The desk's pages of what a load of the catalogue proposes."""

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from cps_portal.lib.admin import ReadOnlyAdmin
from kitbag.models import CatalogueProposal


@admin.register(CatalogueProposal)
class CatalogueProposalAdmin(ReadOnlyAdmin[CatalogueProposal]):
    """What a load of the catalogue would have changed for a product that members hold (R22)."""

    fields = ["product", "differences", "state", "proposed_at", "closed_at"]
    list_display = ["product", "differences", "state", "proposed_at", "closed_at"]
    list_filter = ["state", "proposed_at"]
    list_select_related = ["product"]
    search_fields = ["product__name", "product__slug"]
    date_hierarchy = "proposed_at"

    @admin.display(description=_("now → proposed"))
    def differences(self, proposal: CatalogueProposal) -> str:
        return format_html_join(
            "", "{}: {} → {}. ", ((name, now, then) for name, (now, then) in sorted(proposal.changes.items()))
        )
