"""Special days and estimated holidays, as staff edit them (R72)."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from servicing.actions.calendars import MAX_DAYS_MOVED
from servicing.enums import HolidayAnswer
from servicing.models import EstimatedHoliday


class EstimatedHolidayForm(forms.ModelForm[EstimatedHoliday]):
    """The answer to when a holiday really is."""

    answer = forms.ChoiceField(label=_("Answer"), choices=HolidayAnswer.choices, widget=forms.RadioSelect)

    class Meta:
        model = EstimatedHoliday
        fields = ["answer", "moved_to"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        moved_to, is_moved = data.get("moved_to"), data.get("answer") == HolidayAnswer.MOVED
        if is_moved and not moved_to:
            self.add_error("moved_to", _("Say to which day it has moved."))
        elif not is_moved and moved_to and "answer" in data:
            self.add_error("moved_to", _("Leave this empty, or choose “It is on another day”."))
        elif moved_to and not 0 < abs((moved_to - self.instance.day).days) <= MAX_DAYS_MOVED:
            message = _("Choose another day, at most %(days)s days away.") % {"days": MAX_DAYS_MOVED}
            self.add_error("moved_to", message)
        return data
