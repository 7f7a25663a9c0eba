"""`hotline bench scale [--cities 24] [--rate 100] [--seconds 60] [--before 20000]`: workers come and go under load.

Two workers, then three, then one; a worker is one process that runs screen, normalize and assign. Of the two that go
the first is terminated, as in a rolling restart, and the second is killed. Prints how long each partition took to
rebuild, how long messages waited while they moved, and what the checker of the fault suite finds; exit code 1 when it
finds anything.
"""

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from kafka import KafkaProducer
from msgspec import Struct

from benchmarks.faults import checker
from benchmarks.faults.actors import Actor
from benchmarks.faults.ledger import Ledger, Reader
from benchmarks.faults.sources import Numbered, numbered
from broker.config import KafkaConnection
from hotline.admin.topics import Provision
from hotline.dev.stack.stack import Existing, Stack
from schemas import topics
from schemas.codec import decode
from schemas.records import Event, raw_message

PARTITIONS = 12
PATIENCE_SECONDS = 300.0
STAGES = ("screen", "normalize", "assign")
CITIES = tuple(f"{province}{city:02d}00" for province in (11, 21, 31, 32, 33, 37, 44, 51) for city in range(1, 13))


class TakeOver(Struct, frozen=True):
    """A partition that a worker rebuilt: the tickets in it, and seconds from its fencing to its first decision."""

    partition: int
    tickets: int
    seconds: float


class Phase(Struct, frozen=True, kw_only=True):
    """Some workers at work; waits are seconds from the raw record to the decision."""

    name: str
    sent: int
    wait_p50: float
    wait_p99: float
    wait_most: float
    take_overs: list[TakeOver]
    partitions: dict[str, int]
    """How many each worker had at the end, of those with a city."""


class Report(Struct, frozen=True, kw_only=True):
    """What came of it; `wrong` is empty when nothing was lost or doubled."""

    cities: int
    sent: int
    phases: list[Phase]
    settled_seconds: float
    wrong: dict[str, list[str]]


class Timed(Ledger):
    """A ledger that knows when a message was decided."""

    def __init__(self) -> None:
        super().__init__()
        self.decided_at: dict[str, float] = {}

    def take(self, record: Any) -> None:
        """Enter one record."""
        super().take(record)
        if record.topic == topics.EVENT:
            self.decided_at[decode(record.value, Event).input.message_id or ""] = record.timestamp / 1000


class Load(threading.Thread):
    """Raw records at a pace."""

    def __init__(self, connection: KafkaConnection, messages: Iterator[Numbered], rate: float) -> None:
        super().__init__(daemon=True)
        self._producer = KafkaProducer(**connection.client_options(), acks="all", linger_ms=5)
        self._messages, self._rate = messages, rate
        self._ended = threading.Event()
        self.sent: list[tuple[float, Numbered]] = []

    def run(self) -> None:
        """Send until it is told to stop."""
        began, before = time.monotonic(), len(self.sent)
        while not self._ended.is_set():
            self.send(1)
            early = began + (len(self.sent) - before) / self._rate - time.monotonic()
            if early > 0:
                self._ended.wait(early)

    def send(self, count: int) -> None:
        """Send so many, as fast as it goes."""
        for _ in range(count):
            message = next(self._messages)
            out = _raw(message)
            self.sent.append((time.time(), message))
            self._producer.send(out.topic, value=out.value, key=out.key, headers=out.headers)

    def end(self) -> None:
        """Stop, when the broker holds everything."""
        self._ended.set()
        if self.is_alive():
            self.join()
        self._producer.flush()
        self._producer.close()


def _raw(message: Numbered) -> Any:
    message.parts, message.is_poison = 1, False
    now = datetime.now(UTC)
    return raw_message(
        channel="record",
        channel_kind="letter",
        account="office",
        jurisdiction=message.city,
        identifier=message.mark,
        value=json.dumps({"id": message.mark, "text": message.text}, ensure_ascii=False).encode(),
        content_type="application/json",
        time=now,
        recorded=now,
        sender=message.sender,
    ).outbound()


class Worker:
    """A process that runs all stages; its log says which partitions it took over."""

    def __init__(self, name: str, broker: str, folder: Path) -> None:
        self.name = name
        self._log = folder / f"{name}.log"
        self._log.touch()
        settings = {
            **os.environ,
            "HOTLINE_LOCAL__DATA_DIR": str(folder / name),
            "HOTLINE_KAFKA__BOOTSTRAP_SERVERS": broker,
            "HOTLINE_KAFKA__PARTITIONS": str(PARTITIONS),
            "HOTLINE_BLOBS__URL": (folder / "blobs").as_uri(),
            "HOTLINE_TELEMETRY__PORT": "0",
            "HOTLINE_REQUESTER_KEYS__K1": "a key for this benchmark alone",
            "HOTLINE_QUERY_KEY": "a key for this benchmark alone",
            "HOTLINE_FLOODS__ACCOUNT_PER_MINUTE": "0",  # all of it comes from one account
        }
        self.actor = Actor(name, lambda: [sys.executable, "-m", "hotline", "run", *STAGES], settings, self._log)

    def marked(self) -> int:
        """Return a place in the log, for `taken_over`."""
        return self._log.stat().st_size

    def taken_over(self, since: int = 0) -> list[TakeOver]:
        """Return what it took over behind a place in its log."""
        lines = self._log.read_bytes()[since:].splitlines()
        told = [json.loads(line) for line in lines if b'"partition_taken_over"' in line and line.endswith(b"}")]
        return [TakeOver(one["partition"], one["tickets"], one["seconds"]) for one in told]


class Trial:
    """One run: phases one after the other, then the checker."""

    def __init__(self, load: Load, workers: Sequence[Worker], reader: Reader, seconds: float) -> None:
        self._load, self._workers, self._reader, self._seconds = load, workers, reader, seconds
        self._phases: list[tuple[str, int, int, dict[str, list[TakeOver]]]] = []

    def run(self, before: int, cities: int) -> Report:
        """Two workers, three, one."""
        first, second, third = self._workers
        self._load.send(before)
        first.actor.start()
        second.actor.start()
        _until(lambda: bool(first.taken_over() and second.taken_over()), "two workers do not share the partitions")
        _until(lambda: len(self._reader.read().filed) >= before, "what was there before is not worked off")
        self._load.start()
        self._phase("two workers", lambda: None, lambda since: True)
        self._phase("a third joins", third.actor.start, lambda since: bool(third.taken_over()))
        everything = len({one.partition for worker in self._workers for one in worker.taken_over()})
        self._phase("the second is terminated", second.actor.terminate, lambda since: bool(first.taken_over(since)))
        self._phase(
            "the third is killed",
            third.actor.kill,
            lambda since: len({one.partition for one in first.taken_over(since)}) == everything,
        )
        self._load.end()
        quiet = time.monotonic()
        wrong = self._settled()
        return Report(
            cities=cities,
            sent=len(self._load.sent),
            phases=[self._told(*phase) for phase in self._phases],
            settled_seconds=round(time.monotonic() - quiet, 1),
            wrong={kind: found[:20] for kind, found in wrong.items()},
        )

    def _phase(self, name: str, change: Callable[[], None], is_over: Callable[[int], bool]) -> None:
        print(f"{time.strftime('%H:%M:%S')} {name}", file=sys.stderr, flush=True)
        marks, begin = {worker: worker.marked() for worker in self._workers}, len(self._load.sent)
        change()
        _until(lambda: is_over(marks[self._workers[0]]), name)
        time.sleep(self._seconds)
        moved = {worker.name: worker.taken_over(mark) for worker, mark in marks.items()}
        self._phases.append((name, begin, len(self._load.sent), moved))

    def _settled(self) -> dict[str, list[str]]:
        sent, end = [message for _, message in self._load.sent], time.monotonic() + PATIENCE_SECONDS
        while (wrong := checker.in_topics(sent, self._reader.read())) and time.monotonic() < end:
            time.sleep(1)
        return wrong

    def _told(self, name: str, begin: int, end: int, moved: dict[str, list[TakeOver]]) -> Phase:
        waits = sorted(self._waits(begin, end)) or [0.0]
        return Phase(
            name=name,
            sent=end - begin,
            wait_p50=round(statistics.median(waits), 2),
            wait_p99=round(waits[len(waits) * 99 // 100], 2),
            wait_most=round(waits[-1], 2),
            take_overs=[one for taken in moved.values() for one in taken],
            partitions={worker: len({one.partition for one in taken}) for worker, taken in moved.items() if taken},
        )

    def _waits(self, begin: int, end: int) -> Iterator[float]:
        ledger = self._reader.ledger
        assert isinstance(ledger, Timed)
        for at, message in self._load.sent[begin:end]:
            for one in ledger.ids.get(message.number, ()):
                if one in ledger.decided_at:
                    yield max(0.0, ledger.decided_at[one] - at)


def _until(condition: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"{otherwise}: --keep a folder and read the logs there")
        time.sleep(0.2)


def run(folder: Path, cities: Sequence[str], rate: float, seconds: float, before: int) -> Report:
    """Run one trial on a Kafka of its own in `folder`."""
    (folder / "blobs").mkdir()
    with contextlib.ExitStack() as standing:
        stack = Stack(folder / "stack", Existing(elasticsearch_url="none"))
        standing.callback(stack.down)
        broker = stack.up(owner=os.getpid()).bootstrap_servers
        connection = KafkaConnection(bootstrap_servers=broker, partitions=PARTITIONS)
        Provision(connection).create_when_started()
        workers = [Worker(f"worker-{number}", broker, folder) for number in (1, 2, 3)]
        for worker in workers:
            standing.callback(worker.actor.kill)
        reader = Reader(connection)
        standing.callback(reader.close)
        reader.ledger = Timed()
        load = Load(connection, numbered(10_000_000, 1, cities), rate)
        return Trial(load, workers, reader, seconds).run(before, len(cities))


def main(arguments: list[str] | None = None) -> int:
    """Run it and print the report."""
    parser = argparse.ArgumentParser(prog="hotline bench scale", description=__doc__)
    parser.add_argument("--cities", type=int, default=24, choices=range(3, len(CITIES) + 1), metavar="N")
    parser.add_argument("--rate", type=float, default=100.0, help="messages a second")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each phase, after its partitions have moved")
    parser.add_argument("--before", type=int, default=20_000, help="messages that are worked off before it begins")
    parser.add_argument("--keep", type=Path, help="folder for the logs, which is made")
    chosen = parser.parse_args(arguments)
    with contextlib.ExitStack() as standing:
        folder = chosen.keep or Path(standing.enter_context(tempfile.TemporaryDirectory(prefix="hotline-scale-")))
        folder.mkdir(parents=True, exist_ok=True)
        report = run(folder, CITIES[: chosen.cities], chosen.rate, chosen.seconds, chosen.before)
    for phase in report.phases:
        rebuilt = [one.seconds for one in phase.take_overs] or [0.0]
        print(
            f"{phase.name:<26}{len(phase.take_overs):>3} partitions rebuilt in {statistics.median(rebuilt):.2f} s "
            f"(median), {max(rebuilt):.2f} s (most); messages waited p50 {phase.wait_p50:.2f}, "
            f"p99 {phase.wait_p99:.2f}, most {phase.wait_most:.2f} s"
        )
    print(msgspec.json.encode(report).decode(), flush=True)
    return int(bool(report.wrong))


if __name__ == "__main__":
    sys.exit(main())
