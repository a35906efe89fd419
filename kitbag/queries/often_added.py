"""What members of a country register most, so that it need not be typed (R16). Never of so few that they are known."""

from datetime import datetime, timedelta

from django.core.cache import cache
from django.db.models import Count

from kitbag.enums import RegistrationState
from kitbag.models import Product, Registration

COUNTED_FOR = timedelta(days=90)
MIN_MEMBERS = 10  # of a product in a country; below, what a member owns might be guessed
MAX_SHOWN = 4
MAX_KEPT = 20  # more than are shown: what a member has is left out
KEPT_SECONDS = 24 * 3600


def often_added(country: str, held: set[int], at: datetime) -> list[Product]:
    """The products that most members of the country have had approved lately, most first, without those in `held`.

    Counted once a day for each country: nobody can watch a number change.
    """
    key = f"often-added.{country}"
    keys = cache.get(key)
    if keys is None:
        keys = count_often_added(country, at)
        cache.set(key, keys, KEPT_SECONDS)
    keys = [pk for pk in keys if pk not in held][:MAX_SHOWN]
    products = Product.objects.registrable().in_bulk(keys) if keys else {}
    return [products[pk] for pk in keys if pk in products]


def count_often_added(country: str, at: datetime) -> list[int]:
    """Keys of products, those of most members first."""
    lately = Registration.objects.filter(
        member__country=country, state=RegistrationState.VALIDATED, submitted_at__gte=at - COUNTED_FOR
    )
    counted = lately.order_by().values("product").annotate(members=Count("member", distinct=True))
    often = counted.filter(members__gte=MIN_MEMBERS).order_by("-members", "product")
    return list(often.values_list("product", flat=True)[:MAX_KEPT])
