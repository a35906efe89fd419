from django.db import models
from django.utils.translation import gettext_lazy as _


class CaseKind(models.TextChoices):
    """What a case is about, as the person chooses it (R58). Claims and appeals are opened elsewhere (R19, R31)."""

    CONTACT = "contact", _("A question")
    KIT = "kit", _("My Kitbag or my points")
    SECOND_HAND = "second_hand", _("Second-hand kit")
    REPAIR = "repair", _("A repair or a loan")
    LOST_CARD = "lost_card", _("Lost card")
    MISSING_PACK = "missing_pack", _("Missing welcome pack")
    PACK_LATE = "pack_late", _("Welcome pack not confirmed by the house")
    CLAIM = "claim", _("Claim to a serial number")
    APPEAL = "appeal", _("Appeal against a refusal")


TOPICS = [kind for kind in CaseKind if kind not in (CaseKind.PACK_LATE, CaseKind.CLAIM, CaseKind.APPEAL)]


class CaseState(models.TextChoices):
    """Whose turn it is."""

    OPEN = "open", _("With support")
    WAITING = "waiting", _("Waiting for the member")
    ANSWERED = "answered", _("Answered")
    CLOSED = "closed", _("Closed")


class MessageAuthor(models.TextChoices):
    MEMBER = "member", _("Member")
    VISITOR = "visitor", _("Visitor")
    STAFF = "staff", _("Support")
    PORTAL = "portal", _("The portal")
