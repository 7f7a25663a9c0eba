"""Asterisk, called by SIPp: its manager interface and its file of call detail records, each of a daemon that dies.

HOTLINE_ASTERISK names the folder of `.ci/asterisk_fetch.sh`. Each record comes by both ways under one name.
"""

import threading
from collections.abc import Callable, Mapping
from random import Random
from typing import ClassVar

from benchmarks.channels import course
from benchmarks.channels.course import Ground, numbered
from tests.peers.asterisk import Asterisk


class Course(course.Course):
    """Two accounts of one PBX."""

    channel: ClassVar[str] = "phone"
    components: ClassVar[tuple[str, ...]] = ("connector:bench", "connector:bench_file")

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._pbx = Asterisk()
        self._calling = threading.Lock()

    def __enter__(self) -> "Course":
        self._pbx.__enter__()
        self._line = self._ground.line(self._pbx.ami)
        return self

    def __exit__(self, *_: object) -> None:
        self._pbx.__exit__()

    def environment(self) -> Mapping[str, str]:
        interface, file = "HOTLINE_CONNECTORS__ASTERISK__BENCH__", "HOTLINE_CONNECTORS__CALL_FILES__BENCH_FILE__"
        return {
            f"{interface}HOST": "127.0.0.1",
            f"{interface}PORT": str(self._line),
            f"{interface}USERNAME": "hotline",
            f"{interface}SECRET": "secret",
            f"{interface}EVENTS": '["Cdr"]',
            f"{interface}PING_SECONDS": "2",
            f"{interface}SILENCE_SECONDS": "6",
            f"{file}FOLDER": str(self._pbx.records),
            f"{file}PATTERN": "Master.csv*",
            f"{file}SHAPE": "asterisk",
            f"{file}GROWING": "true",
            f"{file}POLL_SECONDS": "0.5",
        }

    def send(self, number: int) -> None:
        """Let somebody call whose number is the mark."""
        with self._calling:
            self._pbx.call(numbered(number))

    def faults(self) -> Mapping[str, Callable[[Random], None]]:
        return {"asterisk killed": lambda _: self._restart(), "file rotated": lambda _: self._rotate()}

    def _restart(self) -> None:
        with self._calling:
            self._pbx.kill()
            self._pbx.start()

    def _rotate(self) -> None:
        with self._calling:
            path = self._pbx.records / "Master.csv"
            if path.exists():
                path.rename(path.with_name(f"Master.csv.{len(list(path.parent.iterdir()))}"))
