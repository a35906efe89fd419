"""The help page: the programme's questions with today's numbers, and a search over them (R57)."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from cps_portal.core.lib.folding import APOSTROPHES, fold
from cps_portal.core.lib.lists import in_words
from cps_portal.site.presenters.help_service_topics import TOPICS
from cps_portal.site.presenters.help_topics import HelpAnswer, HelpLink
from kitbag import rules as kit
from members.enums import Level, Programme
from members.offers.models import PackItem
from members.offers.rules import MISSING_AFTER
from members.rules import ADULT_AGE
from servicing.enums import CentreKind, CentreStatus
from servicing.models import ServiceCentre
from servicing.rules.places import PLACES

DAYS_A_WEEK = 7
OWN_KINDS = (CentreKind.PSC, CentreKind.CEC)
# A word as it is written, with its apostrophes and with accents and vowel signs that stand as letters of their own.
WRITTEN_WORD = re.compile(rf"\w[\w\u0300-\u036f\u064b-\u065f{re.escape(''.join(map(chr, APOSTROPHES)))}]*")


@dataclass(frozen=True)
class ShownAnswer:
    """A question as the page shows it, with the numbers filled in. `links` are labels with addresses."""

    key: str
    question: str
    paragraphs: list[str]
    links: list[tuple[str, str]]
    words: str

    def has_in_question(self, words: Iterable[str]) -> bool:
        """Whether each of these folded words begins a word of the question."""
        return _begin_words(words, f"{self.question} {self.words}")

    def has(self, words: Iterable[str]) -> bool:
        """Whether each of these folded words begins a word of the question or the answer."""
        return _begin_words(words, " ".join([self.question, self.words, *self.paragraphs]))


@dataclass(frozen=True)
class ShownTopic:
    key: str
    title: str
    answers: list[ShownAnswer]


def build_topics(facts: Mapping[str, str]) -> list[ShownTopic]:
    """All topics in the reader's language."""
    return [
        ShownTopic(topic.key, str(topic.title), [_shown(answer, facts) for answer in topic.answers]) for topic in TOPICS
    ]


def find_answers(topics: Iterable[ShownTopic], query: str) -> list[ShownAnswer]:
    """The answers with all words of the query, marked; those with all of them in the question first."""
    words = _words(query)
    if not words:
        return []
    answers = [answer for topic in topics for answer in topic.answers]
    found = sorted(
        (answer for answer in answers if answer.has(words)), key=lambda answer: not answer.has_in_question(words)
    )
    return [_marked(answer, words) for answer in found]


def mark_words(text: str, beginnings: Iterable[str]) -> SafeString:
    """The text as HTML, with each word that begins with one of these folded words in <mark>."""
    parts: list[str] = []
    position = 0
    for written in WRITTEN_WORD.finditer(text):
        if any(word.startswith(beginning) for word in _words(written[0]) for beginning in beginnings):
            parts += [text[position : written.start()], format_html("<mark>{}</mark>", written[0])]
            position = written.end()
    return format_html_join("", "{}", ((part,) for part in [*parts, text[position:]]))


def help_facts(figures: Mapping[str, Any], levels: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What the answers name, from the data: `figures` and `levels` as the public pages have them."""
    with_benefits = [row for row in levels if row["benefit"]]
    next_level = levels[1] if len(levels) > 1 else levels[0]
    return {
        **{name: intcomma(figures[name]) for name in ("products", "fast_track_products", "free_countries", "centres")},
        "subscription_countries": intcomma(figures["subscription_countries"]),
        "adult_age": str(ADULT_AGE),
        "first_level": str(levels[0]["label"]),
        "next_level": str(next_level["label"]),
        "next_level_points": intcomma(next_level["points_from"]),
        "levels": _listed(f"{row['label']} {intcomma(row['points_from'])}" for row in levels),
        "review_days": str(settings.DESK_WORKING_DAYS),
        "pack_items": _listed(item.local.name for item in PackItem.objects.filter(included=True)),
        "pack_weeks": str(MISSING_AFTER.days // DAYS_A_WEEK),
        "target_days": _by_level(with_benefits, "fast_track_days", lambda n: _("%(n)s working days") % {"n": n}),
        "fast_track_levels": _listed_levels(with_benefits, "fast_track_days"),
        "places": str(PLACES),
        "standard_days": str(kit.STANDARD_DAYS),
        "video_days": str(kit.VIDEO_DAYS),
        "discounts": _by_level(with_benefits, "maintenance_discount", lambda n: _("%(n)s%%") % {"n": n}),
        "free_return_levels": _listed_levels(with_benefits, "free_return"),
        "loan_levels": _listed_levels(with_benefits, "courtesy_loan"),
        "answer_hours": _by_level(with_benefits, "first_answer_hours", str),
        **_centre_names(),
    }


def _marked(answer: ShownAnswer, words: Sequence[str]) -> ShownAnswer:
    paragraphs: list[str] = [mark_words(paragraph, words) for paragraph in answer.paragraphs]
    return replace(answer, question=mark_words(answer.question, words), paragraphs=paragraphs)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", fold(text))


def _begin_words(beginnings: Iterable[str], text: str) -> bool:
    words = _words(text)
    return all(any(word.startswith(beginning) for word in words) for beginning in beginnings)


def _shown(answer: HelpAnswer, facts: Mapping[str, str]) -> ShownAnswer:
    return ShownAnswer(
        answer.key,
        str(answer.question),
        [str(paragraph) % facts for paragraph in answer.paragraphs],
        [(str(link.label), _address(link)) for link in answer.links],
        str(answer.words),
    )


def _address(link: HelpLink) -> str:
    return reverse(link.page) + (f"?{link.query}" if link.query else "")


def _by_level(levels: Iterable[Mapping[str, Any]], name: str, format_value: Callable[[int], str]) -> str:
    """Each level that has a value with it, such as "Silver 10%, Gold 15%"."""
    given = [(row["label"], row["benefit"][name]) for row in levels]
    return _listed(f"{label} {format_value(value)}" for label, value in given if value)


def _listed_levels(levels: Iterable[Mapping[str, Any]], name: str) -> str:
    return _listed(str(Level(row["level"]).label) for row in levels if row["benefit"][name])


def _centre_names() -> dict[str, str]:
    """Canon's own centres by name, those of the free programme and the others, each with a word if it is not open."""
    own = ServiceCentre.objects.filter(kind__in=OWN_KINDS).order_by("name")
    names: dict[bool, list[str]] = {True: [], False: []}
    for centre in own:
        is_open = centre.status == CentreStatus.OPEN
        status = "" if is_open else f" ({CentreStatus(centre.status).label})"
        names[centre.programme == Programme.FREE].append(f"{centre.name}{status}")
    return {"own_centres": _listed(names[True]), "other_centres": _listed(names[False])}


def _listed(parts: Iterable[str]) -> str:
    """The parts as a list in a sentence, or a dash if there are none."""
    return in_words(parts) or "–"
