"""Numbers in texts that are read from right to left: their parts would change places without this. No markup.

On pages `<bdi>` and the class `ltr` do the same; this is for what goes into sentences, mails and subjects.
"""

import re

from django.utils.translation import get_language_bidi

NO_BREAK_SPACE = "\u00a0"  # between two numbers it belongs to them, unlike the ordinary one
GROUPS = re.compile(r"(?<=\d) (?=\d)")
MARKUP = re.compile(r"(<style.*?</style>|<[^>]+>)", re.DOTALL)
LEFT_TO_RIGHT, ITS_OWN, END = "\u2066", "\u2068", "\u2069"


def in_order(number: str) -> str:
    """A number in groups, such as "4400 0000 0016"."""
    return number.replace(" ", NO_BREAK_SPACE) if get_language_bidi() else number


def left_to_right(text: str) -> str:
    """What begins with a sign, such as "+27 82 000 0000"."""
    return f"{LEFT_TO_RIGHT}{text}{END}" if get_language_bidi() else text


def isolated(text: str) -> str:
    """A text that may be in another script, such as the title of an event: what stands beside it keeps its place."""
    return f"{ITS_OWN}{text}{END}" if get_language_bidi() else text


def html_in_order(html: str) -> str:
    """The same for every number in the texts of a page or mail, in whatever language its parts were put together."""
    if not get_language_bidi():
        return html
    return "".join(part if part.startswith("<") else GROUPS.sub(NO_BREAK_SPACE, part) for part in MARKUP.split(html))
