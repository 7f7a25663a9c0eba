"""What is void of what waits, and that nothing is sent while nobody can tell."""

import asyncio
from typing import Any

import pytest
from msgspec import UNSET

from schemas.errors import SchemaError
from sinks.base import Document
from sinks.webhook.client import WebhookSink
from sinks.webhook.dispatcher import Courier
from sinks.webhook.erasure_lookahead import Ahead
from tests.rows import each_row
from tests.sinks.webhook.snapshots import snapshot, subscriber
from tests.waiting import soon


def void(ahead: Ahead, *versions: int) -> list[bool]:
    return [ahead.is_void(snapshot(version=version)) for version in versions]


@each_row(
    ("fields", "expected"),
    [
        ({"erased": True}, [True, True, False, False]),
        ({"redacted_version": 3}, [True, True, False, False]),
        ({"redacted_version": 2}, [True, False, False, False]),
        ({"redacted_version": UNSET}, [False] * 4),
    ],
)
def test_nothing_of_before_an_erasure_or_a_redaction_is_told(fields: dict[str, Any], expected: list[bool]) -> None:
    ahead = Ahead()
    ahead.note([snapshot(version=3, **fields)])
    assert void(ahead, 1, 2, 3, 4) == expected
    ahead.note([snapshot(version=1), snapshot(version=2)])  # read again after a rebalance
    assert void(ahead, 1, 2, 3, 4) == expected


def test_a_later_redaction_counts_and_an_earlier_one_that_is_read_again_does_not() -> None:
    ahead = Ahead()
    ahead.note(snapshot(version=n, redacted_version=n) for n in (2, 5, 2))
    assert void(ahead, 4, 5) == [True, False]


def test_what_is_hidden_is_void_until_it_may_be_read_again() -> None:
    ahead = Ahead(lambda document: b"restricted" not in document.value)
    ahead.note([snapshot(version=1), snapshot(version=2, confidentiality="restricted")])
    assert void(ahead, 1, 2) == [True, False]
    ahead.note([snapshot(version=3)])
    assert void(ahead, 1, 3) == [False, False]


def test_what_cannot_be_read_hides_nothing_and_is_the_couriers_to_bury() -> None:
    ahead = Ahead()
    nameless = snapshot(erased=True)._replace(headers=[])
    ahead.note([nameless, snapshot("210100-b", 2, erased=True)])
    assert void(ahead, 1) == [False]
    with pytest.raises(SchemaError):
        ahead.is_void(snapshot("210100-b")._replace(headers=[]))


async def test_what_ends_the_reader_comes_out_where_the_deliveries_are() -> None:
    def broken() -> None:
        raise ZeroDivisionError

    ahead = Ahead(reader=broken)
    reading = asyncio.create_task(ahead.run())
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(ahead.known(Document(snapshot().position, b"", b"", []).position), 10)
    await reading


async def test_while_nobody_can_tell_what_lies_ahead_it_is_said_so() -> None:
    """Nothing is delivered then, though the endpoint is well."""
    sink = WebhookSink("map", subscriber())
    ahead = Ahead(reader=nobody)
    courier: Any = Courier(sink, "map", subscriber(), nobody, nobody, ahead=ahead)
    assert courier.trouble is None
    waiting = asyncio.create_task(courier.deliver([snapshot()]))
    await soon(lambda: courier.trouble == "what lies ahead is read before anything is delivered")
    waiting.cancel()
    await asyncio.wait([waiting])


def nobody(*_: Any) -> Any:
    raise AssertionError
