"""The cast: Ana (Gold, owns the kit), Ben (Red, no kit), Chloe (unrelated to both), and their programme."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from allauth.account.models import EmailAddress

from cps_portal.core.outbox.enums import State
from cps_portal.core.outbox.models import Message
from kitbag.enums import SerialPlace, Shelf
from kitbag.models import Product, SerialShape
from members import actions
from members.enums import Level, Programme, ServiceLevel
from members.models import CountryProgramme, LevelBenefit, LevelThreshold, Member, TermsVersion, User
from tests.factories import ProductFactory, UserFactory, validated

JOINED = datetime(2024, 1, 15, 9, 0, tzinfo=UTC)
SINCE = date(2019, 1, 1)


@dataclass
class World:
    terms: TermsVersion
    ana: Member
    ben: Member
    chloe: Member
    staff: User
    body: Product  # 300 points
    pro_body: Product  # 500 points, Fast Track
    lens: Product  # 200 points
    grip: Product  # 20 points, may have no serial number
    battery: Product  # cannot be registered


def build_programme() -> TermsVersion:
    """Countries, levels, benefits and terms, as small as the rules allow."""
    for country, kind, service_level in [
        ("ZA", Programme.FREE, ServiceLevel.FULL),
        ("KE", Programme.FREE, ServiceLevel.FULL),
        ("TR", Programme.FREE, ServiceLevel.FULL),
        ("GE", Programme.FREE, ServiceLevel.SILVER),
        ("FR", Programme.SUBSCRIPTION, ""),
        ("SY", Programme.NONE, ""),
    ]:
        CountryProgramme.objects.create(
            country=country, region="EMEA", kind=kind, service_level=service_level, valid_from=SINCE
        )
    for level, points in [(Level.RED, 0), (Level.SILVER, 500), (Level.GOLD, 1000), (Level.PLATINUM, 1600)]:
        LevelThreshold.objects.create(level=level, points_from=points, valid_from=SINCE)
    for level, days, discount, loan, hours in [
        (Level.RED, None, 0, False, 24),
        (Level.SILVER, 5, 10, False, 16),
        (Level.GOLD, 3, 15, True, 8),
        (Level.PLATINUM, 2, 20, True, 4),
    ]:
        full = {"fast_track_days": days, "maintenance_discount": discount, "courtesy_loan": loan}
        LevelBenefit.objects.create(
            level=level, service_level=ServiceLevel.FULL, first_answer_hours=hours, free_return=bool(days), **full
        )
        capped = level not in (Level.RED,)
        LevelBenefit.objects.create(
            level=level,
            service_level=ServiceLevel.SILVER,
            fast_track_days=5 if capped else None,
            maintenance_discount=10 if capped else 0,
            free_return=capped,
            first_answer_hours=16 if capped else 24,
        )
    SerialShape.objects.create(
        categories=["camera-mirrorless"], period="2012 onwards", pattern=r"\d{12}", year_from=2012
    )
    return TermsVersion.objects.create(version="2024-01", valid_from=datetime(2024, 1, 1, tzinfo=UTC))


def join(name: str, country: str, terms: TermsVersion, at: datetime = JOINED) -> Member:
    """A new member with a confirmed e-mail address."""
    user = UserFactory(email=f"{name.lower()}@example.org")
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    profile = actions.Profile(first_name=name, last_name="Example", country=country)
    return actions.join(user=user, profile=profile, is_adult=True, terms=terms, at=at)


def build_world() -> World:
    terms = build_programme()
    ana, ben, chloe = join("Ana", "ZA", terms), join("Ben", "KE", terms), join("Chloe", "TR", terms)
    world = World(
        terms=terms,
        ana=ana,
        ben=ben,
        chloe=chloe,
        staff=UserFactory(email="support@example.org", is_staff=True),
        body=ProductFactory(name="EOS R Test", slug="eos-r-test"),
        pro_body=ProductFactory(
            name="EOS R1 Test",
            slug="eos-r1-test",
            fast_track_model=True,
            points_current=500,
            points_superseded=200,
            points_unserviceable=100,
        ),
        lens=ProductFactory(
            name="RF 70-200mm F2.8 Test",
            slug="rf-70-200-test",
            category="lens-rf",
            shelf=Shelf.LENSES,
            serial_place=SerialPlace.LENS_MOUNT,
            points_current=200,
            points_superseded=80,
            points_unserviceable=40,
        ),
        grip=ProductFactory(
            name="Battery Grip Test",
            slug="battery-grip-test",
            category="accessory-battery-grip",
            shelf=Shelf.OTHER,
            serial_place=SerialPlace.ACC_LABEL,
            serial_optional=True,
            points_current=20,
            points_superseded=10,
            points_unserviceable=5,
        ),
        battery=ProductFactory(
            name="Battery Test",
            slug="battery-test",
            category="accessory-battery",
            shelf=Shelf.OTHER,
            registrable=False,
            points_current=0,
            points_superseded=0,
            points_unserviceable=0,
        ),
    )
    for serial, product in [("100000000001", world.pro_body), ("100000000002", world.body), ("1000003", world.lens)]:
        validated(ana, product, serial, at=datetime(2024, 2, 1, 9, 0, tzinfo=UTC))
    told = datetime(2024, 2, 1, 10, 0, tzinfo=UTC)
    actions.notify_level_changes(limit=100, at=told)
    Message.objects.update(state=State.SENT, attempts=1, next_at=None, sent_at=told)
    ana.refresh_from_db()
    return world
