"""Hand-overs (紧急转接): which ones wait for the emergency desk."""

from collections.abc import Mapping

from tickets.model.ticket_state import Early
from tickets.state.seen import Runs, Seen

MOST_EARLY = 10_000
"""Acknowledgements that wait for their ticket; the newest stay, as most of the others never get one."""


class HandoverQueue:
    """Waiting hand-overs with their tickets, the acknowledged ones, and acknowledgements that came before the ticket.

    Names are scoped hand-over ids: two cities of one partition may use the same id.
    """

    def __init__(self, waiting: Mapping[str, str], acknowledged: Runs, early: Mapping[str, Early]) -> None:
        self.waiting = dict(waiting)
        self.early = dict(early)
        self._acknowledged = Seen(acknowledged)

    def __len__(self) -> int:
        return len(self.waiting)

    def __contains__(self, handover_id: object) -> bool:
        return handover_id in self.waiting

    def ticket_of(self, handover_id: str) -> str | None:
        """Return the ticket of a hand-over that waits."""
        return self.waiting.get(handover_id)

    def early_for(self, name: str) -> Early | None:
        """Return when and by whom a hand-over was acknowledged whose ticket is not decided yet."""
        return self.early.get(name)

    def is_acknowledged(self, name: str) -> bool:
        """Return True if the desk acknowledged a hand-over, or a clerk dismissed it; it stays True for ever."""
        return name in self._acknowledged

    def hand_over(self, name: str, handover_id: str, ticket_id: str) -> None:
        """Let a hand-over wait, unless it is acknowledged already."""
        if name not in self._acknowledged:
            self.waiting[handover_id] = ticket_id

    def acknowledge(self, name: str, handover_id: str, early: Early | None) -> None:
        """End a wait. `early` says when and by whom, if the ticket of a hand-over that does not wait is unknown."""
        self._acknowledged.add(name)
        if self.waiting.pop(handover_id, None) is not None or early is None:
            self.early.pop(name, None)
            return
        self.early[name] = early
        while len(self.early) > MOST_EARLY:
            del self.early[next(iter(self.early))]

    def dismiss(self, name: str, handover_id: str) -> None:
        """End the wait for a false alarm."""
        self._acknowledged.add(name)
        self.waiting.pop(handover_id, None)

    def reinstate(self, handover_id: str, ticket_id: str) -> None:
        """Wait for the desk again, whatever it or a clerk said before."""
        self.waiting[handover_id] = ticket_id

    def move(self, handover_id: str, ticket_id: str) -> None:
        """Let a hand-over that waits follow its message to another ticket."""
        if handover_id in self.waiting:
            self.waiting[handover_id] = ticket_id

    def forget(self, ticket_id: str) -> None:
        """Let no hand-over of an erased ticket wait."""
        self.waiting = {one: at for one, at in self.waiting.items() if at != ticket_id}

    def dump(self) -> tuple[dict[str, str], list[bytes], dict[str, Early]]:
        """Return the arguments of the constructor as they stand, for a checkpoint."""
        return self.waiting.copy(), self._acknowledged.dump(), self.early.copy()
