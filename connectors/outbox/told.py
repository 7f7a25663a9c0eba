"""What an outbox told of its answers: the records of it, and the newest of a partition, should Kafka lose them."""

from collections import OrderedDict
from datetime import datetime

from schemas.envelope import Envelope, schema_of, type_of
from schemas.records import OutboxState

KEPT = 5_000
"""States of a partition that are told again: some ten minutes of a busy city. None holds an address or a word."""


def id_of(told: OutboxState) -> str:
    """Return what names the record of a state."""
    return f"{told.outbox_id}:{told.state}:{told.attempts}"


def envelope_of(told: OutboxState) -> Envelope:
    """Return the envelope of a state."""
    return Envelope(
        id=id_of(told),
        source=f"/hotline/outbox/{told.jurisdiction}",
        type=type_of("outbox_state"),
        dataschema=schema_of("outbox_state"),
        time=told.at,
        recordedtime=told.at,
        subject=told.ticket_no,
        jurisdiction=told.jurisdiction,
        channel=told.channel,
        account=told.account,
        correlationid=told.ticket_id,
        causationid=told.outbox_id,
    )


class Told:
    """The newest states of one partition and where each stands, through all the owners that a process has of it."""

    def __init__(self) -> None:
        self._states: OrderedDict[str, tuple[int, OutboxState]] = OrderedDict()

    def note(self, offset: int, told: OutboxState) -> None:
        """Note a state that stands in the log."""
        self._states[id_of(told)] = offset, told
        self._states.move_to_end(id_of(told))
        if len(self._states) > KEPT:
            self._states.popitem(last=False)

    def behind(self, offset: int) -> list[OutboxState]:
        """Return what was told at an offset or behind it."""
        return [told for at, told in self._states.values() if at >= offset]

    def since(self, moment: datetime) -> dict[str, OutboxState]:
        """Return what was told since a moment, by name."""
        return {name: told for name, (_, told) in self._states.items() if told.at >= moment}
