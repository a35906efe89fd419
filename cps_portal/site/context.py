"""What every template can read as `portal`: the member, the theme, and whether something needs them."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.functional import cached_property
from django.utils.translation import get_language, override

from kitbag.models import count_needing
from members.enums import Theme
from members.models import Member
from members.offers.rules import MISSING_AFTER
from members.queries import membership_of
from members.rules import Membership
from members.support.presenters import SupportHours, support_hours
from servicing.rules.entitlement import MIN_VIDEO_TARGET_DAYS, STANDARD_TARGET_DAYS
from servicing.rules.places import PLACES


class Limits:
    """The numbers of rules and settings that texts name, so that no template states one (R57, R70)."""

    desk_days = settings.DESK_WORKING_DAYS
    notice_days = settings.NOTICE_DAYS
    closing_days = settings.CLOSING_DAYS
    password_length = settings.PASSWORD_MIN_LENGTH
    reset_days = settings.PASSWORD_RESET_TIMEOUT // 86_400
    undo_days = settings.EMAIL_UNDO_DAYS
    lost_address_days = settings.LOST_ADDRESS_HOLD_DAYS
    merge_days = settings.MERGE_UNDO_DAYS
    loan_reserved_days = settings.LOAN_RESERVED_FOR.days
    loan_back_days = settings.LOAN_BACK_DAYS
    places = PLACES
    standard_days = STANDARD_TARGET_DAYS
    video_days = MIN_VIDEO_TARGET_DAYS
    offline_days = settings.OFFLINE_COPIES_KEPT.days
    pack_weeks = MISSING_AFTER // timedelta(weeks=1)


@dataclass(frozen=True)
class Language:
    code: str
    name: str
    is_current: bool


def offline_owner(user: int) -> str:
    """Whose pages a device keeps (R41): tells accounts apart, and nothing else of them."""
    return salted_hmac("offline", str(user)).hexdigest()[:20]


class Portal:
    """Computed on first use: a page that does not ask costs no query."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def member(self) -> Member | None:
        return getattr(self.request, "member", None) or None

    @property
    def offers_push(self) -> bool:
        return bool(settings.PUSH_PRIVATE_KEY)

    @property
    def offline_owner(self) -> str:
        return offline_owner(self.request.user.pk or 0)

    @cached_property
    def membership(self) -> Membership | None:
        """What membership gives the member at home today (R65)."""
        return membership_of(self.member) if self.member else None

    @cached_property
    def turn_count(self) -> int:
        """How many registrations need the member: the blue dot of R18. A page that has counted them says so."""
        counted = getattr(self.request, "turn_count", None)
        if counted is not None:
            return int(counted)
        return count_needing(self.member) if self.member else 0

    @cached_property
    def theme(self) -> str:
        return self.member.theme if self.member else Theme.AUTO.value

    @property
    def about(self) -> str:
        """What the page is about, for its link to the contact form (R58); "" for nothing in particular."""
        match = self.request.resolver_match
        is_kitbag_page = match and match.app_name == "kitbag" and "pk" in match.kwargs
        return f"registration:{match.kwargs['pk']}" if match and is_kitbag_page else ""

    @cached_property
    def support(self) -> SupportHours:
        """Whether support works now, for the foot of the page (R58)."""
        return support_hours(timezone.now())

    @property
    def site_url(self) -> str:
        """Before an address that other programs read, such as the picture of a shared link."""
        return str(settings.SITE_URL)

    @cached_property
    def languages(self) -> list["Language"]:
        """Those to choose from, each in its own words; none if there is only one."""
        if len(settings.LANGUAGES) < 2:
            return []
        here = get_language()
        return [Language(code, name, is_current=code == here) for code, name in settings.LANGUAGES]

    @cached_property
    def addresses(self) -> dict[str, str]:
        """The address of this page in each language, for search engines; none if it has only one (R56)."""
        match = self.request.resolver_match
        if not match or not match.url_name or self.request.GET:  # the admin's view of unknown addresses has no name
            return {}
        found: dict[str, str] = {}
        for code, _name in settings.LANGUAGES:
            with override(code):
                address = reverse(match.view_name, args=match.args, kwargs=match.kwargs)
            if address in found.values():
                return {}
            found[code] = address
        return found if len(found) > 1 else {}

    themes = Theme
    limits = Limits()


def portal(request: HttpRequest) -> dict[str, Portal]:
    return {"portal": Portal(request)}
