"""Two processes share an account: one works, the other follows when it ends, dies or freezes; nothing is done twice."""

import json
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kafka.structs import TopicPartition

from broker.config import KafkaConnection
from broker.lease import SEAT, TRUSTED, Election, GroupLease
from connectors.runtime.cursor_store import Cursors
from schemas import topics
from schemas.errors import UnreachableError
from tests.connectors.reader import Reader
from tests.forked import Forked
from tests.waiting import until

SESSION = 6.0
"""Seconds; in less, a busy machine holds an owner up for so long that it loses its seat rightly."""

POLL = 30.0
"""Seconds that a member may take between two polls: one that is gone is followed earlier."""


class Workers:
    """Processes that share an account, and what they share."""

    def __init__(self, kafka: KafkaConnection, account: str, folder: Path) -> None:
        self.folder, self.account, self._kafka = folder, account, kafka
        self._stack = ExitStack()
        self._read: dict[int, list[Any]] = {}
        self.started: list[Forked] = []
        (folder / "source").touch()

    def start(self) -> Forked:
        script = Path(__file__).with_name("lease_worker.py")
        told = (self._kafka.bootstrap_servers, self.account, str(self.folder), str(SESSION))
        with (self.folder / f"said-{len(self._read)}").open("w") as said:
            worker = Forked(str(script), *told, stdout=said)
        self._read[worker.pid] = [Path(said.name), 0]
        self.started.append(worker)
        self._stack.callback(self._end, worker)
        return worker

    def says(self, worker: Forked, what: str) -> None:
        """Wait until a worker tells its state, after what was waited for before."""

        def told() -> bool:
            path, begin = self._read[worker.pid]
            lines = path.read_text().split("\n")[:-1]
            if what not in lines[begin:]:
                return False
            self._read[worker.pid][1] = lines.index(what, begin) + 1
            return True

        until(told, otherwise=self.told)

    def last_words(self) -> list[str]:
        """Return the newest state of each worker, in the order of their starts; empty for one that told none yet."""
        return [(path.read_text().splitlines() or [""])[-1] for path, _ in self._read.values()]

    def told(self) -> str:
        return "; ".join(f"{pid}: {path.read_text().split()}" for pid, (path, _) in self._read.items())

    def offer(self, *numbers: int) -> None:
        with (self.folder / "source").open("a") as source:
            source.writelines(f"{number}\n" for number in numbers)

    def asked(self) -> list[tuple[int, list[int]]]:
        lines = (self.folder / "asked").read_text().splitlines() if (self.folder / "asked").exists() else []
        return [(int(line.split()[0]), json.loads(line.split(maxsplit=1)[1])) for line in lines]

    def who_got(self, number: int) -> list[int]:
        return [pid for pid, numbers in self.asked() if number in numbers]

    def close(self) -> None:
        self._stack.close()

    @staticmethod
    def _end(worker: Forked) -> None:
        worker.kill()
        worker.wait()


SEATED = ["connector_running", "connector_standby"]
ATTEMPTS = 3


@pytest.fixture
def workers(kafka: KafkaConnection, account: str, tmp_path: Path) -> Iterator[Workers]:
    """Two workers: the first owns the account, the newcomer stands by.

    A machine that holds the first one up for a whole session hands its seat over, rightly: then two others begin. A
    newcomer that takes the seat every time fails.
    """
    for attempt in range(ATTEMPTS):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        workers = Workers(kafka, f"{account}-{attempt}", folder)
        try:
            workers.says(workers.start(), SEATED[0])
            workers.offer(*range(1, 6))
            workers.start()
            until(lambda found=workers: sorted(found.last_words()) == sorted(SEATED), otherwise=workers.told)
            if workers.last_words() == SEATED:
                yield workers
                return
        finally:
            workers.close()
    pytest.fail("a newcomer took the seat of an owner that worked, every time")


@pytest.mark.integration
def test_an_owner_is_followed_when_it_freezes_when_it_dies_and_when_it_stops(
    workers: Workers, kafka: KafkaConnection, reader: Reader
) -> None:
    (first, second), account = workers.started, workers.account
    assert {pid for pid, _ in workers.asked()} == {first.pid}

    # Frozen with a batch in its hands: it has fetched 6 to 15, and published nothing of it.
    (workers.folder / "freeze").write_text(str(first.pid))
    workers.offer(*range(6, 31))
    until(lambda: second.pid in workers.who_got(30), otherwise=workers.told)
    until(lambda: position(kafka, account) == 30)
    first.send_signal(signal.SIGCONT)
    workers.says(first, "connector_standby")
    workers.offer(31)
    until(lambda: position(kafka, account) == 31)
    pids = [pid for pid, _ in workers.asked()]
    assert first.pid not in pids[pids.index(second.pid) :]  # it asks its source for nothing more
    assert position(kafka, account) == 31  # its late cursor, 15, takes nothing back

    second.kill()
    workers.offer(32)
    until(lambda: workers.who_got(32) == [first.pid], seconds=POLL, otherwise=workers.told)
    third = workers.start()
    workers.says(third, "connector_standby")
    first.terminate()
    assert first.wait(60) == 0
    workers.offer(33)  # not earlier: it might take that, too, before it has seen the signal
    until(lambda: third.pid in workers.who_got(33), otherwise=workers.told)
    until(lambda: position(kafka, account) == 33)

    values = [int(record.value) for record in reader.read(topics.raw("mailbox"), account)]
    assert set(values) == set(range(1, 34))
    assert sorted(values) == sorted([*range(1, 34), *range(6, 16)])  # what it had in its hands came twice: a repeat


def position(kafka: KafkaConnection, account: str) -> int:
    cursors = Cursors(kafka, account)
    try:
        return cursors.load().position.get("after", 0)
    finally:
        cursors.close()


class Clock:
    """Seconds that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class FakeConsumer:
    """A member that is the only one of its group, for as long as `takes` says so."""

    def __init__(self, **settings: Any) -> None:
        (self._make,) = settings["partition_assignment_strategy"]
        self.takes = True
        self._mine: set[TopicPartition] = set()

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0}

    def subscribe(self, names: list[str]) -> None:
        election = self._make()
        member = SimpleNamespace(member_id="me", metadata=election.metadata(names))
        election.on_assignment(election.assign(None, [member])["me"], 1)
        self._mine = {SEAT}

    def poll(self, timeout_ms: int) -> None:
        time.sleep(0.001)

    def assignment(self) -> set[TopicPartition]:
        return self._mine

    def pause(self, *mine: TopicPartition) -> None:
        pass

    def commit(self, offsets: dict, timeout_ms: int) -> None:
        while not self.takes:
            time.sleep(0.001)

    def close(self, **options: Any) -> None:
        self.takes = True


def test_an_owner_knows_by_its_own_clock_that_its_proof_is_too_old(kafka_connection: KafkaConnection) -> None:
    clock, made = Clock(), []

    def connect(kafka_client: Any, **settings: Any) -> FakeConsumer:
        made.append(FakeConsumer(**settings))
        return made[-1]

    lease = GroupLease(kafka_connection, "a", session_seconds=10, connect=connect, clock=clock)
    assert not lease.held
    assert TRUSTED < 1
    until(lambda: lease.ask(lambda: None))
    made[0].takes = False  # Kafka answers no more, or this process does not run
    clock.now += 10 * TRUSTED - 0.1
    assert lease.held
    clock.now += 0.2
    assert not lease.held
    made[0].takes = True
    until(lambda: lease.held)
    lease.close()
    lease.close()
    assert not lease.held


def test_a_seat_that_comes_to_no_election_is_told_and_taken_anew(kafka_connection: KafkaConnection) -> None:
    """A group that has forgotten us, or never answers: silence for ever would be a mailbox that nobody reads."""
    clock, made = Clock(), []

    class Forgotten(FakeConsumer):
        def subscribe(self, names: list[str]) -> None:
            if len(made) > 1:
                super().subscribe(names)
            else:
                self._make().metadata(names)

    def connect(kafka_client: Any, **settings: Any) -> FakeConsumer:
        made.append(Forgotten(**settings))
        return made[-1]

    lease = GroupLease(kafka_connection, "a", session_seconds=10, connect=connect, clock=clock)
    assert not lease.ask(lambda: None)
    until(lambda: made)
    time.sleep(0.05)
    assert not lease.ask(lambda: pytest.fail("nobody else has it"))
    clock.now += 21

    def complains() -> bool:
        try:
            lease.ask(lambda: None)
        except UnreachableError as error:
            return "does not name the owner of a" in str(error)
        return False

    until(complains)
    until(lambda: lease.held)
    assert len(made) == 2
    lease.close()


@pytest.fixture
def kafka_connection() -> KafkaConnection:
    return KafkaConnection(bootstrap_servers="127.0.0.1:1")


class Faulty:
    """A client whose library has a fault."""

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0}

    def subscribe(self, topics: list[str]) -> None: ...

    def poll(self, **_: object) -> None:
        raise KeyError("a fault of the library")

    def close(self, **_: object) -> None: ...


def test_a_fault_of_the_library_ends_no_candidate_for_good(
    kafka_connection: KafkaConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread was gone, and the account without an owner until somebody started the process again."""
    monkeypatch.setattr("broker.lease._AGAIN_SECONDS", 0.01)
    made: list[Faulty] = []

    def connect(**_: object) -> Faulty:
        made.append(Faulty())
        return made[-1]

    lease = GroupLease(kafka_connection, "mayor", connect=connect)

    def told() -> bool:
        try:
            return not lease.ask(lambda: None) and False
        except UnreachableError as error:
            return "KeyError" in str(error) and len(made) >= 3

    until(told)
    lease.close()


def elected(*claims: tuple[str, int | None]) -> str:
    """Return who is elected among members that were elected before in these generations."""
    members = []
    for name, generation in claims:
        election = Election(SEAT, lambda: True)
        if generation is not None:
            alone = SimpleNamespace(member_id=name, metadata=election.metadata([]))
            election.on_assignment(election.assign(None, [alone])[name], generation)
        members.append(SimpleNamespace(member_id=name, metadata=election.metadata([topics.LEASE])))
    seats = Election(SEAT, lambda: True).assign(None, members)
    (winner,) = [name for name, seat in seats.items() if seat.partitions()]
    assert set(seats) == {name for name, _ in claims}
    return winner


def test_a_newcomer_takes_nothing_away_and_a_former_owner_neither() -> None:
    assert elected(("b", None), ("a", None)) == "a"
    assert elected(("b", 3), ("a", None)) == "b"
    assert elected(("b", 3), ("a", 2), ("0", None)) == "b"
    assert elected(("a", 9), ("b", 10)) == "b"


def test_who_no_longer_owns_claims_nothing() -> None:
    owns = [True]
    election = Election(SEAT, lambda: owns[0])
    alone = SimpleNamespace(member_id="a", metadata=election.metadata([]))
    election.on_assignment(election.assign(None, [alone])["a"], 7)
    assert election.metadata([]).user_data == b"7"
    owns[0] = False
    assert election.metadata([]).user_data == b"0"
