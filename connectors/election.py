"""Election: how the members of a group agree on one owner, who stays it for as long as it is there."""

from collections.abc import Callable, Iterable
from typing import Any

from kafka.coordinator.assignors.abstract import RebalanceProtocol
from kafka.protocol.consumer.metadata import ConsumerProtocolAssignment, ConsumerProtocolSubscription
from kafka.structs import TopicPartition

_VERSION = 0


class Election:
    """A partition assignor for kafka-python: one partition, kept by the member that has it.

    Each member tells with its wish to join in which generation it was last elected and still owns; the highest wins,
    so that a newcomer takes nothing away, and among members that own nothing the first by name.
    """

    name = "hotline-lease"

    def __init__(self, seat: TopicPartition, owns: Callable[[], bool]) -> None:
        self._seat = seat
        self._owns = owns
        self._elected_in: int | None = None
        self.decided = False

    @property
    def lost(self) -> bool:
        """Say whether the last election went to another member."""
        return self.decided and self._elected_in is None

    def supported_protocols(self) -> list[Any]:
        """Return kafka-python's name for elections in which everything is given anew."""
        return [RebalanceProtocol.EAGER]

    def metadata(self, topics: Iterable[str]) -> Any:
        """Return our wish to join, with our claim; until the election it belongs to, nothing is decided."""
        self.decided = False
        claim = self._elected_in if self._elected_in is not None and self._owns() else 0
        return ConsumerProtocolSubscription(_VERSION, list(topics), b"%d" % claim)

    def assign(self, cluster: Any, members: Iterable[Any]) -> dict[str, Any]:
        """Elect; called at one member of the group, for all."""
        ranked = sorted(members, key=lambda member: (-_claim(member), member.member_id))
        seats: dict[str, list[Any]] = {member.member_id: [] for member in ranked}
        if ranked:
            seats[ranked[0].member_id] = [(self._seat.topic, [self._seat.partition])]
        return {name: ConsumerProtocolAssignment(_VERSION, seat, b"") for name, seat in seats.items()}

    def on_assignment(self, assignment: Any, generation: int) -> None:
        """Take note of the result."""
        self._elected_in = generation if self._seat in assignment.partitions() else None
        self.decided = True


def _claim(member: Any) -> int:
    said = bytes(member.metadata.user_data or b"")
    return int(said) if said.isdigit() and len(said) <= 18 else 0
