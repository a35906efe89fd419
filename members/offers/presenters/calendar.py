"""An event as a calendar file (RFC 5545): one entry, times in UTC. No framework."""

from datetime import UTC, datetime, timedelta

LINE = 75  # octets
DEFAULT_DURATION = timedelta(hours=2)  # an event without an end


def as_ics(
    *, uid: str, title: str, text: str, where: str, url: str, begins: datetime, ends: datetime | None, at: datetime
) -> bytes:
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//CPS//Member portal//EN",
        "BEGIN:VEVENT",
        f"UID:{uid}",
        f"DTSTAMP:{_when(at)}",
        f"DTSTART:{_when(begins)}",
        f"DTEND:{_when(ends or begins + DEFAULT_DURATION)}",
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
