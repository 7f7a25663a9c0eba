"""`python -m benchmarks.channels SECTION [--minutes 10] [--seed 1] [--rate 20]`: a channel while its peer fails.

Sends numbered messages through the real connector while a seeded schedule breaks its peer and kills, freezes and
restarts the daemon; then waits and says whether each number is held once. `--rate 0 --minutes 0 --messages N` sends N
as fast as they are taken and no faults happen: the load run. Exit code 1 if a message is missing or doubled.
"""

import argparse
import importlib
import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from random import Random

from benchmarks.channels.course import Course, Ground
from benchmarks.channels.daemon import Daemon
from benchmarks.channels.ledger import Ledger
from hotline.demo.greenmail import free_port
from hotline.local.stack import Stack
from hotline.provision import Provision
from schemas.connection import KafkaConnection

CITY = "110000"
SETTLE_SECONDS = 180.0
PAUSE = (5.0, 20.0)
"""Between two faults."""


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
        except BaseException as fault:  # noqa: BLE001 - told in the report
            self.fault = fault


def main() -> int:
    """Run one course and print its report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("section")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=20, help="messages a second; 0: as fast as they are taken")
    parser.add_argument("--messages", type=int, default=None)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hotline-channel-") as folder:
        stack = Stack(Path(folder) / "stack")
        endpoints = stack.up(owner=os.getpid())
        try:
            connection = KafkaConnection(bootstrap_servers=endpoints.bootstrap_servers, partitions=4)
            Provision(connection).create()
            report = _run(chosen, Ground(Path(folder), connection, free_port()), Path(folder) / "stack")
        finally:
            stack.down()
    print(json.dumps(report, ensure_ascii=False))
    return int(bool(report["missing"] or report["doubled"] or report["fault"]))


def _run(chosen: argparse.Namespace, ground: Ground, data_dir: Path) -> dict[str, object]:
    make = importlib.import_module(f"benchmarks.channels.{chosen.section}").Course
    random = Random(chosen.seed)
    with make(ground) as course:
        ledger = Ledger(ground.connection, course.channel)
        daemon = Daemon(course.components, _environment(course, ground, data_dir), ground.folder / "daemon.log")
        daemon.start()
        sender = Sender(course, chosen.rate, chosen.messages)
        try:
            began = time.monotonic()
            sender.start()
            happened = _break(course, daemon, sender, random, began + chosen.minutes * 60)
            if chosen.messages is None:
                sender.stop.set()
            sender.join(SETTLE_SECONDS)
            _settle(ledger, sender)
            seconds = time.monotonic() - began
            died = not daemon.alive()
        finally:
            sender.stop.set()
            daemon.stop()
        ledger.read()
        ledger.close()
    missing = sorted(set(range(sender.sent)) - ledger.numbers)
    return {
        "section": chosen.section,
        "seed": chosen.seed,
        "seconds": round(seconds, 1),
        "sent": sender.sent,
        "held": len(ledger.numbers & set(range(sender.sent))),
        "missing": len(missing),
        "missing_numbers": missing[:10],
        "doubled": len(ledger.doubled),
        "repeats": ledger.records - len(ledger.numbers),
        "faults": happened,
        "messages_a_second": round(sender.sent / seconds, 1),
        "cpu_ms_a_message": round(1000 * daemon.cpu_seconds / max(sender.sent, 1), 3),
        "fault": repr(sender.fault) if sender.fault else "the daemon ended by itself" if died else None,
    }


def _environment(course: Course, ground: Ground, data_dir: Path) -> dict[str, str]:
    return {
        "HOTLINE_LOCAL__DATA_DIR": str(data_dir),
        "HOTLINE_KAFKA__PARTITIONS": str(ground.connection.partitions),
        "HOTLINE_JURISDICTION": CITY,
        "HOTLINE_TELEMETRY__PORT": "0",
        "HOTLINE_RECEIVER__PORT": str(ground.receiver_port),
        **course.environment(),
    }


def _break(course: Course, daemon: Daemon, sender: Sender, random: Random, end: float) -> dict[str, int]:
    """Let one fault after the other happen until the time is over, or until all is sent; return how often each did."""
    faults = {
        **course.faults(),
        "daemon killed": lambda _: daemon.kill(),
        "daemon restarted": lambda _: daemon.restart(),
        "daemon frozen": lambda dice: daemon.freeze(dice.uniform(5, 30)),
    }
    happened = dict.fromkeys(faults, 0)
    while time.monotonic() < end and sender.is_alive():
        if sender.stop.wait(random.uniform(*PAUSE)) or time.monotonic() >= end:
            break
        name = random.choice(sorted(faults))
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
