"""Reports of errors to Sentry or GlitchTip, without personal data.

What a report may contain is listed here; everything else is dropped. What is kept as text loses secret parts of
addresses, e-mail and network addresses, and whatever looks like a number of something: of a member, a product, a card.
"""

import re
from typing import Any

import sentry_sdk
from sentry_sdk.scrubber import DEFAULT_DENYLIST, DEFAULT_PII_DENYLIST, EventScrubber

from cps_portal.core.lib.logs import current_request_id, cut_secrets

KEPT = frozenset(
    {"event_id", "timestamp", "level", "logger", "platform", "sdk", "release", "environment", "modules", "tags"}
)
KEPT_CONTEXTS = frozenset({"trace", "runtime"})
KEPT_OF_FRAME = frozenset(
    {"filename", "abs_path", "function", "module", "lineno", "pre_context", "context_line", "post_context", "in_app"}
)
KEPT_OF_BREADCRUMB = frozenset({"type", "category", "level", "timestamp"})
DENYLIST = [*DEFAULT_DENYLIST, *DEFAULT_PII_DENYLIST, "email", "login", "serial", "code", "key"]

QUERY = re.compile(r"\?[^\s\"']+")
EMAIL = re.compile(r"[^\s@<>\"'=(]+@[^\s@<>\"')]+")
DETAIL = re.compile(r"\(([\w\", ]+)\)=\(.*?\)(?=\s|$)", re.S)  # how PostgreSQL quotes the values of a row
ROW = re.compile(r"Failing row contains.*", re.S)
BEARER = re.compile(r"\b(bearer|basic)\s+\S+", re.I)
IP_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|(?<![\w:])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){3,7}(?![\w:])", re.I)
NUMBER = re.compile(r"(?=[\w-]*\d[\w-]*\d[\w-]*\d[\w-]*\d)[\w-]{5,}|\b\d{4,}\b")  # words with four digits or more
SPACED_NUMBER = re.compile(r"\d[\d \u00a0]{6,}\d")
LONG_WORD = re.compile(r"(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{16,}")


def scrub(text: str) -> str:
    """The text without what identifies a person or opens something."""
    text = QUERY.sub("?[cut]", cut_secrets(text))
    text = DETAIL.sub(r"(\1)=([cut])", ROW.sub("Failing row contains [cut]", text))
    for pattern in (BEARER, EMAIL, IP_ADDRESS, SPACED_NUMBER, LONG_WORD, NUMBER):
        text = pattern.sub("[cut]", text)
    return text


def report_errors(*, dsn: str, environment: str, **options: Any) -> None:
    """Begin to report errors of this process. `options` are those of `sentry_sdk.init`, for tests."""
    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        include_local_variables=False,
        max_request_body_size="never",
        traces_sample_rate=0,
        auto_session_tracking=False,
        event_scrubber=EventScrubber(recursive=True, denylist=DENYLIST),
        before_send=clean_event,
        before_breadcrumb=clean_breadcrumb,
        **options,
    )


def clean_event(event: Any, _hint: dict[str, Any] | None = None) -> Any:
    """The event with only what is listed here."""
    cleaned: dict[str, Any] = {name: value for name, value in event.items() if name in KEPT}
    contexts = event.get("contexts") or {}
    cleaned["contexts"] = {name: contexts[name] for name in KEPT_CONTEXTS & contexts.keys()}
    cleaned["tags"] = {**(event.get("tags") or {}), "request_id": current_request_id()}
    cleaned["transaction"] = scrub(event.get("transaction") or "")
    if request := event.get("request"):
        cleaned["request"] = {"method": request.get("method", ""), "url": scrub(request.get("url", ""))}
    if log := event.get("logentry"):
        cleaned["logentry"] = {"message": scrub(str(log.get("message", "")))}
    if values := (event.get("exception") or {}).get("values"):
        cleaned["exception"] = {"values": [_clean_exception(value) for value in values]}
    crumbs = (event.get("breadcrumbs") or {}).get("values") or []
    cleaned["breadcrumbs"] = {"values": [clean_breadcrumb(crumb) for crumb in crumbs]}
    return cleaned


def clean_breadcrumb(crumb: Any, _hint: dict[str, Any] | None = None) -> Any:
    """What happened before the error: without its data, which are addresses and arguments."""
    cleaned = {name: value for name, value in crumb.items() if name in KEPT_OF_BREADCRUMB}
    return {**cleaned, "message": scrub(str(crumb.get("message") or ""))}


def _clean_exception(value: dict[str, Any]) -> dict[str, Any]:
    frames = (value.get("stacktrace") or {}).get("frames") or []
    return {
        "type": value.get("type"),
        "module": value.get("module"),
        "value": scrub(str(value.get("value") or "")),
        "mechanism": {name: (value.get("mechanism") or {}).get(name) for name in ("type", "handled")},
        "stacktrace": {"frames": [{name: frame[name] for name in KEPT_OF_FRAME & frame.keys()} for frame in frames]},
    }
