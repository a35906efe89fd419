from celery import shared_task
from django.utils import timezone

from servicing.actions import calendars, digests, erasure, estimates, loans, places, shipping, targets


@shared_task(name="servicing.registration_validated")
def registration_validated(registration: int) -> None:
    """Make the open job of the registration Fast Track, if a place is free (R50)."""
    places.on_registration_validated(registration=registration, at=timezone.now())


@shared_task(name="servicing.sweep_validations")
def sweep_validations() -> None:
    """The same for registrations whose task was lost."""
    places.sweep_validations(at=timezone.now())


@shared_task(name="servicing.member_moved")
def member_moved(member: int) -> None:
    """Take Fast Track from the member's jobs before intake, if it is not part of membership where they live (R6)."""
    places.on_member_moved(member=member, at=timezone.now())


@shared_task(name="servicing.sweep_homes")
def sweep_homes() -> None:
    """The same for moves whose task was lost, and for countries that have left the free programme."""
    places.sweep_homes(at=timezone.now())


@shared_task(name="servicing.flag_overdue")
def flag_overdue() -> None:
    """Record missed targets and offer loans (R48)."""
    targets.flag_overdue(at=timezone.now())


@shared_task(name="servicing.follow_calendars")
def follow_calendars() -> None:
    """Move the targets of open jobs at centres whose calendar has changed (R72)."""
    calendars.follow_calendars(at=timezone.now())


@shared_task(name="servicing.check_holidays")
def check_holidays() -> None:
    """Ask staff about holidays that are only estimated, and warn of countries without any (R72)."""
    calendars.ask_about_holidays(at=timezone.now())
    calendars.warn_of_missing_holidays(at=timezone.now())


@shared_task(name="servicing.lapse_places")
def lapse_places() -> None:
    """Take back the places of products that were not booked in in time (R49)."""
    places.lapse_places(at=timezone.now())


@shared_task(name="servicing.expire_estimates")
def expire_estimates() -> None:
    """Remind of estimates that expire soon, and end those after their last day (R47, R62)."""
    estimates.remind_of_estimates(at=timezone.now())
    estimates.expire_estimates(at=timezone.now())


@shared_task(name="servicing.lapse_reservations")
def lapse_reservations() -> None:
    """Cancel reservations of loans that were never collected (R53)."""
    loans.lapse_reservations(at=timezone.now())


@shared_task(name="servicing.remind_of_loans")
def remind_of_loans() -> None:
    """Remind members of loans that are due back or overdue (R53)."""
    loans.remind(at=timezone.now())


@shared_task(name="servicing.delete_old_addresses")
def delete_old_addresses() -> None:
    """Delete return addresses some time after delivery (R61)."""
    shipping.delete_old_addresses(at=timezone.now())


@shared_task(name="servicing.mail_unanswered")
def mail_unanswered() -> None:
    """Mail centres about messages that they have not answered (R73)."""
    digests.mail_unanswered(at=timezone.now())


@shared_task(name="servicing.forget_visitors")
def forget_visitors() -> None:
    """Erase visiting members some weeks after their last job (R5)."""
    erasure.erase_visitors(at=timezone.now())
