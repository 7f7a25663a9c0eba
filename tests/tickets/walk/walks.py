"""A walk: what citizens and clerks send at random to the desks, and the shortest one that still breaks a promise."""

import traceback
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from normalizers.base import Policy
from schemas import topics
from schemas.records import Command, Message, Ticket
from tests.tickets.build import CITY, START
from tests.tickets.walk.citizens import OTHER, Citizens, some_matters
from tests.tickets.walk.clerks import Clerks
from tests.tickets.walk.desks import Follower, Input, Restarted, Seat, name_of
from tests.tickets.walk.promises import BrokenError, keep
from tickets.policy import TicketPolicy
from tickets.receipts.policy import AnswerPolicy

STEPS = 120
POLICY = TicketPolicy(evict_after=timedelta(days=3), answers=AnswerPolicy(accounts=frozenset({"city", "mayor"})))
"""Tickets leave within a walk, and citizens are answered."""

NEWER = replace(
    POLICY,
    version="2026.2",
    near=replace(POLICY.near, link=POLICY.near.propose, restricted=(*POLICY.near.restricted, "emergency.fire")),
    joining=Policy(requester_keys={"newer": b"a key of the next year", **POLICY.joining.requester_keys}),
)
"""Other rules, and a further key: what was joined by the former stays so."""

NARROW: dict[str, Any] = {
    "max_attachments": 4, "max_identities": 2, "max_proposals": 4, "max_edges": 4, "max_cluster_moves": 2,
    "max_history": 4, "lineage_messages": 4,
}  # fmt: skip
"""Limits so low that a walk comes to each of them."""

PAUSES = (60, 600, 3000, 6000)
"""Minutes: an hour, a working day, and so long that parts, calls and closed tickets are forgotten."""


class Walk:
    """Desks that get the same; every other seed has an input topic that keeps little."""

    def __init__(self, seed: int) -> None:
        self.changes_at = START + timedelta(days=Random(seed).uniform(0, 12))
        narrow = NARROW if seed % 5 == 4 else {}
        self.rules = [replace(one, **narrow) for one in (POLICY, NEWER)]
        kept = 25 if seed % 2 else STEPS * 2
        self.through = Seat(self.policy_at, seed, kept)
        self.restarted = Restarted(self.policy_at, seed, kept)
        self.follower = Follower(self.policy_at, seed, kept)
        self.heard = set[tuple[str, type, str]]()

    def policy_at(self, at: datetime) -> TicketPolicy:
        """Return the rules by which whatever comes at a time is decided, however often the desk is killed."""
        return self.rules[at >= self.changes_at]

    def take(self, one: Input) -> None:
        """Let two decide, and the third follow; BrokenError when they do not decide the same, or whatever is raised."""
        try:
            decisions = [seat.take(one) for seat in (self.through, self.restarted)]
            self.follower.decided = decisions[0]
            self.follower.take(one)
        except Exception as error:
            raise BrokenError("nothing_is_raised", one, traceback.format_exc()) from error
        if decisions[0] != decisions[1]:
            raise BrokenError("a_restart_decides_the_same", one, *decisions)
        name = (one.jurisdiction, type(one), name_of(one))
        if name in self.heard and decisions[0] is not None:
            raise BrokenError("a_repeat_changes_nothing", one, decisions[0])
        self.heard.add(name)

    def end(self) -> None:
        """Let all write what they have left; BrokenError for the first promise that is not kept."""
        for seat in (self.through, self.restarted, self.follower):
            seat.flush()
        for who, seat in (("a_restart", self.restarted), ("a_follower", self.follower)):
            for promise, told in (("events", Seat.events), ("tickets", _unmarked), ("records", _further)):
                one, other = told(self.through), told(seat)
                if one != other:
                    raise BrokenError(f"{who}_writes_the_same_{promise}", *_differing(one, other))
        for seat in (self.through, self.restarted):
            keep(seat)


def _unmarked(seat: Seat) -> dict[str, Ticket]:
    """Return the newest snapshots without the versions that their chunks were written as: each desk has its own.

    What these say, `promises.marks_name_the_first_snapshot` looks at.
    """
    marks = ("redacted_version", "confidentiality_version")
    return {name: replace(one, **dict.fromkeys(marks, UNSET)) for name, one in seat.tickets().items()}


def _further(seat: Seat) -> dict[str, bytes]:
    """Return by their names what else each decision writes, whatever chunk it is in."""
    topics_of = (topics.LINK, topics.HANDOVER, topics.OUTBOX, topics.AUDIT)
    named = ((f"{one.topic} {dict(one.headers)['ce_id'].decode()}", one) for one in seat.written)
    return {name: one.value for name, one in named if one.topic in topics_of}


def walked(seed: int, steps: int = STEPS) -> Walk:
    """Walk at random. Raises BrokenError."""
    chance, walk = Random(seed), Walk(seed)
    matters, clerks = some_matters(chance), Clerks(chance)
    cities = [Citizens(chance, matters, city, lambda at: walk.policy_at(at).joining) for city in (CITY, OTHER)]
    try:
        for _ in range(steps):
            pause = chance.choice(PAUSES) if chance.random() < 0.06 else 3 * chance.random()
            citizens = cities[chance.random() < 0.2]
            citizens.minutes = clerks.minutes = clerks.minutes + pause
            desk = walk.through.desk
            one = (clerks.next(desk, citizens.late) if chance.random() < 0.45 else None) or citizens.next(desk)
            if isinstance(one, Message):
                clerks.hear(one, desk)
            for _ in range(2 if chance.random() < 0.05 else 1):
                walk.take(one)
            if chance.random() < 0.05:
                walk.take(_again(chance, walk.through.input))
        walk.end()
    except BrokenError as broken:
        raise shortest(seed, walk.through.input, broken) from None
    return walk


def _again(chance: Random, inputs: Sequence[Input]) -> Input:
    """Return an input of before under its own name; an order may say something else by now."""
    one = chance.choice(inputs)
    other = chance.choice(inputs)
    if isinstance(one, Command) and isinstance(other, Command) and one.jurisdiction == other.jurisdiction:
        return replace(other, command_id=one.command_id)
    return one


def shortest(seed: int, inputs: Sequence[Input], broken: BrokenError) -> BrokenError:
    """Return how the same promise breaks with as few of these inputs as can be."""
    size = len(inputs) // 2
    while size:
        at = 0
        while at < len(inputs):
            fewer = [*inputs[:at], *inputs[at + size :]]
            again = _broken(seed, fewer)
            if again is not None and again.promise == broken.promise:
                inputs, broken = fewer, again
            else:
                at += size
        size //= 2
    broken.add_note("\n".join([f"seed {seed}, shortened:", *map(_line, inputs)]))
    return broken


def _broken(seed: int, inputs: Sequence[Input]) -> BrokenError | None:
    walk = Walk(seed)
    try:
        for one in inputs:
            walk.take(one)
        walk.end()
    except BrokenError as broken:
        return broken
    return None


def _line(one: Input) -> str:
    if isinstance(one, Message):
        sender = one.sender.value if one.sender else "nobody"
        part = f" part {one.part.number}/{one.part.total}" if one.part else ""
        call = f" call {one.call.call_id} revision {one.call.revision}" if one.call else ""
        return f"{one.ingested_at:%d %H:%M} {one.message_id} {one.channel}{part}{call} {sender}: {one.text!r}"
    return f"{one.at:%d %H:%M} {one.command_id} {one.kind} {one.ticket_id or one.handover_id} {one.args}"


def _differing(one: object, other: object) -> list[object]:
    if isinstance(one, dict) and isinstance(other, dict):
        return [(one.get(name), other.get(name)) for name in {**one, **other} if one.get(name) != other.get(name)]
    return [one, other]
