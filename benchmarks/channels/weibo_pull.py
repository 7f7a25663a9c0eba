"""Weibo's lists, fetched from a look-alike of the platform that breaks, throttles and moves its pages.

Alone (`python -m benchmarks.channels.weibo_pull`): items a second of CPU, without network or Kafka, in PyPI's client
`weibo`, in ours, and in the whole connector.
"""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from random import Random
from typing import ClassVar
from urllib.parse import urlsplit

import weibo

from benchmarks.channels import course
from benchmarks.channels.course import Ground, numbered
from connectors.weibo.api import API, OAuth2
from connectors.weibo.pull import WeiboPull
from connectors.weibo.settings import WeiboPullSettings
from schemas.records import Cursor
from tests.peers.weibo_platform import GOOD, LISTS, InProcess, Platform, running, session

PATHS = [path for path in LISTS if path != "/2/direct_messages.json"]
UNSEEN_MAX = 400
"""Of a list; above a thousand the platform itself hides them, and that is a gap."""

FETCHED_FROM = 600
"""Items of a list behind so many others were fetched long ago."""


class Course(course.Course):
    channel: ClassVar[str] = "weibo"
    components: ClassVar[tuple[str, ...]] = ("connector:bench",)

    def __init__(self, ground: Ground) -> None:
        self._platform = Platform()
        self._platform.quota = 10**9
        self._platform.reset_in = 86_400
        self._running = ExitStack()
        self._ground = ground
        self._token = ground.folder / "token"
        self._token.write_text(GOOD)

    def __enter__(self) -> "Course":
        self._running.enter_context(running(self._platform))
        self._line = self._ground.line(urlsplit(self._platform.url).port or 0)
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def environment(self) -> Mapping[str, str]:
        prefix = "HOTLINE_CONNECTORS__WEIBO_PULL__BENCH__"
        return {
            f"{prefix}ACCESS_TOKEN_FILE": str(self._token),
            f"{prefix}HOST": f"http://127.0.0.1:{self._line}",
            f"{prefix}CALLS_PER_DAY": "10000000",
            f"{prefix}POLL_SECONDS": "1",
            f"{prefix}HISTORY_PAGES": "10",
        }

    def send(self, number: int) -> None:
        path = PATHS[number % len(PATHS)]
        while self._platform.unseen(path) > UNSEEN_MAX:
            time.sleep(0.05)
        self._platform.post(path, uid=1000 + number % 500, text=f"路灯坏了 {numbered(number)}")

    def faults(self) -> Mapping[str, Callable[[Random], None]]:
        return {
            "answers break": self._break,
            "platform hangs": self._hang,
            "quota used up": self._throttle,
            "posts deleted": self._delete,
            "posts late": self._late,
            "token ends": self._end_token,
        }

    def _break(self, random: Random) -> None:
        self._platform.fault_rate = 0.5
        time.sleep(random.uniform(3, 10))
        self._platform.fault_rate = 0.0

    def _hang(self, random: Random) -> None:
        self._platform.faults = ["hang"] * random.randint(1, 2)

    def _throttle(self, random: Random) -> None:
        self._platform.reset_in = random.randint(2, 8)
        self._platform.refusal = (403, random.choice([10022, 10023, 10024]))
        time.sleep(self._platform.reset_in)
        self._platform.refusal, self._platform.reset_in = None, 86_400

    def _delete(self, random: Random) -> None:
        """Take away posts that were fetched already, so that pages move."""
        with self._platform.lock:
            for path in PATHS:
                known = self._platform.items[path][FETCHED_FROM:]
                if known:
                    self._platform.items[path].remove(random.choice(known))

    def _end_token(self, random: Random) -> None:
        """End the token while it is in use; a person grants it again a little later."""
        granted = self._platform.end_token()
        time.sleep(random.uniform(3, 10))
        self._token.write_text(granted)

    def _late(self, random: Random) -> None:
        """Hide the newest post of a list for a while: it becomes visible behind younger ones."""
        path = random.choice(PATHS)
        with self._platform.lock:
            if not self._platform.items[path]:
                return
            post = self._platform.items[path].pop(0)
        time.sleep(random.uniform(1, 4))
        with self._platform.lock:
            self._platform.items[path].append(post)
            self._platform.items[path].sort(key=lambda item: item["id"], reverse=True)


ITEMS, ROUNDS = 200, 50


def alone() -> dict[str, float]:
    """Return items a second of CPU for one page after the other."""
    platform = Platform()
    for number in range(ITEMS):
        platform.post(text=f"路灯坏了 {numbered(number)}")
    _, platform.raw = platform.answer("/2/statuses/mentions.json", {"access_token": GOOD, "count": str(ITEMS)})
    theirs = weibo.Client("key", "secret", "http://cb", token={"uid": "1", "access_token": GOOD, "expires_at": 1})
    theirs.session.mount("https://", InProcess(platform))
    ours = API(OAuth2(GOOD), session=session(platform))
    settings = {"access_token": GOOD, "jurisdiction": "110000", "calls_per_day": 10**9, "poll_seconds": 1e-9}
    whole = WeiboPull(WeiboPullSettings(**settings, lists=["mentions"]), "bench", lambda: session(platform))
    whole.open()
    start = Cursor(connector_id="bench")
    return {
        "PyPI weibo": _items_a_second(lambda: theirs.get("statuses/mentions", count=ITEMS)),
        "our client": _items_a_second(lambda: ours.mentions(count=ITEMS)),
        "the connector": _items_a_second(lambda: whole.fetch(start)),
    }


def _items_a_second(fetch: Callable[[], object]) -> float:
    fetch()
    began = time.process_time()
    for _ in range(ROUNDS):
        fetch()
    return round(ITEMS * ROUNDS / (time.process_time() - began))


if __name__ == "__main__":
    print(json.dumps(alone()))
