"""`hotline bench outage --elasticsearch-minutes 60 --kafka-minutes 10`: servers that are away while citizens write.

Mails, signed WeChat posts and short messages go on coming at an even pace; Kafka, then Elasticsearch, is killed and
stays away. Late in the absence of Kafka the components are killed as well: they have to begin without it, as often as
their keeper tries.
Prints how large each process was before, during and after, what the sources were told, how long the backlog took, and
what the checker of the fault suite finds; exit code 1 when it finds anything. Needs Dovecot. `--keep FOLDER` leaves
the logs there.
"""

import argparse
import contextlib
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from elasticsearch import Elasticsearch
from msgspec import Struct

from benchmarks.faults import checker
from benchmarks.faults.actors import Keeper
from benchmarks.faults.ground import STAGES, Ground
from benchmarks.faults.ledger import Ledger, Reader
from benchmarks.faults.sources import CITIES, Crowd, Numbered, Sms, WeChat, numbered
from schemas.contract.index_templates import indices
from schemas.errors import MisconfiguredError
from tests.peers.dovecot import missing

CALM_MINUTES = 1.0
"""Before, between and behind the absences: so long the sizes settle."""

SETTLE_SECONDS = 600.0
LATE = 0.8
"""Share of Kafka's absence after which components are killed."""

KILLED_LATE = (*STAGES, "receiver")
MEGABYTE = 1 << 20


class Sizes(Struct, frozen=True):
    """Resident memory of one process in MB: before the absence, after each quarter of it, and the most until the end.

    The last one is taken after the backlog was worked off.
    """

    before: int
    quarters: tuple[int, ...]
    most: int
    after: int


class Absence(Struct, frozen=True, kw_only=True):
    """What one absence did."""

    server: str
    minutes: float
    recovered_seconds: float
    """From the server's start until everything that had been sent by then was worked off."""
    sent_meanwhile: int
    throttled: int
    """Short messages that the SMSC was told to bring again later; each counts as often as it was told."""
    journal_most_mb: float
    memory: dict[str, Sizes]


class Report(Struct, frozen=True, kw_only=True):
    """What came of it; `wrong` is empty when nothing was lost, doubled or left stale."""

    sent: int
    absences: list[Absence]
    push_slowest_seconds: float
    """The longest that a WeChat post waited for its answer; the platform itself gives up after 5 s."""
    restarts: dict[str, int]
    settled_seconds: float
    wrong: dict[str, list[str]]


class Standing(Ground):
    """The ground of the fault suite without its proxies: a server that is away refuses connections."""

    def __init__(self, folder: Path, cities: tuple[str, ...]) -> None:
        super().__init__(folder, cities=cities)
        self.has_blob_disk = False

    def settings(self) -> dict[str, str]:
        return super().settings() | {
            "HOTLINE_KAFKA__BOOTSTRAP_SERVERS": self.connection.bootstrap_servers,
            "HOTLINE_ELASTICSEARCH__HOSTS": self.elasticsearch_url,
        }


class Sampler(threading.Thread):
    """Looks every second at the size of each process, of the journal, and at what the SMSCs were told."""

    def __init__(self, ground: Ground) -> None:
        super().__init__(daemon=True)
        self._ground = ground
        self.stop = threading.Event()
        self.memory: defaultdict[str, list[tuple[float, int]]] = defaultdict(list)
        self.journal: list[tuple[float, int]] = []

    def run(self) -> None:
        """Look until it is told to stop."""
        while not self.stop.wait(1.0):
            now = time.monotonic()
            for name, actor in self._ground.actors.items():
                if size := actor.memory_bytes():
                    self.memory[name].append((now, size))
            self.journal.append((now, _bytes_in(self._ground.folder / "data" / "journal")))

    def sizes(self, start: float, end: float, over: float) -> dict[str, Sizes]:
        """Return the sizes around the time from `start` to `end`, whose backlog was worked off at `over`."""
        return {
            name: Sizes(
                before=_at(samples, start),
                quarters=tuple(_at(samples, start + (end - start) * quarter / 4) for quarter in (1, 2, 3, 4)),
                most=max((size for at, size in samples if start <= at <= over), default=0) // MEGABYTE,
                after=_at(samples, over),
            )
            for name, samples in self.memory.items()
            if name not in ("kafka", "elasticsearch")
        }

    def journal_most(self, start: float, end: float) -> float:
        """Return the largest size of the journal in MB."""
        return round(max((size for at, size in self.journal if start <= at <= end), default=0) / MEGABYTE, 1)


def _at(samples: Iterable[tuple[float, int]], when: float) -> int:
    return max(((at, size) for at, size in samples if at <= when), default=(0.0, 0))[1] // MEGABYTE


def _bytes_in(folder: Path) -> int:
    size = 0
    for path in folder.rglob("*.journal"):
        with contextlib.suppress(FileNotFoundError):  # drained in this moment
            size += path.stat().st_size
    return size


class Stopwatch:
    """Passes messages on, and remembers the longest that one took."""

    def __init__(self, send: Callable[[Numbered], None]) -> None:
        self._send = send
        self.slowest = 0.0

    def __call__(self, message: Numbered) -> None:
        """Pass one on."""
        began = time.monotonic()
        self._send(message)
        self.slowest = max(self.slowest, time.monotonic() - began)


class Trial:
    """One run on its ground."""

    def __init__(self, ground: Ground, sent: list[Numbered], rate: float) -> None:
        self._ground = ground
        self._stop = threading.Event()
        self._shares: defaultdict[str, list[Numbered]] = defaultdict(list)
        for message in sent:
            self._shares[message.channel].append(message)
        self._sent = sent
        if ground.mailboxes is None:
            raise MisconfiguredError(f"This benchmark needs mails: {ground.left_out['mailbox']}.")
        self._push = Stopwatch(WeChat(ground.receiver_url, ground.cities, ground.wechat, self._stop).send)
        ways: Mapping[str, Any] = {
            "mailbox": ground.mailboxes.send,
            "wechat": self._push,
            "sms": Sms(ground.centres, self._stop).send,
        }
        self._crowds = {
            name: Crowd(share, ways[name], rate * len(share) / len(sent)) for name, share in self._shares.items()
        }
        self._keeper = Keeper(ground.actors)
        self._sampler = Sampler(ground)
        self._reader: Reader | None = None

    def run(self, absences: Mapping[str, float]) -> Report:
        """Let each server be away for so many minutes, one after the other."""
        threads: list[Any] = [self._keeper, self._sampler, *self._crowds.values()]
        for thread in threads:
            thread.start()
        time.sleep(CALM_MINUTES * 60)
        told = [self._away(server, minutes) for server, minutes in absences.items() if minutes]
        for crowd in self._crowds.values():
            crowd.join()
        self._stop.set()
        quiet = time.monotonic()
        wrong = self._settled()
        self._keeper.stop.set()
        self._keeper.join()
        self._sampler.stop.set()
        wrong |= {name: [str(crowd.fault)] for name, crowd in self._crowds.items() if crowd.fault}
        return Report(
            sent=sum(crowd.sent for crowd in self._crowds.values()),
            absences=told,
            push_slowest_seconds=round(self._push.slowest, 2),
            restarts={name: count for name, count in self._keeper.restarts.items() if count},
            settled_seconds=round(time.monotonic() - quiet, 1),
            wrong={kind: found[:20] for kind, found in wrong.items()},
        )

    def _away(self, server: str, minutes: float) -> Absence:
        actor, start, seconds = self._ground.actors[server], time.monotonic(), minutes * 60
        throttled, sent = self._throttled(), len(self._so_far())
        _say(f"{server} goes")
        actor.kill()
        self._pass_time(server, seconds)
        end = time.monotonic()
        actor.start(SETTLE_SECONDS)
        before = self._so_far()
        _say(f"{server} is back, {len(before) - sent} messages later")
        self._work_off(server, before)
        over = time.monotonic()
        _say(f"the backlog is worked off after {over - end:.0f} s")
        time.sleep(CALM_MINUTES * 60)
        absence = Absence(
            server=server,
            minutes=minutes,
            recovered_seconds=round(over - end, 1),
            sent_meanwhile=len(before) - sent,
            throttled=self._throttled() - throttled,
            journal_most_mb=self._sampler.journal_most(start, over),
            memory=self._sampler.sizes(start, end, over + CALM_MINUTES * 60),
        )
        _tell(absence)
        return absence

    def _pass_time(self, server: str, seconds: float) -> None:
        if server != "kafka":
            time.sleep(seconds)
            return
        time.sleep(seconds * LATE)
        for name in (*KILLED_LATE, *(name for name in self._ground.actors if name.startswith("connector:"))):
            self._ground.actors[name].crash()
        time.sleep(seconds * (1 - LATE))

    def _so_far(self) -> list[Numbered]:
        """Return what has been sent by now, as far as its source is concerned."""
        return [one for name, crowd in self._crowds.items() for one in self._shares[name][: crowd.sent]]

    def _throttled(self) -> int:
        return sum(centre.refused for centre in self._ground.centres.values())

    def _work_off(self, server: str, messages: list[Numbered]) -> None:
        """Wait until all of these are decided, and are in the archive as well if that was away."""
        end = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < end:
            ledger = self._read()
            if all(_is_through(message, ledger) for message in messages):
                break
            time.sleep(1)
        tickets = len(self._read().tickets)
        while server == "elasticsearch" and time.monotonic() < end and self._archived() < tickets:
            time.sleep(1)

    def _read(self) -> Ledger:
        if self._reader is None:
            self._reader = Reader(self._ground.connection)
        return self._reader.read()

    def _archived(self) -> int:
        with Elasticsearch(self._ground.elasticsearch_url) as client:
            count: int = client.count(index=indices()["ticket"].alias)["count"]
            return count

    def _settled(self) -> dict[str, list[str]]:
        """Look until nothing is wrong any more, or patience ends; then what is wrong is told."""
        end = time.monotonic() + SETTLE_SECONDS
        while True:
            ledger = self._read()
            wrong = checker.in_topics(self._sent, ledger)
            wrong = wrong or checker.in_archive(ledger, self._ground.elasticsearch_url)
            if not wrong or time.monotonic() > end:
                return wrong
            time.sleep(2)


def _is_through(message: Numbered, ledger: Ledger) -> bool:
    if message.is_poison:
        return message.number in ledger.dead
    ids = ledger.ids.get(message.number, set())
    return len(ids) == message.parts and all(ledger.filed[one] for one in ids)


def _tell(absence: Absence) -> None:
    """Print one absence when it is over: whatever happens later, this was measured."""
    print(f"{absence.server} away for {absence.minutes:g} minutes; MB before, at each quarter, most, after", flush=True)
    for name, sizes in absence.memory.items():
        quarters = "".join(f"{size:>6}" for size in sizes.quarters)
        print(f"{name:<28}{sizes.before:>6}{quarters}{sizes.most:>8}{sizes.after:>6}", flush=True)


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def run(folder: Path, absences: Mapping[str, float], rate: float, cities: tuple[str, ...] = CITIES[:2]) -> Report:
    """Run one trial in `folder`: minutes by server, messages a second of all sources together."""
    minutes = CALM_MINUTES + sum(away + CALM_MINUTES for away in absences.values() if away)
    sent = list(numbered(int(minutes * 60 * rate), 1, cities))
    with Standing(folder, cities) as ground:
        return Trial(ground, sent, rate).run(absences)


def main(arguments: list[str] | None = None) -> int:
    """Run it and print the report."""
    parser = argparse.ArgumentParser(prog="hotline bench outage", description=__doc__)
    parser.add_argument("--kafka-minutes", type=float, default=10.0)
    parser.add_argument("--elasticsearch-minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=20.0, help="messages a second of all sources together")
    parser.add_argument("--keep", type=Path, help="folder for the logs, which is made")
    chosen = parser.parse_args(arguments)
    if lacking := missing():
        parser.error(lacking)
    absences = {"kafka": chosen.kafka_minutes, "elasticsearch": chosen.elasticsearch_minutes}
    with contextlib.ExitStack() as standing:
        folder = chosen.keep or Path(standing.enter_context(tempfile.TemporaryDirectory(prefix="hotline-outage-")))
        folder.mkdir(parents=True, exist_ok=True)
        report = run(folder, absences, chosen.rate)
    print(msgspec.json.encode(report).decode(), flush=True)
    return int(bool(report.wrong))


if __name__ == "__main__":
    sys.exit(main())
