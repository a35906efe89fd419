"""Distances and directions on the surface of the earth."""

from dataclasses import dataclass
from math import asin, atan2, cos, degrees, radians, sin, sqrt

EARTH_KM = 6371


@dataclass(frozen=True)
class Position:
    latitude: float
    longitude: float


def distance_km(here: Position, there: Position) -> float:
    """Distance along the surface of the earth."""
    lat1, lat2 = radians(here.latitude), radians(there.latitude)
    dlat, dlon = lat2 - lat1, radians(there.longitude - here.longitude)
    a = sin(dlat / 2) ** 2 + cos(lat1) * cos(lat2) * sin(dlon / 2) ** 2
    return 2 * EARTH_KM * asin(min(sqrt(a), 1))


def bearing(here: Position, there: Position) -> float:
    """Initial direction of the shortest way, in degrees from north."""
    lat1, lat2 = radians(here.latitude), radians(there.latitude)
    dlon = radians(there.longitude - here.longitude)
    return degrees(atan2(sin(dlon) * cos(lat2), cos(lat1) * sin(lat2) - sin(lat1) * cos(lat2) * cos(dlon))) % 360
