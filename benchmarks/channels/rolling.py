"""Two receivers behind one address, restarted by turns while a platform posts: `… rolling [wechat wecom web]`.

The address leads to whichever of the two takes the connection, as a proxy's does that tries the next server only where
nobody listens. A post that was begun at a receiver is never sent to the other one by it: the platform may do so.
"""

import asyncio
import importlib
import json
import sys
import tempfile
import time
from collections.abc import Iterable
from functools import cached_property
from itertools import count
from pathlib import Path

from benchmarks.channels.__main__ import Sender, _settle
from benchmarks.channels.broker import Broker
from benchmarks.channels.course import Ground
from benchmarks.channels.daemon import Daemon
from benchmarks.channels.ledger import Ledger
from benchmarks.faults.proxy import Cutter
from schemas import topics
from tests.fresh import topics_made_anew
from tests.peers.dovecot import free_ports

RESTARTS, PAUSE_SECONDS = 8, 10.0
RATE = 10.0


class Either(Cutter):
    """Leads to the first of some ports that listens, beginning with another one each time."""

    def __init__(self, port: int, targets: tuple[int, ...]) -> None:
        super().__init__(port, targets[0])
        self._targets, self._turns = targets, count()

    async def _accept(self, ours: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        turn = next(self._turns)
        for number in range(len(self._targets)):
            self._target = self._targets[(turn + number) % len(self._targets)]
            try:
                _, probe = await asyncio.open_connection("127.0.0.1", self._target)
            except OSError:
                continue
            probe.close()
            break
        await super()._accept(ours, back)


class TwoHosts(Ground):
    """A ground whose receivers are two."""

    @cached_property
    def own_ports(self) -> tuple[int, int]:
        """Return where the two listen."""
        return (first := free_ports(2)), first + 1

    @cached_property
    def receiver_port(self) -> int:
        """Return where the push channels are called."""
        made = Either(free_ports(1), self.own_ports)
        self._standing.enter_context(made)
        return made.port

    def host(self, number: int) -> dict[str, str]:
        """Return the settings that one of the two has for itself."""
        own = {"LOCAL__DATA_DIR": str(self.folder / str(number)), "RECEIVER__PORT": str(self.own_ports[number])}
        return {f"HOTLINE_{name}": value for name, value in own.items()}


def rolled(section: str, ground: TwoHosts) -> dict[str, object]:
    """Restart the two by turns while a course sends, and return what became of what it sent."""
    with importlib.import_module(f"benchmarks.channels.{section}").Course(ground) as course:
        ledger = Ledger(ground.connection, topics.raw(course.channel))
        settings = {**ground.environment(), **course.environment()}
        hosts = [
            Daemon(
                ("hotline", "run", *course.components), settings | ground.host(number), ground.folder / f"{number}.log"
            )
            for number in (0, 1)
        ]
        for host in hosts:
            host.start()
        sender = Sender(course, RATE, None)
        sender.start()
        while not sender.sent:
            time.sleep(0.1)
        for turn in range(RESTARTS):
            time.sleep(PAUSE_SECONDS)
            hosts[turn % 2].restart()
        time.sleep(PAUSE_SECONDS)
        sender.stop.set()
        sender.join()
        _settle(ledger, sender)
        for host in hosts:
            host.stop()
        ledger.read()
        ledger.close()
    sent = set(range(sender.sent))
    return {
        "section": section,
        "restarts": RESTARTS,
        "sent": len(sent),
        "missing": sorted(sent - ledger.numbers)[:10],
        "doubled": ledger.doubled,
        "repeats": ledger.records - len(ledger.numbers) - len(ledger.odd),
        "unreadable": len(ledger.unreadable),
        "dead": len(ledger.dead),
        "fault": repr(sender.fault) if sender.fault else None,
    }


def main(sections: Iterable[str]) -> int:
    """Run the sections one after the other; exit code 1 when anything is wrong."""
    failed = 0
    with tempfile.TemporaryDirectory(prefix="hotline-rolling-") as folder, Broker(Path(folder)) as broker:
        for section in sections:
            topics_made_anew(broker.connection)
            (own := Path(folder) / section).mkdir()
            with TwoHosts(own, broker) as ground:
                report = rolled(section, ground)
            print(json.dumps(report), flush=True)
            failed += any(report[name] for name in ("missing", "doubled", "unreadable", "dead", "fault"))
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ("wechat", "wecom", "web")))
