"""The buttons on the page of a job: which event each records, with which form, and under which label (R52)."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from servicing.enums import EventKind
from servicing.forms import reports as reports_forms
from servicing.forms import ticket_steps
from servicing.rules.next_step import Step

E = EventKind


@dataclass(frozen=True)
class Button:
    """A button: the kind of event it records, its form and its label. A `grave` one is not shown as the default.

    Those of `OTHER_BUTTONS` record no event of this ticket. With `page`, the name of an address, it is a link there.
    """

    kind: EventKind | None
    form: type[ticket_steps.StepForm]
    label: str | Promise
    grave: bool = False
    page: str = ""


BUTTONS: dict[str, Button] = {
    "choose_standard": Button(E.CHOSE_STANDARD, ticket_steps.BareForm, _("The member takes standard speed")),
    "accept": Button(E.ACCEPTED, ticket_steps.StepForm, _("Accept the job")),
    "book_in": Button(E.BOOKED_IN, ticket_steps.BookInForm, _("Book it in")),
    "assess": Button(E.ASSESSED, ticket_steps.WorkForm, _("Assessed")),
    "answer_estimate": Button(E.ESTIMATE_APPROVED, ticket_steps.AnswerForm, _("Record the answer to the estimate")),
    "answer_question": Button(E.QUESTION_ANSWERED, ticket_steps.StepForm, _("The question was answered")),
    "part_arrived": Button(E.PART_ARRIVED, ticket_steps.PartForm, _("A part arrived")),
    "start_repair": Button(E.REPAIR_STARTED, ticket_steps.WorkForm, _("Start the work")),
    "ready": Button(E.READY, ticket_steps.StepForm, _("Ready to ship")),
    "order_part": Button(E.PART_ORDERED, ticket_steps.OrderPartForm, _("Order a part")),
    "send_estimate": Button(
        E.ESTIMATE_SENT, ticket_steps.BareForm, _("Write the estimate"), page="admin:servicing_ticket_estimate"
    ),
    "ship": Button(E.SHIPPED, ticket_steps.ShipForm, _("Shipped")),
    "deliver": Button(E.DELIVERED, ticket_steps.StepForm, _("Delivered")),
    "close": Button(E.CLOSED, ticket_steps.EndForm, _("Close: the customer has it")),
    "expect_part": Button(E.PART_EXPECTED, ticket_steps.ExpectPartForm, _("Change the date of a part")),
    "serial_changed": Button(E.SERIAL_CHANGED, reports_forms.SerialForm, _("Record a new serial number")),
    "other_fault": Button(E.OTHER_FAULT, reports_forms.OtherFaultForm, _("It is another fault")),
    "no_charge": Button(E.NO_CHARGE, ticket_steps.NoChargeForm, _("No charge")),
    "decide_warranty": Button(E.WARRANTY_DECIDED, ticket_steps.WarrantyForm, _("Decide the warranty")),
    "sent": Button(E.SENT, ticket_steps.StepForm, _("On its way to us")),
    "withdraw_estimate": Button(E.ESTIMATE_WITHDRAWN, ticket_steps.BareForm, _("Take the estimate back"), grave=True),
    "cancel": Button(E.CANCELLED, ticket_steps.EndForm, _("Cancel the job"), grave=True),
}
REPORT, FOLLOW_UP = "report", "follow_up"
OTHER_BUTTONS = {
    REPORT: Button(None, reports_forms.ReportForm, _("Service report")),
    FOLLOW_UP: Button(None, reports_forms.FollowUpForm, _("The same fault came back")),
}
# Two events with one press. Shown only while it is the proposed step.
COMPOUND: dict[str, Button] = {
    Step.ARRIVE_AND_START: Button(E.REPAIR_STARTED, ticket_steps.ArriveForm, _("Part arrived, start the work")),
}
WRITE, NOTE, READ, INSERT, TECHNICIAN, PHOTOS = "write", "note", "read", "insert", "technician", "photos"
BOOK_IN = "book_in"
WITH_FILES = (WRITE, BOOK_IN, PHOTOS)
TALKING: dict[str, str | Promise] = {
    WRITE: _("Message sent"),
    NOTE: _("Note kept"),
    READ: _("Marked as read"),
    TECHNICIAN: _("Technician changed"),
    PHOTOS: _("Photos added"),
}
WARN_OF_LOAN = ("ready", "ship", "deliver", "close", "cancel")  # while the loan of the job is out (R53)
