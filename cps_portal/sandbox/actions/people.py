"""Sample members of a partner and what they have, made by the portal's own actions at moments in the past."""

from datetime import datetime, timedelta
from secrets import randbelow

from allauth.account.models import EmailAddress
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.partners.models import Partner
from cps_portal.sandbox.rules import PREFIX_DIGITS, PRODUCT, magic_number, sample_address
from kitbag.actions import registrations
from kitbag.actions.serials import check_product_serial
from kitbag.actions.transitions import lock_registration, validate
from kitbag.models import Product, Registration, Sale, StolenReport
from members import actions as members
from members.addresses import Address
from members.enums import Programme
from members.models import Member, TermsVersion, User, programme_in
from servicing.models import ServiceCentre

JOINED_AGO, BOUGHT_AGO, REGISTERED_AGO = timedelta(days=800), timedelta(days=500), timedelta(days=490)
DEFAULT_COUNTRY = "ZA"
STORE = "Sample Camera Co."


def sample_product() -> Product:
    """Raises Refusal `product` if the catalogue has not been loaded."""
    product = Product.objects.filter(slug=PRODUCT).first()
    if product is None:
        raise Refusal("product", _("The catalogue of this sandbox is empty. Load it first: manage.py load_catalogue."))
    return product


def join_member(*, partner: Partner, name: str, country: str, at: datetime) -> Member:
    """A new sample member, who joined two years ago and whose address nobody reads. They cannot sign in."""
    joined = at - JOINED_AGO
    versions = TermsVersion.objects.order_by("valid_from")
    terms = versions.filter(valid_from__lte=joined).last() or versions.first()
    if terms is None:
        raise Refusal("terms", _("This sandbox has no terms. Load them first: manage.py load_programme."))
    user = User.objects.create_user(sample_address(name, partner.slug))
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    profile = members.Profile(first_name=name.title(), last_name="Sample", country=country)
    member = members.join(user=user, profile=profile, is_adult=True, terms=terms, at=joined)
    current = versions.filter(valid_from__lte=at).last()
    if current and current != terms:
        members.accept_terms(member=member, terms=current, at=at)
    return member


def home_of(centre: ServiceCentre | None, at: datetime) -> str:
    """The country of the sample members: that of the centre, if the free programme is offered there."""
    country = centre.country.code if centre else DEFAULT_COUNTRY
    programme = programme_in(country, at.date())
    return country if programme and programme.kind == Programme.FREE else DEFAULT_COUNTRY


def submit(*, member: Member, serial: str, at: datetime, insisted: bool = False) -> Registration:
    """Add the sample product to the Kitbag and submit it, bought in the member's country more than a year ago."""
    registered = at - REGISTERED_AGO
    row = registrations.add_product(member=member, product=sample_product(), at=registered)
    bought = (at - BOUGHT_AGO).date()
    details = registrations.Details(serial, country=member.country.code, purchased_on=bought, store=STORE)
    return registrations.submit_registration(registration=row, details=details, insisted=insisted, at=registered)


def register(*, member: Member, serial: str, at: datetime) -> Registration:
    """The same, and it counts. Without the check, whose random sample would make each sandbox another one."""
    row = lock_registration(submit(member=member, serial=serial, at=at))
    validate(row, by=None, at=at - REGISTERED_AGO)
    return row


def new_prefix() -> str:
    """The first digits of serial numbers that nobody has, so that the samples of partners never meet."""
    product = sample_product()
    while True:
        prefix = "".join(str(randbelow(10)) for _digit in range(PREFIX_DIGITS))
        number, waiting = magic_number("new", prefix), magic_number("waiting", prefix)
        taken = Q(serial_key__startswith=prefix[:-1]) | Q(serial_key=waiting)
        is_taken = any(model.objects.filter(taken).exists() for model in (Registration, Sale, StolenReport))
        if not is_taken and not check_product_serial(product, number).code:
            return prefix


def address_of(member: Member) -> Address:
    return Address(
        name=member.full_name,
        country=member.country.code,
        street="1 Sample Street",
        city="Sample Town",
        postal_code="2000" if member.country.code == DEFAULT_COUNTRY else "",
        phone="+27100000000",
    )
