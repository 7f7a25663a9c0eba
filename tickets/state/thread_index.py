"""Threads: which ticket has the message of a hashed thread id, or the records of a call."""

from collections.abc import Iterator, Mapping

from tickets.model.delta import Growing
from tickets.model.keys import scoped


class ThreadIndex:
    """Tickets by scoped thread id and call name, and the successors of tickets that left the memory.

    A key keeps the ticket that it got first; a ticket that left and is answered again has a successor:

        key --> ticket that left --> successor --> ... --> live ticket
    """

    def __init__(self, by_key: Mapping[str, str], successors: Mapping[str, str]) -> None:
        self._by_key: Growing[str, str] = dict(by_key)
        self._successors: Growing[str, str] = dict(successors)
        self._predecessors = {new: old for old, new in successors.items()}

    def __len__(self) -> int:
        return len(self._by_key)

    def __contains__(self, key: object) -> bool:
        return key in self._by_key

    def find(self, jurisdiction: str, key: str) -> str | None:
        """Return the ticket of this thread id or call name, or the last successor of that ticket; it may have left."""
        ticket_id = self._by_key.get(scoped(jurisdiction, key))
        return self.current(ticket_id) if ticket_id is not None else None

    def current(self, ticket_id: str) -> str:
        """Return the last successor of a ticket that left the memory; the ticket itself if it has none."""
        while ticket_id in self._successors:
            ticket_id = self._successors[ticket_id]
        return ticket_id

    def ancestry(self, ticket_id: str) -> Iterator[str]:
        """Yield a ticket, and the tickets that it succeeds, the newest first."""
        yield ticket_id
        while ticket_id in self._predecessors:
            ticket_id = self._predecessors[ticket_id]
            yield ticket_id

    def keys_of(self, ticket_id: str) -> set[str]:
        """Return the keys that lead to a ticket. Scans the whole index: for an erasure, never for a message."""
        return {key for key, at in self._by_key.items() if at == ticket_id}

    def set(self, key: str, ticket_id: str, *, takes_over: bool) -> None:
        """Let a scoped key lead to a ticket; a key that is known changes its ticket only if `takes_over`."""
        if takes_over or key not in self._by_key:
            self._by_key[key] = ticket_id

    def succeed(self, former: str, ticket_id: str) -> None:
        """Let a new ticket take the place of one that left the memory."""
        self._successors[former] = ticket_id
        self._predecessors[ticket_id] = former

    def forget(self, ticket_id: str) -> None:
        """Remove the keys that lead to an erased ticket."""
        self._by_key = {key: at for key, at in self._by_key.items() if at != ticket_id}

    def dump(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return the arguments of the constructor, for a checkpoint."""
        return dict(self._by_key), dict(self._successors)
