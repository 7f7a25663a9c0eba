"""Answers of one account a minute, and how long a citizen waits, by how many go side by side.

`python -m benchmarks.answers [ANSWERS]`. The real Kafka, and a service that takes half a second for a text, of which
each fortieth hangs for ten: what a mail server or a platform does on a bad day.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from statistics import quantiles

from benchmarks.transport import a_kafka
from broker.aio_client import running
from broker.aio_producer import Sender, make_producer
from broker.config import KafkaConnection
from connectors.replies.account_queue import Tools
from connectors.replies.base import Reply, Sent
from connectors.replies.partition import Owner
from connectors.replies.settings import AnswerSettings
from hotline.admin.topics import Provision
from schemas import ids, topics
from schemas.codec import Outbound, encode
from schemas.envelope import Envelope, type_of
from schemas.records import Outbox, Party

USUAL_SECONDS, HANGING_SECONDS = 0.5, 10.0
HANGS_EACH = 40
AT_ONCE = (1, 3, 4, 8)
"""How many go side by side: the account of each round has a city of its own."""


class Service:
    """Takes texts, and notes when each had arrived."""

    def __init__(self) -> None:
        self.arrived: list[float] = []
        self._asked = 0

    async def send(self, reply: Reply) -> Sent:
        """Take a text after a while."""
        self._asked += 1
        await asyncio.sleep(HANGING_SECONDS if self._asked % HANGS_EACH == 1 else USUAL_SECONDS)
        self.arrived.append(time.monotonic())
        return Sent(outcome="accepted", code="ok")

    async def close(self) -> None:
        """Nothing to release."""


def main() -> None:
    """Measure each number that may go side by side."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with a_kafka() as broker:
        connection = KafkaConnection(bootstrap_servers=broker)
        asyncio.run(compare(connection, count))


async def compare(connection: KafkaConnection, count: int) -> None:
    """Print a line for each number."""
    Provision(connection).create_when_started()
    print("side by side | answers/minute | seconds waited: median | p99 | all")
    for number, at_once in enumerate(AT_ONCE):
        waited = await measured(connection, f"{110_000 + number * 10_000}", count, at_once)
        cuts = quantiles(waited, n=100)
        print(f"{at_once} | {60 * count / waited[-1]:.0f} | {cuts[49]:.1f} | {cuts[98]:.1f} | {waited[-1]:.1f}")


async def measured(connection: KafkaConnection, city: str, count: int, at_once: int) -> list[float]:
    """Return how long each citizen waited, the longest last."""
    producer = make_producer(connection, transactional_id=f"bench-{city}")
    async with running(producer), producer.transaction():
        await Sender(producer, connection.partitions).send(list(intents(city, count)))
    service, stop = Service(), asyncio.Event()
    tools = Tools(AnswerSettings(per_minute=6000), service, reply, at_once)
    owner = Owner(ids.partition_of(city, connection.partitions), connection, lambda account: tools)
    began = time.monotonic()
    answering = asyncio.create_task(owner.run(stop))
    while len(service.arrived) < count:
        await asyncio.wait({answering}, timeout=0.05)
    stop.set()
    with suppress(asyncio.CancelledError):
        await answering
    return sorted(at - began for at in service.arrived)


def intents(city: str, count: int) -> Iterator[Outbound]:
    """Return what `assign` writes, each for a citizen of their own."""
    now = datetime.now(UTC)
    for number in range(count):
        ticket_id = f"{city}-{ids.b32(city, str(number))[:20]}"
        outbox = Outbox(
            outbox_id=f"{ticket_id}:receipt", kind="receipt", ticket_id=ticket_id,
            ticket_no=f"{city}-20261125-{number:06d}-1", jurisdiction=city, message_id=f"m{number}", channel="mailbox",
            channel_kind="imap", account=f"bench{city}", recipient=Party(kind="email", value=f"c{number}@example.cn"),
            received_at=now, at=now,
        )  # fmt: skip
        envelope = Envelope(
            id=outbox.outbox_id, source=f"/hotline/assign/{city}", type=type_of("outbox"), time=now, recordedtime=now,
            jurisdiction=city,
        )  # fmt: skip
        yield Outbound(topics.OUTBOX, ticket_id.encode(), encode(outbox), envelope.headers(), city)


def reply(outbox: Outbox) -> Reply:
    """Return a text."""
    return Reply(
        reply_id=outbox.outbox_id, jurisdiction=outbox.jurisdiction, channel_kind=outbox.channel_kind,
        account=outbox.account, recipient=outbox.recipient, text="…", received_at=outbox.received_at,
    )  # fmt: skip


if __name__ == "__main__":
    main()
