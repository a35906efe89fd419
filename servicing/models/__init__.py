"""Service centres, tickets, estimates, parts and loans."""

from servicing.models.centres import CentreStaff, Closure, ServiceCentre, ServiceCentreQuerySet
from servicing.models.loans import Loan, LoanQuerySet, LoanUnit, LoanUnitQuerySet
from servicing.models.tickets import (
    Parcel,
    Ticket,
    TicketEvent,
    TicketFile,
    TicketMessage,
    TicketQuerySet,
    VisitingMember,
)
from servicing.models.work import Estimate, EstimateLine, Part

__all__ = [
    "CentreStaff",
    "Closure",
    "Estimate",
    "EstimateLine",
    "Loan",
    "LoanQuerySet",
    "LoanUnit",
    "LoanUnitQuerySet",
    "Parcel",
    "Part",
    "ServiceCentre",
    "ServiceCentreQuerySet",
    "Ticket",
    "TicketEvent",
    "TicketFile",
    "TicketMessage",
    "TicketQuerySet",
    "VisitingMember",
]
