"""The clerk: has tickets erased whose citizens ask for it, and gives orders about others, while the run goes on.

An erasure takes a second person: the colleague confirms it.
"""

import json
import re
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from kafka import KafkaConsumer
from kafka.errors import KafkaError

from benchmarks.faults.sources import Numbered
from broker.config import KafkaConnection
from hotline.admin.commands import deliver
from schemas import command_signature, topics
from schemas.codec import Outbound, decode, encode
from schemas.command_signature import Signer
from schemas.errors import PipelineError
from schemas.records import Command, Ticket
from tickets.admission import confirmation_id, signed_headers

ORDERED_KINDS = ("consultation", "suggestion", "help_request", "suggestion")
"""What a ticket is reclassified as, one order after the other."""

CLERK, COLLEAGUE = (Signer(name, f"a key of {name} for the fault suite alone".encode()) for name in ("clerk", "second"))

KEYS = "HOTLINE_COMMAND_KEYS__"
"""What their settings begin with."""

_MARK = re.compile(r"hb(\d{8})")


def keys(cities: Sequence[str]) -> dict[str, str]:
    """Return the settings of `assign` that admit what the two sign."""
    settings: dict[str, str] = {}
    for signer in (CLERK, COLLEAGUE):
        key = f"{KEYS}{signer.key_id.upper()}__"
        settings |= {
            f"{key}SECRET": signer.secret.decode(),
            f"{key}AUTHOR": signer.key_id,
            f"{key}KINDS": json.dumps(["forget", "reclassify"]),
            f"{key}JURISDICTIONS": json.dumps(list(cities)),
        }
    return settings


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
                deliver(self._connection, *orders)
                waiting.clear()
        consumer.close()

    def _orders(self, number: int, ticket: Ticket) -> list[Outbound]:
        if number in self._ordered:
            return [one.outbound(one.at, CLERK) for one in _reclassified(ticket)]
        request = _order(ticket)
        asked = request.outbound(request.at, CLERK)
        return [asked, _confirmed(request, asked)]

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
            author=CLERK.key_id,
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
        author=CLERK.key_id,
        at=datetime.now(UTC),
        reason="pipl-47",
    )


def _confirmed(request: Command, asked: Outbound) -> Outbound:
    value = encode(request)
    confirmation = Command(
        command_id=confirmation_id(request),
        jurisdiction=request.jurisdiction,
        ticket_id=request.ticket_id,
        kind="approve",
        author=COLLEAGUE.key_id,
        at=request.at,
        args={"digest": command_signature.digest_of(value)},
    )
    return confirmation.outbound(confirmation.at, COLLEAGUE, signed_headers(asked.headers, value))
