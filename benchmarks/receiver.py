"""Signed safe-mode callbacks a second through the real receiver into the real Kafka, beside a bare uvicorn.

`python -m benchmarks.receiver [MESSAGES]`. The receiver has one core; the sender and Kafka share the others.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import urlencode

import psutil
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import TopicAlreadyExistsError
from obstore.store import MemoryStore

from broker.config import KafkaConnection
from connectors.http.server import Receiver
from connectors.http.settings import ReceiverSettings
from connectors.publish.disk_buffer import Journal
from connectors.publish.durable_publisher import DurablePublisher
from connectors.publish.publisher import Publisher
from connectors.wechat.connector import WeChat
from connectors.wechat.settings import WeChatSettings
from hotline.dev.demo.wechat_platform import WeChatPlatform
from hotline.dev.stack.stack import Stack
from schemas import topics
from tests.connectors.serving import serve, wait_for

CONNECTIONS = 128
TOKEN, AES_KEY, APPID = "benchmark", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "wx2c2769f8efd9abc2"


def receive(brokers: str, port: int, folder: str) -> None:
    """Be the receiver, on one core."""
    os.sched_setaffinity(0, {0})
    settings = ReceiverSettings(port=port, requests_max=10_000, connections_per_address=10_000)
    wechat = WeChat(WeChatSettings(appid=APPID, tokens=(TOKEN,), aes_keys=(AES_KEY,), jurisdiction="430100"), "bench")
    publisher = Publisher(KafkaConnection(bootstrap_servers=brokers), MemoryStore())
    serve(
        Receiver({"/wechat": wechat}, DurablePublisher.of_journal(publisher, Journal(Path(folder))), settings), settings
    )
    publisher.close()


def answer_only(_: str, port: int, __: str) -> None:
    """Be the peer: uvicorn with the same settings that reads a body and says success."""
    import uvicorn

    async def app(scope: dict, receive, send) -> None:  # type: ignore[no-untyped-def,type-arg] # the smallest ASGI application
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"7")]})
        await send({"type": "http.response.body", "body": b"success"})

    os.sched_setaffinity(0, {0})
    uvicorn.run(app, port=port, access_log=False, log_config=None, lifespan="off", http="h11", ws="none")


def requests(count: int) -> list[bytes]:
    """Return whole HTTP requests, each with a message of its own, signed and encrypted by WeRoBot."""
    platform = WeChatPlatform("", TOKEN, AES_KEY, APPID)
    return [_http(*platform.request(_text(number))) for number in range(count)]


def _text(number: int) -> str:
    return (
        f"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[o{number % 5000}]]></FromUserName>"
        f"<CreateTime>{int(time.time())}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA["
        f"人民路{number % 300}号门前的路灯坏了三天，晚上很黑，请尽快派人来修。]]></Content>"
        f"<MsgId>{10**18 + number}</MsgId></xml>"
    )


def _http(query: dict[str, str], body: bytes) -> bytes:
    head = f"POST /wechat?{urlencode(query)} HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def send(port: int, whole: list[bytes]) -> float:
    """Send everything over some connections at once and return the seconds; every answer must be a success."""
    shares = [whole[number::CONNECTIONS] for number in range(CONNECTIONS)]
    started = time.perf_counter()
    await asyncio.gather(*(_talk(port, share) for share in shares if share))
    return time.perf_counter() - started


async def _talk(port: int, share: list[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in share:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200") or await reader.readexactly(7) != b"success":
            raise RuntimeError(f"not a success: {head[:20]!r}")
    writer.close()


@contextmanager
def process(target: object, brokers: str, port: int) -> Iterator[psutil.Process]:
    with tempfile.TemporaryDirectory() as folder:
        child = get_context("spawn").Process(target=target, args=(brokers, port, folder))  # type: ignore[arg-type] # one of two functions
        child.start()
        try:
            wait_for(port)
            yield psutil.Process(child.pid)
        finally:
            child.terminate()
            child.join()


def measure(target: object, brokers: str, port: int, count: int) -> dict[str, float]:
    """Return messages a second, and a CPU-second of the server."""
    with process(target, brokers, port) as server:
        asyncio.run(send(port, requests(500)))
        whole = requests(count)
        before = sum(server.cpu_times()[:2])
        seconds = asyncio.run(send(port, whole))
        spent = sum(server.cpu_times()[:2]) - before
    return {"per_second": round(count / seconds), "per_cpu_second": round(count / spent)}


def main(count: int = 20_000) -> dict[str, object]:
    """Measure with a Kafka of its own and return the figures."""
    with tempfile.TemporaryDirectory(prefix="hotline-bench-") as folder:
        stack = Stack(Path(folder))
        try:
            brokers = stack.up(owner=os.getpid()).bootstrap_servers
            _create(brokers)
            figures = {
                "receiver": measure(receive, brokers, 19111, count),
                "uvicorn alone": measure(answer_only, brokers, 19112, count),
            }
        finally:
            stack.down()
    return {"messages": count, "connections": CONNECTIONS, **figures}


def _create(brokers: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=brokers)
    try:
        admin.create_topics([NewTopic(topics.raw("wechat"), num_partitions=8, replication_factor=1)])
    except TopicAlreadyExistsError:
        pass
    finally:
        admin.close()


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:]))))
