"""The clerk: has tickets erased whose citizens ask for it, and gives orders about others, while the run goes on."""

import re
import threading
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime

from kafka import KafkaConsumer
from kafka.errors import KafkaError

from benchmarks.faults.sources import Numbered
from hotline.commands import deliver
from schemas import topics
from schemas.connection import KafkaConnection
from schemas.errors import PipelineError
from schemas.records import Command, Ticket
from schemas.wire import decode

ORDERED_KINDS = ("consultation", "suggestion", "help_request", "suggestion")
"""What a ticket is reclassified as, one order after the other."""

_MARK = re.compile(r"hb(\d{8})")


class Clerk(threading.Thread):
    """Follows the tickets, and gives its orders about each as soon as it is there."""

    def __init__(self, sent: list[Numbered], connection: KafkaConnection) -> None:
        super().__init__(daemon=True)
        self._asking = {message.number for message in sent if message.is_forgotten or message.is_ordered}
        self._ordered = {message.number for message in sent if message.is_ordered}
        self._connection = connection
        self.stop = threading.Event()

    def run(self) -> None:
        """Work until everything is ordered, or it is told to stop; what Kafka does not take is ordered again."""
        consumer = KafkaConsumer(
            topics.TICKET,
            **self._connection.client_options(),
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        waiting: dict[int, Ticket] = {}
        while (self._asking or waiting) and not self.stop.is_set():
            with suppress(KafkaError):
                for records in consumer.poll(timeout_ms=500).values():
                    waiting |= self._found(decode(record.value, Ticket) for record in records)
            with suppress(PipelineError):
                orders = [one for each in waiting.items() for one in self._orders(*each)]
                deliver(self._connection, *(one.outbound(one.at) for one in orders))
                waiting.clear()
        consumer.close()

    def _orders(self, number: int, ticket: Ticket) -> list[Command]:
        return _reclassified(ticket) if number in self._ordered else [_order(ticket)]

    def _found(self, tickets: Iterable[Ticket]) -> dict[int, Ticket]:
        found = {int(mark[1]): ticket for ticket in tickets if (mark := _MARK.search(ticket.text))}
        asked = {number: ticket for number, ticket in found.items() if number in self._asking}
        self._asking -= asked.keys()
        return asked


def ordered_id(ticket_id: str, number: int) -> str:
    """Return the id of one of the orders about a ticket."""
    return f"order:{ticket_id}:{number}"


def _reclassified(ticket: Ticket) -> list[Command]:
    return [
        Command(
            command_id=ordered_id(ticket.ticket_id, number),
            jurisdiction=ticket.jurisdiction,
            ticket_id=ticket.ticket_id,
            kind="reclassify",
            author="clerk",
            at=datetime.now(UTC),
            args={"kind": kind},
        )
        for number, kind in enumerate(ORDERED_KINDS)
    ]


def _order(ticket: Ticket) -> Command:
    return Command(
        command_id=f"forget:{ticket.ticket_id}",
        jurisdiction=ticket.jurisdiction,
        ticket_id=ticket.ticket_id,
        kind="forget",
        author="clerk",
        at=datetime.now(UTC),
        reason="pipl-47",
    )
