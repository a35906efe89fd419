from django.db import models
from django.utils.translation import gettext_lazy as _


class Stage(models.TextChoices):
    """The stages of a product, in order; its points fall from one to the next (R20)."""

    CURRENT = "current", _("Current")
    SUPERSEDED = "superseded", _("Superseded")
    UNSERVICEABLE = "unserviceable", _("No longer serviceable")

    @property
    def rank(self) -> int:
        return list(Stage).index(self)


class VideoClass(models.TextChoices):
    """Kinds of video products. Repairs of some of them take at least five days (R45)."""

    CINEMA_EOS = "cinema-eos", _("Cinema EOS")
    X_SERIES = "x-series", _("X series camcorder")
    CONSUMER = "consumer", _("Consumer video")
    OTHER = "other", _("Other video")


class Shelf(models.TextChoices):
    """Groups of categories, by which members look for a product."""

    BODIES = "bodies", _("Bodies")
    LENSES = "lenses", _("Lenses")
    VIDEO = "video", _("Video")
    FLASH = "flash", _("Flash")
    PRINTERS = "printers", _("Printers")
    OTHER = "other", _("Other kit")


class SerialPlace(models.TextChoices):
    """Where to find the serial number (R27)."""

    BODY_BASE = (
        "BODY-BASE",
        _("On the sticker under the body. On some models behind the fold-out screen or in the battery bay."),
    )
    BODY_TOP = "BODY-TOP", _("On the top plate or the back, near the rewind crank or the accessory shoe.")
    CINE_BODY = "CINE-BODY", _("On the label under the camera, or in the battery bay.")
    LENS_MOUNT = "LENS-MOUNT", _("On the barrel close to the mount, or printed on the mount itself.")
    LENS_RING = "LENS-RING", _("Engraved on the front ring, or on the mount side.")
    LENS_BARREL = "LENS-BARREL", _("Engraved on the barrel, or on a label there.")
    FLASH_FOOT = "FLASH-FOOT", _("On the underside, beside the mounting foot.")
    CAMCORDER_BASE = "CAMCORDER-BASE", _("On the underside, or behind the battery.")
    PTZ_BASE = "PTZ-BASE", _("On the label on the base.")
    PRN_REAR = (
        "PRN-REAR",
        _("On the label at the back. On many all-in-ones also inside, under the scanner unit."),
    )
    PRN_BASE = "PRN-BASE", _("On the underside.")
    SCN_BASE = "SCN-BASE", _("On the label underneath or at the back.")
    BINO_BODY = "BINO-BODY", _("On the underside, or inside the battery cover.")
    PROJ_BASE = "PROJ-BASE", _("On the label underneath or at the back.")
    ACC_LABEL = "ACC-LABEL", _("On a label or engraved. Some accessories have none.")


class RegistrationState(models.TextChoices):
    """The states of a registration (R18)."""

    DRAFT = "draft", _("Details missing")
    SUBMITTED = "submitted", _("Being checked")
    VALIDATED = "validated", _("Counted")
    REJECTED = "rejected", _("Waiting for you")
    REMOVED = "removed", _("Removed")
    TRANSFERRED = "transferred", _("Handed over")


LIVE = (
    RegistrationState.DRAFT,
    RegistrationState.SUBMITTED,
    RegistrationState.VALIDATED,
    RegistrationState.REJECTED,
)
NEEDS_MEMBER = (RegistrationState.DRAFT, RegistrationState.REJECTED)  # the blue dot (R18)
SUBMITTED_STATES = (RegistrationState.SUBMITTED, RegistrationState.VALIDATED)  # of one serial number once (R31)
WAITING = (RegistrationState.DRAFT, RegistrationState.SUBMITTED, RegistrationState.REJECTED)


class ReviewReason(models.TextChoices):
    """Why the automatic check left a registration to a person (R19)."""

    DUPLICATE = "duplicate", _("Another member holds this serial number")
    SHAPE = "shape", _("The serial number looks unusual")
    DATE = "date", _("Bought before the product came out")
    NO_SERIAL = "no_serial", _("There is no serial number on the item")
    SAMPLE = "sample", _("Chosen at random")
    REFUSALS = "refusals", _("Several of this member’s products were refused")
    STOLEN = "stolen", _("Reported stolen")
    REPLACED = "replaced", _("A service centre has replaced this serial number")
    APPEAL = "appeal", _("The member appealed")
    ASKED = "asked", _("The member added what we asked for")


class SerialChangeState(models.TextChoices):
    """What became of a new serial number (R64)."""

    APPLIED = "applied", _("The new number counts")
    CLAIMED = "claimed", _("Someone else holds the new number")
    DROPPED = "dropped", _("The old number stays")


class RefusalReason(models.TextChoices):
    """Why a registration was refused (R19). Staff choose the reason, and the member reads it."""

    SERIAL_WRONG = "serial_wrong", _("The serial number doesn’t belong to this product.")
    SERIAL_UNREADABLE = "serial_unreadable", _("We couldn’t confirm the serial number.")
    HELD_ELSEWHERE = "held_elsewhere", _("This serial number is already registered.")
    DETAILS_WRONG = "details_wrong", _("The details of the purchase don’t match the product.")
    NEEDS_SERIAL = "needs_serial", _("This product has a serial number. Please look for it and add it.")
    NEEDS_EVIDENCE = "needs_evidence", _("We need to see more before it can count.")
    NEEDS_PROOF = "needs_proof", _("We check a few at random, so we need to see the proof of purchase.")
    LOST_CLAIM = "lost_claim", _("Another member showed that this product is theirs.")
    NOT_OURS = "not_ours", _("This product can’t be registered. Please contact us.")


ASKING = (RefusalReason.NEEDS_EVIDENCE, RefusalReason.NEEDS_PROOF)  # the member has to add something


class DecisionKind(models.TextChoices):
    """What staff decide in the queue (R19, R32)."""

    APPROVE = "approve", _("Approved")
    REFUSE = "refuse", _("Refused")
    ASK = "ask", _("Asked for more")
    CLAIM = "claim", _("Claim decided")


class HeldState(models.TextChoices):
    """What became of a decision that was held (R54)."""

    HELD = "held", _("Held")
    APPLIED = "applied", _("Applied")
    UNDONE = "undone", _("Taken back")
    DROPPED = "dropped", _("Dropped, because something had changed")


class EvidenceKind(models.TextChoices):
    """What a file shows (R25)."""

    RECEIPT = "receipt", _("Proof of purchase")
    SERIAL = "serial", _("Photo of the serial number")
    OTHER = "other", _("Photo")


class RemovalReason(models.TextChoices):
    """Why a member takes a product out of the Kitbag (R26)."""

    SOLD = "sold", _("Sold or given away")
    LOST = "lost", _("Lost")
    RETIRED = "retired", _("Worn out")
    MISTAKE = "mistake", _("Added by mistake")


class ProposalState(models.TextChoices):
    OPEN = "open", _("Waiting for staff")
    WITHDRAWN = "withdrawn", _("Withdrawn by a later load")
    PLANNED = "planned", _("Planned")
    DECLINED = "declined", _("Declined by staff")


class ShapeUse(models.TextChoices):
    WARN = "warn", _("Another format goes to a person")
    OPTIONAL = "optional", _("The number may be absent")


class ClaimOutcome(models.TextChoices):
    """How a claim to a serial number ended (R32)."""

    HOLDER = "holder", _("Whoever held it keeps it")
    CLAIMANT = "claimant", _("It goes to whoever claimed it")
    NEITHER = "neither", _("Neither showed that it is theirs")
    WITHDRAWN = "withdrawn", _("One of them took it back")


class RetailerKind(models.TextChoices):
    SPECIALIST = "specialist", _("Camera specialist")
    PROFESSIONAL = "professional", _("Photo and video specialist for professionals")
    CHAIN = "chain", _("Electronics chain")
    ONLINE = "online", _("Online shop")
    OTHER = "other", _("Other")


class ShopStatus(models.TextChoices):
    """What is known about a store as the member typed it (R24)."""

    NOT_SAID = "", _("Not said yet")
    AUTHORISED = "authorised", _("Authorised on that day")
    NOT_AUTHORISED = "not_authorised", _("Not authorised on that day")
    UNKNOWN = "unknown", _("Not a retailer we know")


class HoldReason(models.TextChoices):
    """Why a registration cannot leave the Kitbag for now (R50)."""

    SERVICE = "service", _("It’s in for service. You can do this when it’s back.")
    LOAN = "loan", _("You have a loan in its place. You can do this once the loan is back.")


class SaleWithdrawal(models.TextChoices):
    """Why a retailer withdraws a sale (R55)."""

    RETURNED = "returned", _("The product was returned")
    MISTAKE = "mistake", _("It was confirmed by mistake")
    UNPAID = "unpaid", _("It was never paid")
