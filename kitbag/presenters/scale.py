"""The scale of levels that templates/kitbag/_scale.html draws (R12)."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise

from members.enums import Level
from members.rules import level_for, scale_position

MIN_POSITION = 0.6  # percent of the width: a needle at 0 would be cut off


@dataclass(frozen=True)
class ScaleStop:
    """A level below the scale."""

    label: str | Promise
    points_from: int
    current: bool


@dataclass(frozen=True)
class Scale:
    """Positions in percent of the width: the needle, and where a pale line from it ends ("" for none)."""

    stops: list[ScaleStop]
    position: str
    second_position: str = ""
    description: str = ""


def build_scale(
    *,
    points: int,
    thresholds: Mapping[str, int],
    second_points: int | None = None,
    level: str = "",
    description: str = "",
) -> Scale:
    """`level` is the one to mark, by default that of `points`."""
    marked = level or level_for(points, thresholds)
    rising = sorted(thresholds.items(), key=lambda threshold: threshold[1])
    return Scale(
        stops=[ScaleStop(Level(name).label, points_from, name == marked) for name, points_from in rising],
        position=_percent(points, thresholds),
        second_position="" if second_points is None else _percent(second_points, thresholds),
        description=description,
    )


def _percent(points: int, thresholds: Mapping[str, int]) -> str:
    return f"{max(scale_position(points, thresholds), MIN_POSITION):.1f}%"
