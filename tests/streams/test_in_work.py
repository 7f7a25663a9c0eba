"""A record that holds the processor ends its process once, and is set aside by the next one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import json
from msgspec.structs import replace

from schemas import topics
from streams.engine import in_work
from streams.engine.in_work import Held, InWork
from tests.streams.held import RECORDS

ROOT = Path(__file__).parents[2]
HELD = Path(__file__).with_name("held.py")


def run(folder: Path, where: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, str(HELD), str(folder), where],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(("where", "ends"), [("loop", 1), ("thread", 1), ("chunk", 2)])
def test_it_ends_the_process_and_is_set_aside_after_that(tmp_path: Path, where: str, ends: int) -> None:
    for _ in range(ends):
        code, told = run(tmp_path, where)
        assert code == -signal.SIGPROF, told
        assert "set aside" not in told
    code, told = run(tmp_path, where)
    assert code == 0, told
    assert "set aside 41 it blocked the processor" in told
    assert told.count("set aside") == 1
    assert "record_held_the_processor" in told
    assert "held.py" in told, "where it held it"
    assert run(tmp_path, where)[0] == 0, "it is remembered"
    left = sorted(path.name for path in (tmp_path / in_work.FOLDER).iterdir())
    assert [name for name in left if name.endswith(".work")] == []
    assert len([name for name in left if name.endswith(".trace")]) <= 1


def test_a_process_that_was_killed_sets_nothing_aside(tmp_path: Path) -> None:
    assert run(tmp_path, "killed")[0] == -signal.SIGKILL
    code, told = run(tmp_path, "killed")
    assert code == -signal.SIGKILL
    assert "set aside" not in told


def test_another_record_at_its_place_is_none_that_held(tmp_path: Path) -> None:
    work = InWork("assign", tmp_path)
    work._held = [Held(topics.MESSAGE, 3, 41, 41, RECORDS[1].timestamp)]
    assert work.fault_of(RECORDS[1]) is not None
    assert work.fault_of(RECORDS[0]) is None
    assert work.fault_of(replace(RECORDS[1], timestamp=1)) is None, "the topic was made anew"
    assert work.fault_of(replace(RECORDS[1], topic=topics.COMMAND)) is None
    assert not work.is_suspect(RECORDS)


def test_of_several_none_is_set_aside_before_it_is_known_which(tmp_path: Path) -> None:
    work = InWork("assign", tmp_path)
    work._held = [Held(topics.MESSAGE, 3, 40, 41, RECORDS[0].timestamp)]
    assert all(work.fault_of(record) is None for record in RECORDS)
    assert work.is_suspect(RECORDS)
    assert not work.is_suspect(RECORDS[2:])


def test_a_broken_memory_is_no_reason_not_to_begin(tmp_path: Path) -> None:
    (tmp_path / in_work.FOLDER).mkdir()
    (tmp_path / in_work.FOLDER / "assign.json").write_bytes(b"\0")
    (tmp_path / in_work.FOLDER / "assign-x.work").write_bytes(b"")
    (tmp_path / in_work.FOLDER / "held-x.trace").write_bytes(b"File")
    code, told = run(tmp_path, "innocent")
    assert code == -signal.SIGPROF, told
    assert run(tmp_path, "innocent")[0] == 0
    (held,) = json.decode((tmp_path / in_work.FOLDER / "assign.json").read_bytes(), type=list[Held])
    assert (held.first, held.last) == (41, 41)


async def test_a_folder_that_cannot_be_made_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    work = InWork("assign", tmp_path / "file")
    work.begin()
    assert work.on(RECORDS[0], int) == 0
    assert await work.in_thread(RECORDS[0], int) == 0
    work.end()
