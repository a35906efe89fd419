"""Browsers that are told at once what happens, if the member chose it there (R56)."""

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from members.enums import PushKind
from members.models.sign_ins import Device, Session


class PushSubscriptionQuerySet(models.QuerySet["PushSubscription"]):
    def signed_in(self, at: datetime) -> "PushSubscriptionQuerySet":
        """Those of browsers whose session is open."""
        sessions = Session.objects.filter(session_key=OuterRef("device__session_key"), expire_date__gt=at)
        return self.filter(Exists(sessions))


class PushSubscription(models.Model):
    """Where a push service takes messages for one browser, and the keys that only this browser can read them with.

    It belongs to the device, and goes with it: at signing out, with a new password, and when the person is erased. The
    address is a secret: whoever knows it could send something.
    """

    device = models.OneToOneField(Device, models.CASCADE, related_name="push", verbose_name=_("device"))
    endpoint = models.CharField(_("address at the push service"), max_length=1000, unique=True, editable=False)
    p256dh = models.CharField(max_length=100, editable=False)
    auth = models.CharField(max_length=30, editable=False)
    kinds = ArrayField(models.CharField(max_length=10, choices=PushKind), verbose_name=_("what about"))
    created_at = models.DateTimeField(_("since"))
    sent_at = models.DateTimeField(_("last sent"), null=True, blank=True)

    objects = PushSubscriptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("push subscription")
        verbose_name_plural = _("push subscriptions")
        constraints = [
            models.CheckConstraint(name="push_about_something", condition=models.Q(kinds__len__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.device}: {', '.join(self.kinds)}"
