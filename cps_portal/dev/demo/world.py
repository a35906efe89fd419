"""The demonstration world: an invented cast, created by the portal's own actions at times in the past.

A step is skipped if its result exists, so a run that was interrupted is completed by the next one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from io import BytesIO

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils import timezone
from PIL import Image

from cps_portal.core.files.actions import Uploads
from cps_portal.dev.demo import accounts, offers, partners, reviews, service
from kitbag.actions import evidence, planning, registrations, review, stage_change_notices, stage_changes
from kitbag.actions.planning import Plan
from kitbag.enums import RefusalReason, ReviewReason, Stage
from kitbag.models import Product, Registration
from members import actions
from members.models import Member, TermsVersion, User
from members.support import actions as cases
from members.support.enums import CaseKind
from members.support.models import CannedAnswer

PASSWORD = "demo only portal"  # noqa: S105  # make_demo refuses to run in production
ADMIN = "admin@example.org"  # created last: if it exists, the world is complete
STAFF = {
    "support@example.org": "Support",
    "second@example.org": "Support",
    "programme@example.org": "Programme",
    "centre@example.org": "Centre",
}
DOUBLE = "ben.studio@example.org"  # Ben's second account
SUPERSEDED = "eos-r5"  # Ana's history shows how it was superseded
SUCCESSOR = "eos-r5-mark-ii"
SUPERSEDED_NEXT, SUCCESSOR_NEXT = "rf-70-200mm-f2-8l-is-usm", "rf-70-200mm-f2-8l-is-usm-z"  # invented
SUPERSEDED_AT = datetime(2024, 8, 20, 22, 5, tzinfo=UTC)
EARLIER_TERMS = "2023-01"
BATCH = 500
EMIL_PRODUCTS = 64


@dataclass(frozen=True)
class SignIn:
    email: str
    who: str


CAST = [
    SignIn("ana@example.org", "Gold, South Africa, with kit, drafts, a refusal and a history"),
    SignIn("ben@example.org", "Red, Kenya, no kit yet"),
    SignIn("chloe@example.org", "Silver, Turkey; one product waiting for a person"),
    SignIn("dana@example.org", "Gold, Romania, where benefits go up to Silver"),
    SignIn("emil@example.org", f"Platinum, Egypt, {EMIL_PRODUCTS} products"),
    SignIn("farah@example.org", "Red, South Africa; ten products waiting for a person, and an appeal"),
    SignIn("support@example.org", "staff: members and registrations"),
    SignIn("second@example.org", "staff: a second person, where two have to decide"),
    SignIn("programme@example.org", "staff: countries, levels, catalogue"),
    SignIn("centre@example.org", "staff of a service centre"),
    SignIn(ADMIN, "staff: everything"),
]


def exists() -> bool:
    return User.objects.filter(email=ADMIN).exists()


def create() -> None:
    """Create what is missing of the demonstration world."""
    create_staff()
    if create_ana_before_supersession():
        _supersede()
    _ana_afterwards()
    _once("ben@example.org", lambda: _join("ben", "Ben", "Otieno", "KE", _at(2025, 9, 1)))
    _once("chloe@example.org", _chloe)
    _once("dana@example.org", _dana)
    _once("emil@example.org", _emil)
    _once("farah@example.org", lambda: _join("farah", "Farah", "Mokoena", "ZA", _at(2026, 1, 12)))
    _cases()
    _upcoming_change()
    reviews.make_reviews()
    service.make_jobs()
    offers.make_offers()
    partners.make_partners()
    _once(DOUBLE, lambda: _join("ben.studio", "B.", "Otieno", "KE", _at(2026, 9, 14)))
    accounts.make_requests(double=Member.objects.get(user__email=DOUBLE))
    _once(ADMIN, _admin)


def create_staff() -> None:
    for email, group in STAFF.items():
        _once(email, partial(_staff, email, group))


def create_ana_before_supersession() -> bool:
    """Create Ana; returns whether the supersession is still to be applied."""
    is_pending = _restore_current_stage()
    _once("ana@example.org", _ana)
    return is_pending


# --- Cases ---------------------------------------------------------------------------------------

CANNED = {
    "Lost card": "Hello {name},\n\nwe have stopped your card. A new one is on its way to the address in your profile.",
    "Receipt needed": "Hello {name},\n\nplease send us a photo of the receipt. Your reference is {reference}.",
    "Where the number is": "Hello {name},\n\nthe serial number is on the lens near the mount, not on the box.",
}
NOTES = {  # on Ana, by support: whether it stays on top
    "Works for a news agency, answers best by phone after 16:00.": True,
    "Sent the mount picture by mail first; asked her to put it on the product page.": False,
}
CANNED_FOR_CENTRES = {
    "It has arrived": "Hello {name},\n\nyour {product} has arrived. We look at it and write to you. {centre}",
    "Which fault": "Hello {name},\n\nwe cannot see the fault of your {product}. When does it happen? Job {reference}.",
}


@transaction.atomic
def _cases() -> None:
    """Cases: one closed, one answered, one waiting for Ana, one overdue, one of a visitor; and canned answers."""
    ana, ben = (Member.objects.get(user__email=f"{name}@example.org") for name in ("ana", "ben"))
    if CannedAnswer.objects.exists():  # not Ana's cases: the claim about her lens has opened one already
        return
    support = User.objects.get(email="support@example.org")
    for title, text in CANNED.items():
        CannedAnswer.objects.create(title=title, text=text)
    for title, text in CANNED_FOR_CENTRES.items():
        CannedAnswer.objects.create(title=title, text=text, for_centres=True)
    kit = Registration.objects.filter(member=ana).order_by("pk").first()
    ask = partial(cases.open_case, member=ana, by=ana.user)
    closed = ask(kind=CaseKind.CONTACT, subject="My new address", text="Where do I change it?", at=_ago(60))
    cases.conclude(case=closed, text="In your profile, under Address.", by=support, at=_ago(59))
    answered = ask(
        kind=CaseKind.KIT, subject="Points after the change", text="Why did they fall?", at=_ago(40), about=kit
    )
    cases.answer(
        case=answered, text="Its successor is out. “Why did my points change?” shows it.", by=support, at=_ago(39)
    )
    for text, pinned in NOTES.items():
        actions.write_note(member=ana, text=text, pinned=pinned, by=support, at=_ago(6))
    lost = ask(kind=CaseKind.LOST_CARD, subject="Lost my card", text="It fell into a river.", at=_ago(3))
    cases.add_note(case=lost, text="Third card this year.", by=support, at=_ago(2))
    cases.answer(case=lost, text="Where shall we send the new one?", asks=True, by=support, at=_ago(2))
    cases.open_case(
        kind=CaseKind.SECOND_HAND,
        subject="Second-hand lens",
        member=ben,
        by=ben.user,
        at=_ago(14),
        text="I bought an RF 70-200mm from a friend. The number on it is 4210000123.\n\nMay I register it?",
    )
    visitor = cases.Visitor("Vera Visitor", "vera@example.org")
    cases.open_case(
        kind=CaseKind.CONTACT,
        subject="Joining",
        text="I work in two countries. Where do I join?",
        visitor=visitor,
        by=None,
        at=_ago(0),
    )


# --- People --------------------------------------------------------------------------------------


def _once(email: str, step: Callable[[], object]) -> None:
    with transaction.atomic():
        if not User.objects.filter(email=email).exists():
            step()


def _staff(email: str, group: str) -> None:
    user = _user(email)
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    user.groups.add(Group.objects.get(name=group))


def _admin() -> None:
    user = _user(ADMIN)
    user.is_staff = user.is_superuser = True
    user.save(update_fields=["is_staff", "is_superuser"])


def _user(email: str) -> User:
    user = User.objects.create_user(email, PASSWORD)
    EmailAddress.objects.create(user=user, email=email, primary=True, verified=True)
    return user


def _join(mailbox: str, first: str, last: str, country: str, at: datetime) -> Member:
    """Join under the terms in force then, and accept those in force now."""
    profile = actions.Profile(first_name=first, last_name=last, country=country)
    user = _user(f"{mailbox}@example.org")
    member = actions.join(user=user, profile=profile, is_adult=True, terms=_terms(at), at=at)
    today = TermsVersion.objects.filter(valid_from__lte=timezone.now()).first()
    if today:
        actions.accept_terms(member=member, terms=today, at=max(at, today.valid_from + timedelta(hours=9)))
    return member


def _terms(at: datetime) -> TermsVersion:
    in_force = TermsVersion.objects.filter(valid_from__lte=at).first()
    if in_force:
        return in_force
    return TermsVersion.objects.create(version=EARLIER_TERMS, valid_from=datetime(2023, 1, 1, tzinfo=UTC))


# --- Kit -----------------------------------------------------------------------------------------


def _at(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 9, 30, tzinfo=UTC)


def _ago(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)


def _product(slug: str) -> Product:
    return Product.objects.get(slug=slug)


def _details(serial: str, bought: date, *, store: str, country: str) -> registrations.Details:
    return registrations.Details(serial=serial, no_serial=not serial, purchased_on=bought, store=store, country=country)


def _receipt() -> SimpleUploadedFile:
    content = BytesIO()
    Image.new("RGB", (600, 800), "white").save(content, "JPEG")
    return SimpleUploadedFile("receipt.jpg", content.getvalue(), "image/jpeg")


def _register(
    member: Member, slug: str, serial: str, at: datetime, *, store: str = "Rosebank Camera Co.", insisted: bool = False
) -> Registration:
    """Add, submit and check a product, as the page and the background job do. Bought a week before."""
    row = registrations.add_product(member=member, product=_product(slug), at=at)
    bought = (at - timedelta(days=7)).date()
    details = _details(serial, bought, store=store, country=member.country.code)
    later = at + timedelta(minutes=4)
    if review.in_sample(row.pk):
        receipt = Uploads(fresh=[_receipt()])
        evidence.add_evidence(registration=row, uploads=receipt, by=member.user, at=at)
    row = registrations.submit_registration(registration=row, details=details, insisted=insisted, at=later)
    row = registrations.check_registration(registration=row, at=later + timedelta(seconds=2))
    if row.review_reason == ReviewReason.SAMPLE:  # the demonstration must not depend on chance
        by = User.objects.get(email="support@example.org")
        row = review.approve_registration(registration=row, by=by, at=later + timedelta(hours=1))
    actions.notify_level_changes(limit=BATCH, at=later + timedelta(hours=2))
    return row


# --- The cast ------------------------------------------------------------------------------------


def _restore_current_stage() -> bool:
    """Make the superseded product current for a moment, so that Ana can have registered it at the time.

    Only if the catalogue says it is superseded and nobody holds it; `_supersede` puts it back.
    """
    product = _product(SUPERSEDED)
    holders = Registration.objects.live().filter(product=product)
    if product.stage == Stage.UNSERVICEABLE or holders.exclude(member__user__email="ana@example.org").exists():
        return False
    if product.stage == Stage.SUPERSEDED and not holders.exists():
        _apply(Plan(product, Stage.CURRENT, date(2023, 1, 2)), _at(2023, 1, 2))
    return product.stage_changes.exists()


def _ana() -> None:
    ana = _join("ana", "Ana", "Botha", "ZA", _at(2023, 3, 6))
    _register(ana, SUPERSEDED, "034021004417", _at(2023, 3, 6))
    _register(ana, "rf-24-70mm-f2-8l-is-usm", "1402003318", _at(2023, 3, 7))
    _register(ana, "rf-70-200mm-f2-8l-is-usm", "2810004452", _at(2023, 11, 20))
    _register(ana, "eos-c70", "123021004418", _at(2024, 4, 15), store="Cape Film Supplies")


def _supersede() -> None:
    product = _product(SUPERSEDED)
    if product.stage == Stage.CURRENT:
        _apply(Plan(product, Stage.SUPERSEDED, SUPERSEDED_AT.date(), _product(SUCCESSOR)), SUPERSEDED_AT)


def _upcoming_change() -> None:
    """Plan and announce that a lens of Ana and Chloe will be superseded."""
    product = _product(SUPERSEDED_NEXT)
    if product.stage != Stage.CURRENT or product.stage_changes.exists():
        return
    day = timezone.localdate() + timedelta(days=75)
    plan = Plan(product, Stage.SUPERSEDED, day, _product(SUCCESSOR_NEXT))
    (change,) = planning.plan_changes(plans=[plan], by=None, at=_ago(2))
    while stage_change_notices.notify_holders_step(change=change.pk, limit=BATCH, at=_ago(1)):
        pass


def _apply(plan: Plan, at: datetime) -> None:
    """Plan, announce and apply a change in the past, as staff and the jobs would have."""
    planned = at - timedelta(days=100)
    (change,) = planning.plan_changes(plans=[plan], by=None, at=planned)
    while stage_change_notices.notify_holders_step(change=change.pk, limit=BATCH, at=planned + timedelta(hours=1)):
        pass
    stage_changes.begin_change(change=change, at=at)
    while stage_changes.reconcile_step(change=change.pk, limit=BATCH, at=at):
        pass
    while actions.notify_level_changes(limit=BATCH, at=at + timedelta(hours=1)):
        pass


@transaction.atomic
def _ana_afterwards() -> None:
    """After the supersession: back to Gold, a refusal, one product waiting for a person, and two drafts."""
    ana = Member.objects.get(user__email="ana@example.org")
    if Registration.objects.of(ana).filter(product__slug=SUCCESSOR).exists():
        return
    _register(ana, SUCCESSOR, "052021004419", _at(2024, 10, 2))
    support = User.objects.get(email="support@example.org")
    wide = _register(ana, "rf-15-35mm-f2-8l-is-usm", "77120", _ago(6), insisted=True)
    review.refuse_registration(registration=wide, reason=RefusalReason.SERIAL_UNREADABLE, by=support, at=_ago(5))
    _register(ana, "bg-e16", "", _ago(1))
    registrations.add_product(member=ana, product=_product("rf-50mm-f1-2l-usm"), at=_ago(3))
    flash = registrations.add_product(member=ana, product=_product("speedlite-el-1"), at=_ago(2))
    partial_details = registrations.Details(country="ZA", store="Rosebank Camera Co.")
    registrations.save_details(registration=flash, details=partial_details, at=_ago(2))


def _chloe() -> None:
    chloe = _join("chloe", "Chloe", "Demir", "TR", _at(2025, 2, 10))
    _register(chloe, "eos-r3", "061021007730", _at(2025, 2, 10), store="Galata Foto")
    _register(chloe, "rf-100mm-f2-8l-macro-is-usm", "3310007731", _at(2025, 6, 3), store="Galata Foto")
    # The serial number of Ana's lens: a person has to decide.
    _register(chloe, "rf-70-200mm-f2-8l-is-usm", "2810004452", _ago(1), store="A private seller")


def _dana() -> None:
    dana = _join("dana", "Dana", "Ionescu", "RO", _at(2025, 1, 20))
    _register(dana, "eos-r1", "071021009901", _at(2025, 1, 20), store="Bucium Foto")
    _register(dana, "eos-r5-mark-ii", "052021009902", _at(2025, 3, 11), store="Bucium Foto")
    _register(dana, "rf-24-70mm-f2-8l-is-usm", "1402009903", _at(2025, 9, 2), store="Bucium Foto")


def _emil() -> None:
    """One product every twelve days; the last four were left as drafts."""
    emil = _join("emil", "Emil", "Haddad", "EG", _at(2023, 5, 2))
    lenses = Product.objects.registrable().filter(category="lens-ef", points_current__gt=0).order_by("slug")
    for place, lens in enumerate(lenses[:EMIL_PRODUCTS]):
        at = _at(2023, 5, 3) + timedelta(days=12 * place)
        if place < EMIL_PRODUCTS - 4:
            _register(emil, lens.slug, str(20410033 + place * 7919), at, store="Zamalek Optics")
        else:
            registrations.add_product(member=emil, product=lens, at=at)
