"""Delivery log: one record in `hotline.delivery.v1` for each first failure and each end of a delivery."""

from aiokafka import AIOKafkaProducer

from schemas import topics
from schemas.codec import encode
from schemas.envelope import Envelope, schema_of, type_of
from schemas.records import Delivery
from sinks.kafka import writing


class Book:
    """Writes the delivery log."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def write(self, line: Delivery) -> None:
        """Return when Kafka holds the line. Raises as `sinks.kafka.writing` does."""
        envelope = Envelope(
            id=f"{line.delivery_id}:{line.outcome}:{line.at.isoformat()}",
            source=f"/hotline/webhook/{line.subscriber}",
            type=type_of("delivery"),
            dataschema=schema_of("delivery"),
            time=line.at,
            recordedtime=line.at,
            correlationid=line.ticket_id,
        )
        async with writing("delivery log"):
            await self._producer.send_and_wait(
                topics.DELIVERY, encode(line), key=line.delivery_id.encode(), headers=envelope.headers()
            )
