"""One of every mail, in the demo world: the rows of its first member where there are some, invented ones where not.

Nothing is written, so what the demo world lacks (an account that was merged, a plan for the levels) is not saved. Mails
about jobs are those that would be sent now, one of each kind.
"""

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.text import slugify
from django_countries.fields import Country

from cps_portal.core.lib.languages import ENGLISH
from cps_portal.core.outbox.mail import common_context, render_mail, render_parts
from cps_portal.core.outbox.renderers import get_renderer
from cps_portal.core.partners.models import Partner, WebhookEndpoint
from cps_portal.site.presenters.country_change import build_country_change, detail_of, title_of
from cps_portal.site.presenters.moving import build_move
from kitbag.enums import RefusalReason, Stage
from kitbag.models import Adjustment, Product, Registration, StageChange
from kitbag.queries.forecast import Fall, Step
from members.actions.country_plans import HAS, STAYS, WILL
from members.emails import joined_context
from members.enums import Level, Programme
from members.models import CountryPlan, EmailChange, Member, ThresholdPlan
from members.offers.models import Offer
from servicing.enums import EventKind
from servicing.models import Loan, LoanUnit, Ticket, TicketEvent

TEMPLATES = Path(settings.BASE_DIR, "templates")
MEMBER = "ana@example.org"
TO_PARTNERS = {"endpoint_failing", "endpoint_suspended"}  # in English, as the API is
MAX_EVENTS_TRIED = 20  # of one kind, newest first: most have been overtaken by others
LINK = f"{settings.SITE_URL}/accounts/"


Payload = dict[str, str]
Recipe = tuple[str, Callable[[], Payload | None]]


@dataclass(frozen=True)
class Specimen:
    """A mail as its reader gets it. `name` says which template or kind it is of."""

    name: str
    subject: str
    text: str
    html: str

    @property
    def slug(self) -> str:
        return slugify(self.name.replace("/", "-"))


def all_specimens() -> list[Specimen]:
    """Empty before there is a demo world."""
    return [specimen for recipe in _recipes() if (specimen := _make(recipe))]


def find_specimen(slug: str) -> Specimen | None:
    """Renders no other than this one."""
    named = (recipe for recipe in _recipes() if Specimen(recipe[0], "", "", "").slug == slug)
    recipe = next(named, None)
    return _make(recipe) if recipe else None


def _make(recipe: Recipe) -> Specimen | None:
    name, render = recipe
    payload = render()
    return Specimen(name, payload["subject"], payload["text"], payload["html"]) if payload else None


def _recipes() -> Iterator[Recipe]:
    member = Member.objects.filter(user__email=MEMBER).select_related("user").first()
    if member is None:
        return
    now = timezone.now()
    yield from _sign_in(member, now)
    for name, context in _contexts(member, now):
        template = name.partition(" ")[0]
        language = ENGLISH if template in TO_PARTNERS else member.language
        yield name, partial(render_mail, template, context, language=language)
    for kind in EventKind:
        yield f"ticket_event {kind}", partial(_newest_about_a_job, kind)


def _sign_in(member: Member, now: datetime) -> Iterator[Recipe]:
    """Those of the sign-in pages, the one at joining first of all: who joins is Red."""
    newcomer = copy(member)
    newcomer.level = Level.RED
    context = {
        **common_context(),
        **joined_context(newcomer),
        "email": member.user.email,
        "deleted_email": "old@example.org",
        "activate_url": f"{LINK}confirm-email/KEY/",
        "password_reset_url": f"{LINK}password/reset/key/KEY/",
        "signup_url": f"{LINK}signup/",
        "timestamp": now,
        "ip": "192.0.2.7",
        "user_agent": "Mozilla/5.0 (Macintosh) Firefox/140.0",
    }
    paths = [path for folder in ("account", "mfa") for path in TEMPLATES.glob(f"{folder}/email/*_subject.txt")]
    for path in sorted(paths, key=lambda path: ("signup" not in path.name, path.name)):
        name = str(path.relative_to(TEMPLATES)).removesuffix("_subject.txt")
        yield name, partial(render_parts, f"{name}_subject.txt", f"{name}_message.html", context)


def _newest_about_a_job(kind: str) -> Payload | None:
    """About the newest event of this kind that would still be sent."""
    events = TicketEvent.objects.filter(kind=kind).order_by("-pk")[:MAX_EVENTS_TRIED]
    mails = (get_renderer("servicing.ticket_event")(event=event.pk) for event in events)
    return next((mail for mail in mails if mail), None)


def _contexts(member: Member, now: datetime) -> Iterator[tuple[str, dict[str, Any]]]:
    """The name of a template, perhaps with a word about which of its mails it is, and its context."""
    common = {
        "member": member,
        "first_name": member.first_name,
        "points": member.points,
        "level_name": member.get_level_display(),
        "url": f"{settings.SITE_URL}/kitbag/",
    }
    for part in (_about_level, _about_kit, _about_card_and_offers, _about_account, _about_service):
        for name, context in part(member, now):
            yield name, {**common, **context}


def _about_level(member: Member, now: datetime) -> Iterator[tuple[str, dict[str, Any]]]:
    home = {name: value for name, value in joined_context(member).items() if name in ("membership", "country")}
    day = (now + timedelta(days=60)).date()
    level = {"to_level": "gold", "to_level_name": "Gold", "level_start": 1000, "cause": "Your EOS R5 C counts now."}
    ahead = {"next_level_name": "Platinum", "points_missing": 765, "points": 1235}
    yield "level_changed up", {**home, **level, **ahead, "from_level_name": "Silver", "up": True}
    lower = {**level, "to_level": "silver", "to_level_name": "Silver", "cause": "EOS R5: superseded."}
    yield "level_changed down", {**home, **lower, **ahead, "from_level_name": "Gold", "up": False, "points": 820}
    plan = ThresholdPlan(effective_on=day, silver=500, gold=1200, platinum=2200)
    then = {"before": "Gold", "after": "Silver", "level_now": "Gold", "points": 1100, "points_then": 1100, "gap": 100}
    yield "levels_will_change", {**home, **then, "plan": plan}
    yield "levels_stay", {"plan": plan}
    product = Product.objects.filter(registrations__member=member).first() or Product.objects.all()[0]
    change = StageChange(product=product, effective_on=day, to_stage=Stage.SUPERSEDED)
    step = Step(day, 1235, 980, Level.GOLD, Level.SILVER, {"gold": 1000}, [Fall(change, 1, 380, 125)])
    yield "points_will_change", {**home, "steps": [step], "step": step, "keeping": [], "instead_of": []}
    yield "plan_cancelled", {"change": change}
    thanks = Adjustment(points=100, reason="For the workshop in Lyon.", expires_on=day)
    yield "points_adjusted", {"adjustment": thanks, "ended": False}
    yield "points_adjusted ended", {"adjustment": thanks, "ended": True}


def _about_kit(member: Member, now: datetime) -> Iterator[tuple[str, dict[str, Any]]]:
    rows = list(Registration.objects.of(member).select_related("product")[:3])
    product = rows[0].product
    about = {"product": product, "product_name": product.name}
    yield "registration_approved", {"products": rows[:1]}
    yield "registration_approved several", {"products": rows}
    yield "registration_asked", {**about, "asked_for": "A photo of the serial number.", "reason": ""}
    yield "registration_refused", {**about, "reason": RefusalReason.SERIAL_WRONG.label, "asked_for": ""}
    yield "handed_over to the seller", {**about, "sold": True}
    yield "handed_over to the buyer", {**about, "sold": False}
    yield "stolen_presented", {**about, "police_reference": "SAPS 123/11/2026"}
    off = member.unsubscribe_url("wants_reminders")
    yield "reminder", {"unfinished": rows, "more": 2, "points": 940, "unsubscribe_url": off}


def _about_card_and_offers(member: Member, now: datetime) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "card_replaced", {"number": "8800 0000 0070", "posted": True, "rests": False}
    yield "card_returned", {"reason": "Nobody at home, and not collected"}
    pack: dict[str, Any] = {
        "reference": "J5F8-669S",
        "carrier": "DHL",
        "tracking": "JD0140",
        "tracking_url": "",
        "reason": "",
    }
    pack |= {"is_resting": False, "waits": False, "country": member.country.name}
    for step in ("dispatched", "returned", "sent_again", "cancelled"):
        yield f"pack_step {step}", {**pack, "step": step}
    offer = Offer.objects.exclude(starts_at=None).first() or Offer(
        title="Open day", summary="Bring your kit.", starts_at=now + timedelta(days=9), venue="Cape Town"
    )
    yield "offer_news", {"offer": offer, "what": "", "unsubscribe_url": member.unsubscribe_url("wants_news")}
    for what in ("place_free", "offer_changed", "offer_withdrawn"):
        yield f"offer_notice {what}", {"offer": offer, "what": what}


def _about_account(member: Member, now: datetime) -> Iterator[tuple[str, dict[str, Any]]]:
    day = f"{now + timedelta(days=14):%-d %B %Y}"
    yield "account_closed", {"until": day}
    yield "account_reopened", {"until": ""}
    change = EmailChange(old_email="old@example.org", new_email=member.user.email)
    for name in ("email_changed", "email_undone", "reset_held", "reset_asked"):
        yield name, {"first_name": "", "change": change, "until": day, "held_until": f"{day}, 09:00"}
    address = {"number": member.number_in_groups, "old": "old@example.org", "new": member.user.email}
    for name in ("address_asked", "address_replaced", "address_given", "account_stopped", "account_released"):
        yield name, {"first_name": "", **address, "until": day, "day": day, "days": 14}
    merge = {"stays": member.number_in_groups, "ends": "4400 0000 0099", "number": member.number_in_groups}
    merge |= {"points": "1,235", "level": member.get_level_display(), "until": day, "first_name": ""}
    yield "accounts_merged", {**merge, "is_staying": True}
    yield "accounts_unmerged", {**merge, "is_staying": True}
    move = build_move(member, from_country=member.country.code, to_country="FR", is_done=True)
    country = {"country": move.after.country, "link": move.after.membership.link, "contact_url": f"{LINK}contact/"}
    plan = CountryPlan(country=member.country, kind=Programme.SUBSCRIPTION, link=LINK, effective_on=now.date())
    touched = build_country_change(member, plan)
    shown = {
        "move": touched,
        "stops": touched.stops,
        "stays": touched.stays,
        "plan": plan,
        "contact_url": f"{LINK}contact/",
    }
    for what in (WILL, HAS, STAYS):
        words = {"title": title_of(what, plan), "detail": detail_of(what, plan), "what": what}
        yield f"country_change {what}", {**shown, **words, "country": touched.after.country, "link": plan.link}
    yield "moved", {"move": move, **country, "stops": move.stops, "stays": move.stays}
    case = {"subject": "Where is my pack?", "reference": "9SQC-FHTJ", "due": day, "days": 14, "waits": False}
    case |= {"has_page": True, "is_member": True, "rating_url": ""}
    for event in ("received", "opened", "answered", "asked", "closed", "quiet"):
        text = "" if event in ("received", "closed", "quiet") else "It left yesterday. You’ll have it on Friday."
        rating = f"{settings.SITE_URL}/rate/KEY/" if event == "closed" else ""
        yield f"case {event}", {**case, "event": event, "text": text, "rating_url": rating}


def _about_service(member: Member, now: datetime) -> Iterator[tuple[str, dict[str, Any]]]:
    job = Ticket.objects.select_related("product", "centre").first()
    if job:
        unit = LoanUnit(product=job.product, centre=job.centre, serial="012345678901")
        loan = Loan(unit=unit, ticket=job, due_back=now.date() + timedelta(days=2))
        words = {"title": f"Your loan {job.product} is due back soon", "next": "Bring or send it back on time."}
        yield "loan", {"loan": loan, **words}
        row = {"product": job.product.name, "reference": job.reference_in_groups, "since": now}
        yield "unanswered", {"tickets": [row], "more": 3, "first_name": ""}
    hook = WebhookEndpoint(url="https://partner.example/hook", failing_since=now, suspends_at=now + timedelta(days=4))
    hook.partner = Partner(name="A partner")
    facts = {"endpoint": hook, "status": 503, "error": "", "url": f"{LINK}developers/webhooks"}
    yield "endpoint_failing", facts
    yield "endpoint_suspended", facts
    missing = [{"country": Country("UA").name, "year": now.year + 1}]
    yield "holidays", {"title": "Holidays that aren’t known", "holidays": [], "missing": missing, "first_name": ""}
