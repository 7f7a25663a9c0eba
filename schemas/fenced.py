"""What a transactional producer of aiokafka leaves unread when it is fenced."""

from asyncio import Future
from collections.abc import Iterator
from typing import Any

from aiokafka import AIOKafkaProducer


def read_faults(producer: AIOKafkaProducer) -> None:
    """Read the faults that a stopped producer told nobody: asyncio logs each of them as an error of ours.

    The first one is raised to whoever writes. The same fault lies in the end of the transaction, which nobody asks
    for after that, and in each batch that waited for its turn; aiokafka offers no way to either.
    """
    for future in _ends(producer):
        if future.done() and not future.cancelled():
            future.exception()


def _ends(producer: AIOKafkaProducer) -> Iterator[Future[Any]]:
    transactions = producer._txn_manager
    if transactions is not None and transactions._transaction_waiter is not None:
        yield transactions._transaction_waiter
    for batches in producer._message_accumulator._batches.values():
        yield from (batch._drain_waiter for batch in batches)
