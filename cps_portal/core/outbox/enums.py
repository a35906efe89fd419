from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    """How a message is sent; settings.OUTBOX_SENDERS names the sender of each."""

    MAIL = "mail", _("E-mail")
    WEBHOOK = "webhook", _("Webhook")
    PUSH = "push", _("Push message")


class State(models.TextChoices):
    QUEUED = "queued", _("Waiting")
    SENDING = "sending", _("Being sent")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    HELD = "held", _("Held: may have left before a restore")


class SuppressionReason(models.TextChoices):
    """Why an address gets only essential mails."""

    BOUNCED = "bounced", _("Mails come back")
    COMPLAINED = "complained", _("Was marked as spam")


OPEN = (State.QUEUED, State.SENDING)
FINISHED = (State.SENT, State.FAILED, State.CANCELLED)
CANCELLABLE = (State.QUEUED, State.HELD)

# States from which a message can be sent again. A webhook always can: the receiver recognises its id.
RESENDABLE_STATES = {
    Kind.MAIL: (State.FAILED, State.CANCELLED, State.HELD),
    Kind.PUSH: (State.FAILED, State.CANCELLED, State.HELD),
    Kind.WEBHOOK: (State.QUEUED, State.SENT, State.FAILED, State.CANCELLED, State.HELD),
}
