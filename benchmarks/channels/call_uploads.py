"""Call files that a platform delivers: in one piece or two, under names of their own or over the day's last one."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import ClassVar

from benchmarks.channels import course
from benchmarks.channels.course import Ground, numbered

PREFIX = "HOTLINE_CONNECTORS__CALL_FILES__BENCH__"
HEADING = "call_id,caller,note\n"
FILE_ROWS = 8
SETTLE_SECONDS = 1.0


class Course(course.Course):
    """One folder; each way to deliver a file in turn. A day that is delivered again holds all that it held before."""

    channel: ClassVar[str] = "phone"
    components: ClassVar[tuple[str, ...]] = ("connector:bench",)

    def __init__(self, ground: Ground) -> None:
        self._folder = ground.folder / "uploads"
        self._rows: list[str] = []
        self._day: list[str] = []
        self._files = 0
        self._last = Path()

    def __enter__(self) -> "Course":
        self._folder.mkdir()
        return self

    def environment(self) -> Mapping[str, str]:
        return {
            f"{PREFIX}FOLDER": str(self._folder),
            f"{PREFIX}SETTLE_SECONDS": str(SETTLE_SECONDS),
            f"{PREFIX}POLL_SECONDS": "0.2",
            f"{PREFIX}MAX_BATCH_ROWS": "20",
        }

    def send(self, number: int) -> None:
        """Add a call; with the last of a file this is delivered, and the calls of the next wait for that."""
        note = f'"路灯坏了，\n第{number}次反映，""急"" {numbered(number)}"' if number % 5 == 0 else numbered(number)
        self._rows.append(f"c{number},1380013{number % 10_000:04d},{note}\n")
        if len(self._rows) == FILE_ROWS:
            self.finish()

    def finish(self) -> None:
        """Deliver what waits for the rest of its file."""
        self._files += 1
        ways = (self._renamed, self._halves, self._stalled, self._day_again, self._day_renamed)
        ways[self._files % len(ways)](self._rows)
        self._rows = []

    def faults(self) -> Mapping[str, Callable[[Random], None]]:
        return {"an old file touched": lambda _: self._touch(), "an old file renamed": lambda _: self._rename()}

    def _renamed(self, rows: list[str]) -> None:
        path = self._folder / f"{self._files}.csv"
        part = path.with_suffix(".csv.part")
        part.write_text(HEADING + "".join(rows))
        self._last = part.rename(path)

    def _halves(self, rows: list[str]) -> None:
        self._write(rows, SETTLE_SECONDS / 3)

    def _stalled(self, rows: list[str]) -> None:
        """Stand still in the middle, for longer than a file must to be read."""
        self._write(rows, SETTLE_SECONDS * 2)

    def _write(self, rows: list[str], pause: float) -> None:
        data = (HEADING + "".join(rows)).encode()
        self._last = self._folder / f"{self._files}.csv"
        with self._last.open("wb") as file:
            for half in (data[: len(data) // 2], data[len(data) // 2 :]):
                file.write(half)
                file.flush()
                time.sleep(pause)

    def _day_again(self, rows: list[str]) -> None:
        """Write the day over itself, the newest calls first."""
        self._day = [*rows, *self._day]
        (self._folder / "day.csv").write_text(HEADING + "".join(self._day))

    def _day_renamed(self, rows: list[str]) -> None:
        self._day = [*rows, *self._day]
        part = self._folder / "day.csv.tmp"
        part.write_text(HEADING + "".join(self._day))
        part.rename(self._folder / "day.csv")

    def _touch(self) -> None:
        if self._last.is_file():
            self._last.touch()

    def _rename(self) -> None:
        if self._last.is_file():
            self._last = self._last.rename(self._folder / f"again-{self._files}.csv")
