from django.db import models
from django.utils.translation import gettext_lazy as _


class OfferKind(models.TextChoices):
    """R36, R59."""

    WELCOME_PACK = "welcome_pack", _("Welcome Pack")
    EVENT = "event", _("Event")
    SPECIAL = "special", _("Special offer")


class OfferState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", _("Published")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class PlaceState(models.TextChoices):
    """What became of a sign-up (R59)."""

    HELD = "held", _("Has a place")
    WAITING = "waiting", _("Waiting in line")
    GIVEN_BACK = "given_back", _("Given back")


class PackState(models.TextChoices):
    """Where a Welcome Pack is (R38)."""

    REQUESTED = "requested", _("Asked for")
    ACCEPTED = "accepted", _("With the fulfilment house")
    PACKED = "packed", _("Packed")
    DISPATCHED = "dispatched", _("On its way")
    RETURNED = "returned", _("Came back")
    RECEIVED = "received", _("Received")
    CANCELLED = "cancelled", _("Cancelled")


class PackStep(models.TextChoices):
    """What happened to a Welcome Pack."""

    ASKED = "asked", _("Asked for")
    ACCEPTED = "accepted", _("Accepted by the fulfilment house")
    PACKED = "packed", _("Packed")
    DISPATCHED = "dispatched", _("Dispatched")
    RETURNED = "returned", _("Returned to the fulfilment house")
    SENT_AGAIN = "sent_again", _("To be sent again")
    RECEIVED = "received", _("Received, says the member")
    MISSING = "missing", _("Not received, says the member")
    CANCELLED = "cancelled", _("Cancelled by staff")


PARTNER_STEPS = (PackStep.ACCEPTED, PackStep.PACKED, PackStep.DISPATCHED, PackStep.RETURNED)


class ReturnReason(models.TextChoices):
    """Why a pack came back, as the house reports it."""

    UNKNOWN_ADDRESS = "unknown_address", _("The address was not found")
    NOT_COLLECTED = "not_collected", _("Nobody was there, and it was not collected")
    REFUSED = "refused", _("It was refused")
    DAMAGED = "damaged", _("It was damaged on its way")
    OTHER = "other", _("Another reason")


class CardEnd(models.TextChoices):
    """Why a card stopped being valid (R40, R41)."""

    LOST = "lost", _("Lost or stolen")
    DAMAGED = "damaged", _("Damaged")
    LEAKED = "leaked", _("Its code got into other hands")
    NAME = "name", _("The name changed")
    CLOSED = "closed", _("The account was closed")
