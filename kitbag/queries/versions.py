"""What somebody saw before deciding: a text that changes whenever it is worth another look (R54)."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Max

from kitbag.models import Claim, Registration


def version_of(row: Registration) -> str:
    """Changes whenever a registration is submitted or decided again, queued for another reason, or gets evidence."""
    return version_with(row, row.evidence.kept().aggregate(latest=Max("pk"))["latest"])


def version_with(row: Registration, latest: int | None) -> str:
    """The same, for a caller who has read the key of the latest evidence that is kept."""
    times: list[datetime | None] = [row.submitted_at, row.decided_at]
    return "/".join([row.state, row.review_reason, *(time.isoformat() if time else "" for time in times), str(latest)])


def version_of_claim(claim: Claim) -> str:
    """Names the latest message of both cases, so that none is missed."""
    cases = (claim.claimant_case, claim.holder_case)
    return version_of_claim_with(claim, [case.messages.aggregate(latest=Max("pk"))["latest"] for case in cases])


def version_of_claim_with(claim: Claim, latest: Iterable[int | None]) -> str:
    """The same, for a caller who has read the keys of the latest message of the claimant and of the holder."""
    return "/".join([claim.outcome, *(str(key or "") for key in latest)])
