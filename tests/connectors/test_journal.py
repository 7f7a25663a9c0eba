"""The journal keeps what it promised: kill -9, torn tails, damaged bytes, a full disk, a broker that fails."""

import errno
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from connectors.publish.disk_buffer import Journal
from connectors.publish.segment import frame
from schemas.errors import MisconfiguredError, TopicRefusedError, UnauthorizedError, UnreachableError
from schemas.records import RawMessage
from tests.connectors.pushed import message

Start = Callable[..., Journal]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a journal; all of them are closed at the end."""
    started: list[Journal] = []

    def start(folder: Path, **limits: Any) -> Journal:
        started.append(Journal(folder, **limits))
        return started[-1]

    yield start
    for journal in started:
        journal.close()


def drained(journal: Journal) -> list[RawMessage]:
    out: list[RawMessage] = []
    journal.replay(out.extend)
    return out


def ids(messages: Sequence[RawMessage]) -> list[str]:
    return [each.envelope.id for each in messages]


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.journal"))


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, start: Start) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        MisconfiguredError, match=r"cannot be written \(Not a directory\): allow our user to write there"
    ):
        start(tmp_path / "file" / "journal")


def test_a_disk_without_room_for_a_folder_may_have_some_soon(
    tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(UnreachableError, match="make room"):
        start(tmp_path / "journal")


def test_messages_come_out_as_they_went_in_oldest_first(tmp_path: Path, start: Start) -> None:
    journal = start(tmp_path)
    sent = [message(str(number), os.urandom(50)) for number in range(5)]
    journal.append(sent[:2])
    journal.append(sent[2:])
    assert not journal.empty
    assert drained(journal) == sent
    assert journal.empty
    assert segments(tmp_path) == []


def test_a_new_start_finds_what_an_earlier_one_left_and_goes_behind_it(tmp_path: Path, start: Start) -> None:
    first = start(tmp_path)
    first.append([message("1")])
    first.close()
    first.close()
    second = start(tmp_path)
    assert not second.empty
    second.append([message("2")])
    assert ids(drained(second)) == ["1", "2"]


def test_segments_stay_small_and_keep_their_order(tmp_path: Path, start: Start) -> None:
    journal = start(tmp_path, segment_max_bytes=1000)
    for number in range(20):
        journal.append([message(str(number))])
    assert len(segments(tmp_path)) > 4
    assert ids(drained(journal)) == [str(number) for number in range(20)]


def test_a_message_larger_than_a_segment_has_one_of_its_own(tmp_path: Path, start: Start) -> None:
    journal = start(tmp_path, segment_max_bytes=1000)
    for number in range(3):
        journal.append([message(str(number), b"x" * 5000)])
    assert len(drained(journal)) == 3


def test_nobody_else_may_read_what_citizens_wrote(tmp_path: Path, start: Start) -> None:
    journal = start(tmp_path / "journal")
    journal.append([message("1")])
    assert (tmp_path / "journal").stat().st_mode & 0o077 == 0
    assert segments(tmp_path / "journal")[0].stat().st_mode & 0o777 == 0o600


def test_two_processes_cannot_share_a_folder(tmp_path: Path, start: Start) -> None:
    journal = start(tmp_path)
    with pytest.raises(MisconfiguredError, match="a folder of its own"):
        start(tmp_path)
    journal.close()
    start(tmp_path).close()


def test_threads_that_append_at_once_share_an_fsync(tmp_path: Path, start: Start) -> None:
    sent = [message(str(number)) for number in range(32)]
    alone = start(tmp_path / "alone")
    alone.append(sent)
    calls = []

    def fsync_when_all_wait(fd: int) -> None:
        calls.append(fd)
        deadline = time.monotonic() + 60
        while journal.size_bytes < alone.size_bytes and time.monotonic() < deadline:
            time.sleep(0.001)

    journal = start(tmp_path / "shared", fsync=fsync_when_all_wait)
    with ThreadPoolExecutor(len(sent)) as pool:
        list(pool.map(lambda one: journal.append([one]), sent))
    assert len(calls) <= 2  # the first for the first, the second for all that came meanwhile
    assert sorted(ids(drained(journal)), key=int) == ids(sent)


# A broker that fails


def test_a_broker_that_does_not_answer_costs_nothing(tmp_path: Path, start: Start) -> None:
    journal = start(tmp_path)
    journal.append([message("1")])

    def refuse(_: Sequence[RawMessage]) -> None:
        raise UnreachableError("down")

    with pytest.raises(UnreachableError):
        journal.replay(refuse)
    assert len(segments(tmp_path)) == 1
    journal.append([message("2")])
    assert ids(drained(journal)) == ["1", "2"]


def test_a_replay_goes_on_after_the_last_batch_that_the_broker_holds(tmp_path: Path, start: Start) -> None:
    journal = start(tmp_path)
    journal.append([message(str(number)) for number in range(1200)])
    held: list[RawMessage] = []

    def fail_after_500(batch: Sequence[RawMessage]) -> None:
        if held:
            raise UnauthorizedError("password changed")
        held.extend(batch)

    with pytest.raises(UnauthorizedError):
        journal.replay(fail_after_500)
    assert ids(held + drained(journal)) == [str(number) for number in range(1200)]


def test_one_message_that_cannot_be_sent_is_set_aside_and_the_others_go_on(tmp_path: Path, start: Start) -> None:
    journal = start(tmp_path)
    journal.append([message("1"), message("poison", b"poison"), message("3")])
    held: list[RawMessage] = []

    def choke(batch: Sequence[RawMessage]) -> None:
        if "poison" in ids(batch):
            raise ValueError("not even our error")
        held.extend(batch)

    assert journal.replay(choke) == 2
    assert ids(held) == ["1", "3"]
    (bad,) = tmp_path.glob("*.bad")
    assert b"poison" in bad.read_bytes()
    assert bad.stat().st_mode & 0o777 == 0o600
    assert journal.empty


def test_a_topic_that_our_user_may_not_write_keeps_no_other_waiting_and_its_own_order(
    tmp_path: Path, start: Start
) -> None:
    journal = start(tmp_path)
    refused, held = {"hotline.raw.sms.v1"}, list[RawMessage]()

    def publish(batch: Sequence[RawMessage]) -> None:
        if refused & {one.topic for one in batch}:
            raise TopicRefusedError("no right")
        held.extend(batch)

    journal.append([message("1", channel="sms"), message("2"), message("3", channel="sms")])
    for _ in range(2):  # what went is not sent again by each walk
        with pytest.raises(TopicRefusedError):
            journal.replay(publish)
    journal.append([message("4", channel="sms"), message("5")])
    with pytest.raises(TopicRefusedError):
        journal.replay(publish)
    assert ids(held) == ["2", "5"]
    refused.clear()
    assert journal.replay(publish) == 3
    assert ids(held) == ["2", "5", "1", "3", "4"]
    assert journal.empty
    assert segments(tmp_path) == []


def test_what_waits_for_a_right_is_there_after_a_restart(tmp_path: Path, start: Start) -> None:
    journal = start(tmp_path)
    journal.append([message("1", channel="sms"), message("2")])

    def refuse(batch: Sequence[RawMessage]) -> None:
        if any(one.channel == "sms" for one in batch):
            raise TopicRefusedError("no right")

    with pytest.raises(TopicRefusedError):
        journal.replay(refuse)
    journal.close()
    assert "1" in ids(drained(start(tmp_path)))


# Damage


def test_a_damaged_record_in_the_middle_is_set_aside_and_the_others_survive(tmp_path: Path, start: Start) -> None:
    journal = start(tmp_path)
    journal.append([message("1"), message("2", b"the damaged one"), message("3")])
    journal.close()
    (path,) = segments(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"damaged", b"dAmaged"))
    journal = start(tmp_path)
    assert ids(drained(journal)) == ["1", "3"]
    (bad,) = tmp_path.glob("*.bad")
    assert b"the dAmaged one" in bad.read_bytes()
    assert segments(tmp_path) == []


def test_what_was_set_aside_is_counted_again_at_each_start_until_it_is_taken_away(tmp_path: Path, start: Start) -> None:
    def counted() -> float:
        return REGISTRY.get_sample_value("hotline_connectors_journal_set_aside_total") or 0

    before, bad = counted(), tmp_path / "0000000000000001-0011223344556677.20.bad"
    bad.write_bytes(b"a citizen's words")
    start(tmp_path).close()
    assert counted() == before + 1
    bad.unlink()
    start(tmp_path)
    assert counted() == before + 1


def test_a_record_of_another_version_is_set_aside(tmp_path: Path, start: Start) -> None:
    journal = start(tmp_path)
    journal.append([message("1")])
    journal.close()
    (path,) = segments(tmp_path)
    marker = bytes.fromhex(path.stem.partition("-")[2])
    path.write_bytes(frame(marker, b"\x81\xa1?\x01") + path.read_bytes())
    journal = start(tmp_path)
    assert ids(drained(journal)) == ["1"]
    assert len(list(tmp_path.glob("*.bad"))) == 1


def test_a_tail_that_was_torn_at_any_byte_loses_only_what_was_never_promised(tmp_path: Path, start: Start) -> None:
    journal = start(tmp_path)
    journal.append([message("promised")])
    (path,) = segments(tmp_path)
    whole = path.stat().st_size
    journal.append([message("torn")])
    journal.close()
    data = path.read_bytes()
    for cut in range(whole, len(data)):
        path.write_bytes(data[:cut])
        journal = start(tmp_path)
        journal.append([message("next")])
        assert ids(drained(journal)) == ["promised", "next"], cut
        journal.close()
    assert list(tmp_path.glob("*.bad")) == []


@pytest.mark.parametrize("appends", [1, 40, 150])
def test_everything_that_was_promised_survives_kill_9(tmp_path: Path, start: Start, appends: int) -> None:
    command = [sys.executable, str(Path(__file__).with_name("journal_writer.py")), str(tmp_path)]
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=here) as writer:
        assert writer.stdout
        promised = [writer.stdout.readline() for _ in range(appends)]
        writer.kill()
        promised += writer.stdout.readlines()
    survived = ids(drained(start(tmp_path)))
    assert {line.decode().strip() for line in promised} <= set(survived)
    assert len(survived) == len(set(survived))


# A disk that fails


def test_a_full_journal_says_so_and_has_room_again_after_a_replay(tmp_path: Path, start: Start) -> None:
    journal = start(tmp_path, max_bytes=1000)
    journal.append([message("1")])
    assert not journal.full
    with pytest.raises(UnreachableError, match="is full"):
        journal.append([message("2", b"x" * 1000)])
    assert ids(drained(journal)) == ["1"]
    journal.append([message("again")])


@contextmanager
def disk_with_room_for(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_an_append_that_the_disk_took_half_of_leaves_nothing_behind(tmp_path: Path, start: Start) -> None:
    journal = start(tmp_path)
    journal.append([message("1")])
    size = segments(tmp_path)[0].stat().st_size
    with disk_with_room_for(size + 100), pytest.raises(UnreachableError, match="cannot be written"):
        journal.append([message("2")])
    journal.append([message("3")])
    assert ids(drained(journal)) == ["1", "3"]


def test_a_failed_fsync_promises_nothing_and_its_file_is_not_used_again(tmp_path: Path, start: Start) -> None:
    errors = [None, OSError(5, "Input/output error"), None]

    def failing_once(_: int) -> None:
        if errors and (error := errors.pop(0)):
            raise error

    journal = start(tmp_path, fsync=failing_once)
    journal.append([message("1")])
    with pytest.raises(UnreachableError, match="cannot be written"):
        journal.append([message("2")])
    journal.append([message("3")])
    assert len(segments(tmp_path)) == 2
    assert {"1", "3"} <= set(ids(drained(journal)))


@contextmanager
def one_file_more() -> Iterator[None]:
    """Let this process open a single file more than it has open."""
    before, spare = resource.getrlimit(resource.RLIMIT_NOFILE), os.dup(0)
    os.close(spare)
    resource.setrlimit(resource.RLIMIT_NOFILE, (spare + 1, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_process_with_too_many_files_open_loses_none_to_the_journal(tmp_path: Path, start: Start) -> None:
    journal = start(tmp_path)
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        with one_file_more(), pytest.raises(UnreachableError, match="cannot be written"):
            journal.append([message("1")])
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before
    assert segments(tmp_path) == []
    journal.append([message("2")])
    assert ids(drained(journal)) == ["2"]


def test_a_segment_that_cannot_be_read_holds_up_no_other(tmp_path: Path, start: Start) -> None:
    for name in ("1", "2", "3"):
        journal = start(tmp_path)
        journal.append([message(name)])
        journal.close()
    journal = start(tmp_path)
    first, *_ = segments(tmp_path)
    first.rename(first.with_suffix(".away"))
    held: list[RawMessage] = []
    with pytest.raises(UnreachableError, match=f"{first.name} cannot be read"):
        journal.replay(held.extend)
    assert ids(held) == ["2", "3"]
    assert not journal.empty
    first.with_suffix(".away").rename(first)
    assert ids(drained(journal)) == ["1"]


def test_a_file_that_is_no_segment_is_passed_over_and_told(
    tmp_path: Path, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = start(tmp_path)
    journal.append([message("1")])
    journal.close()
    copy = tmp_path / "0000000000000001-copy of.journal"
    copy.write_bytes(b"whose?")
    journal = start(tmp_path)
    assert "journal_file_foreign" in capsys.readouterr().out
    assert ids(drained(journal)) == ["1"]
    assert copy.read_bytes() == b"whose?"


def test_a_segment_that_cannot_be_read_is_reported_and_kept(tmp_path: Path, start: Start) -> None:
    journal = start(tmp_path)
    journal.append([message("1")])
    journal.close()
    journal = start(tmp_path)
    (path,) = segments(tmp_path)
    path.rename(path.with_suffix(".away"))
    with pytest.raises(UnreachableError, match="cannot be read"):
        drained(journal)
    path.with_suffix(".away").rename(path)
    assert ids(drained(journal)) == ["1"]
