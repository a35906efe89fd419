"""Loading the catalogue while members register: R22."""

from datetime import UTC, datetime

import pytest
from django.db import transaction

from kitbag.actions import registrations
from kitbag.actions.catalogue import CatalogueReport, load_catalogue
from kitbag.catalogue.reader import ProductRecord
from kitbag.models import CatalogueProposal, Product
from tests.concurrency.threads import Background, together
from tests.factories import submitted
from tests.world import World

NOW = datetime(2026, 3, 1, tzinfo=UTC)
pytestmark = pytest.mark.django_db(transaction=True)


def load(product: Product, **fields: object) -> CatalogueReport:
    """Load a file that agrees with the database about this product, except for these fields."""
    columns = [
        "name",
        "category",
        "shelf",
        "mount",
        "released_year",
        "released_month",
        "released_about",
        "discontinued_year",
        "service_end_year",
        "fast_track_model",
        "video_class",
        "serial_place",
        "serial_optional",
        "registrable",
        "points_current",
        "points_superseded",
        "points_unserviceable",
        "sample",
    ]
    facts = ProductRecord(
        line=2,
        slug=product.slug,
        names=(product.name,),
        successor="",
        superseded=False,
        fields={**{name: getattr(product, name) for name in columns}, **fields},
    )
    return load_catalogue(products=[facts], shapes=[], at=NOW)


def test_a_load_waits_for_an_open_validation_and_then_only_proposes(committed_world: World) -> None:
    """The order is forced: no other member holds the product, so without waiting the load would change its points."""
    world = committed_world
    with transaction.atomic():
        row = submitted(world.ben, world.grip, "700000000001")
        registrations.check_registration(registration=row, at=NOW)
        job = Background(lambda: load(world.grip, points_current=15))
        assert job.is_waiting(), "the load must wait for the open validation"
    report = job.finish()
    assert report.proposed == {world.grip.slug: {"points_current": [20, 15]}}
    world.grip.refresh_from_db()
    world.ben.refresh_from_db()
    assert (world.grip.points_current, world.ben.points) == (20, 20)
    assert CatalogueProposal.objects.count() == 1


def test_simultaneous_loads_add_a_product_once(committed_world: World) -> None:
    product = Product(
        slug="eos-new",
        name="EOS New 1",
        category="camera-mirrorless",
        shelf="bodies",
        serial_place="BODY-BASE",
        points_current=30,
        points_superseded=20,
        points_unserviceable=10,
    )
    reports = together(*(lambda: load(product) for _ in range(4)))
    assert not [report for report in reports if isinstance(report, Exception)], reports
    assert sorted(len(report.added) for report in reports) == [0, 0, 0, 1]
    assert Product.objects.filter(slug="eos-new").count() == 1
