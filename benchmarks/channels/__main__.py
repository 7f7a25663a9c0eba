"""`python -m benchmarks.channels SECTION... [--minutes 10] [--seed 1] [--rate 20]`: channels while their peers fail.

Sends numbered messages through the real connector while a seeded schedule breaks its peer, resets and tears the lines
to it and to Kafka, kills and freezes the broker, and kills, freezes and restarts the daemon; then waits and says
whether each number is held once and can be read. `--rate 0 --minutes 0 --messages N` sends N as fast as they are taken
and no faults happen: the load run. With a rate it takes its time, and what the daemon holds (memory, threads,
descriptors) should be no more at its last quarter than at its first. Exit code 1 if a message is missing, doubled,
unreadable or a dead letter.
"""

import argparse
import importlib
import json
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random

from benchmarks.channels.broker import Broker
from benchmarks.channels.course import Course, Ground
from benchmarks.channels.daemon import Daemon, Scales
from benchmarks.channels.ledger import Ledger
from benchmarks.channels.trouble import general
from benchmarks.faults.actors import Keeper
from schemas import topics
from tests.fresh import topics_made_anew

SETTLE_SECONDS = 180.0
WRONG = ("missing", "doubled", "unreadable", "dead", "fault")


class Sender(threading.Thread):
    """Sends numbers at a pace until it is told to stop, or `most` are sent."""

    def __init__(self, course: Course, rate: float, most: int | None) -> None:
        super().__init__(daemon=True)
        self._course, self._rate, self._most = course, rate, most
        self.stop = threading.Event()
        self.sent = 0
        self.fault: BaseException | None = None

    def run(self) -> None:
        """Send; a course that gives up is a finding."""
        try:
            while not self.stop.is_set() and (self._most is None or self.sent < self._most):
                self._course.send(self.sent)
                self.sent += 1
                if self._rate:
                    time.sleep(1 / self._rate)
            getattr(self._course, "finish", lambda: None)()
        except BaseException as fault:  # noqa: BLE001 - told in the report
            self.fault = fault


def main() -> int:
    """Run the courses, seed after seed, and print a report of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="+")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--faults", type=int, default=None, help="so many, however long they take, and not --minutes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1, help="how many, counting upwards from --seed")
    parser.add_argument("--rate", type=float, default=20, help="messages a second; 0: as fast as they are taken")
    parser.add_argument("--messages", type=int, default=None)
    parser.add_argument(
        "--pause", type=float, default=20, help="seconds between two faults at most; a quarter at least"
    )
    parser.add_argument("--only", nargs="+", default=(), metavar="FAULT", help="these faults, and no other")
    parser.add_argument(
        "--sabotage", help="rule that the daemon breaks (`benchmarks.faults.sabotage`): it must be found"
    )
    parser.add_argument("--keep", type=Path, help="folder for the logs")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the broker and the daemon end, too
    failed = 0
    with _folder(chosen.keep) as folder, Broker(folder) as broker:
        for seed in range(chosen.seed, chosen.seed + chosen.seeds):
            for section in chosen.sections:
                topics_made_anew(broker.connection)
                (own := folder / f"{section}-{seed}").mkdir()
                with Ground(own, broker) as ground:
                    report = _run(section, seed, chosen, ground, broker)
                print(json.dumps(report, ensure_ascii=False), flush=True)
                failed += any(report[name] for name in WRONG)
    return int(failed > 0)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Yield a folder that goes afterwards, or `keep`."""
    if keep is not None:
        keep.mkdir(parents=True)
        yield keep.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="hotline-channel-") as folder:
        yield Path(folder)


def _run(section: str, seed: int, chosen: argparse.Namespace, ground: Ground, broker: Broker) -> dict[str, object]:
    make = importlib.import_module(f"benchmarks.channels.{section}").Course
    random = Random(seed)
    with make(ground) as course:
        ledger = Ledger(ground.connection, getattr(course, "topic", topics.raw(course.channel)))
        settings = {**ground.environment(), **course.environment()}
        command = getattr(course, "command", None) or ("run", *course.components)
        program = ("benchmarks.faults.sabotage", chosen.sabotage) if chosen.sabotage else ("hotline",)
        daemon = Daemon((*program, *command), settings, ground.folder / "daemon.log")
        faults = {**course.faults(), **general(ground, broker, daemon, chosen.pause)}
        faults = {name: faults[name] for name in chosen.only or faults}
        kafka, before = broker.line, broker.line.taken
        daemon.start()
        keeper, sender, scales = (
            Keeper({"daemon": daemon}),
            Sender(course, chosen.rate, chosen.messages),
            Scales(daemon),
        )
        try:
            began = time.monotonic()
            sender.start()
            keeper.start()
            scales.start()
            happened = _break(faults, sender, random, chosen)
            if chosen.messages is None:
                sender.stop.set()
            sender.join(SETTLE_SECONDS + (chosen.messages / chosen.rate if chosen.messages and chosen.rate else 0))
            quiet = time.monotonic()
            _settle(ledger, sender)
            seconds = time.monotonic() - began
            for thread in (keeper, scales):
                thread.stop.set()
                thread.join()
            died = not daemon.alive() and not hasattr(course, "command")
        finally:
            sender.stop.set()
            for thread in (keeper, scales):
                thread.stop.set()
            daemon.stop()
        ledger.read()
        ledger.close()
    wanted: Callable[[int], set[str]] = getattr(course, "accounts", lambda _: set())
    sent = set(range(sender.sent))
    missing = sorted(
        number for number in sent if number not in ledger.numbers or wanted(number) - ledger.accounts(number)
    )
    return {
        "section": section,
        "seed": seed,
        "seconds": round(seconds, 1),
        "settled_seconds": round(time.monotonic() - quiet, 1),
        "sent": sender.sent,
        "held": len(ledger.numbers & sent),
        "missing": len(missing),
        "missing_numbers": missing[:10],
        "doubled": len(ledger.doubled),
        "doubled_numbers": sorted(ledger.doubled)[:10],
        "unreadable": len(ledger.unreadable),
        "dead": len(ledger.dead),
        "odd": len(ledger.odd),
        "repeats": ledger.records - len(ledger.numbers) - len(ledger.odd),
        "faults": {name: count for name, count in happened.items() if count},
        "revived": keeper.restarts["daemon"],
        "messages_a_second": round(sender.sent / seconds, 1),
        "cpu_ms_a_message": round(1000 * daemon.cpu_seconds / max(sender.sent, 1), 3),
        "held_mb_threads_descriptors": scales.quarters(),
        "connections": {"kafka": kafka.taken - before, "peer": sum(line.taken for line in ground.lines)},
        "fault": repr(sender.fault) if sender.fault else "the daemon ended by itself" if died else None,
    }


def _break(
    faults: Mapping[str, Callable[[Random], None]], sender: Sender, random: Random, chosen: argparse.Namespace
) -> dict[str, int]:
    """Let one fault after the other happen until that is over, or until all is sent; return how often each did.

    Every one comes once before any comes twice.
    """
    end = time.monotonic() + chosen.minutes * 60
    happened, waiting = dict.fromkeys(faults, 0), list[str]()

    def goes_on() -> bool:
        if chosen.faults is not None:
            return sum(happened.values()) < chosen.faults and sender.is_alive()
        return time.monotonic() < end and sender.is_alive()

    while goes_on():
        if sender.stop.wait(random.uniform(chosen.pause / 4, chosen.pause)) or not goes_on():
            break
        if not waiting:
            random.shuffle(waiting := sorted(faults))
        name = waiting.pop()
        faults[name](random)
        happened[name] += 1
    return happened


def _settle(ledger: Ledger, sender: Sender) -> None:
    """Wait until all that was sent is there, or nothing more has come for long."""
    end = time.monotonic() + SETTLE_SECONDS
    while ledger.read() < sender.sent and time.monotonic() < end:
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
