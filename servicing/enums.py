from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class CentreKind(models.TextChoices):
    """The kinds of centre (R42)."""

    PSC = "PSC", _("Professional Service Centre")
    CEC = "CEC", _("Customer Experience Centre")
    ASP = "ASP", _("Authorised Service Partner")


class CentreStatus(models.TextChoices):
    OPEN = "open", _("Open")
    SUSPENDED = "suspended", _("Suspended")


class DayKind(models.TextChoices):
    """How days differ from the weekly hours of a centre (R72)."""

    CLOSED = "closed", pgettext_lazy("day of a service centre", "Closed")
    OPEN = "open", _("Open after all")
    HALF = "half_day", pgettext_lazy("day of a service centre", "Half day")
    SEASON = "season", _("Other hours")


class HolidayAnswer(models.TextChoices):
    """What staff know of an estimated holiday (R72)."""

    CONFIRMED = "confirmed", _("It is on that day")
    MOVED = "moved", _("It is on another day")
    DROPPED = "dropped", _("It is no holiday")


class ServiceKind(models.TextChoices):
    """What the centre should do (R46)."""

    REPAIR = "repair", _("Repair")
    MAINTENANCE = "maintenance", _("Maintenance")
    UPGRADE = "upgrade", _("Upgrade")


class Travel(models.TextChoices):
    """How a product gets to the centre (R61)."""

    COURIER = "courier", _("The customer sends it")
    COLLECTION = "collection", _("The centre has it collected")
    DROP_OFF = "drop_off", _("The customer brings it")


class Direction(models.TextChoices):
    """Where a shipment goes (R61)."""

    TO_CENTRE = "to_centre", _("To the centre")
    TO_CUSTOMER = "to_customer", _("Back to the customer")


class CardRegion(models.TextChoices):
    """Where a foreign card is from: a world region that runs CPS separately, or the subscription programme (R5)."""

    AMERICAS = "americas", _("Americas")
    JAPAN = "japan", _("Japan")
    CHINA = "china", _("China")
    ASIA = "asia", _("Asia, elsewhere")
    OCEANIA = "oceania", _("Oceania")
    SUBSCRIPTION = "subscription", _("Subscription programme in Europe")
    OTHER = "other", _("Another region")


class CardOutcome(models.TextChoices):
    """What the check of a foreign card found (R5, R65)."""

    SERVED = "served", _("Served as a visiting member")
    EXPIRED = "expired", _("No longer valid")
    OWN_PROGRAMME = "own_programme", _("Served by its own programme")


class CardDoubt(models.TextChoices):
    """Why somebody has to look again at a foreign card (R5). The values are the fields that it is about."""

    NUMBER = "card_number", _("Cards of this region have numbers of another shape.")
    LONG = "expires_on", _("Cards of this region are not valid for that long.")


class TicketState(models.TextChoices):
    """The states of a ticket, in their usual order (R52)."""

    WAITING = "waiting", _("Waiting for a place")
    REQUESTED = "requested", pgettext_lazy("service request", "Requested")
    ACCEPTED = "accepted", _("Accepted")
    IN_TRANSIT = "in_transit", _("On its way to the centre")
    BOOKED_IN = "booked_in", _("Booked in")
    ASSESSED = "assessed", _("Assessed")
    ESTIMATE_SENT = "estimate_sent", _("Estimate sent")
    APPROVED = "approved", _("Estimate approved")
    DECLINED = "declined", _("Estimate declined")
    WAITING_PARTS = "waiting_parts", _("Waiting for parts")
    IN_REPAIR = "in_repair", _("In repair")
    READY = "ready", _("Ready to ship")
    SHIPPED = "shipped", _("Shipped")
    CLOSED = "closed", pgettext_lazy("service request", "Closed")
    CANCELLED = "cancelled", pgettext_lazy("service request", "Cancelled")


BEFORE_INTAKE = (TicketState.WAITING, TicketState.REQUESTED, TicketState.ACCEPTED, TicketState.IN_TRANSIT)
IN_WORKSHOP = (
    TicketState.BOOKED_IN,
    TicketState.ASSESSED,
    TicketState.ESTIMATE_SENT,
    TicketState.APPROVED,
    TicketState.DECLINED,
    TicketState.WAITING_PARTS,
    TicketState.IN_REPAIR,
)
OPEN_TICKETS = (*BEFORE_INTAKE, *IN_WORKSHOP)  # until ready to ship or cancelled: what may hold a place (R49)
OVER = (TicketState.CLOSED, TicketState.CANCELLED)
NOT_OVER = tuple(state for state in TicketState if state not in OVER)


class EventKind(models.TextChoices):
    """What can happen to a ticket (R52).

    The order matters: of two events at the same moment, the one listed first here counts as the first.
    """

    REQUESTED = "requested", _("Service requested")
    PLACE_AWAITED = "place_awaited", _("Waiting for a place")
    PLACE_GIVEN = "place_given", _("Place assigned")
    SHIPPING_CHANGED = "shipping_changed", _("Return address changed")
    CHOSE_STANDARD = "chose_standard", _("Standard speed chosen")
    BECAME_STANDARD = "became_standard", _("Became standard speed")
    ACCEPTED = "accepted", _("Accepted by the centre")
    SENT = "sent", _("Sent to the centre")
    PLACE_LAPSED = "place_lapsed", _("Place lapsed")
    BOOKED_IN = "booked_in", _("Booked in at the centre")
    BECAME_FAST_TRACK = "became_fast_track", _("Became Fast Track")
    ASSESSED = "assessed", _("Assessed")
    WARRANTY_DECIDED = "warranty_decided", _("Warranty decided")
    NO_CHARGE = "no_charge", _("No charge")
    OTHER_FAULT = "other_fault", _("Another fault")
    QUESTION_ASKED = "question_asked", _("Question asked")
    QUESTION_ANSWERED = "question_answered", _("Question answered")
    ESTIMATE_SENT = "estimate_sent", _("Estimate sent")
    ESTIMATE_WITHDRAWN = "estimate_withdrawn", _("Estimate withdrawn")
    ESTIMATE_APPROVED = "estimate_approved", _("Estimate approved")
    ESTIMATE_DECLINED = "estimate_declined", _("Estimate declined")
    PART_ORDERED = "part_ordered", _("Part ordered")
    PART_EXPECTED = "part_expected", _("Part expected")
    PART_ARRIVED = "part_arrived", _("Part arrived")
    REPAIR_STARTED = "repair_started", _("Work started")
    SERIAL_CHANGED = "serial_changed", _("New serial number")
    TARGET_CHANGED = "target_changed", _("Target changed")
    TARGET_MISSED = "target_missed", _("Target missed")
    LOAN_OFFERED = "loan_offered", _("Loan offered")
    LOAN_DECLINED = "loan_declined", _("Loan declined")
    LOAN_RESERVED = "loan_reserved", _("Loan reserved")
    LOAN_CANCELLED = "loan_cancelled", _("Loan cancelled")
    LOAN_OUT = "loan_out", _("Loan handed out")
    LOAN_RETURNED = "loan_returned", _("Loan returned")
    READY = "ready", _("Ready to ship")
    SHIPPED = "shipped", _("Shipped")
    SHIPMENT_CORRECTED = "shipment_corrected", _("Tracking corrected")
    DELIVERED = "delivered", _("Delivered")
    CLOSED = "closed", pgettext_lazy("service request", "Closed")
    CANCELLED = "cancelled", pgettext_lazy("service request", "Cancelled")


class Writer(models.TextChoices):
    """Who wrote a message about a job (R73)."""

    CUSTOMER = "customer", _("The customer")
    CENTRE = "centre", _("The centre")


class WaitingFor(models.TextChoices):
    """Whose turn it is in the conversation about a job (R73)."""

    CENTRE = "centre", _("The centre")
    CUSTOMER = "customer", _("The customer")
    NOBODY = "nobody", _("Nobody")


class PauseReason(models.TextChoices):
    """Why the clock is paused: the member has to answer (R47)."""

    ESTIMATE = "estimate", _("Your answer to the estimate")
    QUESTION = "question", _("Your answer to a question")


class Track(models.TextChoices):
    FAST = "fast", _("Fast Track")
    STANDARD = "standard", _("Standard")


class WhyStandard(models.TextChoices):
    """Why a job is not Fast Track (R43, R46, R49). The member reads every reason that applies."""

    VISITING = "visiting", _("Visiting members are served at standard speed.")
    HOME = "home", _("Fast Track isn’t part of membership in the country where you live.")
    NO_PROGRAMME = "no_programme", _("The centre’s country isn’t in the free programme.")
    LEVEL = "level", _("Your level doesn’t include Fast Track there.")
    MODEL = "model", _("This model doesn’t get Fast Track.")
    NOT_REGISTERED = "not_registered", _("It is not in your Kitbag.")
    NOT_VALIDATED = "not_validated", _("Its registration doesn’t count yet.")
    NO_SERIAL = "no_serial", _("It has no serial number.")
    CENTRE_KIND = "centre_kind", _("Service partners do maintenance and upgrades at standard speed.")
    PLACES = "places", _("All your places in servicing are taken.")


class WhyRefused(models.TextChoices):
    """Why a centre cannot take a job (R34, R42)."""

    STOLEN = "stolen", _("Please contact us.")  # whoever presents it learns nothing else (R34)
    UNSERVICEABLE = "unserviceable", _("We can’t service this product any more.")
    SUSPENDED = "suspended", _("This centre isn’t accepting work at the moment. Choose another one.")
    PRODUCT = "product", _("This centre doesn’t service this kind of product. Choose another one.")
    SERVICE = "service", _("This centre doesn’t offer this service. Choose another centre or another service.")


class PlaceWish(models.TextChoices):
    """What the member chose in case all places are taken (R49)."""

    WAIT = "wait", _("Wait for a place")
    STANDARD = "standard", _("Send it now, at standard speed")


class Warranty(models.TextChoices):
    """Who pays (R60)."""

    CHARGEABLE = "chargeable", _("No warranty repair asked for")
    ASKED = "asked", _("To be decided by the centre")
    IN_WARRANTY = "in_warranty", _("In warranty")
    REFUSED = "refused", _("Not covered by the warranty")


class Charge(models.TextChoices):
    """What is settled about who pays (R62)."""

    OPEN = "open", _("Not settled yet")
    WARRANTY = "warranty", _("In warranty")
    NO_CHARGE = "no_charge", _("No charge")
    APPROVED = "approved", _("Estimate approved")
    DECLINED = "declined", _("Estimate declined")


class WhyNoCharge(models.TextChoices):
    """Why the customer pays nothing though it is no warranty job (R62, R63)."""

    COVERED = "covered", _("Covered by the last repair")
    PROGRAMME = "programme", _("A free repair programme for this model")
    GOODWILL = "goodwill", _("As a courtesy")
    NOTHING_DONE = "nothing_done", _("Nothing had to be repaired")


class WhyOtherFault(models.TextChoices):
    """Why a job that was opened for the same fault is not covered by the last repair (R63)."""

    OTHER_PART = "other_part", _("Something other than the repaired part has failed.")
    DAMAGE = "damage", _("It was damaged since the last repair.")
    LIQUID = "liquid", _("Liquid, sand or dust got in since the last repair.")
    OPENED = "opened", _("Someone else has opened it since the last repair.")
    NO_FAULT = "no_fault", _("What was repaired works as it should.")


class WhyNoWarranty(models.TextChoices):
    """Why a job is not a warranty job (R24, R60)."""

    NOT_A_REPAIR = "not_a_repair", _("The warranty covers repairs only.")
    OUTSIDE_REGION = "outside_region", _("It was bought outside the region, so it has no local warranty.")
    NOT_AUTHORISED = "not_authorised", _("It came from an unauthorised shop, so it has no local warranty.")
    PROOF_MISSING = "proof_missing", _("A warranty repair needs a proof of purchase. Add one.")
    EXPIRED = "expired", _("The warranty period is over.")
    NOT_COVERED = "not_covered", _("The warranty doesn’t cover this damage.")


class LoanState(models.TextChoices):
    """The states of a loan (R53). Whether it is overdue follows from the date it is due back."""

    RESERVED = "reserved", _("Reserved")
    OUT = "out", _("Out")
    RETURNED = "returned", pgettext_lazy("loan", "Returned")
    CANCELLED = "cancelled", pgettext_lazy("loan", "Cancelled")


OPEN_LOANS = (LoanState.RESERVED, LoanState.OUT)


class LineKind(models.TextChoices):
    """What a line of an estimate is for. The discount is worked out by the portal (R51, R62)."""

    WORK = "work", _("Repair")
    MAINTENANCE = "maintenance", _("Maintenance")
    PART = "part", _("Part")
    SHIPPING = "shipping", _("Shipping")
    OTHER = "other", pgettext_lazy("cost of a repair", "Other")
    DISCOUNT = "discount", _("Discount")


class EstimateState(models.TextChoices):
    OPEN = "open", _("Waiting for an answer")
    APPROVED = "approved", _("Approved")
    DECLINED = "declined", _("Declined")
    WITHDRAWN = "withdrawn", pgettext_lazy("estimate", "Withdrawn")
    EXPIRED = "expired", _("Expired")


class TicketFileKind(models.TextChoices):
    FAULT = "fault", _("Photo of the fault")
    PROOF = "proof", _("Proof of purchase")
    INTAKE = "intake", _("Photo on arrival")
    DOCUMENT = "document", _("Document")


# The kinds that `recordTicketEvent` and files of events take. Those with more data have endpoints of their own.
REPORTED_KINDS = (
    EventKind.ACCEPTED,
    EventKind.SENT,
    EventKind.BOOKED_IN,
    EventKind.ASSESSED,
    EventKind.WARRANTY_DECIDED,
    EventKind.NO_CHARGE,
    EventKind.OTHER_FAULT,
    EventKind.QUESTION_ANSWERED,
    EventKind.ESTIMATE_WITHDRAWN,
    EventKind.ESTIMATE_APPROVED,
    EventKind.ESTIMATE_DECLINED,
    EventKind.REPAIR_STARTED,
    EventKind.SERIAL_CHANGED,
    EventKind.READY,
    EventKind.SHIPPED,
    EventKind.DELIVERED,
    EventKind.CLOSED,
    EventKind.CANCELLED,
)
