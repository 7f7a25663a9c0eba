"""A point on a map that the channel itself gives: degrees, and the system they count in."""

import math
import re
from collections.abc import Sequence

from schemas.enums import DATUMS
from schemas.records import Finding

_WORD = re.compile(r"[^\W\d_]")

COORDINATES = "coordinates"
"""The finding's kind; its value is ``longitude,latitude,datum``, as it was given."""


def located(place: str, longitude: str, latitude: str, *, datum: str) -> tuple[Finding, ...]:
    """Return the words of a shared place, and its coordinates if they are possible on earth.

    A place of numbers alone has no words: it may be the point, which analysts do not see.
    """
    findings = [Finding(kind="place", value=place, source="channel")] if _WORD.search(place) else []
    if degrees(longitude, latitude) is not None and datum in DATUMS:
        value = f"{longitude.strip()},{latitude.strip()},{datum}"
        findings.append(Finding(kind=COORDINATES, value=value, source="channel"))
    return tuple(findings)


def degrees(longitude: str, latitude: str) -> tuple[float, float] | None:
    """Return both as numbers; None if they are invalid, out of range, or the 0,0 of a phone without a position."""
    try:
        east, north = float(longitude), float(latitude)
    except ValueError:
        return None
    if not (math.isfinite(east) and math.isfinite(north)) or (east == 0 and north == 0):
        return None
    return (east, north) if abs(east) <= 180 and abs(north) <= 90 else None


def coordinates(findings: Sequence[Finding]) -> tuple[float, float, str] | None:
    """Return longitude, latitude and datum of the first finding that has them."""
    for finding in findings:
        if finding.kind == COORDINATES and finding.value.count(",") == 2:
            longitude, latitude, datum = finding.value.split(",")
            found = degrees(longitude, latitude)
            if found is not None:
                return (*found, datum)
    return None
