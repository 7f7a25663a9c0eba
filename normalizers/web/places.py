"""Coordinates (坐标) as apps send them: WGS-84 degrees, latitude first."""

import math
import re
from typing import NamedTuple

_NUMBER = re.compile(r"[+-]?\d{1,3}(?:\.\d{1,20})?")
_CHINA = ((3.0, 54.0), (73.0, 136.0))
"""Latitudes and longitudes of the country, its seas included."""


class Point(NamedTuple):
    """A position in degrees."""

    lat: float
    long: float


def point_of(lat: str, long: str) -> Point | None:
    """Return the point of two numbers; None if they are impossible on earth (NaN, 1e3, 91, words)."""
    if not (_NUMBER.fullmatch(lat.strip()) and _NUMBER.fullmatch(long.strip())):
        return None
    point = Point(float(lat), float(long))
    return point if math.fabs(point.lat) <= 90 and math.fabs(point.long) <= 180 else None


def is_swapped(lat: str, long: str) -> bool:
    """Return whether these two numbers lie in China only when swapped."""
    if not (_NUMBER.fullmatch(lat.strip()) and _NUMBER.fullmatch(long.strip())):
        return False
    return not _in_china(float(lat), float(long)) and _in_china(float(long), float(lat))


def _in_china(lat: float, long: float) -> bool:
    (south, north), (west, east) = _CHINA
    return south <= lat <= north and west <= long <= east
