"""Keys of the state's indices."""


def day_key(jurisdiction: str, day: str) -> str:
    """Return the key under which a city's ticket numbers of one day are counted."""
    return f"{jurisdiction}-{day}"


def scoped(jurisdiction: str, key: str) -> str:
    """Return an index key that never crosses cities, whichever partition they share."""
    return f"{jurisdiction}:{key}"


def part(ticket_id: str, person: str) -> str:
    """Return the key of one person's part in a ticket that left."""
    return f"{ticket_id} {person}"
