"""One run: the crowd sends, the schedule breaks things, and when all is quiet the checker has the last word."""

import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Set
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import psutil
from msgspec import Struct

from benchmarks.faults import answers, checker, deliveries, erasures
from benchmarks.faults.actors import Begin, Keeper
from benchmarks.faults.clerk import Clerk
from benchmarks.faults.ground import PARTITIONS, Ground
from benchmarks.faults.ledger import Ledger, Reader
from benchmarks.faults.schedule import Schedule
from benchmarks.faults.sources import CITIES, Crowd, Numbered, Sms, WeChat, crowd

PATIENCE_SECONDS = 200.0
"""Longer than that nobody waits for what a saboteur should not have broken: the machine has other work, too."""

PAUSE_SECONDS, PAUSE_LOOKS = 0.5, 4.0
"""Between two looks, in seconds and in lengths of the look: proxies and services stand in the same process."""

SWITCH_SECONDS = 0.0005
"""So soon a look lets a proxy or a service have its turn: with the 5 ms of Python each text waited for it."""


class Plan(Struct, frozen=True, kw_only=True):
    """What one run is made of."""

    seed: int
    messages: int
    minutes: float
    """How long the crowd takes, at an even pace; faults happen all the while."""
    freeze_seconds: float = 30.0
    hold_seconds: float = 10.0
    settle_seconds: float = 300.0
    """After the last message; what is wrong then is told."""
    expected: frozenset[str] = frozenset()
    """What a saboteur breaks for good: only for other faults it is looked longer than `settle_seconds`."""
    without: tuple[str, ...] = ()
    """Stages that do not run, where what they do is not looked at."""
    cities: int = len(CITIES)
    pause_seconds: float = 0.5
    """Between the faults of `only`."""
    only: tuple[str, ...] = ()
    """The faults that happen, in this order, each as often as it is named; all of them by the seed when empty."""


class Early(NamedTuple):
    """What had left the pipeline before the topics were read."""

    answered: Set[int]
    """The numbers of the citizens who had a text."""
    delivered: int
    """How many snapshots the subscriber had."""


class Report(Struct, frozen=True, kw_only=True):
    """What came of it; `wrong` is empty when nothing was lost, doubled, delayed for ever or left stale."""

    seed: int
    sent: int
    again: int
    """Follow-ups, repeats, and neighbours' messages about the same matter."""
    ordered: int
    """Tickets about which a clerk gave orders, one after the other."""
    left_out: dict[str, str]
    """What this machine lacks a peer for, and which."""
    planted: int
    urgent: int
    faults: dict[str, int]
    wrong: dict[str, list[str]]
    """By kind, the first twenty."""
    wrong_counts: dict[str, int]
    """How many there are of each kind."""
    restarts: dict[str, int]
    """Components that ended by themselves, as one does that begins while Kafka is away, and were started again."""
    repeats: dict[str, int]
    """By topic, records that came more than once: harmless, counted."""
    dead: int
    """Numbers among the dead letters; `planted` is what should be there."""
    handed: int
    """Emergencies that were handed over; `urgent` is what should be there."""
    answers: dict[str, int]
    """Receipts by how they ended, and how often one was tried again."""
    most_unknown: dict[str, int]
    """Of each account, how many of them the faults that happened explain as unknown, at most."""
    deliveries: int
    """Snapshots that reached the subscriber."""
    repeats_delivered: int
    """Of these, which came again after a crash or a lost answer: harmless, counted."""
    erased: int
    """Tickets of citizens who asked to be forgotten."""
    slowest_seconds: dict[str, float]
    """From the raw record to the ticket's decision, and to the hand-over, at worst: outages included."""
    slowest_of_faults: dict[str, dict[str, float]]
    """From the sending to the same, of what was sent while a fault of `only` lasted; of the last that has this name."""
    takeovers: int
    """How often a worker of assign took a partition over."""
    longest_takeover_seconds: float
    """Of these, from the first record that it was given until its state was restored."""
    fenced: int
    """How often one of them was refused a transaction, because another had taken its partition."""
    seconds: float
    settled_seconds: float
    """How long it took after the last fault until everything was worked off."""


def run(
    plan: Plan,
    folder: Path,
    override: Mapping[str, list[str]] | None = None,
    begin: Begin = psutil.Popen,
    provide: Callable[[Ground], None] | None = None,
    grounds: type[Ground] = Ground,
) -> Report:
    """Run one plan on servers of its own in `folder`; `begin` starts each component, `provide` is the ground's."""
    cities = CITIES[: plan.cities]
    sent = crowd(plan.messages, plan.seed, cities)
    began = time.monotonic()
    sys.setswitchinterval(SWITCH_SECONDS)
    with grounds(folder, override, cities, plan.without, begin, provide) as ground:
        stop = threading.Event()
        crowds = _crowds(sent, ground, plan, stop)
        schedule = Schedule(ground, plan.seed, plan.freeze_seconds, plan.hold_seconds)
        keeper = Keeper(ground.actors)
        keeper.start()
        clerk = Clerk(sent if "eraser" in ground.stages else _without_orders(sent), ground.connection)
        clerk.start()
        for one in crowds:
            one.start()
        for name in plan.only:
            time.sleep(plan.pause_seconds)
            schedule.happen(name)
        if not plan.only:
            schedule.run(lambda: not any(one.is_alive() for one in crowds))
        for one in crowds:
            one.join(plan.settle_seconds)
        stop.set()
        quiet = time.monotonic()
        wrong, ledger = _settled(sent, ground, plan, schedule.happened)
        for thread in (keeper, clerk):
            thread.stop.set()
            thread.join()
        wrong |= {f"source {type(one.fault).__name__}": [str(one.fault)] for one in crowds if one.fault}
        takeovers = [told["seconds"] for told in logged(folder, "partition_taken_over")]
        return Report(
            seed=plan.seed,
            sent=sum(one.sent for one in crowds),
            again=sum(one.first is not one or one.beside is not None for one in sent),
            ordered=sum(one.is_ordered for one in sent),
            left_out=ground.left_out,
            planted=sum(message.is_poison for message in sent),
            urgent=sum(message.is_urgent for message in sent),
            faults=dict(sorted(schedule.happened.items())),
            wrong={kind: found[:20] for kind, found in wrong.items()},
            wrong_counts={kind: len(found) for kind, found in wrong.items()},
            restarts={name: count for name, count in keeper.restarts.items() if count},
            repeats=ledger.repeats,
            dead=len(ledger.dead),
            handed=len(ledger.handovers),
            answers=answers.ends(ledger),
            most_unknown={name: answers.most_unknown(name, schedule.happened) for name in sorted(ground.answering)},
            deliveries=len(ground.subscriber.arrivals),
            repeats_delivered=deliveries.repeats(ground.subscriber.arrivals),
            erased=len(ledger.erased),
            slowest_seconds=ledger.slowest_seconds,
            slowest_of_faults=_slowest_of_faults(schedule, crowds, ledger) if plan.only else {},
            takeovers=len(takeovers),
            longest_takeover_seconds=max(takeovers, default=0.0),
            fenced=len(logged(folder, "partition_fenced")),
            seconds=round(time.monotonic() - began, 1),
            settled_seconds=round(time.monotonic() - quiet, 1),
        )


def logged(folder: Path, event: str) -> list[dict[str, Any]]:
    """Return what the workers of assign logged under this name."""
    lines = (line for log in folder.glob("assign*.log") for line in log.read_bytes().splitlines())
    return [msgspec.json.decode(line) for line in lines if f'"event": "{event}"'.encode() in line]


def _slowest_of_faults(schedule: Schedule, crowds: list[Crowd], ledger: Ledger) -> dict[str, dict[str, float]]:
    sent = {number: at for one in crowds for number, at in one.begun.items()}
    return {
        name: ledger.slowest_since({number: at for number, at in sent.items() if begin <= at <= end})
        for name, begin, end in schedule.times
    }


def _without_orders(sent: list[Numbered]) -> list[Numbered]:
    """Let nobody ask for anything: what an erasure leads to is not looked at."""
    for message in sent:
        message.is_ordered = False
    return []


def _crowds(sent: list[Numbered], ground: Ground, plan: Plan, stop: threading.Event) -> list[Crowd]:
    """Return one crowd for each channel of each city: who waits for an answer holds up nobody elsewhere."""
    ways: dict[str, Any] = {
        "wechat": WeChat(ground.receiver_url, ground.cities, ground.wechat, stop),
        "sms": Sms(ground.centres, stop),
    }
    if ground.mailboxes is not None:
        ways["mailbox"] = ground.mailboxes
    shares: defaultdict[tuple[str, str], list[Numbered]] = defaultdict(list)
    for message in sent:
        shares[message.channel, message.city].append(message)
    seconds = plan.minutes * 60
    return [Crowd(share, ways[name].send, len(share) / seconds) for (name, _), share in shares.items()]


def _settled(
    sent: list[Numbered], ground: Ground, plan: Plan, happened: Mapping[str, int]
) -> tuple[dict[str, list[str]], Ledger]:
    """Look until nothing is wrong any more, or patience ends; then what is wrong is told."""
    reader = Reader(ground.connection)
    end = time.monotonic() + plan.settle_seconds
    try:
        while True:
            look = time.monotonic()
            early = Early({text.number for text in ground.citizens.got()}, len(ground.subscriber.arrivals))
            ledger = reader.read()
            wrong = _wrong(sent, ground, ledger, plan.expected, happened, early)
            late = time.monotonic() - end
            if not wrong or late > (PATIENCE_SECONDS if plan.expected and wrong.keys() - plan.expected else 0):
                return wrong, ledger
            now = time.monotonic()
            time.sleep(max(PAUSE_SECONDS, min(PAUSE_LOOKS * (now - look), end - now)))
    finally:
        reader.close()


def _wrong(
    sent: list[Numbered],
    ground: Ground,
    ledger: Ledger,
    expected: frozenset[str],
    happened: Mapping[str, int],
    early: Early,
) -> dict[str, list[str]]:
    """Return what is wrong; the archive is looked at when the topics are right, as far as they are to be."""
    wrong = checker.in_topics(sent, ledger) or checker.in_store(ledger, ground.blob_folder)
    if "outbox" in ground.stages:
        wrong |= answers.in_outbox(sent, ground.answering, ledger, ground.citizens.got(), happened, early.answered)
    if "sink:webhook" in ground.stages:
        wrong |= deliveries.in_subscription(ground.subscribed, ledger, ground.subscriber.arrivals, early.delivered)
    if wrong.keys() - expected:
        return wrong
    if "eraser" in ground.stages:
        wrong |= erasures.after(sent, ledger, ground.elasticsearch_url, ground.blob_folder, PARTITIONS)
    return wrong | checker.in_archive(ledger, ground.elasticsearch_url)
