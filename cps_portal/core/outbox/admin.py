"""The outbox in the admin."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.admin import ReadOnlyAdmin
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox import actions
from cps_portal.core.outbox.models import Message, Suppression


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin[Message]):
    """A log: nothing is added, changed or deleted. Only superusers see the text, because it may hold sign-in links."""

    list_display = ["key", "kind", "to", "state", "attempts", "created_at", "next_at", "sent_at"]
    list_filter = ["state", "kind", "created_at"]
    search_fields = ["key", "to", "request_id__exact"]
    ordering = ["-pk"]
    actions = ["send_again", "cancel"]

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Whether the user may send again and cancel: needs the permission to change messages."""
        return request.user.is_active and request.user.is_staff and request.user.has_perm("outbox.change_message")

    def get_fields(self, request: HttpRequest, obj: Message | None = None) -> list[Any]:
        fields = ["key", "kind", "ordering_key", "to", "subject", "state", "attempts", "answer"]
        fields += ["created_at", "next_at", "sent_at", "blanked_at", "request_id"]
        return [*fields, "text"] if request.user.is_superuser else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Message | None = None) -> list[Any]:
        return self.get_fields(request, obj)

    @admin.display(description=_("subject"))
    def subject(self, message: Message) -> str:
        return str(message.payload.get("subject", ""))

    @admin.display(description=_("text"))
    def text(self, message: Message) -> str:
        return str(message.payload.get("text", ""))

    @admin.action(description=_("Send again"), permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        done = self._each(request, queryset, actions.retry, gettext("Queued again."))
        if done:
            text = ngettext("%(n)d message is queued again.", "%(n)d messages are queued again.", done)
            self.message_user(request, text % {"n": done}, messages.SUCCESS)

    @admin.action(description=_("Cancel"), permissions=["send"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        done = self._each(request, queryset, actions.cancel, gettext("Cancelled."))
        if done:
            text = ngettext("%(n)d message is cancelled.", "%(n)d messages are cancelled.", done)
            self.message_user(request, text % {"n": done}, messages.SUCCESS)

    def _each(
        self, request: HttpRequest, queryset: QuerySet[Message], action: Callable[..., Message], note: str
    ) -> int:
        """Call `action` for each message and log it; show why if it is refused. Returns how many succeeded."""
        user: Any = request.user
        by: AbstractBaseUser = user
        done = 0
        for message in queryset.order_by("pk"):
            try:
                action(message=message, by=by, at=timezone.now())
            except Refusal as refusal:
                self.message_user(request, f"{message.key}: {refusal}", messages.ERROR)
            else:
                self.log_change(request, message, note)
                done += 1
        return done


@admin.register(Suppression)
class SuppressionAdmin(ReadOnlyAdmin[Suppression]):
    """Addresses that get only essential mails. They are lifted when their owner confirms them again."""

    list_display = ["address", "reason", "since", "answer", "lifted_at"]
    ordering = ["-pk"]
    list_filter = ["reason", ("lifted_at", admin.EmptyFieldListFilter), "since"]
    search_fields = ["address"]
