"""Registrations of the demo world that wait for a person, with photos, and an appeal for a second person (R19, R54)."""

from datetime import date, datetime, timedelta
from io import BytesIO

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image, ImageDraw, ImageFont

from cps_portal.core.files.actions import Uploads
from kitbag.actions import appeals, evidence, registrations, review
from kitbag.enums import EvidenceKind, RefusalReason
from kitbag.models import Product, Registration
from members.models import Member, User

# Product, the number as typed, and the number on the photo: the last two differ in one digit, or are hard to read.
WAITING = [
    ("eos-r6-mark-ii", "33024001", "033024001187"),
    ("eos-r3", "31022007", "031022007715"),
    ("rf-50mm-f1-2l-usm", "81100", "8110001902"),
    ("eos-r5-mark-ii", "52021", "052021006631"),
    ("rf-100-500mm-f4-5-7-1l-is-usm", "53100", "5310003348"),
    ("eos-c70", "12302", "123021005519"),
    ("rf-24-105mm-f4l-is-usm", "24105", "2410500417"),
    ("eos-r6", "22021", "022021003301"),
    ("rf-15-35mm-f2-8l-is-usm", "15350", "1535001808"),
    ("eos-r5", "21021", "021021004411"),
]
APPEALED = ("eos-r7", "77001", "077001002255")


def make_reviews() -> None:
    """Let Farah hand in what the check leaves to a person, and appeal a refusal.

    Outside a transaction, because it stores files. What she has already is left alone.
    """
    member = Member.objects.get(user__email="farah@example.org")
    held = set(Registration.objects.of(member).values_list("product__slug", flat=True))
    known = {product.slug: product for product in Product.objects.registrable() if product.slug not in held}
    now = timezone.now()
    for hours, (slug, typed, shown) in enumerate(WAITING, start=2):
        if slug in known:
            _hand_in(member, known[slug], typed, shown, now - timedelta(hours=hours))
    slug, typed, shown = APPEALED
    if slug in known:
        _appeal(_hand_in(member, known[slug], typed, shown, now - timedelta(days=2)), now)


def _appeal(row: Registration, now: datetime) -> None:
    support = User.objects.get(email="support@example.org")
    reason = RefusalReason.SERIAL_UNREADABLE
    review.refuse_registration(registration=row, reason=reason, by=support, at=now - timedelta(days=1))
    text = "The number is on the photo, in the second line. The first digit is a zero."
    appeals.make_appeal(registration=row, text=text, by=row.member.user, at=now - timedelta(hours=1))


def _hand_in(member: Member, product: Product, typed: str, shown: str, at: datetime) -> Registration:
    row = registrations.add_product(member=member, product=product, at=at)
    for kind, picture in [(EvidenceKind.SERIAL, _photo(shown)), (EvidenceKind.RECEIPT, _receipt(product))]:
        evidence.add_evidence(registration=row, uploads=Uploads(fresh=[picture]), by=member.user, at=at, kind=kind)
    bought: date = (at - timedelta(days=20)).date()
    details = registrations.Details(typed, member.country.code, bought, "Table Bay Photo")
    row = registrations.submit_registration(registration=row, details=details, insisted=True, at=at)
    return registrations.check_registration(registration=row, at=at)


def _photo(serial: str) -> SimpleUploadedFile:
    """The base of a camera with its label."""
    image = Image.new("RGB", (900, 500), "#1f2023")
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((60, 60, 840, 440), 40, fill="#2a2c30", outline="#55585f", width=3)
    draw.rounded_rectangle((330, 140, 790, 360), 12, fill="#383b40")
    draw.text((360, 170), "MADE IN JAPAN", fill="#e8e8e6", font=ImageFont.load_default(22))
    draw.text((360, 235), f"No. {serial}", fill="#ffffff", font=ImageFont.load_default(40))
    return _jpeg("serial.jpg", image)


def _receipt(product: Product) -> SimpleUploadedFile:
    image = Image.new("RGB", (600, 800), "white")
    draw = ImageDraw.Draw(image)
    draw.text((60, 60), "TABLE BAY PHOTO", fill="black", font=ImageFont.load_default(30))
    draw.text((60, 140), product.name, fill="black", font=ImageFont.load_default(24))
    draw.text((60, 720), "A sample, not a receipt", fill="gray", font=ImageFont.load_default(20))
    return _jpeg("receipt.jpg", image)


def _jpeg(name: str, image: Image.Image) -> SimpleUploadedFile:
    content = BytesIO()
    image.save(content, "JPEG")
    return SimpleUploadedFile(name, content.getvalue(), "image/jpeg")
