"""Count what members searched and did not find, so that the programme can add or name it (R16, R54).

A search is a GET, which never writes: the text waits in Redis until a task counts it, a minute later at most. Each
letter that somebody types asks again, so that of texts that continue one another only the last one counts.
"""

import re
from collections import Counter, defaultdict

import orjson
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from cps_portal.core.lib import buffered_counts
from cps_portal.core.lib.folding import fold
from cps_portal.core.lib.text import clean_name
from kitbag.models import MissedSearch
from kitbag.models.searches import MAX_TEXT_LENGTH
from members.models import Member

BUFFER = "kitbag:missed-searches"
MAX_BUFFERED = 100_000  # if the task does not run, older ones are lost
WRITE_BATCH = 1_000
PERSONAL = re.compile(r"@|(\d[\s\-]*){8}")  # an address, or as many digits as a serial or telephone number has


def log_missed_search(member: Member, text: str) -> None:
    """Remember a search without a result, unless its text may be about a person. Never raises."""
    text = fold(clean_name(text))
    if text and len(text) <= MAX_TEXT_LENGTH and not PERSONAL.search(text):
        buffered_counts.append(BUFFER, orjson.dumps([member.pk, text]), max_length=MAX_BUFFERED)


def write_missed_searches() -> int:
    """Count the texts that wait. Returns how many searches were counted."""
    total = 0
    while lines := buffered_counts.read(BUFFER, WRITE_BATCH):
        counts = _finished_texts([orjson.loads(line) for line in lines.values()])
        _add(counts)
        buffered_counts.clear(BUFFER, lines)
        total += counts.total()
    return total


def _finished_texts(searches: list[tuple[int, str]]) -> Counter[str]:
    """How many members searched for each text; without those that the same member went on typing."""
    of_member: dict[int, set[str]] = defaultdict(set)
    for member, text in searches:
        of_member[member].add(text)
    return Counter(
        text
        for texts in of_member.values()
        for text in texts
        if not any(other != text and other.startswith(text) for other in texts)
    )


@transaction.atomic
def _add(counts: Counter[str]) -> None:
    now = timezone.now()
    today = timezone.localdate(now)
    texts = sorted(counts)  # in one order, so that two tasks never wait for each other
    MissedSearch.objects.bulk_create(
        [MissedSearch(day=today, text=text, count=0, counted_at=now) for text in texts], ignore_conflicts=True
    )
    for text in texts:
        MissedSearch.objects.filter(day=today, text=text).update(count=F("count") + counts[text], counted_at=now)
