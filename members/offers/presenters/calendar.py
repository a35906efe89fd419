"""An entry for a calendar as a file (RFC 5545): times in UTC, or whole days. No framework."""

from datetime import UTC, date, datetime, timedelta

LINE = 75  # octets
DEFAULT_DURATION = timedelta(hours=2)  # an event without an end
ONE_DAY = timedelta(days=1)


def as_ics(
    *, uid: str, title: str, text: str, where: str, url: str, begins: datetime, ends: datetime | None, at: datetime
) -> bytes:
    """An entry from one moment to another."""
    span = [f"DTSTART:{_when(begins)}", f"DTEND:{_when(ends or begins + DEFAULT_DURATION)}"]
    return _entry(uid=uid, title=title, text=text, where=where, url=url, span=span, at=at)


def day_as_ics(*, uid: str, title: str, text: str, where: str, url: str, day: date, at: datetime) -> bytes:
    """An entry for a whole day, in the time zone of the reader."""
    span = [f"DTSTART;VALUE=DATE:{day:%Y%m%d}", f"DTEND;VALUE=DATE:{day + ONE_DAY:%Y%m%d}"]
    return _entry(uid=uid, title=title, text=text, where=where, url=url, span=span, at=at)


def _entry(*, uid: str, title: str, text: str, where: str, url: str, span: list[str], at: datetime) -> bytes:
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//CPS//Member portal//EN",
        "BEGIN:VEVENT",
        f"UID:{uid}",
        f"DTSTAMP:{_when(at)}",
        *span,
        f"SUMMARY:{_text(title)}",
        f"DESCRIPTION:{_text(text)}",
        f"LOCATION:{_text(where)}",
        f"URL:{url}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return b"".join(_folded(line) + b"\r\n" for line in lines)


def _when(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return "\\n".join(escaped.splitlines())


def _folded(line: str) -> bytes:
    """No line longer than 75 octets, and no character cut in two."""
    pieces, piece = [], b""
    for sign in line:
        octets = sign.encode()
        if len(piece) + len(octets) > LINE:
            pieces.append(piece)
            piece = b" "
        piece += octets
    return b"\r\n".join([*pieces, piece])
