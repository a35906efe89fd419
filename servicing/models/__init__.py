"""Service centres, tickets, estimates, parts and loans."""

from servicing.models.calendar import CalendarException, CalendarSnapshot, EstimatedHoliday
from servicing.models.centres import CentreStaff, ServiceCentre, ServiceCentreQuerySet, load_calendars
from servicing.models.loans import Loan, LoanQuerySet, LoanUnit, LoanUnitQuerySet
from servicing.models.messages import TicketFile, TicketMessage
from servicing.models.notes import TicketNote
from servicing.models.packing import PackedTicket
from servicing.models.parcels import Carrier, Parcel, Shipment, ShipmentQuerySet
from servicing.models.ready_sets import ReadySet, ReadySetLine
from servicing.models.reports import ServiceReport
from servicing.models.tickets import Ticket, TicketEvent, TicketQuerySet
from servicing.models.visitors import CardRule, VisitingMember
from servicing.models.warranty import WarrantyPeriod
from servicing.models.work import Estimate, EstimateDraft, EstimateLine, Part

__all__ = [
    "CalendarException",
    "CalendarSnapshot",
    "CardRule",
    "Carrier",
    "CentreStaff",
    "Estimate",
    "EstimateDraft",
    "EstimateLine",
    "EstimatedHoliday",
    "Loan",
    "LoanQuerySet",
    "LoanUnit",
    "LoanUnitQuerySet",
    "PackedTicket",
    "Parcel",
    "Part",
    "ReadySet",
    "ReadySetLine",
    "ServiceCentre",
    "ServiceCentreQuerySet",
    "ServiceReport",
    "Shipment",
    "ShipmentQuerySet",
    "Ticket",
    "TicketEvent",
    "TicketFile",
    "TicketMessage",
    "TicketNote",
    "TicketQuerySet",
    "VisitingMember",
    "WarrantyPeriod",
    "load_calendars",
]
