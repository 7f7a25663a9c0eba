"""A desk between its topics, in three ways.

One runs through, one is restarted, as `streams/state/restore.py` does it, and one carries out what another decided, as
a replay does up to where it begins.
"""

from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import TypeVar

from msgspec import Struct

from schemas import topics
from schemas.codec import Outbound, decode, encode
from schemas.records import Command, Event, Message, Ticket
from tests.tickets.build import START, position
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.reducers import apply
from tickets.state.state import Snapshot, State

Input = Message | Command
PolicyAt = Callable[[datetime], TicketPolicy]
R = TypeVar("R", bound=Struct)


class Seat:
    """A desk, the input that it reads and what it wrote; each of its chunks is one decision."""

    def __init__(self, policy_at: PolicyAt, seed: int, kept: int) -> None:
        self.policy_at, self.seed, self.kept = policy_at, seed, kept
        self.desk = Desk(State(policy_at(START)))
        self.input: list[Input] = []
        self.written: list[Outbound] = []

    def take(self, one: Input) -> Event | None:
        """Decide about one input; None for a repeat."""
        self.input.append(one)
        decision = self._decide(len(self.input) - 1)
        self._after(Random(f"{self.seed} {name_of(one)}"))  # a shorter walk goes the same way
        return decision

    def flush(self) -> None:
        """End the chunk."""
        self.written += self.desk.flush()

    def told(self, topic: str, kind: type[R]) -> list[R]:
        """Return what stands in a topic, oldest first."""
        return [decode(one.value, kind) for one in self.written if one.topic == topic]

    def events(self) -> list[Event]:
        """Return the log of its decisions."""
        return self.told(topics.EVENT, Event)

    def tickets(self) -> dict[str, Ticket]:
        """Return the newest snapshot of each ticket, as compaction leaves it."""
        return {one.ticket_id: one for one in self.told(topics.TICKET, Ticket)}

    def _decide(self, offset: int) -> Event | None:
        """Decide about the input at an offset."""
        earlier = self._earlier(offset)
        return self.desk.take(self.input[offset], position(offset), earlier)

    def _earlier(self, offset: int) -> list[Message]:
        """Return what the desk, by the rules of then, looks back at; the topic has only the newest `kept`."""
        one = self.input[offset]
        self._keep_to(self.policy_at(one.ingested_at if isinstance(one, Message) else one.at))
        there = [self.input[at] for at in self.desk.looks_back(one) if at >= offset - self.kept]
        return [found for found in there if isinstance(found, Message)]

    def _keep_to(self, policy: TicketPolicy) -> None:
        """Restart by a checkpoint when the rules are others from now on."""
        if policy is not self.policy:
            self.flush()
            self.desk = Desk(State(policy, decode(encode(self.desk.state.dump()), Snapshot)))

    @property
    def policy(self) -> TicketPolicy:
        return self.desk.state.policy

    def _after(self, chance: Random) -> None:
        self.flush()


class Restarted(Seat):
    """Its process is killed now and then, within a chunk as well; the next goes by a checkpoint, the logs, or both."""

    def __init__(self, policy_at: PolicyAt, seed: int, kept: int) -> None:
        super().__init__(policy_at, seed, kept)
        self._checkpoint = encode(self.desk.state.dump())
        self._until = 0

    def _after(self, chance: Random) -> None:
        if chance.random() < 0.6:
            self.flush()
            if chance.random() < 0.2:
                self._checkpoint, self._until = encode(self.desk.state.dump()), len(self.written)
        if chance.random() < 0.2:
            self._begin_anew(by_log_alone=chance.random() < 0.3)

    def _begin_anew(self, *, by_log_alone: bool) -> None:
        """Restore the state; what the last chunk had not written is decided once more."""
        stored, since = (None, 0) if by_log_alone else (decode(self._checkpoint, Snapshot), self._until)
        state = State(self.policy, stored) if stored else State(self.policy)
        for one in self.written[since:]:
            if one.topic == topics.EVENT:
                apply(state, decode(one.value, Event))
        for one in self.written[since:]:
            if one.topic == topics.TICKET and (ticket_id := one.key.decode()) in state.tickets:
                state.bodies[ticket_id] = one.value
        self.desk = Desk(state)
        for offset in range(state.inputs.last_offset(topics.MESSAGE, 0) + 1, len(self.input)):
            self._decide(offset)


class Follower(Seat):
    """It decides nothing: whatever another seat decided about an input it carries out."""

    def __init__(self, policy_at: PolicyAt, seed: int, kept: int) -> None:
        super().__init__(policy_at, seed, kept)
        self.decided: Event | None = None

    def _decide(self, offset: int) -> Event | None:
        if self.decided is not None:
            earlier = self._earlier(offset)
            self.desk.follow(self.input[offset], self.decided, earlier)
        return self.decided


def name_of(one: Input) -> str:
    return one.message_id if isinstance(one, Message) else one.command_id
