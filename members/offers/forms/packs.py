"""The address form of the Welcome Pack (R36)."""

from typing import Any

from django.urls import reverse_lazy

from members.forms.addresses import PostalAddressForm


class PackForm(PostalAddressForm):
    """Where the Welcome Pack goes. A change of country fetches the form with the fields of that country."""

    def __init__(self, data: Any = None, *, initial: dict[str, Any]) -> None:
        super().__init__(data, initial=initial)
        self.fields["country"].widget.attrs |= {
            "hx-post": reverse_lazy("offers:pack"),
            "hx-vals": '{"go": "country"}',
            "hx-trigger": "change",
            "hx-target": "#pack-form",
            "hx-swap": "outerHTML",
        }
