"""Early: the beginning of a large message that waits for the blob store, so that an emergency in it does not wait.

It goes into the message's own raw topic, under its name and with a type of its own: `screen` reads it as any other, and
nobody else does. The hand-over of the whole, when it comes, has the same id.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Protocol

import structlog

from connectors import faults
from schemas.errors import PipelineError
from schemas.records import RawMessage
from schemas.records.raw import beginning
from schemas.wire import Outbound

_MOST = 10_000
"""Messages that are remembered as told; each is told once, though it is tried again each minute."""

_log = structlog.get_logger(__name__)


class Producer(Protocol):
    """What brings records to Kafka."""

    def deliver_now(self, records: Sequence[Outbound]) -> None:
        """Return when the broker holds them."""
        ...


class Early:
    """Tells of what waits, once; whatever goes wrong with that, the whole message still comes."""

    def __init__(self, producer: Producer, most: int = _MOST) -> None:
        self._producer = producer
        self._told: OrderedDict[str, None] = OrderedDict()
        self._most = most

    def tell(self, waiting: Iterable[RawMessage]) -> None:
        """Bring to Kafka how these begin; back-fill alarms nobody."""
        fresh = [one for one in waiting if one.message_id not in self._told and not one.backfill]
        for one in fresh:
            try:
                self._producer.deliver_now([beginning(one).outbound()])
            except PipelineError as error:
                _log.warning("beginning_not_told", connector=one.envelope.account, error=type(error).__name__)
                return  # Kafka is away as well: with the next try
            except Exception as error:  # noqa: BLE001 - whatever it is, the whole message still comes
                faults.told(one.channel, one.envelope.account or "", error)
            self._told[one.message_id] = None
            if len(self._told) > self._most:
                self._told.popitem(last=False)
