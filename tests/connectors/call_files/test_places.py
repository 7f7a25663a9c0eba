"""Folders that nobody tidies up: the cursor stays small, and no file is passed over or read twice."""

import os
import time
from base64 import b64decode
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.call_files import file_position
from connectors.call_files import folder as folders
from connectors.call_files.folder import Entry
from connectors.call_files.rows import Pending
from tests.connectors.call_files.growing import HEADING, Folder, rows

MOST = 10


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_position, "PLACES_MOST", MOST)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder with three times as many files as the cursor has places for, all of them read."""
    folder = Folder(tmp_path)
    for number in range(3 * MOST):
        folder.put(f"{number:02}.csv", HEADING + f"{number},,x,\n")
        time.sleep(0.011)  # so that the kernel, whose clock ticks a hundred times a second or more, tells them apart
    assert len(folder.all()) == 3 * MOST
    folder.put("news.csv", HEADING + "news,,x,\n")  # with it the cursor learns that the last of them is read
    assert rows(folder.all()) == ["news,,x,"]
    return folder


def test_the_cursor_does_not_grow_with_the_folder(folder: Folder) -> None:
    assert len(folder.cursor.position["files"]) <= MOST + 1


def test_what_was_read_is_not_read_again_by_the_next_process(folder: Folder) -> None:
    folder.restart()
    assert folder.all(seconds=120) == []


def test_what_came_while_nobody_was_there_is_read_however_old_it_says_it_is(folder: Folder) -> None:
    folder.put("late.csv", HEADING + "late,,x,\n")
    os.utime(folder.path / "late.csv", (0, 0))
    folder.restart()
    assert rows(folder.all()) == ["late,,x,"]


def _changed(folder: Folder, monkeypatch: pytest.MonkeyPatch, name: str, at_ns: int) -> None:
    """Let a file have come when the host's clock showed this; a test cannot set the kernel's time of an inode."""
    listed = folders.listed

    def seen(*arguments: Any) -> list[Entry]:
        return [one._replace(changed_ns=at_ns) if one.name == name else one for one in listed(*arguments)]

    monkeypatch.setattr(folders, "listed", seen)


def test_what_came_while_nobody_was_there_and_the_clock_was_wrong_is_read(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that starts may think that it is 1970 until NTP sets it."""
    folder.put("late.csv", HEADING + "late,,x,\n")
    _changed(folder, monkeypatch, "late.csv", 1_000_000_000)
    folder.restart()
    assert rows(folder.all(seconds=120)) == ["late,,x,"]
    folder.restart()
    assert folder.all(seconds=120) == []


def test_of_still_more_files_the_oldest_are_known_by_one_time(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_position, "KNOWN_MOST", MOST)
    folder.put("more.csv", HEADING + "more,,x,\n")
    assert rows(folder.all()) == ["more,,x,"]
    assert len(b64decode(folder.cursor.position["known"])) == 6 * MOST
    folder.restart()
    assert folder.all(seconds=120) == []


def test_a_cursor_of_an_earlier_version_is_believed(folder: Folder) -> None:
    position = {name: value for name, value in folder.cursor.position.items() if name != "known"}
    before = max(one.stat().st_ctime_ns for one in folder.path.iterdir()) + 1
    folder.cursor = msgspec.structs.replace(folder.cursor, position={**position, "read_before": before})
    folder.restart()
    assert folder.all(seconds=120) == []


def test_a_file_without_a_place_that_grows_is_read_again_and_on(folder: Folder) -> None:
    folder.add("00.csv", "more,,x,\n")
    folder.restart()
    assert rows(folder.all()) == ["0,,x,", "more,,x,"]


def test_a_file_that_could_not_be_read_is_not_taken_for_an_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, opens = Folder(tmp_path), os.open
    folder.put("locked.csv", HEADING + "locked,,x,\n")
    monkeypatch.setattr(
        os, "open", lambda path, *args: _refused() if str(path).endswith("locked.csv") else opens(path, *args)
    )
    for number in range(3 * MOST):
        folder.put(f"{number:02}.csv", HEADING + f"{number},,x,\n")
    assert len(folder.all()) == 3 * MOST
    monkeypatch.undo()
    folder.restart()
    assert "locked,,x," in rows(folder.all())


def _refused() -> int:
    raise PermissionError(13, "no")


def test_a_file_that_is_read_half_keeps_its_place_among_many(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("half.csv", HEADING + "1,,x,\n2,,ha")
    assert rows(folder.all()) == ["1,,x,"]
    for number in range(3 * MOST):
        folder.put(f"{number:02}.csv", HEADING + f"{number},,x,\n")
    folder.all()
    folder.restart()
    folder.add("half.csv", "lf,\n")
    assert rows(folder.all()) == ["2,,half,"]


def test_a_folder_with_too_many_files_is_complained_of(folder: Folder) -> None:
    (complaint,) = folder.fetch().complaints
    assert "more than 10 files" in complaint
    for number in range(2 * MOST + 1):
        (folder.path / f"{number:02}.csv").unlink()
    assert folder.fetch().complaints == ()


def test_a_file_that_has_its_end_is_not_opened_again(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "open", lambda *args: pytest.fail("opened"))
    assert folder.fetch().messages == ()


def test_recordings_that_are_waited_for_have_bounded_room() -> None:
    one = Pending("1", 1, 0.0)
    many = {f"{number}.wav": one for number in range(file_position.PENDING_MOST + 5)}
    assert list(file_position.newest(many)) == list(many)[5:]
    huge = {"first.wav": one, "x" * file_position.PENDING_BYTES: one, "last.wav": one}
    assert list(file_position.newest(huge)) == ["first.wav", "last.wav"]
    wide = {f"{number}" + "长" * 300: one for number in range(file_position.PENDING_MOST)}
    assert len(msgspec.json.encode(file_position.newest(wide))) <= file_position.PENDING_BYTES + 5000
