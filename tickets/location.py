"""Where a ticket's matter is (事发地址): what its messages say, put together."""

from collections.abc import Iterable

from msgspec.structs import replace

from normalizers.point import coordinates
from schemas.records import Message
from schemas.records.ticket import Location
from tickets import limits

_PLACE = "place."


def told(message: Message, place: str | None, adcode: str | None) -> Location | None:
    """Return where it is, in words, as a division and as a point on a map; None when nothing is known."""
    longitude, latitude, datum = coordinates(message.findings) or (None, None, None)
    if not place and not adcode and datum is None:
        return None
    return Location(text=_shown(place), adcode=adcode, longitude=longitude, latitude=latitude, datum=datum)


def named(message: Message) -> str | None:
    """Return the place that a message names, as its ticket shows it."""
    return _shown(next((one.value for one in message.findings if one.kind == "place"), None))


def _shown(place: str | None) -> str | None:
    return limits.beginning(place, limits.VALUE_CHARACTERS) if place else None


def joined(there: Location | None, more: Location | None) -> Location | None:
    """Keep the first place; a point that is shared later is added to a place that has only words."""
    if there is None or more is None or more.datum is None or there.datum is not None:
        return there or more
    return replace(there, longitude=more.longitude, latitude=more.latitude, datum=more.datum)


def place_of(codes: Iterable[str]) -> str | None:
    """Return the adcode of the place that a message names, from the codes of its findings."""
    return next((code.removeprefix(_PLACE) for code in codes if code.startswith(_PLACE)), None)


def is_elsewhere(codes: Iterable[str], place: str | None) -> bool:
    """Say whether a message names another district or city than a ticket's; a city and its own district are one."""
    named = place_of(codes)
    if named is None or place is None:
        return False
    one, other = (adcode.removesuffix("00").removesuffix("00") for adcode in (named, place))
    return not one.startswith(other) and not other.startswith(one)
