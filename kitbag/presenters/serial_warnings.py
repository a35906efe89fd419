"""Sentences for partners about a serial number that was taken although it looks wrong (R30, R55)."""

from django.utils.translation import gettext_lazy as _

from kitbag.presenters.texts import serial_sentence
from kitbag.rules import SerialFinding


def serial_warning(finding: SerialFinding) -> str:
    """As `serial_sentence`, without the box that members tick."""
    if finding.code == "shape":
        sentence = (
            _(
                "This doesn’t look like a serial number of this product, such as %(example)s."
                " Compare it with the product."
            )
            if finding.example
            else _("This doesn’t look like a serial number of this product. Compare it with the product.")
        )
        return str(sentence) % {"example": finding.example}
    return serial_sentence(finding)
