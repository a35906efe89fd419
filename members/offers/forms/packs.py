"""The address form of the Welcome Pack (R36)."""

from typing import Any

from django.urls import reverse_lazy

from members.forms.addresses import PostalAddressForm


class PackForm(PostalAddressForm):
    """Where the Welcome Pack goes. A change of country fetches the form for that country from `page`."""

    page = reverse_lazy("offers:pack")

    def __init__(self, data: Any = None, *, initial: dict[str, Any]) -> None:
        super().__init__(data, initial=initial)
        self.fields["country"].widget.attrs |= {
            "hx-post": self.page,
            "hx-vals": '{"go": "country"}',
            "hx-trigger": "change",
            "hx-target": "#pack-form",
            "hx-swap": "outerHTML",
        }


class CorrectedAddressForm(PackForm):
    """Where a pack that came back goes now (R37)."""

    page = reverse_lazy("offers:pack_again")


class ReturnedCardForm(PackForm):
    """Where a card that came back goes now (R40)."""

    page = reverse_lazy("offers:card_again")


class CardAddressForm(PackForm):
    """Where the new card goes (R40)."""

    page = reverse_lazy("offers:card_lost")
