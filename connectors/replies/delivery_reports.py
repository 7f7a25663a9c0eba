"""Reads delivery reports (状态报告) from an account's raw records: the topic keeps them, so a restart loses none."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from aiokafka import AIOKafkaConsumer, TopicPartition

from broker.aio_client import closed, started
from broker.config import KafkaConnection
from connectors.replies.base import Report
from connectors.replies.kafka import header, make_reader

SKEW = timedelta(minutes=1)
"""Limit of the difference between the clocks of two writing machines; reading a report twice changes nothing."""

ReportOf = Callable[[bytes, str], Report | None]
"""Returns the delivery report in a raw record's value of this content type, or None for any other record."""


async def follow_reports(
    connection: KafkaConnection,
    topic: str,
    account: str,
    report_of: ReportOf,
    since: datetime,
    take: Callable[[Report], Awaitable[None]],
) -> None:
    """Pass on every report of the account since a moment; never returns.

    Raises aiokafka's errors, and UnreachableError. The topic is partitioned by sender, so all of it is read.
    """
    reader: AIOKafkaConsumer = make_reader(connection)
    try:
        await started(reader.start)
        await _begin(reader, topic, since)
        while True:
            found = await reader.getmany(timeout_ms=500)
            for record in (record for records in found.values() for record in records):
                if header(record, "ce_account") != account.encode() or not record.value:
                    continue
                report = report_of(record.value, header(record, "content-type").decode("latin-1"))
                if report is not None:
                    await take(report)
    finally:
        await closed(reader.stop)


async def _begin(reader: AIOKafkaConsumer, topic: str, since: datetime) -> None:
    numbers = await reader._client._wait_on_metadata(topic)  # the public methods know a topic only after it is assigned
    places = [TopicPartition(topic, number) for number in sorted(numbers)]
    reader.assign(places)
    ends = await reader.end_offsets(places)
    begin = int((since - SKEW).timestamp() * 1000)
    then = await reader.offsets_for_times(dict.fromkeys(places, begin))
    for place in places:
        found = then.get(place)
        reader.seek(place, ends[place] if found is None else found.offset)
