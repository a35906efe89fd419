"""What members own and what it is worth."""

from kitbag.models.catalogue import (
    CatalogueProposal,
    Product,
    ProductName,
    ProductQuerySet,
    SerialShape,
    points_now,
)
from kitbag.models.changes import POINTS_FIELDS, Announcement, StageChange, StageChangeQuerySet
from kitbag.models.points import Adjustment, AdjustmentQuerySet, LedgerCheck, PointsEntry, PointsEntryQuerySet
from kitbag.models.registrations import Registration, RegistrationInReview, RegistrationQuerySet

__all__ = [
    "POINTS_FIELDS",
    "Adjustment",
    "AdjustmentQuerySet",
    "Announcement",
    "CatalogueProposal",
    "LedgerCheck",
    "PointsEntry",
    "PointsEntryQuerySet",
    "Product",
    "ProductName",
    "ProductQuerySet",
    "Registration",
    "RegistrationInReview",
    "RegistrationQuerySet",
    "SerialShape",
    "StageChange",
    "StageChangeQuerySet",
    "points_now",
]
