"""Details, the random sample, points, stages and Fast Track (R17 to R20, R43 to R45)."""

from datetime import date, timedelta

# --- Details (R17) ---

DETAILS = ("serial", "country", "purchased_on", "store")


def missing_details(*, serial: str, no_serial: bool, country: str, purchased_on: date | None, store: str) -> list[str]:
    """The field names of the details that are missing (R17)."""
    present = {
        "serial": bool(serial.strip()) or no_serial,
        "country": bool(country),
        "purchased_on": bool(purchased_on),
        "store": bool(store.strip()),
    }
    return [name for name in DETAILS if not present[name]]


def latest_purchase_date(today_utc: date) -> date:
    """The latest date that is "today" anywhere on earth: one day ahead of UTC."""
    return today_utc + timedelta(days=1)


# --- Random sample (R19) ---


def is_drawn(number: int, percent: float) -> bool:
    """Whether a uniformly distributed number belongs to a sample of `percent`."""
    return number % 10_000 < percent * 100


# --- Points (R18, R20) ---


def points_fall(points: tuple[int, int, int]) -> bool:
    """Whether points only fall from stage to stage, and never to 0 (R20)."""
    current, superseded, unserviceable = points
    if current == 0:
        return superseded == unserviceable == 0
    return current >= superseded >= unserviceable > 0


def stage_today(*, superseded: bool, service_end_year: int | None, on: date) -> str:
    """The stage of a product on a day by the data of the catalogue (R20).

    It becomes unserviceable on 1 January after its last year of service.
    """
    if service_end_year is not None and on.year > service_end_year:
        return "unserviceable"
    return "superseded" if superseded else "current"


# --- Fast Track (R43 to R45) ---

STANDARD_DAYS = 10  # working days, about, without Fast Track (R44)
VIDEO_DAYS = 5
SLOW_VIDEO = ("cinema-eos", "x-series")


def target_days(level_days: int | None, *, fast_track: bool, video_class: str) -> int | None:
    """The repair target in working days, None without Fast Track; at least five for some video products (R44, R45).

    `level_days` is the target of the member's level in the country of the repair.
    """
    if not fast_track or level_days is None:
        return None
    return max(level_days, VIDEO_DAYS) if video_class in SLOW_VIDEO else level_days
