"""Dead letters on a real Kafka, and an operator's command line beside them."""

import json
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from msgspec.structs import replace
from typer.testing import CliRunner, Result

from broker.config import KafkaConnection
from broker.sync_producer import Producer
from hotline.cli.app import app
from schemas.codec import Outbound, Position
from schemas.errors import RecordError
from schemas.records import DeadLetter
from schemas.records.dead_letter import OURS


def hotline(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, arguments, input=answer)


def lines(result: Result, code: int = 0) -> list[dict[str, Any]]:
    assert result.exit_code == code, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def read(connection: KafkaConnection, topic: str) -> list[Any]:
    consumer = KafkaConsumer(**connection.client_options(), isolation_level="read_committed")
    try:
        places = [TopicPartition(topic, number) for number in range(connection.partitions)]
        consumer.assign(places)
        consumer.seek_to_beginning()
        ends = consumer.end_offsets(places)
        found: list[Any] = []
        while any(consumer.position(place) < end for place, end in ends.items()):
            for records in consumer.poll(timeout_ms=200).values():
                found += records
        return found
    finally:
        consumer.close()


def send(connection: KafkaConnection, *outbounds: Outbound) -> None:
    producer = Producer(connection)
    producer.deliver_now(outbounds)
    producer.close()


def letter(stage: str, place: Position, record: Outbound, error: RecordError, **changes: Any) -> Outbound:
    made = DeadLetter.of(error, stage=stage, position=place, key=record.key, value=record.value, headers=record.headers)
    return replace(made, **changes).outbound()


def own(headers: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    return [header for header in headers if not header[0].startswith(OURS)]
