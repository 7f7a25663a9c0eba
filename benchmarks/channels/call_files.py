"""Call files: Master.csv, which grows all day, while it is rotated, copied and cut, and lines come in halves."""

import shutil
import threading
from collections.abc import Callable, Mapping
from random import Random
from typing import ClassVar

from benchmarks.channels import course
from benchmarks.channels.course import Ground, numbered

PREFIX = "HOTLINE_CONNECTORS__CALL_FILES__BENCH__"
LINE = (
    '"","{mark}","12345","hotline",""""" <{mark}>","PJSIP/a-{number}","","Hangup","","2026-11-25 22:39:08",'
    '"2026-11-25 22:39:08","2026-11-25 22:39:10",1,1,"ANSWERED","DOCUMENTATION","1795646348.{number}","","",'
    '"1795646348.{number}",{number}\n'
)


class Course(course.Course):
    """One account that follows a folder."""

    channel: ClassVar[str] = "phone"
    components: ClassVar[tuple[str, ...]] = ("connector:bench",)

    def __init__(self, ground: Ground) -> None:
        self._folder = ground.folder / "cdr-csv"
        self._path = self._folder / "Master.csv"
        self._writing = threading.Lock()
        self._rotations = 0

    def __enter__(self) -> "Course":
        self._folder.mkdir()
        self._path.touch()
        return self

    def environment(self) -> Mapping[str, str]:
        return {
            f"{PREFIX}FOLDER": str(self._folder),
            f"{PREFIX}PATTERN": "Master.csv*",
            f"{PREFIX}SHAPE": "asterisk",
            f"{PREFIX}GROWING": "true",
            f"{PREFIX}POLL_SECONDS": "0.2",
        }

    def send(self, number: int) -> None:
        """Write a line, some in two halves."""
        line = LINE.format(mark=numbered(number), number=number).encode()
        with self._writing:
            for half in (line[:100], line[100:]) if number % 7 == 0 else (line,):
                with self._path.open("ab") as file:
                    file.write(half)

    def faults(self) -> Mapping[str, Callable[[Random], None]]:
        return {
            "rotated": lambda _: self._rotate(copied=False),
            "copied and cut": lambda _: self._rotate(copied=True),
            "a broken line": lambda _: self._add(b'"","broken,"x\n'),
            "the folder away": self._away,
        }

    def _rotate(self, *, copied: bool) -> None:
        with self._writing:
            self._rotations += 1
            old = self._path.with_name(f"Master.csv.{self._rotations}")
            if copied:
                shutil.copy(self._path, old)
                self._path.write_bytes(b"")
            else:
                self._path.rename(old)
                self._path.touch()

    def _add(self, line: bytes) -> None:
        with self._writing, self._path.open("ab") as file:
            file.write(line)

    def _away(self, dice: Random) -> None:
        with self._writing:
            away = self._folder.rename(self._folder.with_name("away"))
            threading.Event().wait(dice.uniform(1, 5))
            away.rename(self._folder)
