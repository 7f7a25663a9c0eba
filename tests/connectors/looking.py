"""How often a thread that sends looks at its connections: one without a pause takes a whole core."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from broker.sync_producer import Producer

MOST = 100
"""Looks in a second: several times as many as the pauses allow, and a hundredth of those without them."""


@contextmanager
def seldom(producer: Producer) -> Iterator[None]:
    """Fail if the producer, which was used before, looks without a pause inside the block."""
    client, looks, began = producer._theirs._sender._client, list[None](), time.monotonic()
    poll = client.poll

    def counted(*arguments: Any, **options: Any) -> Any:
        looks.append(None)
        return poll(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "poll", counted)
        yield
    assert len(looks) < MOST * (1 + time.monotonic() - began), "it looks for the broker without a pause"
