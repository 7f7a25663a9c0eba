"""Keys of the state's indices."""

from schemas.records import Features


def texts_of(features: Features) -> tuple[str, ...]:
    """Return the digests by which its very text may be known, the newest first; none where it has none."""
    return (features.text_key, *(features.text_known_as or ())) if features.text_key is not None else ()


def names_of(features: Features) -> tuple[str, ...]:
    """Return the hashes of its own thread id by which it may be known, the newest first; none where it has none."""
    return (features.message_key, *(features.message_known_as or ())) if features.message_key is not None else ()


def day_key(jurisdiction: str, day: str) -> str:
    """Return the key under which a city's ticket numbers of one day are counted."""
    return f"{jurisdiction}-{day}"


def scoped(jurisdiction: str, key: str) -> str:
    """Return an index key that never crosses cities, whichever partition they share."""
    return f"{jurisdiction}:{key}"


def part(ticket_id: str, person: str) -> str:
    """Return the key of one person's part in a ticket that left."""
    return f"{ticket_id} {person}"
