"""Decided inputs: which messages and commands have a decision, and how far each topic's partition is decided."""

from collections.abc import Mapping

from schemas.records import Event
from tickets.model.keys import scoped
from tickets.state.seen import Runs, Seen


class DecidedInputs:
    """Digests of every id that was decided, and the offset of the last decided input by topic and partition."""

    def __init__(self, seen: Runs, positions: Mapping[str, Mapping[int, int]]) -> None:
        self.seen = Seen(seen)
        self.positions = {topic: dict(offsets) for topic, offsets in positions.items()}

    def __len__(self) -> int:
        return len(self.seen)

    def __contains__(self, name: str) -> bool:
        """Return True if the input of this scoped id is decided, or is erased and must not be filed."""
        return name in self.seen

    def last_offset(self, topic: str, partition: int) -> int:
        """Return the offset of the last decided input of a topic's partition, -1 if there is none."""
        return self.positions.get(topic, {}).get(partition, -1)

    def apply(self, decision: Event) -> None:
        """Note the input of a decision."""
        ref = decision.input
        self.positions.setdefault(ref.topic, {})[ref.partition] = ref.offset
        self.seen.add(scoped(decision.jurisdiction, decision.event_id))

    def shut_out(self, jurisdiction: str, message_id: str) -> None:
        """Treat an erased message as decided, so that it is not filed if it comes again."""
        self.seen.add(scoped(jurisdiction, message_id))
