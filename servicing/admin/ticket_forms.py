"""The forms on the page of a job, with what is known filled in (R52, R54)."""

from typing import Any
from uuid import uuid4

from django.http import HttpRequest

from members.models import User
from servicing.actions import reports
from servicing.admin.ticket_buttons import (
    BOOK_IN,
    BUTTONS,
    COMPOUND,
    FOLLOW_UP,
    NOTE,
    OTHER_BUTTONS,
    PHOTOS,
    READ,
    REPORT,
    TECHNICIAN,
    WITH_FILES,
    WRITE,
    Button,
)
from servicing.enums import WhyNoWarranty
from servicing.forms import ticket_steps
from servicing.models import ServiceReport
from servicing.queries.cover import find_open_follow_up, is_covered
from servicing.queries.job import JobReading, last_carrier
from servicing.rules import next_moves
from servicing.rules.next_step import Step
from servicing.rules.warranty import is_over

StepForms = dict[str, ticket_steps.StepForm]
REPORT_FIELDS = ("done", "notes", "parts", "technician")
ALL_BUTTONS: dict[str, Button] = {**COMPOUND, **BUTTONS, **OTHER_BUTTONS}
TALKING_FORMS: dict[str, type[ticket_steps.StepForm]] = {
    WRITE: ticket_steps.WriteForm,
    NOTE: ticket_steps.NoteForm,
    READ: ticket_steps.ReadForm,
    TECHNICIAN: ticket_steps.TechnicianForm,
    PHOTOS: ticket_steps.PhotosForm,
}


def step_forms(request: HttpRequest, job: JobReading, posted: str) -> StepForms:
    """The forms by the name of their button, the proposed one first. Only the one that was pressed is bound."""
    shown = {name for name, button in ALL_BUTTONS.items() if _is_possible(name, button, job)} | {posted}
    names = sorted((name for name in ALL_BUTTONS if name in shown), key=lambda name: name != job.proposed)
    return {name: _form(request, job, name, is_pressed=name == posted) for name in names}


def _is_possible(name: str, button: Button, job: JobReading) -> bool:
    ticket = job.ticket
    if name == REPORT:
        return reports.may_write_report(ticket)
    if name == FOLLOW_UP:
        return is_covered(ticket, job.now) and find_open_follow_up(ticket) is None
    if name in COMPOUND:
        return name == job.proposed
    if issubclass(button.form, ticket_steps.PartForm) and not job.missing:
        return False
    if name == "answer_question" and not job.clock.has_open_question:
        return False
    return button.kind in next_moves(ticket.state, ticket.charge, follows=ticket.follows_id is not None)


def _form(request: HttpRequest, job: JobReading, name: str, *, is_pressed: bool) -> ticket_steps.StepForm:
    data = request.POST if is_pressed else None
    sent = request.FILES if is_pressed and name in WITH_FILES else None
    user: Any = request.user
    facts: dict[str, Any] = {"ticket": job.ticket, "technicians": job.technicians, "prefix": name}
    return ALL_BUTTONS[name].form(data, sent, initial=_initial(job, name, user), **facts)


def talking_forms(request: HttpRequest, job: JobReading, posted: str) -> StepForms:
    """The forms of messages and notes, and the one that gives the job to somebody."""
    ticket = job.ticket
    last = ticket.messages.order_by("pk").last()
    initial = {"once": uuid4().hex, "seen": last.pk if last else 0, "technician": ticket.technician_id}
    forms: StepForms = {}
    for name, form in TALKING_FORMS.items():
        data, sent = (request.POST, request.FILES) if name == posted else (None, None)
        forms[name] = form(data, sent, ticket=ticket, technicians=job.technicians, prefix=name, initial=initial)
    return forms


def _initial(job: JobReading, name: str, user: User) -> dict[str, Any]:
    ticket = job.ticket
    initial: dict[str, Any] = {"once": uuid4().hex, "technician": _technician(job, user)}
    if name == BOOK_IN:
        initial |= {"condition": ticket.condition, "accessories": ticket.accessories}
    if name == REPORT and (report := ServiceReport.objects.filter(ticket=ticket).first()):
        initial |= {field: getattr(report, field) for field in REPORT_FIELDS}
    elif name == REPORT:
        del initial["technician"]
    if name == "decide_warranty" and is_over(ticket.warranty_until, ticket.centre.today(ticket.opened_at)):
        initial["why"] = WhyNoWarranty.EXPIRED  # proposed: the centre decides (R60)
    if name == Step.ORDER_PART and job.agreed_parts and not job.parts:
        initial["name"] = job.agreed_parts[0].text
    if name == Step.SHIP == job.proposed:
        initial["carrier"] = last_carrier(ticket)
    return initial


def _technician(job: JobReading, user: User) -> int | None:
    """Who has the job; else the reader, if they work at the centre."""
    if job.ticket.technician_id:
        return job.ticket.technician_id
    return user.pk if any(each.pk == user.pk for each, _jobs in job.technicians) else None
