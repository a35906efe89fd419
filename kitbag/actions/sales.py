"""Sales confirmed by retailers, and which reviews they make unnecessary (R19, R55).

A sale matches a registration with the same product, serial number and country if the dates are at most a week apart.
Then no person has to look at an unusual serial number, a random sample or earlier refusals. A sale proves nothing about
theft (R34) or about another holder of the serial number (R32), and it does not replace evidence that staff asked for. A
sale that does not match says nothing about the registration.

Both are processed after their own commit, so that whichever comes second sees the other.
"""

from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.background import after_commit
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.partners import actions as partners
from cps_portal.core.partners.models import Partner
from kitbag import rules
from kitbag.actions.transitions import constraint_name
from kitbag.enums import ReviewReason, SaleWithdrawal
from kitbag.models import Product, Registration, Sale

WAIVED_BY_SALE = (ReviewReason.SHAPE, ReviewReason.SAMPLE, ReviewReason.REFUSALS)
MAX_AGE = timedelta(days=10 * 366)
MAX_AHEAD_OF_UTC = timedelta(hours=14)  # the easternmost time zone is UTC+14
MATCHED, WITHDRAWN = "sale.matched", "sale.withdrawn"


@transaction.atomic
def confirm_sale(
    *,
    partner: Partner,
    external_id: str,
    product: Product,
    serial: str,
    country: str,
    sold_on: date,
    receipt: str,
    at: datetime,
) -> tuple[Sale, bool]:
    """Record a sale; a task then validates the registration that it matches. Returns the sale and whether it is new.

    Idempotent by `external_id`: a second call returns the first sale. Raises Refusal: `serial`, `sold_on`,
    `registrable`, and `standing` if the serial number has a sale already that is not withdrawn.
    """
    earlier = Sale.objects.filter(partner=partner, external_id=external_id).first()
    if earlier:
        return earlier, False
    key = rules.serial_key(serial)
    if not key:
        raise Refusal("serial", _("A serial number has letters or digits. Copy it from the product."), "serial")
    if not product.registrable:
        raise Refusal("registrable", _("This product cannot be registered."), "product")
    if not at.date() - MAX_AGE <= sold_on <= (at + MAX_AHEAD_OF_UTC).date():
        raise Refusal("sold_on", _("This day is in the future or too long ago. Check the year."), "sold_on")
    try:
        with transaction.atomic():
            row = Sale.objects.create(
                partner=partner,
                external_id=external_id,
                product=product,
                serial=serial.strip(),
                serial_key=key,
                country=country,
                sold_on=sold_on,
                receipt=receipt.strip(),
                confirmed_at=at,
            )
    except IntegrityError as error:
        if constraint_name(error) == "sale_heard_once":
            return Sale.objects.get(partner=partner, external_id=external_id), False
        raise Refusal("standing", _("There is already a sale of this serial number."), "serial") from None
    after_commit("kitbag.match_sale", row.pk)
    return row, True


@transaction.atomic
def withdraw_sale(*, sale: Sale, why: SaleWithdrawal, at: datetime) -> Sale:
    """Withdraw a sale that a retailer confirmed. Idempotent.

    A matched registration still counts, because only a person may take points away (R21). Staff find the registrations
    that counted without a review because of this sale in the list of sales.
    """
    row = Sale.objects.select_for_update(of=("self",), no_key=True).select_related("partner").get(pk=sale.pk)
    if row.withdrawn_at is None:
        row.withdrawn_at, row.why_withdrawn = at, why
        row.save(update_fields=["withdrawn_at", "why_withdrawn"])
        _announce(row, WITHDRAWN, at)
    return row


def find_matching_sale(row: Registration) -> Sale | None:
    """The confirmed sale that matches a registration, or None."""
    if not row.serial_key or row.purchased_on is None:
        return None
    sales = Sale.objects.fitting(row.product_id, row.serial_key, row.country.code or "", row.purchased_on)
    return sales.select_related("partner").first()


def record_match(*, sale: Sale, registration: Registration, settled: str, at: datetime) -> None:
    """Link a sale to the validated registration that it matches, and notify the partner. Idempotent.

    `settled` is the review reason that the sale made unnecessary, or "". The caller has locked the registration.
    """
    unmatched = Sale.objects.select_for_update(of=("self",), no_key=True).filter(registration=None, withdrawn_at=None)
    row = unmatched.filter(pk=sale.pk).first()
    if row is None:
        return
    row.registration, row.matched_at, row.settled = registration, at, settled
    row.save(update_fields=["registration", "matched_at", "settled"])
    _announce(row, MATCHED, at)


def unmatched_sales(*, limit: int = 200) -> list[int]:
    """The keys of sales with a matching registration that were not matched: their task was lost."""
    return list(Sale.objects.to_match().order_by("pk").values_list("pk", flat=True)[:limit])


def _announce(row: Sale, type: str, at: datetime) -> None:  # noqa: A002
    partners.enqueue_webhook(
        partner=row.partner,
        type=type,
        key=f"{type.replace('.', '-')}-{row.pk}",
        subject=f"sales/{row.pk}",
        sequence=1 if type == MATCHED else 2,
        renderer="kitbag.partner_sale",
        at=at,
        sale=row.pk,
    )
