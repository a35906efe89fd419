from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class OfferKind(models.TextChoices):
    WELCOME_PACK = "welcome_pack", _("Welcome Pack")
    EVENT = "event", _("Event")
    SPECIAL = "special", _("Special offer")


class OfferState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", _("Published")
    WITHDRAWN = "withdrawn", pgettext_lazy("offer or event", "Withdrawn")


class PlaceState(models.TextChoices):
    """State of a sign-up (R59)."""

    HELD = "held", _("Has a place")
    WAITING = "waiting", _("On the waiting list")
    GIVEN_BACK = "given_back", pgettext_lazy("place at an event", "Cancelled")


class PackState(models.TextChoices):
    """State of a Welcome Pack (R38)."""

    REQUESTED = "requested", pgettext_lazy("Welcome Pack or card", "Requested")
    ACCEPTED = "accepted", _("With our packing partner")
    PACKED = "packed", pgettext_lazy("Welcome Pack or card", "Packed")
    DISPATCHED = "dispatched", _("On its way")
    RETURNED = "returned", pgettext_lazy("Welcome Pack or card", "Returned")
    RECEIVED = "received", _("Received")
    CANCELLED = "cancelled", pgettext_lazy("Welcome Pack or card", "Cancelled")


class PackStep(models.TextChoices):
    ASKED = "asked", pgettext_lazy("Welcome Pack or card", "Requested")
    ACCEPTED = "accepted", _("Accepted by the fulfilment partner")
    PACKED = "packed", pgettext_lazy("Welcome Pack or card", "Packed")
    DISPATCHED = "dispatched", _("Dispatched")
    RETURNED = "returned", _("Returned to the fulfilment partner")
    SENT_AGAIN = "sent_again", _("Sent again")
    RECEIVED = "received", _("Member confirmed receipt")
    MISSING = "missing", _("Member reported it missing")
    CANCELLED = "cancelled", pgettext_lazy("Welcome Pack or card", "Cancelled")


# The steps that a fulfilment partner can report.
PARTNER_STEPS = (PackStep.ACCEPTED, PackStep.PACKED, PackStep.DISPATCHED, PackStep.RETURNED)


class CancelReason(models.TextChoices):
    """Why a pack was cancelled."""

    STAFF = "staff", _("By staff")
    RESTING = "resting", _("The member lives outside the free programme")
    MERGED = "merged", _("Its card changed when accounts of one person were merged, or parted again")
    ARRIVES = "arrives", _("An earlier sending had left before it could be cancelled")
    CLOSED = "closed", _("The account was closed, and its time to reopen is over")


class ReturnReason(models.TextChoices):
    """Why a pack was returned, as reported by the fulfilment partner."""

    UNKNOWN_ADDRESS = "unknown_address", _("Address not found")
    NOT_COLLECTED = "not_collected", _("Nobody at home, and not collected")
    REFUSED = "refused", _("Delivery refused")
    DAMAGED = "damaged", _("Damaged in transit")
    OTHER = "other", _("Other reason")


class CardRequestState(models.TextChoices):
    """State of a card that replaces a lost one (R40)."""

    REPORTED = "reported", _("Waiting for the new card")
    REQUESTED = "requested", pgettext_lazy("Welcome Pack or card", "Requested")
    ACCEPTED = "accepted", _("With our packing partner")
    PACKED = "packed", pgettext_lazy("Welcome Pack or card", "Packed")
    DISPATCHED = "dispatched", _("On its way")
    RETURNED = "returned", pgettext_lazy("Welcome Pack or card", "Returned")
    CANCELLED = "cancelled", pgettext_lazy("Welcome Pack or card", "Cancelled")


class CardEnd(models.TextChoices):
    """Why a card is no longer valid (R40, R41)."""

    LOST = "lost", _("Lost or stolen")
    DAMAGED = "damaged", _("Damaged")
    LEAKED = "leaked", _("Code leaked")
    NAME = "name", _("Name changed")
    CLOSED = "closed", _("Account closed")
    MERGED = "merged", _("Two accounts of one person")
