"""The catalogue, members' registrations, the points ledger and planned changes."""

from kitbag.models.catalogue import (
    CatalogueProposal,
    Product,
    ProductName,
    ProductQuerySet,
    SerialShape,
    points_now,
)
from kitbag.models.changes import POINTS_FIELDS, Announcement, StageChange, StageChangeQuerySet
from kitbag.models.evidence import Evidence
from kitbag.models.held_decisions import HeldDecision, HeldDecisionQuerySet
from kitbag.models.merges import MergedAdjustment, MergedRegistration
from kitbag.models.owner_details import KitGroup, OwnerDetails, own_details
from kitbag.models.ownership import Appeal, Claim, Handover, Sighting, StolenReport
from kitbag.models.points import Adjustment, AdjustmentQuerySet, LedgerCheck, PointsEntry, PointsEntryQuerySet
from kitbag.models.registrations import (
    Hold,
    Registration,
    RegistrationInReview,
    RegistrationQuerySet,
    Totals,
    count_needing,
    totals_of,
)
from kitbag.models.retailers import AuthorisedPeriod, Retailer
from kitbag.models.sales import Sale, SaleQuerySet
from kitbag.models.searches import MissedSearch, MissedSearchQuerySet
from kitbag.models.serial_changes import SerialChange, SerialChangeQuerySet

__all__ = [
    "POINTS_FIELDS",
    "Adjustment",
    "AdjustmentQuerySet",
    "Announcement",
    "Appeal",
    "AuthorisedPeriod",
    "CatalogueProposal",
    "Claim",
    "Evidence",
    "Handover",
    "HeldDecision",
    "HeldDecisionQuerySet",
    "Hold",
    "KitGroup",
    "LedgerCheck",
    "MergedAdjustment",
    "MergedRegistration",
    "MissedSearch",
    "MissedSearchQuerySet",
    "OwnerDetails",
    "PointsEntry",
    "PointsEntryQuerySet",
    "Product",
    "ProductName",
    "ProductQuerySet",
    "Registration",
    "RegistrationInReview",
    "RegistrationQuerySet",
    "Retailer",
    "Sale",
    "SaleQuerySet",
    "SerialChange",
    "SerialChangeQuerySet",
    "SerialShape",
    "Sighting",
    "StageChange",
    "StageChangeQuerySet",
    "StolenReport",
    "Totals",
    "count_needing",
    "own_details",
    "points_now",
    "totals_of",
]
