"""Acknowledgements of people at the desk, as signed commands, which `assign` decides."""

import asyncio
import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hotline.config import command_signers
from schemas import ids
from schemas.records import Command
from tickets.commands.order import presumed

if TYPE_CHECKING:
    from broker.sync_producer import Producer
    from console.desk.queue import Waiting
    from schemas.command_signature import Signer


class Acknowledgements:
    """The same person's second try has the id of the first, so that it counts once."""

    def __init__(self, producer: "Producer", signer: "Signer | None") -> None:
        self._producer = producer
        self._signer = signer

    async def acknowledge(self, waiting: "Waiting", person: str, run: str) -> None:
        """Return when the brokers hold the command. Raises UnreachableError."""
        now = datetime.now(UTC)
        command = Command(
            command_id=f"desk:{_id(waiting, run)}",
            jurisdiction=waiting.urgent.jurisdiction,
            handover_id=waiting.urgent.handover_id,
            kind="acknowledge_handover",
            author=f"{command_signers.DESK}/{person}",
            at=now,
            seen_at=presumed(now, {}),
        )
        await asyncio.to_thread(self._producer.deliver_now, [command.outbound(now, self._signer)])


def _id(waiting: "Waiting", run: str) -> str:
    """Return an id of the hand-over, since when it waits, and the session; one that was reinstated has another."""
    urgent = waiting.urgent
    told = "\n".join((urgent.jurisdiction, urgent.handover_id, urgent.since.isoformat(), run))
    return ids.b32_text(hashlib.sha256(told.encode()).digest(), 24)
