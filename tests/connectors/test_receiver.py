"""The receiver's promises, request by request: limits first, success last."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from connectors import metrics
from connectors.base import Accepted, Answer, Request
from connectors.http.server import SLICE_MESSAGES, Receiver, ReceiverSettings
from connectors.publish.disk_buffer import Journal
from connectors.publish.durable_publisher import DurablePublisher
from schemas.errors import RefusedRequest, UnreachableError
from schemas.records import RawMessage
from tests.connectors.pushed import message
from tests.waiting import soon

Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


class Echoing:
    """A push connector that takes every line of a body for a message named by it."""

    channel: ClassVar[str] = "wechat"

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def accept(self, request: Request) -> Accepted:
        self.requests.append(request)
        if request.method == "GET":
            return Accepted(answer=Answer(body=b"echo"))
        if request.body == b"forged":
            raise RefusedRequest("forged", reason="signature")
        if request.body == b"bug":
            raise KeyError("a citizen's words")
        messages = tuple(message(name) for name in request.body.decode().split("\n"))
        return Accepted(messages=messages, answer=Answer(body=b"success"))


class Kafka:
    """Holds messages, unless it is down or paused."""

    def __init__(self) -> None:
        self.held: list[str] = []
        self.slices: list[int] = []
        self.most = 1_000_000
        self.down = False
        self.answering = asyncio.Event()
        self.answering.set()

    def publish(self, messages: Sequence[RawMessage]) -> None:
        if self.down or len(self.held) >= self.most:
            raise UnreachableError("down")
        self.slices.append(len(messages))
        self.held += [each.envelope.id for each in messages]

    def tell(self, messages: Sequence[RawMessage]) -> list[RawMessage]:
        return list(messages) if self.down else []

    async def publish_async(self, messages: Sequence[RawMessage], timeout: float) -> None:  # noqa: ASYNC109 - the publisher's
        await self.answering.wait()
        self.publish(messages)


@pytest.fixture
def connector() -> Echoing:
    return Echoing()


@pytest.fixture
def kafka() -> Kafka:
    return Kafka()


@pytest.fixture
def served(connector: Echoing, kafka: Kafka, tmp_path: Path) -> Open:
    @asynccontextmanager
    async def served(limits: dict[str, int] | None = None, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
        chosen = ReceiverSettings(**settings)
        journal = Journal(tmp_path / "journal", chosen.journal_max_bytes)
        app = Receiver(
            {"/wechat": connector},
            DurablePublisher.of_journal(kafka, journal, chosen.publish_timeout_seconds),
            chosen,
            limits,
        )
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://receiver")
        async with app.lifespan(), client:
            yield client

    return served


def count(outcome: str) -> float:
    return metrics.PUSH_REQUESTS.labels("wechat", outcome)._value.get()


def unheard(reason: str) -> float:
    return metrics.PUSH_UNHEARD.labels("wechat", reason)._value.get()


async def test_a_channel_shows_what_alarms_ask_for_before_there_is_any(served: Open, connector: Echoing) -> None:
    """A secret that was changed rings after a few refusals, but for a channel that has brought something."""
    connector.channel = "fresh"
    async with served():
        told = [
            REGISTRY.get_sample_value(
                "hotline_connectors_push_requests_total", {"channel": "fresh", "outcome": outcome}
            )
            for outcome in ("published", "journaled", "answered", "unsafe")
        ]
        told += [
            REGISTRY.get_sample_value("hotline_connectors_push_refused_total", {"channel": "fresh", "reason": reason})
            for reason in ("timestamp", "signature", "token", "cipher", "mode")
        ]
    assert told == [0] * 9


async def test_a_message_that_kafka_holds_is_answered_with_success(served: Open, kafka: Kafka) -> None:
    async with served() as client:
        before = count("published")
        answer = await client.post("/wechat", content=b"1")
    assert (answer.status_code, answer.content) == (200, b"success")
    assert kafka.held == ["1"]
    assert count("published") == before + 1


async def test_no_success_before_kafka_holds_the_message(served: Open, kafka: Kafka) -> None:
    kafka.answering.clear()
    async with served() as client:
        waiting = asyncio.create_task(client.post("/wechat", content=b"1"))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        kafka.answering.set()
        assert (await waiting).status_code == 200


async def test_a_great_batch_is_made_safe_in_slices_and_answered_as_a_whole(served: Open, kafka: Kafka) -> None:
    names = [str(number) for number in range(2 * SLICE_MESSAGES + 1)]
    body = "\n".join(names).encode()
    async with served(journal_max_bytes=1) as client:
        before = count("published")
        assert (await client.post("/wechat", content=body)).content == b"success"
        assert (kafka.held, kafka.slices) == (names, [SLICE_MESSAGES, SLICE_MESSAGES, 1])
        assert count("published") == before + 1
        kafka.held, kafka.most = [], SLICE_MESSAGES
        answer = await client.post("/wechat", content=body)
        assert (answer.status_code, answer.content) == (503, b"")


async def test_the_journal_is_success_too_and_reaches_kafka_later(served: Open, kafka: Kafka) -> None:
    kafka.down = True
    async with served() as client:
        assert (await client.post("/wechat", content=b"1")).content == b"success"
        assert kafka.held == []
        kafka.down = False
        await soon(lambda: kafka.held == ["1"])


async def test_with_neither_the_sender_is_told_to_come_again(served: Open, kafka: Kafka) -> None:
    kafka.down = True
    async with served(journal_max_bytes=1) as client:
        answer = await client.post("/wechat", content=b"1")
    assert (answer.status_code, answer.content) == (503, b"")


async def test_a_refusal_has_its_status_an_empty_body_and_a_count(served: Open, kafka: Kafka) -> None:
    before = metrics.PUSH_REFUSED.labels("wechat", "signature")._value.get()
    async with served() as client:
        answer = await client.post("/wechat", content=b"forged")
    assert (answer.status_code, answer.content) == (403, b"")
    assert metrics.PUSH_REFUSED.labels("wechat", "signature")._value.get() == before + 1
    assert kafka.held == []


async def test_a_fault_of_ours_acknowledges_nothing_and_tells_no_personal_data(served: Open) -> None:
    before = unheard("failed")
    async with served() as client:
        with capture_logs() as logs:
            answer = await client.post("/wechat", content=b"bug")
        assert (answer.status_code, answer.content) == (500, b"")
        assert (await client.post("/wechat", content=b"next")).status_code == 200
    assert unheard("failed") == before + 1
    assert logs == [{"event": "push_failed", "log_level": "error", "channel": "wechat", "error": "KeyError"}]


@pytest.mark.parametrize("declared", [True, False])
async def test_a_large_body_is_refused_and_never_held(served: Open, connector: Echoing, declared: bool) -> None:
    taken = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(1000):
            taken += 1
            yield b"x" * 1000

    headers = {"content-length": "1000000"} if declared else {}
    async with served(body_max_bytes=10_000) as client:
        answer = await client.post("/wechat", content=chunks(), headers=headers)
    assert (answer.status_code, answer.content) == (413, b"")
    assert taken <= (0 if declared else 11)
    assert connector.requests == []


async def test_a_body_of_exactly_the_limit_is_taken(served: Open) -> None:
    async with served(limits={"/wechat": 3}) as client:
        assert (await client.post("/wechat", content=b"123")).status_code == 200
        assert (await client.post("/wechat", content=b"1234")).status_code == 413


@pytest.mark.parametrize(
    ("trusted", "forwarded", "client"),
    [
        ((), None, "127.0.0.1"),
        ((), "203.0.113.7", "127.0.0.1"),
        (("127.0.0.0/8",), None, "127.0.0.1"),
        (("127.0.0.0/8",), "203.0.113.7", "203.0.113.7"),
        (("127.0.0.0/8",), "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        (("127.0.0.1", "10.0.0.0/8"), "198.51.100.1, 203.0.113.7, 10.1.2.3", "203.0.113.7"),
        (("10.0.0.0/8",), "203.0.113.7", "127.0.0.1"),
        (("127.0.0.1",), "203.0.113.7:4711", "203.0.113.7"),
        (("127.0.0.1",), "2001:db8::7", "2001:db8::7"),
    ],
)
async def test_who_calls_is_what_the_last_proxy_of_ours_saw(
    served: Open, connector: Echoing, trusted: tuple[str, ...], forwarded: str | None, client: str
) -> None:
    """What stands left of it in the header, anybody can write."""
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    async with served(trusted_proxies=trusted) as http:
        await http.post("/wechat", content=b"1", headers=headers)
    assert connector.requests[0].client == client


async def test_a_proxy_that_nobody_named_is_told_once(served: Open) -> None:
    forwarded = {"x-forwarded-for": "203.0.113.7"}
    for trusted, times in (((), 1), (("10.0.0.0/8",), 1), (("127.0.0.1",), 0)):
        with capture_logs() as logs:
            async with served(trusted_proxies=trusted) as http:
                await http.post("/wechat", content=b"0")
                for _ in range(2):
                    await http.post("/wechat", content=b"1", headers=forwarded)
        told = [line for line in logs if line["event"] == "proxy_not_named"]
        assert [line["setting"] for line in told] == ["receiver.trusted_proxies"] * times
        assert "203.0.113.7" not in str(told)


async def test_a_slow_body_is_refused(served: Open) -> None:
    async def dribble() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.01)
            yield b"x"

    before = unheard("slow")
    async with served(body_timeout_seconds=0.1) as client:
        assert (await client.post("/wechat", content=dribble())).status_code == 408
    assert unheard("slow") == before + 1


async def test_more_requests_than_fit_are_told_to_come_again(served: Open, kafka: Kafka, connector: Echoing) -> None:
    kafka.answering.clear()
    before = unheard("overloaded")
    async with served(requests_max=2) as client:
        waiting = [asyncio.create_task(client.post("/wechat", content=b"%d" % number)) for number in range(2)]
        await soon(lambda: len(connector.requests) >= 2)
        assert (await client.post("/wechat", content=b"3")).status_code == 503
        assert unheard("overloaded") == before + 1
        kafka.answering.set()
        assert [(await each).status_code for each in waiting] == [200, 200]
        assert (await client.post("/wechat", content=b"4")).status_code == 200


async def test_the_connector_sees_every_value_of_a_parameter(served: Open, connector: Echoing) -> None:
    async with served() as client:
        answer = await client.get("/wechat?nonce=1&nonce=2&empty=&text=%E8%B7%AF", headers={"X-Thing": "y"})
    assert answer.content == b"echo"
    (request,) = connector.requests
    assert request.query == {"nonce": ("1", "2"), "empty": ("",), "text": ("路",)}
    assert (request.method, request.path, request.headers["x-thing"]) == ("GET", "/wechat", "y")


async def test_other_paths_and_methods_are_nobodys(served: Open, connector: Echoing) -> None:
    async with served() as client:
        assert (await client.get("/other")).status_code == 404
        assert (await client.put("/wechat")).status_code == 405
    assert connector.requests == []


async def test_it_is_alive_and_ready_until_the_journal_is_nearly_full(served: Open, kafka: Kafka) -> None:
    async with served(journal_max_bytes=620) as client:
        assert (await client.get("/healthz")).text == "ok"
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()) == (200, {"ready": True, "journal_full": False})
        kafka.down = True
        assert (await client.post("/wechat", content=b"1" * 30)).status_code == 200
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"ready": False, "journal_full": True})
        assert (await client.get("/healthz")).text == "ok"
