"""Marks: a file that was delivered again is another one, wherever its words differ; no byte is read twice for that."""

import hashlib
import io
from pathlib import Path

from connectors import metrics
from connectors.call_files.file_position import END_BYTES, WHOLE, Marks, Place
from connectors.call_files.folder import Entry
from tests.connectors.call_files.growing import HEADING, Folder, rows

MANY = 300
ENTRY = Entry("a.csv", 7, 100_000, 1, 1)


class Counting(io.BytesIO):
    """Counts what is read of it."""

    bytes_read = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.bytes_read += len(data)
        return data


def sheet(*lines: str) -> str:
    return HEADING + "".join(f"{line}\n" for line in lines)


def test_a_day_that_is_delivered_again_is_read_again_wherever_its_words_differ(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    lines = [f"{number},13800138000,the lamp is out," for number in range(MANY)]
    folder.put("today.csv", sheet(*lines))
    assert len(folder.all()) == MANY
    inode = (tmp_path / "today.csv").stat().st_ino
    lines[3] = "3,13800138000,there is a fire,"
    folder.put("today.csv", sheet(*lines, "300,13800138000,one more,"))
    assert (tmp_path / "today.csv").stat().st_ino == inode
    came = rows(folder.all())
    assert {"3,13800138000,there is a fire,", "300,13800138000,one more,"} <= set(came)
    assert folder.all() == []


def test_a_file_that_only_grows_is_read_on(tmp_path: Path) -> None:
    folder = Folder(tmp_path, {"max_batch_rows": 7})
    restarted = metrics.CALL_FILES_RESTARTED.labels("files")
    before = restarted._value.get()
    folder.put("a.csv", sheet(*(f"{number},,x," for number in range(100))))
    folder.all()
    folder.restart()
    folder.add("a.csv", "100,,y,\n")
    assert rows(folder.all()) == ["100,,y,"]
    assert restarted._value.get() == before


def test_for_its_marks_a_file_is_read_once() -> None:
    file, marks = Counting(bytes(100_000)), Marks(growing=False)
    for offset in range(100, 100_001, 100):
        place = Place(offset=offset, mark=marks.of(file, ENTRY, offset))
        assert marks.fit(file, ENTRY, place)
    assert file.bytes_read == 100_000
    assert place.mark == WHOLE + hashlib.sha256(bytes(100_000)).hexdigest()[:32]
    assert Marks(growing=False).fit(file, ENTRY, place)  # another process
    assert not marks.fit(Counting(b"x" + bytes(99_999)), ENTRY._replace(mtime_ns=2), place)
    assert not marks.fit(Counting(bytes(99_999)), ENTRY._replace(mtime_ns=3), place)


def test_of_a_file_that_grows_all_day_the_end_is_enough() -> None:
    file, marks = Counting(bytes(100_000)), Marks(growing=True)
    mark = marks.of(file, ENTRY, 100_000)
    assert file.bytes_read == END_BYTES
    assert marks.fit(file, ENTRY, Place(offset=100_000, mark=mark))
    assert marks.of(file, ENTRY, 0) == ""


def test_a_mark_of_an_earlier_version_counts() -> None:
    """It knew ends alone: what was read to its end is not read again because of an update."""
    file, marks = Counting(bytes(100_000)), Marks(growing=False)
    old = Place(offset=50_000, mark=Marks(growing=True).of(file, ENTRY, 50_000))
    assert marks.fit(file, ENTRY, old)
    assert not marks.fit(file, ENTRY, Place(offset=50_000, mark="0" * 32))
