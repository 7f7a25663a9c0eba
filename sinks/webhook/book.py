"""The delivery log: one record in `hotline.delivery.v1` for each first failure and each end of a delivery."""

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas import topics
from schemas.clients import STUCK_SECONDS, in_time
from schemas.envelope import Envelope, schema_of, type_of
from schemas.errors import UnreachableError
from schemas.records import Delivery
from schemas.wire import encode


class Book:
    """Writes the delivery log."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def write(self, line: Delivery) -> None:
        """Return when Kafka holds the line. Raises UnreachableError when it does not, FatalError as `bury`."""
        envelope = Envelope(
            id=f"{line.delivery_id}:{line.outcome}:{line.at.isoformat()}",
            source=f"/hotline/webhook/{line.subscriber}",
            type=type_of("delivery"),
            dataschema=schema_of("delivery"),
            time=line.at,
            recordedtime=line.at,
            correlationid=line.ticket_id,
        )
        try:
            async with in_time(STUCK_SECONDS):
                await self._producer.send_and_wait(
                    topics.DELIVERY, encode(line), key=line.delivery_id.encode(), headers=envelope.headers()
                )
        except KafkaError as error:
            raise UnreachableError(
                f"Kafka takes no delivery log ({type(error).__name__}): look at its log, or `hotline topics create`"
            ) from error
