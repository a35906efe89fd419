"""The texts of the data that comes with the portal can be read in every language (R56)."""

import pytest
from django.utils import translation

from cps_portal.core.lib.languages import NAMES, OTHERS
from members.offers.actions.reference_data import load_offers
from members.offers.models import Offer, PackItem
from servicing.actions.centres import load_centres
from servicing.enums import CentreStatus
from servicing.models import ServiceCentre

pytestmark = pytest.mark.django_db


def test_loaded_rows_miss_no_language() -> None:
    load_offers()
    load_centres()
    for row in [*Offer.objects.all(), *PackItem.objects.all(), *ServiceCentre.objects.all()]:
        assert row.missing_languages() == [], row


@pytest.mark.parametrize("language", OTHERS)
def test_a_suspended_centre_says_so_in_the_readers_language(language: str) -> None:
    load_centres()
    centre = ServiceCentre.objects.filter(status=CentreStatus.SUSPENDED).first()
    assert centre is not None
    with translation.override(language):
        assert centre.local.notice not in ("", centre.notice), NAMES[language]


def test_no_address_ends_in_a_sign_of_a_part_that_it_has_not() -> None:
    """As "34394 Istanbul/", whose region is not in the file."""
    load_centres()
    lines = [line for centre in ServiceCentre.objects.all() for line in centre.address.label_lines]
    assert "34394 ISTANBUL" in lines
    assert [line for line in lines if line.endswith(("/", ","))] == []
