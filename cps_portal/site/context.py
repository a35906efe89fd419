"""What every template can read as `portal`: the member, the theme, and whether something needs them."""

from django.http import HttpRequest
from django.utils.functional import cached_property

from kitbag.models import Registration
from members.enums import Theme
from members.models import Member
from members.queries import membership_of
from members.rules import Membership


class Portal:
    """Computed on first use: a page that does not ask costs no query."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def member(self) -> Member | None:
        return getattr(self.request, "member", None) or None

    @cached_property
    def membership(self) -> Membership | None:
        """What membership gives the member at home today (R65)."""
        return membership_of(self.member) if self.member else None

    @cached_property
    def turn_count(self) -> int:
        """How many registrations need the member: the blue dot of R18."""
        return Registration.objects.needing(self.member).count() if self.member else 0

    @cached_property
    def theme(self) -> str:
        return self.member.theme if self.member else Theme.AUTO.value

    @property
    def about(self) -> str:
        """What the page is about, for its link to the contact form (R58); "" for nothing in particular."""
        match = self.request.resolver_match
        is_kitbag_page = match and match.app_name == "kitbag" and "pk" in match.kwargs
        return f"registration:{match.kwargs['pk']}" if match and is_kitbag_page else ""

    themes = Theme


def portal(request: HttpRequest) -> dict[str, Portal]:
    return {"portal": Portal(request)}
