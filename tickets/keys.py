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


def erased_key(jurisdiction: str, message_id: str) -> str:
    """Return the key of a message that a city erased, whether it ever came or not."""
    return scoped(jurisdiction, f"erased {message_id}")


def seen_key(jurisdiction: str, event_id: str) -> str:
    """Return the key of a decided input: messages are named for all, two cities may give one command_id."""
    return f"{jurisdiction} {event_id}" if event_id.startswith("command:") else event_id
