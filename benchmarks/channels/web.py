"""The web door under faults: an app and a browser that repeat until they are told yes, while Kafka and networks fail.

Of ten messages seven come by Open311 and three by the form; one of both in five brings a photo. The archive is away
all the time: nothing of the intake may need it.

Alone (`python -m benchmarks.channels.web [MESSAGES]`): requests a second without faults, urlencoded and with a photo,
beside Starlette that only reads the same forms.
"""

import asyncio
import http.client
import json
import os
import re
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, ClassVar
from urllib.parse import urlencode

import urllib3
import uvicorn
from obstore.store import MemoryStore
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.channels import course
from benchmarks.channels.course import Ground, numbered
from benchmarks.receiver import process
from broker.config import KafkaConnection
from connectors.http.server import Receiver
from connectors.http.settings import ReceiverSettings
from connectors.publish.disk_buffer import Journal
from connectors.publish.durable_publisher import DurablePublisher
from connectors.publish.publisher import Publisher
from connectors.web.routes import WebDoor
from connectors.web.service import Tools
from connectors.web.settings import ClientSettings, WebSettings
from hotline.admin.topics import Provision
from hotline.dev.stack.stack import Stack
from normalizers.base import Policy
from tests.connectors.serving import serve

API_KEY = "hotline-benchmark-app-key"
PATH = "/web"
PREFIX = "HOTLINE_CONNECTORS__WEB__BENCH__"
PHOTO_BYTES = 30_000
PATIENCE_SECONDS = 120.0
CONNECTIONS = 64

Fields = dict[str, str | bytes | tuple[str, str | bytes] | tuple[str, str | bytes, str]]

_STAMP = re.compile(rb'name="stamp" value="([^"]+)"')


class Course(course.Course):
    """One door; every message has an idempotency key of its own, as the provider's client has."""

    channel: ClassVar[str] = "web"
    components: ClassVar[tuple[str, ...]] = ("receiver",)

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._http = urllib3.PoolManager(retries=False, timeout=15.0)

    def __exit__(self, *_: object) -> None:
        self._http.clear()

    def environment(self) -> Mapping[str, str]:
        return {
            f"{PREFIX}PATH": PATH,
            f"{PREFIX}OPEN311": "true",
            f"{PREFIX}CLIENTS": json.dumps({"bench_app": {"api_keys": [API_KEY]}}),
            f"{PREFIX}FORM_PER_HOUR": "10000000",
            "HOTLINE_ELASTICSEARCH__HOSTS": '["http://127.0.0.1:9"]',
        }

    def send(self, number: int) -> None:
        """Send until the receiver says yes."""
        send = self._form if number % 10 >= 7 else self._open311
        end = time.monotonic() + PATIENCE_SECONDS
        stamp: list[str] = []
        while time.monotonic() < end:
            try:
                if send(number, stamp):
                    return
            except (urllib3.exceptions.HTTPError, OSError):
                pass
            time.sleep(0.2)
        raise TimeoutError(f"message {number} was not taken within {PATIENCE_SECONDS} s")

    def faults(self) -> Mapping[str, Callable[[Random], None]]:
        return {
            "hung up in the body": lambda _: self._hang_up(),
            "slow bodies": lambda dice: self._dribble(dice.uniform(5, 10)),
            "a flood of strangers": lambda _: self._strangers(),
        }

    def _open311(self, number: int, _: list[str]) -> bool:
        fields: Fields = {
            "api_key": API_KEY,
            "service_code": "construction.public_works",
            "address_string": f"人民路{number % 300}号",
            "description": f"门前的路灯坏了三天，晚上很黑。{numbered(number)}",
        }
        fields |= self._photo(number, "media")
        url = f"{self._ground.receiver_url}{PATH}/open311/v2/requests.json"
        headers = {"Idempotency-Key": str(number)}
        return self._http.request_encode_body("POST", url, fields=fields, headers=headers).status == 200

    def _form(self, number: int, stamp: list[str]) -> bool:
        """Send a form with the stamp of one page, however often: the page stays open in the browser."""
        url = f"{self._ground.receiver_url}{PATH}"
        if not stamp:
            found = _STAMP.search(self._http.request("GET", url).data)
            if found is None:
                return False
            stamp.append(found[1].decode())
        fields: Fields = {"stamp": stamp[0], "text": f"小区停水，请尽快修复。{numbered(number)}"}
        return self._http.request_encode_body("POST", url, fields=fields | self._photo(number, "files")).status == 303

    def _photo(self, number: int, field: str) -> Fields:
        return {field: ("photo.jpg", b"\xff\xd8" + bytes(PHOTO_BYTES), "image/jpeg")} if number % 5 == 0 else {}

    def _hang_up(self) -> None:
        for _ in range(20):
            with self._connection() as calling:
                calling.sendall(_head(5_000) + b"x" * 100)

    def _dribble(self, seconds: float) -> None:
        calling = [self._connection() for _ in range(50)]
        end = time.monotonic() + seconds
        for one in calling:
            one.sendall(_head(5_000))
        while time.monotonic() < end:
            for one in calling:
                try:
                    one.sendall(b"x")
                except OSError:
                    continue
            time.sleep(0.5)
        for one in calling:
            one.close()

    def _strangers(self) -> None:
        for number in range(200):
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self._ground.receiver_port, timeout=5)
                connection.request("POST", f"{PATH}/open311/v2/requests.json", f"api_key=guess{number}", _FORM)
                connection.getresponse().read()
                connection.close()
            except OSError:
                continue

    def _connection(self) -> socket.socket:
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self._ground.receiver_port), 5)
            except OSError:
                time.sleep(0.2)


_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def _head(length: int) -> bytes:
    return (
        f"POST {PATH}/open311/v2/requests.json HTTP/1.1\r\nHost: x\r\nContent-Type: {_FORM['Content-Type']}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def _receive(brokers: str, port: int, folder: str) -> None:
    """Be the receiver with a web door, on one core; nobody asks its archive."""
    os.sched_setaffinity(0, {0})
    settings = ReceiverSettings(port=port, requests_max=10_000)
    clients = {"bench_app": ClientSettings(api_keys=(SecretStr(API_KEY),))}
    door = WebDoor(WebSettings(jurisdiction="110000", clients=clients), "bench")
    tools = Tools(archive=NOBODY, policy=Policy(), query_key=b"benchmark")
    publisher = Publisher(KafkaConnection(bootstrap_servers=brokers), MemoryStore())
    made = Receiver(
        {},
        DurablePublisher.of_journal(publisher, Journal(Path(folder))),
        settings,
        keeping=[partial(door.routes, tools)],
    )
    serve(made, settings)
    publisher.close()


NOBODY: Any = None


def _parse_only(_: str, port: int, __: str) -> None:
    """Be the peer: Starlette with the same parser reads the form and says success."""

    async def endpoint(request: Request) -> Response:
        async with request.form() as form:
            return Response(str(form["service_code"]))

    os.sched_setaffinity(0, {0})
    app = Starlette(routes=[Route(f"{PATH}/open311/v2/requests.json", endpoint, methods=["POST"])])
    uvicorn.run(app, port=port, access_log=False, log_config=None, lifespan="off", http="h11", ws="none")


def _whole(number: int, photo: bool) -> bytes:
    """Return one HTTP request."""
    fields: dict[str, Any] = {
        "api_key": API_KEY,
        "service_code": "construction.public_works",
        "address_string": f"人民路{number % 300}号",
        "description": f"门前的路灯坏了三天，晚上很黑，请尽快派人来修。{number}",
    }
    if photo:
        fields["media"] = ("photo.jpg", b"\xff\xd8" + bytes(PHOTO_BYTES), "image/jpeg")
    body, kind = (
        urllib3.encode_multipart_formdata(fields) if photo else (urlencode(fields).encode(), _FORM["Content-Type"])
    )
    return _head(len(body)).replace(_FORM["Content-Type"].encode(), kind.encode()) + body


async def _talk(port: int, share: list[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in share:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"not a success: {head[:20]!r}")
        length = re.search(rb"content-length: (\d+)", head)
        await reader.readexactly(int(length[1]) if length else 0)
    writer.close()


async def _talk_all(port: int, whole: list[bytes]) -> float:
    began = time.perf_counter()
    await asyncio.gather(*(_talk(port, whole[number::CONNECTIONS]) for number in range(CONNECTIONS)))
    return time.perf_counter() - began


def _measured(target: object, brokers: str, port: int, count: int, photo: bool) -> dict[str, float]:
    with process(target, brokers, port) as server:
        asyncio.run(_talk_all(port, [_whole(number, photo) for number in range(CONNECTIONS)]))
        whole = [_whole(number, photo) for number in range(count)]
        before = sum(server.cpu_times()[:2])
        seconds = asyncio.run(_talk_all(port, whole))
        spent = sum(server.cpu_times()[:2]) - before
    return {"per_second": round(count / seconds), "cpu_ms_a_message": round(1000 * spent / count, 3)}


def main(count: int = 5_000) -> dict[str, object]:
    """Measure with a Kafka of its own and return the figures."""
    with tempfile.TemporaryDirectory(prefix="hotline-bench-") as folder:
        stack = Stack(Path(folder))
        try:
            connection = KafkaConnection(bootstrap_servers=stack.up(owner=os.getpid()).bootstrap_servers)
            Provision(connection).create_when_started()
            return {
                f"{name}, {'with a photo' if photo else 'urlencoded'}": _measured(
                    target, connection.bootstrap_servers, port, count, photo
                )
                for photo in (False, True)
                for name, target, port in (("web door", _receive, 19113), ("Starlette alone", _parse_only, 19114))
            }
        finally:
            stack.down()


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:]))))
