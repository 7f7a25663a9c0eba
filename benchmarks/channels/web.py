"""The web door under faults: an app and a browser that repeat until they are told yes, while Kafka and networks fail.

Of ten messages seven come by Open311 and three by the form; one of both in five brings a photo. The archive is away
all the time: nothing of the intake may need it.
"""

import http.client
import json
import re
import socket
import time
from collections.abc import Callable, Mapping
from random import Random
from typing import ClassVar

import psutil
import urllib3

from benchmarks.channels.course import Ground, numbered

API_KEY = "hotline-benchmark-app-key"
PATH = "/web"
PREFIX = "HOTLINE_CONNECTORS__WEB__BENCH__"
PHOTO_BYTES = 30_000
PATIENCE_SECONDS = 120.0
_STAMP = re.compile(rb'name="stamp" value="([^"]+)"')


class Course:
    """One door; every message has an idempotency key of its own, as the provider's client has."""

    channel: ClassVar[str] = "web"
    components: ClassVar[tuple[str, ...]] = ("receiver",)

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._http = urllib3.PoolManager(retries=False, timeout=15.0)

    def __enter__(self) -> "Course":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.clear()

    def environment(self) -> Mapping[str, str]:
        """Return the account; nobody runs Elasticsearch at this address."""
        return {
            f"{PREFIX}PATH": PATH,
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
        """Return Kafka that stops answering, and callers that hang, dribble and hang up."""
        return {
            "Kafka frozen": self._freeze_kafka,
            "hung up in the body": lambda _: self._hang_up(),
            "slow bodies": lambda dice: self._dribble(dice.uniform(5, 10)),
            "a flood of strangers": lambda _: self._strangers(),
        }

    def _open311(self, number: int, _: list[str]) -> bool:
        fields: dict[str, object] = {
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
        fields: dict[str, object] = {"stamp": stamp[0], "text": f"小区停水，请尽快修复。{numbered(number)}"}
        return self._http.request_encode_body("POST", url, fields=fields | self._photo(number, "files")).status == 303

    def _photo(self, number: int, field: str) -> dict[str, object]:
        return {field: ("photo.jpg", b"\xff\xd8" + bytes(PHOTO_BYTES), "image/jpeg")} if number % 5 == 0 else {}

    def _freeze_kafka(self, dice: Random) -> None:
        """Stop the broker's clock for a while, longer than a publish may take."""
        brokers = [one for one in psutil.process_iter(["cmdline"]) if self._is_broker(one)]
        for one in brokers:
            one.suspend()
        time.sleep(dice.uniform(4, 15))
        for one in brokers:
            one.resume()

    def _is_broker(self, process: psutil.Process) -> bool:
        words = process.info["cmdline"] or []
        return any(str(self._ground.folder) in word for word in words) and any("kafka.Kafka" in word for word in words)

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
