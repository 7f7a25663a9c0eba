"""Pushes of Weibo's fans' service, signed; the platform tries each three times, and then again and again."""

import json
import time
from collections.abc import Callable, Mapping
from random import Random
from typing import ClassVar

from benchmarks.channels import course
from benchmarks.channels.course import Ground, numbered
from hotline.dev.demo.weibo import WeiboPlatform

SECRET = "benchmarkappsecret12345"
PATH = "/weibo"


class Course(course.Course):
    channel: ClassVar[str] = "weibo"
    components: ClassVar[tuple[str, ...]] = ("receiver",)

    def __init__(self, ground: Ground) -> None:
        self._url = f"{ground.receiver_url}{PATH}"
        self._platform = WeiboPlatform(self._url, SECRET)
        self._stranger = WeiboPlatform(self._url, "another-app-secret")
        self._sent_last: str | None = None

    def environment(self) -> Mapping[str, str]:
        prefix = "HOTLINE_CONNECTORS__WEIBO__BENCH__"
        return {f"{prefix}APP_SECRETS": f'["{SECRET}"]', f"{prefix}PATH": PATH}

    def send(self, number: int) -> None:
        # The platform gives up after three tries; whoever writes again writes the same, so the course goes on.
        body = _text(number)
        while self._platform.push(body) != 200:
            time.sleep(0.2)
        self._sent_last = body

    def faults(self) -> Mapping[str, Callable[[Random], None]]:
        return {
            "platform repeats": self._repeat,
            "strangers knock": self._knock,
            "odd bodies come": self._odd,
        }

    def _repeat(self, random: Random) -> None:
        for _ in range(random.randint(1, 5)):
            if self._sent_last is not None:
                self._platform.push(self._sent_last)

    def _knock(self, random: Random) -> None:
        for _ in range(random.randint(1, 20)):
            if self._stranger.push(_text(99_999_999)) == 200:
                raise AssertionError("a forged push was taken")

    def _odd(self, random: Random) -> None:
        for body in ("", "半截{", "[" * random.randint(1, 20_000), "x" * 70_000):
            self._platform.push(body)


def _text(number: int) -> str:
    created = time.strftime("%a %b %d %H:%M:%S +0000 %Y", time.gmtime(1_795_000_000 + number % 3600))
    fields = {"type": "text", "receiver_id": 1, "sender_id": 1000 + number % 500, "created_at": created}
    return json.dumps(fields | {"text": f"路灯坏了 {numbered(number)}", "data": {}}, ensure_ascii=False)
