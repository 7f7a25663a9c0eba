"""Texts: in which tickets somebody said which words."""

from collections.abc import Collection, Iterable

from xxhash import xxh3_64_intdigest

from tickets.model.ticket_state import Findable


class TextIndex:
    """Finds tickets by a text and one of those who said it; however many say the same, each finds only their own.

    Keys are short digests: what is found may, once in a very long time, be another's ticket, and has to be looked at.
    """

    def __init__(self) -> None:
        self._by: dict[int, str | tuple[str, ...]] = {}

    def __len__(self) -> int:
        return len(self._by)

    def add(self, ticket: Findable) -> None:
        """Make a ticket findable by its texts and people, as they stand now."""
        for key in _keys(ticket.jurisdiction, ticket.text_keys, ticket.requesters):
            first = self._by.setdefault(key, ticket.ticket_id)
            if first is not ticket.ticket_id and ticket.ticket_id not in self._tickets(key):
                self._by[key] = (*self._tickets(key), ticket.ticket_id)

    def remove(self, ticket: Findable) -> None:
        """Let a ticket be found by none of its texts; to be called before its texts or people change."""
        for key in _keys(ticket.jurisdiction, ticket.text_keys, ticket.requesters):
            rest = tuple(other for other in self._tickets(key) if other != ticket.ticket_id)
            if rest:
                self._by[key] = rest
            else:
                self._by.pop(key, None)

    def find(self, jurisdiction: str, text_key: str, people: Collection[str]) -> set[str]:
        """Return the tickets in which one of these people may have said this text."""
        return {ticket_id for key in _keys(jurisdiction, (text_key,), people) for ticket_id in self._tickets(key)}

    def _tickets(self, key: int) -> tuple[str, ...]:
        there = self._by.get(key, ())
        return (there,) if isinstance(there, str) else there


def _keys(jurisdiction: str, texts: Iterable[str], people: Collection[str]) -> list[int]:
    said = [f"{jurisdiction}\0{text}\0{person}" for text in texts for person in people]
    return [xxh3_64_intdigest(key.encode()) for key in said]
