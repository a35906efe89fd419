"""The member's forms on a ticket's page."""

from django import forms
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.forms import UploadsField
from cps_portal.core.lib.forms import LongText
from servicing.actions.messages import MAX_TEXT_LENGTH
from servicing.queries.file_access import PURPOSE


class MessageForm(forms.Form):
    """A message to the centre."""

    text = LongText(
        label=_("Write to the centre"),
        rows=4,
        max_length=MAX_TEXT_LENGTH,
        error_messages={"required": _("Type your message.")},
    )
    files = UploadsField(purpose=PURPOSE, label=_("Photos or documents"), required=False)  # type: ignore[assignment]
