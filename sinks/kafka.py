"""The Kafka clients of a sink: a consumer that sees only committed transactions, a producer for dead letters."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)

from broker.aio_client import METADATA_MS, STUCK_SECONDS, in_time
from broker.config import KafkaConnection
from schemas import topics
from schemas.codec import Outbound
from schemas.errors import FatalError, UnreachableError
from schemas.records import DeadLetter

_NOT_ALLOWED = (TopicAuthorizationFailedError, ClusterAuthorizationFailedError)

_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)

_HEADROOM = 2 * 1024 * 1024
"""Room for the reasons that a dead letter adds to a record of the largest size."""

_log = structlog.get_logger(__name__)


def make_consumer(connection: KafkaConnection, group: str) -> AIOKafkaConsumer:
    """Return a consumer of the group that has not started; it commits only when it is told."""
    return AIOKafkaConsumer(
        **connection.aiokafka_options(),
        group_id=group,
        client_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        session_timeout_ms=10_000,
        heartbeat_interval_ms=1_000,
        fetch_max_wait_ms=100,
        metadata_max_age_ms=METADATA_MS,
    )


def make_reader(
    connection: KafkaConnection, *names: str, client_id: str = "hotline-rebuild", group: str | None = None
) -> AIOKafkaConsumer:
    """Return a consumer that has not started: it reads whole topics, and commits nothing.

    A `group` it only asks where that stands: who reads by hand joins nobody.
    """
    return AIOKafkaConsumer(
        *names,
        **connection.aiokafka_options(),
        client_id=client_id,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=100,
    )


def make_producer(connection: KafkaConnection, **options: Any) -> AIOKafkaProducer:
    """Return a producer that answers when every replica has the record.

    It is not idempotent: what Kafka refuses for good would leave a gap in the numbers of its batches, and all later
    ones would fail by it.
    """
    return AIOKafkaProducer(**connection.aiokafka_options(), acks="all", max_request_size=_HEADROOM, **options)


@asynccontextmanager
async def writing(what: str) -> AsyncIterator[None]:
    """Raise UnreachableError when Kafka does not take it now, FatalError when the client forgets it."""
    try:
        async with in_time(STUCK_SECONDS):
            yield
    except _NOT_ALLOWED as error:  # it is granted while we wait, so nothing of ours need be started again
        raise UnreachableError(
            f"Kafka does not let our user write {what} ({type(error).__name__}): `hotline doctor` names the "
            "missing right"
        ) from error
    except KafkaError as error:
        raise UnreachableError(
            f"Kafka does not accept {what} ({type(error).__name__}): check that it runs and that the topic "
            "exists, or run `hotline doctor`"
        ) from error


class Graveyard:
    """Puts dead letters into Kafka, each as whole as their topic takes it."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Return when Kafka holds all of them. Raises FatalError when a person has to let it, or a new client."""
        fits = await asyncio.gather(*[self._fits(letter.outbound()) for letter in letters])
        for letter in (letter for letter, one_fits in zip(letters, fits, strict=True) if not one_fits):
            await self._bury_alone(letter)

    async def _bury_alone(self, letter: DeadLetter) -> None:
        """What is sent beside others may have been refused for their size."""
        for out in letter.as_whole_as_fits():
            if await self._fits(out):
                return
            _log.warning("dead_letter_refused", stage=letter.stage, **letter.position._asdict())
        raise FatalError(f"Kafka refuses every dead letter as too large: raise max.message.bytes of {topics.DEAD}")

    async def _fits(self, out: Outbound) -> bool:
        """Return whether Kafka holds it now; False when it refuses it as too large."""
        async with writing("dead letters"):
            try:
                await self._producer.send_and_wait(out.topic, out.value, key=out.key, headers=out.headers)
            except _TOO_LARGE:
                return False
        return True
