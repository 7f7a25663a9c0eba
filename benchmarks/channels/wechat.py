"""WeChat: the platform pushes, repeats three times at five seconds, and is down itself while its files are fetched."""

import json
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import ClassVar
from urllib.parse import urlsplit

from kafka import KafkaConsumer, TopicPartition

from benchmarks.channels import course
from benchmarks.channels.course import Ground, numbered
from benchmarks.channels.daemon import Daemon
from hotline.dev.demo.wechat_api import Call, WeChatApi
from hotline.dev.demo.wechat_platform import WeChatPlatform
from schemas import topics
from schemas.records import media

TOKEN, APPID = "hotlinebenchtoken", "wx12345bench6789"
AES_KEY = "hotlineBenchEncodingAESKeyForLoopbackOnly12"
PREFIX = "HOTLINE_CONNECTORS__WECHAT__BENCH__"
PATH = "/wechat"
PHOTO = b"\xff\xd8\xff\xe0" + b"x" * 20_000
PICTURES = 5
"""Every so manieth message is a picture."""

CATCH_UP_SECONDS = 120.0


class Course(course.Course):
    """One official account in safe mode, and the platform's API."""

    channel: ClassVar[str] = "wechat"
    components: ClassVar[tuple[str, ...]] = ("receiver", "fetcher")

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._platform = WeChatPlatform(f"{ground.receiver_url}{PATH}", TOKEN, AES_KEY, APPID)
        self._api = WeChatApi()
        self._running = self._api.running()
        self._pictures = 0

    def __enter__(self) -> "Course":
        self._running.__enter__()
        self._line = self._ground.line(urlsplit(self._api.url).port or 0)
        return self

    def __exit__(self, *_: object) -> None:
        """Let a fetcher that starts anew finish, and tell what became of the pictures."""
        self._api.fault = None
        settings = {**self._ground.environment(), **self.environment()}
        daemon = Daemon(("hotline", "run", "fetcher"), settings, self._ground.folder / "fetcher.log")
        daemon.start()
        end = time.monotonic() + CATCH_UP_SECONDS
        while len(found := self._fates()) < self._pictures and time.monotonic() < end:
            time.sleep(0.5)
        daemon.stop()
        told = {"pictures": self._pictures, "recorded": len(found), "stored": sum(map(bool, found.values()))}
        calls = {"downloads": self._api.calls.count("media/get"), "tokens": self._api.tokens_given}
        print(json.dumps({**told, **calls}), file=sys.stderr)
        self._running.__exit__(None, None, None)
        assert len(found) == self._pictures, "a picture has no record"

    def environment(self) -> Mapping[str, str]:
        return {
            f"{PREFIX}APPID": APPID,
            f"{PREFIX}TOKENS": f'["{TOKEN}"]',
            f"{PREFIX}AES_KEYS": f'["{AES_KEY}"]',
            f"{PREFIX}PATH": PATH,
            f"{PREFIX}SECRET": "bench-secret",
            f"{PREFIX}API_URL": f"http://127.0.0.1:{self._line}",
            f"{PREFIX}JURISDICTION": "110000",
        }

    def send(self, number: int) -> None:
        xml = self._picture(number) if number % PICTURES == 0 else _text(number)
        while self._platform.push(xml) != 200:
            time.sleep(0.2)

    def faults(self) -> Mapping[str, Callable[[Random], None]]:
        return {
            "api down": self._api_down,
            "tokens ended": lambda _: self._api.expire_tokens(),
            "one message three times at once": self._repeat,
            "forged": self._forge,
        }

    def _picture(self, number: int) -> str:
        self._api.media[f"m{number}"] = (PHOTO, "image/jpeg")
        self._pictures += 1
        return _xml(number, f"<MsgType>image</MsgType><PicUrl>{numbered(number)}</PicUrl><MediaId>m{number}</MediaId>")

    def _api_down(self, dice: Random) -> None:
        def fault(call: Call) -> bool:
            call.send(b"bad gateway", "text/html", status=502)
            return True

        self._api.fault = fault
        time.sleep(dice.uniform(5, 20))
        self._api.fault = None

    def _repeat(self, dice: Random) -> None:
        xml = _text(0)
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(self._platform.push, [xml] * 3))

    def _forge(self, dice: Random) -> None:
        stranger = WeChatPlatform(f"{self._ground.receiver_url}{PATH}", "stranger", AES_KEY, APPID)
        stranger.push(_text(99_999_999))

    def _fates(self) -> dict[str, bool]:
        """Return of each picture whether its bytes are there, as the raw topic says."""
        consumer = KafkaConsumer(**self._ground.connection.client_options())
        try:
            partitions = [
                TopicPartition(topics.raw("wechat"), one)
                for one in consumer.partitions_for_topic(topics.raw("wechat")) or ()
            ]
            consumer.assign(partitions)
            consumer.seek_to_beginning(*partitions)
            ends, found = consumer.end_offsets(partitions), {}
            while any(consumer.position(one) < ends[one] for one in partitions):
                for record in (record for records in consumer.poll(500).values() for record in records):
                    if dict(record.headers).get("content-type") == media.CONTENT_TYPE.encode():
                        told = json.loads(record.value)
                        found[told["media_id"]] = told.get("dataref") is not None
            return found
        finally:
            consumer.close()


def _text(number: int) -> str:
    return _xml(number, f"<MsgType>text</MsgType><Content><![CDATA[路灯坏了 {numbered(number)}]]></Content>")


def _xml(number: int, inner: str) -> str:
    head = f"<ToUserName>gh_1</ToUserName><FromUserName>o-{number % 50}</FromUserName><CreateTime>{int(time.time())}"
    return f"<xml>{head}</CreateTime>{inner}<MsgId>{9_000_000_000_000_000_000 + number}</MsgId></xml>"
