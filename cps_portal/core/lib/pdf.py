"""PDFs from the Typst templates in templates/print, tagged so that screen readers read them.

What people typed reaches a template as data only, never as source: `#`, `$` or a backslash are signs like any other.
A template has no text of its own; headings and labels come translated with the data.
"""

import json
import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils.translation import get_language, get_language_bidi, pgettext

from cps_portal.core.lib.fair_share import TooManyAtOnce
from cps_portal.core.lib.print_text import FONTS, breakable, drawable, in_own_direction, with_groups_in_order
from cps_portal.core.lib.snapshot import after_snapshot

PROGRAM = Path(__file__).with_name("typesetter.py")  # not imported: the library would be in each process of ours
TEMPLATES = settings.BASE_DIR / "templates" / "print"
MAX_DATA = 2**21  # letters: more than 5,000 rows of a table
MAX_AT_ONCE = 2  # beside one web process: each takes 55 MB, and up to 300 MB for 2,000 rows
MAX_WAIT_SECONDS, MAX_SECONDS, GRACE_SECONDS, MAX_MEGABYTES = 10, 20, 2, 1024
ENVIRONMENT = {"LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "2", "RAYON_NUM_THREADS": "2"}  # no secrets
_turns = threading.BoundedSemaphore(MAX_AT_ONCE)
logger = logging.getLogger(__name__)


class PdfError(Exception):
    """A template and its data do not fit together. That is a mistake of ours, whatever people typed."""


@dataclass(frozen=True)
class PreparedPdf:
    """A template and all that goes into it, in the language that was active: rendering needs no database."""

    template: str
    data: str

    def render(self) -> bytes:
        """Typeset it. Raises TooManyAtOnce if this process has been busy with others for ten seconds or it takes
        longer than twenty, and PdfError.
        """
        if not _turns.acquire(timeout=MAX_WAIT_SECONDS):
            raise TooManyAtOnce
        try:
            return _typeset(self.template, self.data)
        finally:
            _turns.release()


def prepare_pdf(template: str, data: Mapping[str, Any]) -> PreparedPdf:
    """The PDF of templates/print/`template`.typ with this data: a `title`, and what else the template needs.

    Texts under keys that end with "_svg" are drawings. Raises PdfError if there is too much.
    """
    page_of = pgettext("of a printed page", "Page {page} of {pages}")
    facts = _clean({**data, "lang": (get_language() or "en").split("-")[0], "page_of": page_of})
    sent = json.dumps(facts, ensure_ascii=False)
    if len(sent) > MAX_DATA:
        raise PdfError(f"too much data for {template}: {len(sent)} letters")
    return PreparedPdf(template, sent)


def pdf_response(prepared: PreparedPdf, filename: str, *, as_attachment: bool = False) -> HttpResponse:
    """Rendered once the snapshot has ended: nothing but the database may be waited for inside of it."""
    kind = "attachment" if as_attachment else "inline"
    headers = {"Content-Disposition": f'{kind}; filename="{filename}"'}
    response = HttpResponse(content_type="application/pdf", headers=headers)

    def fill() -> None:
        response.content = prepared.render()

    after_snapshot(fill)
    return response


def _typeset(template: str, sent: str) -> bytes:
    program = [sys.executable, "-I", PROGRAM, TEMPLATES / f"{template}.typ", TEMPLATES, FONTS]
    try:
        done = subprocess.run(  # noqa: S603 (our own program)
            [*map(str, program), str(MAX_MEGABYTES), str(MAX_SECONDS)],
            input=sent.encode(),
            capture_output=True,
            check=False,
            env=ENVIRONMENT,
            start_new_session=True,  # Ctrl-C is for the web process, which waits for this one
            timeout=MAX_SECONDS + GRACE_SECONDS,  # it ends itself; this is for one that cannot
        )
    except subprocess.TimeoutExpired as error:
        raise TooManyAtOnce from error
    if done.returncode == -signal.SIGALRM:
        raise TooManyAtOnce
    if done.returncode:
        raise PdfError(f"{template}: {done.stderr.decode(errors='replace')[-2000:]} ({done.returncode})")
    if done.stderr:
        logger.error("A PDF of %s is %s", template, done.stderr.decode(errors="replace")[:100])
    return done.stdout


def _clean(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: value[key] if key.endswith("_svg") else _clean(value[key]) for key in value}
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_clean(item) for item in value]
    text = breakable(drawable(str(value)))
    return in_own_direction(with_groups_in_order(text)) if get_language_bidi() else text


def squares_svg(rows: Sequence[Sequence[bool]]) -> str:
    """A code of dark and light squares as an SVG of one path, so that no viewer shows lines between the squares."""
    path = ""
    for down, row in enumerate(rows):
        across = 0
        for is_dark, run in groupby(row):
            length = len(list(run))
            path += f"M{across} {down}h{length}v1H{across}z" if is_dark else ""
            across += length
    return svg(f'<path d="{path}"/>', width=len(rows[0]), height=len(rows))


def svg(drawing: str, *, width: float, height: float) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}">{drawing}</svg>'
