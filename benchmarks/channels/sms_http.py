"""Webhooks of four gateways: requests repeated until the receiver says yes, among strangers and broken ones."""

import base64
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from random import Random
from threading import Semaphore
from typing import ClassVar
from urllib.parse import urlencode

import urllib3

from benchmarks.channels import course
from benchmarks.channels.course import Ground, numbered

PREFIX = "HOTLINE_CONNECTORS__SMS_HTTP__BENCH__"
TOKEN, URL, PATH = "hotline-bench-token", "https://12345.example/sms", "/sms"
CONNECTIONS = 16
PATIENCE_SECONDS = 170.0
OTHERS, SECRET = ("aliyun", "tencent", "kannel"), "a-secret-of-the-benchmark"


class Course(course.Course):
    channel: ClassVar[str] = "sms"
    components: ClassVar[tuple[str, ...]] = ("receiver",)

    def __init__(self, ground: Ground) -> None:
        self._port = ground.receiver_port
        self._http = urllib3.PoolManager(CONNECTIONS, retries=False, timeout=10, maxsize=CONNECTIONS)
        self._pool = ThreadPoolExecutor(CONNECTIONS)
        self._room = Semaphore(2 * CONNECTIONS)

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._http.clear()

    def environment(self) -> Mapping[str, str]:
        known = {"PROVIDER": "twilio", "PATH": PATH, "AUTH_TOKENS": json.dumps([TOKEN]), "PUBLIC_URL": URL}
        settings = {f"{PREFIX}{name}": value for name, value in known.items()}
        for provider in OTHERS:
            own = f"HOTLINE_CONNECTORS__SMS_HTTP__BENCH_{provider.upper()}__"
            settings |= {
                f"{own}PROVIDER": provider,
                f"{own}PATH": f"/{provider}",
                f"{own}PATH_SECRETS": json.dumps([SECRET]),
                f"{own}ALLOWED_ADDRESSES": '["127.0.0.1"]',
            }
        return settings

    def send(self, number: int) -> None:
        self._room.acquire()
        self._pool.submit(self._until_yes, *of_any(number)).add_done_callback(lambda _: self._room.release())

    def faults(self) -> Mapping[str, Callable[[Random], None]]:
        return {
            "requests cut off": self._cut,
            "strangers": self._strangers,
            "oversized body": lambda _: self._raw(b"x" * 100_000, length=2_000_000_000),
            "garbage": lambda random: self._raw(random.randbytes(500), length=None),
        }

    def _until_yes(self, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            with suppress(urllib3.exceptions.HTTPError, OSError):
                if self._post(body, headers, path) == 200:
                    return
            time.sleep(0.5)

    def _post(self, body: bytes, headers: Mapping[str, str], path: str = PATH) -> int:
        address = f"http://127.0.0.1:{self._port}{path}"
        return self._http.request("POST", address, body=body, headers=headers).status

    def _cut(self, random: Random) -> None:
        for number in range(20):
            body, headers = request(number)
            told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            whole = f"POST {PATH} HTTP/1.1\r\nhost: x\r\n{told}content-length: {len(body)}\r\n\r\n".encode() + body
            self._write(whole[: random.randrange(len(whole) - 1)])

    def _strangers(self, random: Random) -> None:
        for _ in range(200):
            body, headers = request(random.randrange(10**8))
            with suppress(urllib3.exceptions.HTTPError, OSError):
                status = self._post(body, {**headers, "x-twilio-signature": "AAAA"})
                if status == 200:
                    raise AssertionError("a forged request was believed")

    def _raw(self, data: bytes, length: int | None) -> None:
        head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n".encode() if length else b""
        self._write(head + data)

    def _write(self, data: bytes) -> None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 2) as raw:
            raw.sendall(data)


def of_any(number: int) -> tuple[str, bytes, Mapping[str, str]]:
    """The callback of one message at the gateway whose turn it is: path, body and headers.

    Aliyun puts others beside it that it may have sent before.
    """
    phone, text = f"138{number % 10_000:08d}", f"路灯坏了 {numbered(number)}"
    match number % 4:
        case 1:
            rows = [
                {
                    "phone_number": "13800138000",
                    "content": f"路灯坏了 {numbered(one)}",
                    "send_time": "2026-11-25 16:29:00",
                }
                for one in (number, max(1, number - 4))
            ]
            return f"/aliyun/{SECRET}", json.dumps(rows, ensure_ascii=False).encode(), {}
        case 2:
            row = {"mobile": phone, "nationcode": "86", "text": text, "time": 1795595340}
            return f"/tencent/{SECRET}", json.dumps(row, ensure_ascii=False).encode(), {}
        case 3:
            told = urlencode({"id": f"k{number}", "from": f"+86{phone}", "to": "12345", "charset": "UTF-16BE"})
            return f"/kannel/{SECRET}?{told}", text.encode("utf-16-be"), {"content-type": "text/plain"}
        case _:
            return PATH, *request(number)


def request(number: int) -> tuple[bytes, Mapping[str, str]]:
    """The signed callback of one message."""
    form = {
        "MessageSid": f"SM{number:032d}",
        "From": f"+86138{number % 10_000:08d}",
        "To": "+862400012345",
        "Body": f"路灯坏了 {numbered(number)}",
        "NumMedia": "0",
    }
    text = URL + "".join(f"{name}{form[name]}" for name in sorted(form))
    signature = base64.b64encode(hmac.new(TOKEN.encode(), text.encode(), hashlib.sha1).digest()).decode()
    return urlencode(form).encode(), {
        "content-type": "application/x-www-form-urlencoded",
        "x-twilio-signature": signature,
    }
