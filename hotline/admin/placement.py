"""Over how many partitions cities are spread: frozen in `hotline.placement.v1`, and checked at each start.

With another number a city would have another partition: another owner begins there with empty memory, gives numbers of
tickets a second time and takes answers for new matters.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import structlog
from kafka import KafkaProducer

from broker import kafka_reader
from broker.config import KafkaConnection
from broker.sync_client import opened
from broker.sync_producer import SETTINGS
from schemas import topics
from schemas.codec import decode, encode
from schemas.envelope import Envelope, schema_of, type_of
from schemas.errors import MisconfiguredError, SchemaError, UnreachableError
from schemas.records import Placement
from schemas.topics import TOPICS

DEFAULT = "default"

TRANSACTIONAL_ID = "hotline-placement"
"""If two processes freeze the number at once, the broker lets one write: its start fences the other."""

AGAIN_SECONDS = 5.0
"""Interval at which a stage looks for a missing record."""

AWAY_SECONDS = 40.0
"""How long a stage waits for a silent Kafka, as its clients do, before its process ends."""

_log = structlog.get_logger(__name__)


class NotFrozenError(MisconfiguredError):
    """No record of the frozen number of partitions: an older version made the topics, or they are new."""

    def __init__(self) -> None:
        super().__init__(
            f"{topics.PLACEMENT} does not contain the number of partitions over which cities are spread: "
            "run `hotline topics create`."
        )


def frozen(connection: KafkaConnection) -> int | None:
    """Return the frozen number of partitions, None if there is none.

    Raises MisconfiguredError if the topic does not exist, or holds a record that this version cannot read.
    """
    found = None
    for record in kafka_reader.read_all(connection, topics.PLACEMENT):
        if record.key == DEFAULT.encode():
            try:
                found = decode(record.value or b"", Placement).partitions or found
            except SchemaError as error:
                raise MisconfiguredError(
                    f"{topics.PLACEMENT} contains a record that this version cannot read ({error}): find "
                    "the program that wrote it."
                ) from error
    return found


def check(connection: KafkaConnection) -> None:
    """Raise NotFrozenError without a record, and MisconfiguredError when it has another number than the settings."""
    try:
        number = frozen(connection)
    except kafka_reader.NoTopicError as error:
        raise NotFrozenError from error
    if number is None:
        raise NotFrozenError
    refuse_other(connection, number)


def refuse_other(connection: KafkaConnection, number: int) -> None:
    """Raise MisconfiguredError when the settings have another number than the frozen one."""
    if number != connection.partitions:
        raise MisconfiguredError(
            f"`kafka.partitions` is {connection.partitions}, but cities are spread over {number} partitions "
            f"({topics.PLACEMENT}): set it to {number}. Another number would move cities to partitions that "
            "know nothing about them."
        )


class Checked:
    """Checks once, and again until it succeeds: for processes that start without Kafka."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._connection = connection
        self._done = False

    def __call__(self) -> None:
        """Raise as `check`."""
        if not self._done:
            check(self._connection)
            self._done = True


async def awaited(
    connection: KafkaConnection,
    stop: asyncio.Event,
    look: Callable[[KafkaConnection], None] = check,
    again_seconds: float = AGAIN_SECONDS,
) -> None:
    """Return when the check is passed or `stop` is set; topics that are not made yet are waited for.

    Raises MisconfiguredError for another number, UnreachableError when Kafka stays away.
    """
    end = time.monotonic() + AWAY_SECONDS
    told = False
    while not stop.is_set():
        try:
            return await asyncio.to_thread(look, connection)
        except NotFrozenError as error:
            if not told:
                _log.error("placement_missing", sentence=str(error))
            told, end = True, time.monotonic() + AWAY_SECONDS
        except UnreachableError:
            if time.monotonic() > end:
                raise
        await _pause(stop, again_seconds)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({waiting}, timeout=seconds)
    waiting.cancel()


def refuse_grown(connection: KafkaConnection, there: Mapping[str, int], begun_with: int | None) -> None:
    """Raise MisconfiguredError if no record was written and the topics leave the cities' partitions open.

    `there` are the numbers of partitions of existing topics. An operator who knows better gives `begun_with`.
    """
    wanted = connection.partitions
    if begun_with is not None and begun_with != wanted:
        raise MisconfiguredError(
            f"--begun-with is {begun_with} and `kafka.partitions` is {wanted}: they must be equal."
        )
    for name, count in there.items():
        if TOPICS[name].partitioned_by == "jurisdiction" and (
            count < wanted if begun_with is not None else count != wanted
        ):
            raise MisconfiguredError(
                f"`kafka.partitions` is {wanted}, {name} has {count} partitions, and the number over which "
                "cities were spread so far is not recorded: set it to the number at the installation. If "
                f"that was {wanted} and the topics grew since then, "
                f"run `hotline topics create --begun-with {wanted}`."
            )


def freeze(connection: KafkaConnection) -> int:
    """Write the record unless there is one, and return the number that is frozen.

    Raises MisconfiguredError when that is another one than the settings'.
    """
    number = frozen(connection)
    if number is None:
        try:
            number = _written(connection)
        except UnreachableError:  # another one fenced us, and has written it
            number = frozen(connection)
            if number is None:
                raise
    refuse_other(connection, number)
    return number


def _written(connection: KafkaConnection) -> int:
    """Write the record if there is still none once all others are fenced."""
    now = datetime.now(UTC)
    record = Placement(city=DEFAULT, partitions=connection.partitions, frozen=True, at=now)
    envelope = Envelope(
        id=f"{DEFAULT}:0",
        source="/hotline/topics",
        type=type_of("placement"),
        dataschema=schema_of("placement"),
        time=now,
        recordedtime=now,
    )
    with opened(KafkaProducer, connection, **SETTINGS, transactional_id=TRANSACTIONAL_ID) as producer:
        producer.init_transactions()
        other = frozen(connection)
        if other is not None:
            return other
        producer.begin_transaction()
        sent = producer.send(
            topics.PLACEMENT, encode(record), key=DEFAULT.encode(), headers=envelope.headers(), partition=0
        )
        producer.commit_transaction()
        sent.get(0)
    return connection.partitions
