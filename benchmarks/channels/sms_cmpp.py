"""CMPP: an ISMG of ours that repeats what is unanswered, goes away, freezes, talks nonsense and takes its leave.

`BENCH_WINDOW` is how many messages are on their way at once (16, as the document has it).
"""

import asyncio
import os
import time
from collections.abc import Callable, Coroutine, Mapping
from random import Random
from threading import Thread
from typing import Any, ClassVar

from benchmarks.channels import course
from benchmarks.channels.course import Ground, numbered
from tests.peers import ismg as peer
from tests.peers.ismg import Ismg

PREFIX = "HOTLINE_CONNECTORS__SMS_CMPP__BENCH__"
MOST_QUEUED = 2000
WINDOW = int(os.environ.get("BENCH_WINDOW", "16"))


class Course(course.Course):
    channel: ClassVar[str] = "sms"
    components: ClassVar[tuple[str, ...]] = ("connector:bench",)

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._ismg = Ismg(3, window=WINDOW, repeat_seconds=5, repeats=3)

    def __enter__(self) -> "Course":
        self._thread.start()
        self._do(self._ismg.listen(0))
        self._line = self._ground.line(self._ismg.port)
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._ismg.__aexit__())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def environment(self) -> Mapping[str, str]:
        return {
            f"{PREFIX}HOST": "127.0.0.1",
            f"{PREFIX}PORT": str(self._line),
            f"{PREFIX}SOURCE": peer.SOURCE,
            f"{PREFIX}SECRET": peer.SECRET,
            f"{PREFIX}VERSION": "3.0",
            f"{PREFIX}WINDOW": str(WINDOW),
            f"{PREFIX}ACTIVE_TEST_SECONDS": "3",
            f"{PREFIX}ACTIVE_TEST_TIMEOUT_SECONDS": "1",
        }

    def send(self, number: int) -> None:
        while len(self._ismg.queued) > MOST_QUEUED:
            time.sleep(0.001)
        content = f"路灯坏了 {numbered(number)}".encode("utf-16-be")
        self._loop.call_soon_threadsafe(self._queue, content, f"138{number % 10_000:08d}")

    def faults(self) -> Mapping[str, Callable[[Random], None]]:
        return {
            "ISMG killed": self._killed,
            "ISMG frozen": self._frozen,
            "connection reset": lambda _: self._call(self._ismg.cut),
            "session ended": lambda _: self._call(self._ismg.write, peer.frame(peer.TERMINATE, 1)),
            "garbage": lambda random: self._call(self._ismg.write, random.randbytes(random.randint(1, 400))),
            "oversized frame": lambda _: self._call(self._ismg.write, b"\x7f\xff\xff\xff" + bytes(8)),
            "login refused": self._refused,
        }

    def _queue(self, content: bytes, sender: str) -> None:
        self._ismg.queue(content, sender=sender)

    def _killed(self, random: Random) -> None:
        port = self._ismg.port
        self._do(self._ismg.die())
        time.sleep(random.uniform(1, 8))
        self._do(self._ismg.listen(port))

    def _frozen(self, random: Random) -> None:
        """Connections stay and nothing comes of them: what was answered meanwhile comes again."""
        self._ismg.mute = True
        time.sleep(random.uniform(2, 15))
        self._ismg.mute = False

    def _refused(self, random: Random) -> None:
        self._ismg.status = 5
        self._call(self._ismg.cut)
        time.sleep(random.uniform(1, 5))
        self._ismg.status = 0

    def _call(self, function: Callable[..., object], *arguments: object) -> None:
        self._loop.call_soon_threadsafe(function, *arguments)

    def _do(self, work: Coroutine[Any, Any, object]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)
