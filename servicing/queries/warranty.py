"""How long the warranty of a product lasts (R60)."""

from kitbag.models import Registration
from servicing.models import WarrantyPeriod


def warranty_months(registration: Registration) -> int | None:
    """By its kind and the country where it was bought; None if nobody has entered a period."""
    countries = (registration.country.code or "", "")
    rows = WarrantyPeriod.objects.filter(shelf=registration.product.shelf, country__in=countries)
    months = {row.country.code or "": row.months for row in rows}
    return next((months[country] for country in countries if country in months), None)
