"""Decisions a second and memory, by the number of tickets in state: the desk alone, from ten thousand to a million.

`python -m benchmarks.state [TICKETS]`. Messages are normalized ones, each with an id of its own and the features that
`benchmarks/near.py` makes up. The state is filled by folding events, as a worker does that restores its logs, each with
a body beside it; at every mark some thousand messages more are decided and written. Memory is what each further ticket
took since the mark before.
"""

import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import Any

from msgspec.structs import replace

from benchmarks import near
from benchmarks.normalize import neutral
from normalizers.base import Policy
from normalizers.pipeline import normalize
from normalizers.rules import DEFAULT_RULES
from schemas import ids, topics
from schemas.codec import Position, decode, encode
from schemas.records import Event, InputRef, Message, Ticket, TicketVersion, event
from streams.engine.app import tune_collector
from tickets.masking.precompute import foreseen
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.reducers import apply
from tickets.state.state import State

MARKS = (10_000, 30_000, 100_000, 300_000, 1_000_000)
CHUNK, TEMPLATES, DECIDED = 500, 1_000, 4_000
START = datetime(2026, 1, 1, tzinfo=UTC)
APART = timedelta(seconds=10)


def messages(tickets: int) -> Iterator[Message]:
    """Yield messages of one city, one every ten seconds, in which every tenth ticket has an estate of its own."""
    policy = Policy()
    templates = [foreseen(normalize(neutral(number), policy).message, DEFAULT_RULES) for number in range(TEMPLATES)]
    for number, made in enumerate(near.messages(tickets)):
        template, at = templates[number % TEMPLATES], START + number * APART
        told = {"requesters": (f"k:{number}",), "text_key": f"{number:032x}", "codes": template.features.codes}
        name = ids.message_id("/bench", str(number))
        times = {"received_at": at, "ingested_at": at}
        yield replace(template, message_id=name, jurisdiction=near.CITY, features=replace(made, **told), **times)


class Filler:
    """Folds an event like `model` for a message, without deciding, and keeps a body like `body`."""

    def __init__(self, state: State, model: Event, body: Ticket) -> None:
        self._state, self._model, self._body = state, model, body

    def fold(self, message: Message, offset: int) -> None:
        """Open a ticket for the message."""
        at, ticket_id = message.ingested_at, ids.ticket_id(near.CITY, message.message_id)
        day = ids.day_of(at)
        sequence = self._state.sequences.get(f"{near.CITY}-{day}", 0) + 1
        number = ids.ticket_no(near.CITY, at, sequence)
        told = {"ticket_no": number, "day": day, "sequence": sequence, "message_id": message.message_id}
        decision = replace(
            self._model,
            event_id=message.message_id,
            tickets=(TicketVersion(ticket_id=ticket_id, version=1),),
            at=at,
            input=InputRef(topic=topics.MESSAGE, partition=0, offset=offset, message_id=message.message_id),
            features=message.features,
            changes=tuple(_for(change, ticket_id, told, at - self._model.at) for change in self._model.changes),
        )
        apply(self._state, decision)
        body = replace(self._body, ticket_id=ticket_id, ticket_no=number, first_message_id=message.message_id)
        self._state.bodies[ticket_id] = encode(body)


def _for(change: Any, ticket_id: str, told: dict[str, Any], later: timedelta) -> Any:
    """Return a change of the model for another ticket."""
    if isinstance(change, event.DeadlineSet):
        started_at = change.started_at and change.started_at + later
        return replace(change, ticket_id=ticket_id, due_at=change.due_at + later, started_at=started_at)
    return replace(
        change, ticket_id=ticket_id, **{key: told[key] for key in told.keys() & set(change.__struct_fields__)}
    )


def decided(desk: Desk, some: Iterator[tuple[int, Message]]) -> float:
    """Decide about some thousand messages; return how many a CPU-second."""
    took = 0.0
    for _ in range(DECIDED // CHUNK):
        chunk = [(message, Position(topics.MESSAGE, 0, offset)) for offset, message in islice(some, CHUNK)]
        began = time.process_time()
        for message, position in chunk:
            desk.take(message, position)
        desk.flush()
        took += time.process_time() - began
    return DECIDED / took


def main() -> None:
    """Print a line for each mark."""
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    tune_collector()
    desk, some = Desk(State(TicketPolicy())), zip(count(), messages(total + len(MARKS) * DECIDED + 1), strict=False)
    offset, first = next(some)
    model = desk.take(first, Position(topics.MESSAGE, 0, offset))
    assert model is not None
    desk.flush()
    filler = Filler(desk.state, model, decode(next(iter(desk.state.bodies.values())), Ticket))
    print(f"{'tickets held':>14}{'decisions/CPU-s':>18}{'KB a further ticket':>22}")
    held, memory = 0, _memory()
    for mark in [*(mark for mark in MARKS if mark < total), total]:
        while len(desk.state.tickets) < mark:
            offset, message = next(some)
            filler.fold(message, offset)
        there, size = len(desk.state.tickets), _memory()
        rate = decided(desk, some)
        print(f"{there:>14,}{rate:>18,.0f}{(size - memory) / max(there - held, 1):>22.1f}", flush=True)
        held, memory = len(desk.state.tickets), _memory()


def _memory() -> int:
    """Return the most memory that the process ever had, in KB; the state only grows."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
