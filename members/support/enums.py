from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class CaseKind(models.TextChoices):
    """The topic of a case (R58). The last three are chosen by the portal, not in the contact form (R19, R31, R38)."""

    CONTACT = "contact", _("A question")
    KIT = "kit", _("My Kitbag or my points")
    SECOND_HAND = "second_hand", _("Second-hand kit")
    REPAIR = "repair", _("A repair or a loan")
    LOST_CARD = "lost_card", _("Lost card")
    MISSING_PACK = "missing_pack", _("Missing Welcome Pack")
    PACK_LATE = "pack_late", _("Welcome Pack not confirmed by the fulfilment partner")
    CLAIM = "claim", _("Claim on a serial number")
    APPEAL = "appeal", _("Appeal against a refusal")


TOPICS = [kind for kind in CaseKind if kind not in (CaseKind.PACK_LATE, CaseKind.CLAIM, CaseKind.APPEAL)]


class CaseState(models.TextChoices):
    """Whose turn it is."""

    OPEN = "open", _("With support")
    WAITING = "waiting", _("Waiting for the member")
    ANSWERED = "answered", _("Answered")
    CLOSED = "closed", pgettext_lazy("case of support", "Closed")


class CaseRating(models.TextChoices):
    """What a customer says about our help after the end of a case, by one click."""

    GOOD = "good", _("Yes, it helped")
    BAD = "bad", _("No, it didn’t help")


class CaseGroup(models.TextChoices):
    """Where a case stands in the inbox, by urgency."""

    OVERDUE = "overdue", _("Overdue")
    OURS = "ours", _("Waiting for us")
    THEIRS = "theirs", _("Waiting for the customer")
    SNOOZED = "snoozed", _("Snoozed")
    CLOSED = "closed", pgettext_lazy("case of support", "Closed")


class Then(models.TextChoices):
    """What happens to a case after an answer."""

    ANSWERED = "answered", _("then: nothing more to do")
    WAIT = "wait", _("then: wait for the reply")
    SNOOZE = "snooze", _("then: snooze until tomorrow")
    CLOSE = "close", _("then: close")


class MessageAuthor(models.TextChoices):
    MEMBER = "member", _("Member")
    VISITOR = "visitor", _("Visitor")
    STAFF = "staff", _("Support")
    PORTAL = "portal", _("The portal")
