"""What goes wrong on every channel: with its daemon, with Kafka, and on the lines between it and its peer."""

import time
from collections.abc import Callable, Iterator, Mapping
from random import Random

from benchmarks.channels.broker import Broker
from benchmarks.channels.course import Ground
from benchmarks.channels.daemon import Daemon
from benchmarks.faults.proxy import Cutter

Fault = Callable[[Random], None]


def general(ground: Ground, broker: Broker, daemon: Daemon, pause_seconds: float) -> Mapping[str, Fault]:
    """Return these faults by name; each begins, lasts and ends within its call."""
    return {
        "daemon killed": lambda _: daemon.kill(),
        "daemon restarted": lambda _: daemon.restart(),
        "daemon frozen": lambda dice: daemon.freeze(dice.uniform(0.25, 1.5) * pause_seconds),
        "Kafka killed": lambda dice: _kill(broker, dice.uniform(0, 5)),
        "Kafka frozen": lambda dice: _freeze(broker, dice.uniform(4, 15)),
        "Kafka's connections reset": lambda _: broker.line.cut(),
        "Kafka hangs up": lambda dice: _hang_up([broker.line], dice.uniform(5, 20)),
        **(dict(_of_lines(ground.lines)) if ground.lines else {}),
    }


def _kill(broker: Broker, seconds: float) -> None:
    broker.actor.kill()
    time.sleep(seconds)
    broker.actor.start()


def _freeze(broker: Broker, seconds: float) -> None:
    """Stop the broker's clock, longer than a publish may take."""
    broker.actor.freeze()
    try:
        time.sleep(seconds)
    finally:
        broker.actor.thaw()


def _hang_up(lines: list[Cutter], seconds: float) -> None:
    """End every connection, and each new one as soon as it is made, as a load balancer with nobody behind it does."""
    for line in lines:
        line.curt = True
        line.cut()
    time.sleep(seconds)
    for line in lines:
        line.curt = False


def _of_lines(lines: list[Cutter]) -> Iterator[tuple[str, Fault]]:
    def cut(_: Random) -> None:
        for line in lines:
            line.cut()

    def tear(dice: Random) -> None:
        """Let so many bytes of each answer through, and reset its connection."""
        for line in lines:
            line.most = dice.choice((0, 1, 20, 100, 300))
        time.sleep(dice.uniform(0.5, 3))
        for line in lines:
            line.most = None

    def silence(dice: Random) -> None:
        for line in lines:
            line.silence()
        time.sleep(dice.uniform(1, 8))
        for line in lines:
            line.speak()

    yield "lines reset", cut
    yield "peer hangs up", lambda dice: _hang_up(lines, dice.uniform(5, 20))
    yield "half an answer", tear
    yield "lines silent", silence
