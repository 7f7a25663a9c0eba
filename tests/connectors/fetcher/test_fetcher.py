"""The fetcher: nothing is committed before it is done, nobody waits for another account, everything ends."""

import threading
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import TopicPartition

from connectors import metrics
from connectors.media_fetch.job import Errand, GivenUp, TooEarlyError
from connectors.media_fetch.offset_tracker import Window
from connectors.media_fetch.scheduler import Fetcher
from connectors.media_fetch.settings import FetcherSettings
from connectors.media_fetch.worker import Journaled
from connectors.publish.disk_buffer import Journal
from schemas.errors import MalformedError, ThrottledError, UnauthorizedError, UnreachableError
from schemas.records import RawMessage
from schemas.records.raw import beginning
from tests.connectors.fetcher.errands import NOW, Fake, Publisher, message, record

PLACE = TopicPartition("hotline.raw.wechat.v1", 0)
AWAY = UnreachableError("away")


class Bench:
    """A fetcher whose clock stands still until it is moved, and whose errands are named by the records' bytes."""

    def __init__(self, *errands: Fake, journal: Path | None = None, **settings: float) -> None:
        self.errands = {one.name: one for one in errands}
        self.clock = 0.0
        self.publisher = Publisher()
        self.swept: list[Errand] = []
        self.fetcher = Fetcher(
            self.plan,
            self.publisher,
            FetcherSettings(**settings),  # type: ignore[arg-type] # numbers of a test
            sweep=lambda: self.swept,
            journal=journal,
            clock=lambda: self.clock,
            now=lambda: NOW + timedelta(seconds=self.clock),
        )

    def plan(self, raw: RawMessage) -> Sequence[Errand]:
        names = raw.value.decode().split()
        return [self.errands[name] for name in names if name in self.errands]

    def step(self, seconds: float = 0.0, *, owns_sweep: bool = False) -> None:
        """Let time pass, and let what is due run to its end."""
        self.clock += seconds
        self.fetcher.step(owns_sweep=owns_sweep)
        end = time.monotonic() + 60
        while any(lane._running for lane in self.fetcher._lanes.values()) and time.monotonic() < end:
            if not any(one.done() for lane in self.fetcher._lanes.values() for one in lane._running):
                time.sleep(0.001)
            else:
                self.fetcher.step(owns_sweep=owns_sweep)

    @property
    def position(self) -> int:
        return self.fetcher.positions[PLACE]


@pytest.fixture
def benches() -> Iterator[list[Bench]]:
    made: list[Bench] = []
    yield made
    for bench in made:
        bench.fetcher.close()


def test_no_file_is_fetched_for_a_message_before_it_is_there_whole(benches: list[Bench]) -> None:
    """How it begins is told past a journal's backlog: its file came before it, and its ticket never got the file."""
    bench = Bench(Fake("photo"), Fake("announced", keeps=False))
    benches.append(bench)
    told = beginning(message("photo announced")).outbound()
    bench.fetcher.take(PLACE, [record(5, headers=told.headers, value=told.value)])
    bench.step()
    assert (bench.publisher.names, bench.position) == (["announced"], 6)
    bench.fetcher.take(PLACE, [record(6, "photo")])
    bench.step()
    assert (bench.publisher.names, bench.position) == (["announced", "photo"], 7)


def test_what_is_done_is_committed_and_what_gives_nothing_at_once(benches: list[Bench]) -> None:
    bench = Bench(Fake("a"))
    benches.append(bench)
    bench.fetcher.take(PLACE, [record(5, "x"), record(6, "a"), record(7, "x")])
    assert bench.position == 6
    bench.step()
    assert bench.position == 8
    assert bench.publisher.names == ["a"]
    assert bench.fetcher.waiting == 0


def test_what_came_too_early_is_run_again_in_time_and_is_no_trouble(benches: list[Bench]) -> None:
    early = Fake("a", TooEarlyError(5.0))
    bench = Bench(early, Fake("b"))
    benches.append(bench)
    bench.fetcher.take(PLACE, [record(5, "a"), record(6, "b")])
    bench.step()
    assert (bench.publisher.names, bench.position, bench.fetcher.complaints) == (["b"], 5, ())
    bench.step(4.9)
    assert bench.publisher.names == ["b"]
    bench.step(0.1)
    assert (bench.publisher.names, bench.position, early.runs) == (["b", "a"], 7, [False, False])


def test_what_runs_when_the_fetcher_ends_is_done_and_its_place_can_be_committed(benches: list[Bench]) -> None:
    """Else the next process would do it again."""
    slow = Fake("a")
    bench = Bench(slow, Fake("b", AWAY))
    benches.append(bench)
    bench.fetcher.take(PLACE, [record(5, "a"), record(6, "b"), record(7, "x")])
    slow.may_go.clear()
    bench.fetcher.step()
    assert bench.position == 5
    threading.Timer(0.1, slow.may_go.set).start()
    assert bench.fetcher.finish() == 1
    assert (bench.publisher.names, bench.position) == (["a"], 6)


def test_an_errand_that_waits_holds_the_commit_and_nothing_else(benches: list[Bench]) -> None:
    bench = Bench(Fake("a", AWAY, AWAY), Fake("b"), Fake("c"))
    benches.append(bench)
    bench.fetcher.take(PLACE, [record(1, "a"), record(2, "b")])
    bench.step()
    assert (bench.publisher.names, bench.position) == (["b"], 1)
    bench.fetcher.take(PLACE, [record(3, "c")])
    bench.step(1.1)
    bench.step(2.1)
    assert (sorted(bench.publisher.names), bench.position) == (["a", "b", "c"], 4)


def test_an_account_in_trouble_is_asked_one_thing_at_a_time(benches: list[Bench]) -> None:
    many = [Fake(f"h{number}", AWAY) for number in range(4)]
    bench = Bench(*many)
    benches.append(bench)
    bench.fetcher.take(PLACE, [record(number, f"h{number}") for number in range(4)])
    bench.step()
    assert bench.fetcher.complaints
    for one in many:
        one.may_go.clear()
    bench.clock += 2
    bench.fetcher.step()
    assert sum(len(lane._running) for lane in bench.fetcher._lanes.values()) == 1
    for one in many:
        one.may_go.set()
    bench.step()
    bench.step()
    assert len(bench.publisher.names) == 4


def test_messages_do_not_wait_behind_files_nor_files_behind_messages(benches: list[Bench]) -> None:
    files, messages = ([f"{kind}{number}" for number in range(50)] for kind in ("file", "message"))
    made = [Fake(name, keeps=name.startswith("file")) for name in (*files, *messages)]
    bench = Bench(*made)
    benches.append(bench)
    bench.fetcher.take(PLACE, [record(0, " ".join(files)), record(1, " ".join(messages))])
    while bench.fetcher.waiting:
        bench.step()
    assert 10 < sum(name in messages for name in bench.publisher.names[:50]) < 40
    assert len(bench.publisher.names) == 100


def test_the_waits_grow_and_end_at_the_deadline(benches: list[Bench]) -> None:
    errand = Fake("a", *[AWAY] * 1000, deadline=NOW + timedelta(hours=2))
    bench = Bench(errand)
    benches.append(bench)
    bench.fetcher.take(PLACE, [record(1, "a")])
    for _ in range(7200):
        bench.step(1)
    assert 12 < len(errand.runs) < 25
    assert not errand.runs[0]
    bench.step(900)
    assert errand.runs[-1]


def test_a_used_up_quota_and_refused_credentials_stop_the_whole_account_and_no_other(benches: list[Bench]) -> None:
    for fault, seconds in ((ThrottledError("quota", 3600), 3600), (UnauthorizedError("secret"), 30)):
        wrong, waits, other = Fake("a", fault), Fake("b"), Fake("c", account="other")
        bench = Bench(wrong, waits, other)
        benches.append(bench)
        bench.fetcher.take(PLACE, [record(1, "a")])
        bench.step()
        bench.fetcher.take(PLACE, [record(2, "b"), record(3, "c")])
        bench.step(seconds - 1)
        assert bench.publisher.names == ["c"]
        assert [one.split(":")[0] for one in bench.fetcher.complaints] == ["city"]
        bench.step(2)
        bench.step()
        assert sorted(bench.publisher.names) == ["a", "b", "c"]
        assert bench.fetcher.complaints == ()


def test_an_account_that_hangs_keeps_no_other_waiting(benches: list[Bench]) -> None:
    hanging = [Fake(f"h{number}") for number in range(20)]
    for one in hanging:
        one.may_go.clear()
    bench = Bench(*hanging, Fake("quick", account="other"))
    benches.append(bench)
    bench.fetcher.take(PLACE, [record(number, f"h{number}") for number in range(20)] + [record(20, "quick")])
    end = time.monotonic() + 60
    while bench.publisher.names != ["quick"] and time.monotonic() < end:
        bench.fetcher.step()
        time.sleep(0.001)
    assert bench.publisher.names == ["quick"]
    for one in hanging:
        one.may_go.set()


@pytest.mark.parametrize("fault", [ZeroDivisionError("o-lin"), OSError(28, "No space left on device")])
def test_a_fault_of_ours_is_tried_again_and_told(benches: list[Bench], fault: Exception) -> None:
    bench = Bench(Fake("a", fault))
    benches.append(bench)
    bench.fetcher.take(PLACE, [record(1, "a")])
    bench.step()
    assert (bench.position, bench.publisher.names) == (1, [])
    (complaint,) = bench.fetcher.complaints
    assert type(fault).__name__ in complaint
    assert "o-lin" not in complaint
    bench.step(2)
    assert (bench.position, bench.publisher.names, bench.fetcher.waiting) == (2, ["a"], 0)


def test_a_fault_of_ours_that_never_ends_holds_the_commit_until_the_deadline(benches: list[Bench]) -> None:
    errand = Fake("a", *[ZeroDivisionError()] * 1000, deadline=NOW + timedelta(hours=2))
    bench = Bench(errand)
    benches.append(bench)
    bench.fetcher.take(PLACE, [record(1, "a")])
    for _ in range(120):
        bench.step(60)
        assert bench.position == (2 if True in errand.runs else 1)
    bench.step(900)
    assert (bench.position, bench.fetcher.waiting, errand.runs.count(True)) == (2, 0, 1)


def test_what_is_given_up_is_counted_and_stays_a_complaint(benches: list[Bench]) -> None:
    counted = metrics.ERRANDS.labels("city", "given_up")
    before = counted._value.get()
    bench = Bench(Fake("a", AWAY, GivenUp(AWAY)), Fake("b"))
    benches.append(bench)
    bench.fetcher.take(PLACE, [record(1, "a")])
    bench.step()
    bench.step(2)
    assert (bench.position, bench.fetcher.waiting, bench.publisher.names) == (2, 0, [])
    assert bench.fetcher.complaints == ("city: away",)
    assert counted._value.get() == before + 1
    bench.fetcher.take(PLACE, [record(2, "b")])
    bench.step()
    assert bench.fetcher.complaints == ()


def test_a_record_that_cannot_be_read_is_somebody_elses_matter(benches: list[Bench]) -> None:
    bench = Bench(Fake("a"))
    benches.append(bench)
    bench.fetcher.take(PLACE, [record(1, headers=[]), record(2, "a")])
    bench.step()
    assert bench.position == 3
    assert bench.publisher.names == ["a"]


def test_a_record_with_two_files_waits_for_both(benches: list[Bench]) -> None:
    bench = Bench(Fake("a"), Fake("b", AWAY))
    benches.append(bench)
    bench.fetcher.take(PLACE, [record(1, "a b")])
    bench.step()
    assert bench.position == 1
    bench.step(2)
    assert bench.position == 2


def test_a_partition_that_is_read_again_gives_no_second_errand(benches: list[Bench]) -> None:
    errand = Fake("a", AWAY)
    bench = Bench(errand)
    benches.append(bench)
    bench.fetcher.take(PLACE, [record(1, "a")])
    bench.step()
    bench.fetcher.keep(())
    assert bench.fetcher.positions == {}
    bench.fetcher.take(PLACE, [record(1, "a")])
    assert bench.fetcher.waiting == 1
    bench.step(2)
    assert bench.position == 2
    assert bench.publisher.names == ["a"]


def test_partitions_that_stay_keep_what_is_open_in_them(benches: list[Bench]) -> None:
    bench = Bench(Fake("a", AWAY), Fake("b", AWAY))
    benches.append(bench)
    other = PLACE._replace(partition=7)
    bench.fetcher.take(PLACE, [record(1, "a")])
    bench.fetcher.take(other, [record(1, "b")])
    bench.step()
    bench.fetcher.keep([PLACE])
    assert bench.fetcher.positions == {PLACE: 1}
    bench.fetcher.take(PLACE, [record(2, "x")])
    assert bench.position == 1
    bench.step(2)
    assert bench.position == 3


def test_a_job_that_is_met_again_counts_once_for_its_record(benches: list[Bench]) -> None:
    first, second = Fake("a", *[AWAY] * 2), Fake("b", *[AWAY] * 4)
    bench = Bench(first, second)
    benches.append(bench)
    bench.fetcher.take(PLACE, [record(1, "a b")])
    bench.step()
    bench.fetcher.keep(())
    bench.fetcher.take(PLACE, [record(1, "a b")])
    while not bench.publisher.names:
        bench.step(5)
    assert bench.publisher.names == ["a"]
    assert bench.position == 1  # of two files one is still to come
    bench.step(60)
    bench.step(60)
    bench.step(60)
    assert bench.position == 2


def test_a_record_that_names_one_file_twice_waits_for_it_once(benches: list[Bench]) -> None:
    bench = Bench(Fake("a", AWAY))
    benches.append(bench)
    bench.fetcher.take(PLACE, [record(1, "a a")])
    bench.step()
    assert bench.position == 1
    bench.step(2)
    assert bench.position == 2


def test_a_full_fetcher_says_so(benches: list[Bench]) -> None:
    bench = Bench(Fake("a", AWAY), Fake("b", AWAY), waiting_max=2)
    benches.append(bench)
    bench.fetcher.take(PLACE, [record(1, "a"), record(2, "b")])
    assert bench.fetcher.is_full
    bench.step()
    bench.step(3)
    bench.step(3)
    assert not bench.fetcher.is_full


def test_whoever_has_the_first_partition_sweeps(benches: list[Bench]) -> None:
    bench = Bench(sweep_seconds=300)
    benches.append(bench)
    bench.swept = [Fake("sweep")]
    bench.step()
    assert bench.publisher.names == []
    bench.step(owns_sweep=True)
    bench.step(299, owns_sweep=True)
    assert bench.publisher.names == ["sweep"]
    bench.step(2, owns_sweep=True)
    assert bench.publisher.names == ["sweep", "sweep"]


def test_what_waits_in_the_journal_is_fetched_and_not_published(benches: list[Bench], tmp_path: Path) -> None:
    file, pulled = Fake("a"), Fake("b", keeps=False)
    bench = Bench(file, pulled, journal=tmp_path, journal_seconds=30)
    benches.append(bench)
    journal = Journal(tmp_path)
    journal.append([message("a"), message("b")])
    bench.step()
    assert (file.runs, pulled.runs, bench.publisher.names) == ([False], [], [])
    bench.step(31)
    assert file.runs == [False]  # it was seen
    journal.append([message("x a")])
    bench.step(31)
    assert file.runs == [False, False]
    bench.fetcher.take(PLACE, [record(1, "a")])
    bench.step()
    assert bench.publisher.names == ["a"]
    journal.close()


def test_what_was_read_of_the_journal_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a long outage it has a gigabyte, on the disk that each citizen's message waits for."""
    read: list[str] = []
    whole = Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        read.append(path.name)
        return whole(path)

    journal, journaled = Journal(tmp_path), Journaled(tmp_path)
    journal.append([message("a"), message("b")])
    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    assert [len(list(journaled.news())) for _ in range(3)] == [2, 0, 0]
    assert len(read) == 1
    journal.append([message("c")])
    assert len(list(journaled.news())) == 1
    journal.close()


def test_a_message_in_the_journal_that_cannot_be_planned_ends_nothing(benches: list[Bench], tmp_path: Path) -> None:
    file = Fake("a")
    bench = Bench(file, journal=tmp_path)
    benches.append(bench)
    journal = Journal(tmp_path)
    unreadable = msgspec.structs.replace(message("x"), value=b"\xff")
    journal.append([unreadable, message("a")])
    bench.step()
    assert file.runs == [False]
    out = unreadable.outbound()
    bench.fetcher.take(PLACE, [record(1)._replace(headers=out.headers, value=out.value)])
    assert bench.position == 2
    journal.close()


def test_a_journal_with_a_torn_end_is_read_when_it_is_whole(benches: list[Bench], tmp_path: Path) -> None:
    first, second = Fake("a"), Fake("b")
    bench = Bench(first, second, journal=tmp_path)
    benches.append(bench)
    journal = Journal(tmp_path)
    journal.append([message("a")])
    journal.append([message("b")])
    journal.close()
    (segment,) = tmp_path.glob("*.journal")
    whole = segment.read_bytes()
    segment.write_bytes(whole[:-5])
    (tmp_path / "not-hex.journal").write_bytes(b"x")
    bench.step()
    assert (first.runs, second.runs) == ([False], [])
    segment.write_bytes(whole)
    bench.step(31)
    assert (first.runs, second.runs) == ([False], [False])


@given(
    errands=st.lists(st.integers(0, 2), min_size=1, max_size=30),
    order=st.randoms(use_true_random=False),
)
def test_a_window_never_passes_what_is_open(errands: list[int], order: object) -> None:
    window = Window()
    assert window.position is None
    for offset, count in enumerate(errands):
        window.take(offset, map(str, range(count)))
    left = [(offset, str(number)) for offset, count in enumerate(errands) for number in range(count)]
    order.shuffle(left)  # type: ignore[attr-defined] # a Random
    while left:
        assert window.position == min(left)[0]
        window.finish(*left.pop())
    assert window.position == len(errands)


@pytest.mark.parametrize(("fault", "counted"), [(MalformedError("torn"), 0), (LookupError(), 1)], ids=repr)
def test_files_that_a_fault_of_ours_loses_are_counted(
    fault: Exception, counted: int, benches: list[Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench()
    benches.append(bench)

    def plan(raw: RawMessage) -> Sequence[Errand]:
        raise fault

    monkeypatch.setattr(bench.fetcher, "_plan", plan)
    failed = metrics.ERRANDS.labels(message("a").envelope.account, "failed")
    before = failed._value.get()
    bench.fetcher.take(PLACE, [record(1, "a")])
    assert (failed._value.get() - before, bench.position) == (counted, 2)


def test_a_window_goes_back_with_kafka() -> None:
    window = Window()
    for offset in (4, 5, 6):
        window.take(offset, ["a"])
    window.finish(5, "a")
    window.take(5, ["a"])
    assert window.position == 4
    window.finish(4, "a")
    assert window.position == 5
    window.finish(5, "a")
    assert window.position == 6


@pytest.mark.parametrize("joins_anew", [False, True])
def test_what_is_done_for_a_record_that_kafka_lost_is_not_done_for_the_one_in_its_place(
    benches: list[Bench], joins_anew: bool
) -> None:
    """The place of a file that nobody had fetched was committed."""
    bench = Bench(Fake("lost", AWAY), Fake("came", AWAY, AWAY, account="another"))
    benches.append(bench)
    bench.fetcher.take(PLACE, [record(5, "x"), record(6, "lost")])
    bench.step()
    if joins_anew:
        bench.fetcher.keep(())
    bench.fetcher.take(PLACE, [record(6, "came"), record(7, "x")])
    bench.step(1.1)
    assert (bench.publisher.names, bench.position) == (["lost"], 6)
    bench.step(10)
    bench.step(10)
    assert (bench.publisher.names, bench.position) == (["lost", "came"], 8)
