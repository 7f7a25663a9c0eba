"""Recordings: noted by reference, looked at again while they are written, never opened."""

import os
import time
from pathlib import Path

import msgspec
import pytest

from connectors.call_files.recordings import Look, look
from normalizers.base import Policy
from normalizers.pipeline import normalize
from schemas.records import Call, RawMessage
from tests.connectors.call_files.growing import HEADING, Folder

OLD = time.time() - 600

AHEAD = 300
"""Seconds in which a busy machine comes to look at what grows."""


def sound(folder: Path, name: str, size: int, at: float = OLD) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)  # a huge one costs no disk
    os.utime(path, (at, at))


@pytest.mark.parametrize(
    ("size", "state"), [(44, "empty"), (0, "empty"), (45, "complete"), (120684, "complete"), (5 << 30, "complete")]
)
def test_a_recording_is_there_or_empty_whatever_its_size(tmp_path: Path, size: int, state: str) -> None:
    sound(tmp_path, "2026/11/a.wav", size)
    assert look(tmp_path, "2026/11/a.wav", 5) == Look(state, size)
    assert look(tmp_path, "/2026/11/a.wav", 5) == Look(state, size)
    assert look(tmp_path, "2026\\11\\a.wav", 5) == Look(state, size)


def test_one_that_still_grows_is_being_written(tmp_path: Path) -> None:
    sound(tmp_path, "a.wav", 1000, time.time() + AHEAD)
    assert look(tmp_path, "a.wav", 5) == Look("being_written", 1000)


@pytest.mark.parametrize(
    "reference", ["b.wav", "../secret.wav", "x/../../secret.wav", "", "/", "a\0b", "link.wav", "."]
)
def test_what_is_not_below_the_folder_is_missing(tmp_path: Path, reference: str) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    sound(tmp_path, "secret.wav", 100)
    (inside / "link.wav").symlink_to(tmp_path / "secret.wav")
    assert look(inside, reference, 5) == Look("missing")


def told(message: RawMessage) -> list[tuple[str | None, int | None]]:
    call = normalize(message, Policy()).message.call
    assert isinstance(call, Call)
    return [(one.state, one.size) for one in call.recordings]


def test_a_line_tells_what_was_found_and_a_later_record_what_became_of_it(tmp_path: Path) -> None:
    lines, sounds = tmp_path / "lines", tmp_path / "sounds"
    lines.mkdir()
    sound(sounds, "whole.wav", 5000)
    sound(sounds, "growing.wav", 1000, time.time() + AHEAD)
    folder = Folder(lines, {"recordings": sounds})
    folder.put("a.csv", HEADING + "1,,x,whole.wav\n2,,y,growing.wav\n3,,z,late.wav\n")
    found = folder.all()
    assert [told(message) for message in found] == [
        [("complete", 5000)],
        [("being_written", 1000)],
        [("missing", None)],
    ]
    assert folder.all() == []
    sound(sounds, "growing.wav", 9000)
    sound(sounds, "late.wav", 44)
    later = folder.all()
    assert [told(message) for message in later] == [[("complete", 9000)], [("empty", 44)]]
    assert [message.conversation for message in later] == [message.conversation for message in found[1:]]
    keys = [normalize(message, Policy()).message.features.message_key for message in (*found[1:], *later)]
    assert keys[:2] == keys[2:]
    assert folder.all() == []
    assert b"bytes" not in msgspec.json.encode(folder.cursor.position)


def test_one_that_never_comes_is_told_to_be_missing_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(tmp_path, {"recordings": tmp_path})
    folder.put("a.csv", HEADING + "1,,x,gone.wav\n")
    assert len(folder.all()) == 1
    monkeypatch.setattr("connectors.call_files.recordings.PATIENCE_SECONDS", -1.0)
    assert [told(message) for message in folder.all()] == [[("missing", None)]]
    assert folder.all() == []
