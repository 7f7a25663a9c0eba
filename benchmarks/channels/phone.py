"""Records of calls: signed posts of a platform that repeats them, and real SIP calls by SIPp through Kamailio."""

import hashlib
import hmac
import json
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from random import Random
from typing import ClassVar

import urllib3

from benchmarks.channels import course
from benchmarks.channels.course import Ground, numbered
from tests.peers.kamailio import Kamailio

SECRET, TOKEN = "a secret of the benchmark, long enough", "a token of the benchmark, that is long enough"
EVERY = 10
"""One in so many is a SIP call; a call takes a process of SIPp, so no more."""

AT_ONCE = 4


class Course(course.Course):
    """The receiver with two accounts of one platform."""

    channel: ClassVar[str] = "phone"
    components: ClassVar[tuple[str, ...]] = ("receiver",)

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._running = ExitStack()
        self._http = urllib3.PoolManager(retries=False, timeout=30.0)
        self._last: deque[bytes] = deque(maxlen=20)
        self._calls: list[Future[None]] = []

    def __enter__(self) -> "Course":
        url = f"{self._ground.receiver_url}/sip"
        self._sip = self._running.enter_context(Kamailio(url, TOKEN, events=("end",)))
        self._running.enter_context(self._sip.answering())
        self._callers = self._running.enter_context(ThreadPoolExecutor(AT_ONCE))
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()
        self._http.clear()

    def environment(self) -> Mapping[str, str]:
        prefix = "HOTLINE_CONNECTORS__PHONE__"
        return {
            f"{prefix}BENCH__SECRETS": f'["{SECRET}"]',
            f"{prefix}BENCH__PLATFORM": "bench",
            f"{prefix}SIP__SECRETS": f'["{TOKEN}"]',
            f"{prefix}SIP__AUTH": "bearer",
            f"{prefix}SIP__SHAPE": "kamailio",
            f"{prefix}SIP__PATH": "/sip",
            f"{prefix}SIP__PLATFORM": "bench",
        }

    def send(self, number: int) -> None:
        """Post a record until the receiver says yes; or let somebody call, whose number is the mark."""
        if number % EVERY == 0 and number < 3_000:
            self._calls.append(self._callers.submit(self._sip.call, numbered(number), seconds=0))
            while len([one for one in self._calls if not one.done()]) > AT_ONCE:
                time.sleep(0.05)
            self._calls = [one for one in self._calls if not one.done() or one.result()]
            return
        note = f"中山路12号门口的路灯坏了 {numbered(number)}"
        body = json.dumps({"call_id": f"c{number}", "revision": 1, "caller": "13800138000", "note": note}).encode()
        while self._post(body) != 200:
            time.sleep(0.2)
        self._last.append(body)

    def faults(self) -> Mapping[str, Callable[[Random], None]]:
        return {
            "kamailio frozen": lambda dice: self._sip.freeze(dice.uniform(2, 8)),
            "platform repeats": lambda _: self._repeat(),
            "strangers post": lambda _: self._strangers(),
            "posts that never end": lambda dice: self._dribble(dice.uniform(2, 6)),
        }

    def _repeat(self) -> None:
        for body in list(self._last):
            self._post(body)

    def _post(self, body: bytes, secret: str = SECRET) -> int:
        stamp = str(int(time.time()))
        digest = hmac.new(secret.encode(), b"v1\n" + stamp.encode() + b"\n" + body, hashlib.sha256).hexdigest()
        headers = {"Hotline-Timestamp": stamp, "Hotline-Signature": f"v1={digest}"}
        try:
            return self._http.request("POST", f"{self._ground.receiver_url}/phone", body=body, headers=headers).status
        except urllib3.exceptions.HTTPError:
            return 0

    def _strangers(self) -> None:
        for _ in range(200):
            self._post(b'{"call_id": "x", "note": "forged"}', secret="x" * 32)
        self._post(b"x" * (50 << 20))

    def _dribble(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        with ExitStack() as open_ones, suppress(OSError):
            address = ("127.0.0.1", self._ground.receiver_port)
            many = [open_ones.enter_context(socket.create_connection(address, 5)) for _ in range(50)]
            for one in many:
                one.sendall(b"POST /phone HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
            while time.monotonic() < end:
                for one in many:
                    one.sendall(b"x")
                time.sleep(0.5)
