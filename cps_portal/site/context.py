"""What every page may show: who is there, and whether something waits for them."""

from django.http import HttpRequest
from django.utils.functional import cached_property

from kitbag.models import Registration
from members.enums import Theme
from members.models import Member


class Portal:
    """Read by templates/base.html. Costs a query only when a page asks."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def member(self) -> Member | None:
        return getattr(self.request, "member", None) or None

    @cached_property
    def turn_count(self) -> int:
        """How many registrations need the member: the blue dot of R18."""
        return Registration.objects.needing(self.member).count() if self.member else 0

    @cached_property
    def theme(self) -> str:
        return self.member.theme if self.member else Theme.AUTO.value

    @property
    def about(self) -> str:
        """What this page is about, for the link to the contact form (R58)."""
        match = self.request.resolver_match
        of_kit = match and match.app_name == "kitbag" and "pk" in match.kwargs
        return f"registration:{match.kwargs['pk']}" if match and of_kit else ""

    themes = Theme


def portal(request: HttpRequest) -> dict[str, Portal]:
    return {"portal": Portal(request)}
