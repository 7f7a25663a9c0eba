"""`hotline import`, killed, frozen and run again over a folder that fills: what is known is passed over."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import msgspec

from benchmarks.channels import course
from benchmarks.channels.course import CITY, Ground, numbered
from schemas import topics

FILE_ROWS = 40


class Course(course.Course):
    """One folder of JSON lines, tables and mails; whoever ends there is started again, and reads all of it anew."""

    channel: ClassVar[str] = "record"
    topic: ClassVar[str] = topics.BACKFILL

    def __init__(self, ground: Ground) -> None:
        self._folder = ground.folder / "letters"
        self.command = ("import", str(self._folder), "--jurisdiction", CITY, "--rate", "40", "--json")
        self._numbers: list[int] = []
        self._files = 0

    def __enter__(self) -> "Course":
        self._folder.mkdir()
        return self

    def environment(self) -> Mapping[str, str]:
        return {}

    def send(self, number: int) -> None:
        """Add a message; with the last of a file this is there, whole."""
        self._numbers.append(number)
        if len(self._numbers) == FILE_ROWS:
            self.finish()

    def finish(self) -> None:
        """Deliver what waits for the rest of its file."""
        self._files += 1
        ways = (self._lines, self._table, self._mails)
        ways[self._files % len(ways)](self._numbers)
        self._numbers = []

    def _lines(self, numbers: list[int]) -> None:
        rows = [{"text": f"路灯坏了 {numbered(one)}", "channel": "phone"} for one in numbers]
        self._put(".jsonl", b"".join(msgspec.json.encode(row) + b"\n" for row in rows))

    def _table(self, numbers: list[int]) -> None:
        rows = "".join(f"13800138000,路灯坏了 {numbered(one)}\n" for one in numbers)
        self._put(".csv", f"来电号码,诉求内容\n{rows}".encode("gb18030"))

    def _mails(self, numbers: list[int]) -> None:
        mails = (
            f"From x@y.cn Mon Nov 30 04:00:00 2026\r\nFrom: c@y.cn\r\nSubject: {numbered(one)}\r\n\r\nx\r\n\r\n"
            for one in numbers
        )
        self._put(".mbox", "".join(mails).encode())

    def _put(self, ending: str, data: bytes) -> None:
        path = self._folder / f"{self._files}{ending}"
        part = Path(f"{path}.part")
        part.write_bytes(data)
        part.rename(path)
