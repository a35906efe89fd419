"""Rows for tests, created by the portal's own actions, so that no test sees a state that cannot occur."""

from datetime import date, datetime, timedelta

import factory
from django.db import transaction
from django.utils import timezone

from cps_portal.core.files.actions import Uploads
from kitbag import rules
from kitbag.actions import evidence, planning, registrations, stage_change_notices, stage_changes
from kitbag.actions.planning import Plan
from kitbag.actions.transitions import validate
from kitbag.enums import RegistrationState, SerialPlace, Shelf, Stage
from kitbag.models import Product, ProductName, Registration, StageChange
from members import actions as members
from members.models import Member, User
from tests.files import samples

PURCHASED = date(2023, 9, 12)
PASSWORD = "a short sentence works well"


class UserFactory(factory.django.DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@example.org")
    password = factory.django.Password(PASSWORD)


class ProductFactory(factory.django.DjangoModelFactory[Product]):
    class Meta:
        model = Product
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"EOS Test {n}")
    slug = factory.Sequence(lambda n: f"eos-test-{n}")
    category = "camera-mirrorless"
    shelf = Shelf.BODIES
    released_year = 2022
    serial_place = SerialPlace.BODY_BASE
    stage = Stage.CURRENT
    points_current = 300
    points_superseded = 120
    points_unserviceable = 60

    @factory.post_generation
    def named(self, create: bool, extracted: object, **kwargs: object) -> None:
        if create:
            ProductName.objects.create(product=self, name=self.name)


def details(serial: str = "012345678901", **changes: object) -> registrations.Details:
    """Four valid details (R17); override the one that the test is about."""
    values: dict[str, object] = {"country": "ZA", "purchased_on": PURCHASED, "store": "Rosebank Camera Co."}
    return registrations.Details(serial=serial, **{**values, **changes})  # type: ignore[arg-type]


def plan(product: Product, stage: Stage, at: datetime, **changes: object) -> Plan:
    """A change that takes effect a hundred days after `at`."""
    facts: dict[str, object] = {"effective_on": timezone.localdate(at) + timedelta(days=100), **changes}
    if stage == Stage.SUPERSEDED and "successor" not in facts:
        facts["successor"] = ProductFactory()
    return Plan(product, stage, **facts)  # type: ignore[arg-type]


def announced(planned: Plan, at: datetime) -> StageChange:
    """Plan it at `at` and notify all holders an hour later."""
    (change,) = planning.plan_changes(plans=[planned], by=None, at=at)
    while stage_change_notices.notify_holders_step(change=change.pk, limit=100, at=at + timedelta(hours=1)):
        pass
    change.refresh_from_db()
    return change


def applied(change: StageChange, at: datetime, limit: int = 100) -> StageChange:
    """Apply the change: reconcile all holders and notify them."""
    begin = stage_changes.begin_change.__wrapped__  # type: ignore[attr-defined]  # durable: refuses a test's transaction
    begin(change=change, at=at)
    while stage_changes.reconcile_step(change=change.pk, limit=limit, at=at):
        pass
    while members.notify_level_changes(limit=100, at=at + timedelta(hours=1)):
        pass
    change.refresh_from_db()
    change.product.refresh_from_db()
    return change


def moved(product: Product, stage: Stage, at: datetime | None = None) -> StageChange:
    """Move the product to a stage at that time, planned and announced long before."""
    when = at or timezone.now()
    before = when - timedelta(days=100)
    change = applied(announced(plan(product, stage, before, effective_on=timezone.localdate(when)), before), when)
    product.refresh_from_db()
    return change


def draft(member: Member, product: Product, at: datetime | None = None) -> Registration:
    return registrations.add_product(member=member, product=product, at=at or timezone.now())


def submitted(
    member: Member,
    product: Product,
    serial: str = "012345678901",
    *,
    insisted: bool = False,
    at: datetime | None = None,
) -> Registration:
    row = draft(member, product, at)
    return registrations.submit_registration(
        registration=row, details=details(serial), insisted=insisted, at=at or timezone.now()
    )


def validated(
    member: Member, product: Product, serial: str = "012345678901", at: datetime | None = None
) -> Registration:
    """A registration that counts."""
    row = submitted(member, product, serial, at=at)
    return registrations.check_registration(registration=row, at=at or timezone.now())


@transaction.atomic
def counting(
    member: Member, product: Product, serial: str = "012345678901", at: datetime | None = None
) -> Registration:
    """As `validated`, by its last action alone: a third of the queries, for tests about something else.

    The serial number has to be one that nobody else has and that the check would let pass.
    """
    when = at or timezone.now()
    facts = details(serial)
    row = Registration.objects.create(
        member=member,
        product=product,
        state=RegistrationState.SUBMITTED,
        serial=rules.normalise_serial(serial),
        serial_key=rules.serial_key(serial),
        country=facts.country,
        purchased_on=facts.purchased_on,
        store=facts.store,
        added_at=when,
        submitted_at=when,
    )
    validate(row, by=None, at=when)
    return Registration.objects.get(pk=row.pk)


def with_receipt(row: Registration) -> Registration:
    """The registration, to which its member has added a proof of purchase (R25)."""
    receipt = Uploads(fresh=[samples.upload(samples.pdf(), "receipt.pdf")])
    evidence.add_evidence(registration=row, uploads=receipt, by=row.member.user, at=timezone.now())
    return row
