"""What clerks of two cities order at random, legal and not, of the tickets that a desk has by then."""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

from msgspec.structs import replace

from schemas import enums
from schemas.records import Command, Message
from tests.tickets.build import CITY, START
from tests.tickets.walk.citizens import CITIZENS, DOOR, OTHER
from tickets.commands import COMMANDS
from tickets.commands.erasure import FIELDS
from tickets.emergency import alarm_of
from tickets.lifecycle import NEXT
from tickets.processor import Desk

Args = dict[str, Any]

GIVEN = [kind for kind in COMMANDS if kind not in ("approve", "export", "record")]
"""The commands of a walk; the three others are for the audit log and for a second person, and change no ticket."""

OFTEN = {
    "set_status": 8,
    "move": 10,
    "redact": 3,
    "reclassify": 2,
    "merge": 2,
    "set_deadline": 2,
    "acknowledge_handover": 3,
    "dispatch": 3,
    "forget": 3,
    "unmerge": 8,
}
"""How often these are ordered, beside once for the others."""


class Clerks:
    """They know the newest tickets, their messages, hand-overs and proposals, and mix them up; so they do cities.

    `coming` are messages that the emergency desk, or who reads dead letters, knows before their ticket is decided;
    `known` is what was filed where, also in what only the archive has by now.
    """

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.minutes = 0.0
        self.count = 0
        self.heard: list[str] = []
        self.known: dict[str, list[str]] = {}

    def next(self, desk: Desk, coming: list[Message]) -> Command | None:
        """Return the next order, now and then one that cannot be right; None while there is nothing to order about."""
        order = self._next(desk, coming)
        if order is None or self.chance.random() > 0.15:
            return order
        return self._spoilt(order)

    def hear(self, one: Message, desk: Desk) -> None:
        """Note a message, and where the newest are filed."""
        self.heard.append(one.message_id)
        for name in list(desk.state.tickets)[-6:]:
            self.known[name] = list(desk.state.tickets[name].messages)

    def _next(self, desk: Desk, coming: list[Message]) -> Command | None:
        self.count += 1
        names = list(desk.state.tickets)[-6:]
        kind = self.chance.choice([kind for kind in GIVEN for _ in range(OFTEN.get(kind, 1))])
        if not names:
            return None
        ticket_id = self.chance.choice(names)
        if kind == "acknowledge_handover" and coming and self.chance.random() < 0.3:
            return self._order(desk, kind, {}, handover_id=self.chance.choice(coming).message_id)
        if kind == "forget" and self.chance.random() < 0.4:
            return self._forget_elsewhere(desk, [*self.heard[-8:], *(one.message_id for one in coming)])
        if kind in ("acknowledge_handover", "dismiss_handover", "reinstate_handover"):
            return self._about_a_hand_over(desk, names, kind)
        if kind in ("confirm_proposal", "reject_proposal"):
            return self._about_a_proposal(desk, names, kind)
        if kind == "unmerge":
            joined = [name for name in names if desk.state.tickets[name].edges]
            ticket_id = self.chance.choice(joined or names)
        if kind == "move":
            big = [name for name in names if len(desk.state.tickets[name].messages) > 1]
            ticket_id = self.chance.choice(big or names)
        args = ARGS[kind](self.chance, desk, ticket_id, names)
        return None if args is None else self._order(desk, kind, args, ticket_id=ticket_id)

    def _about_a_hand_over(self, desk: Desk, names: list[str], kind: str) -> Command | None:
        filed = [item for name in names for item in desk.state.tickets[name].messages.items()]
        alarms = [message_id for message_id, one in filed if alarm_of(one.codes) is not None]
        if not alarms:
            return None
        args = {"reason_code": self.chance.choice(list(enums.FALSE_ALARMS))} if kind == "dismiss_handover" else {}
        return self._order(desk, kind, args, handover_id=self.chance.choice(alarms))

    def _about_a_proposal(self, desk: Desk, names: list[str], kind: str) -> Command | None:
        open_ones = [(name, one.proposal_id) for name in names for one in desk.state.tickets[name].proposals]
        if not open_ones:
            return None
        ticket_id, proposal_id = self.chance.choice(open_ones)
        return self._order(desk, kind, {"proposal_id": proposal_id}, ticket_id=ticket_id)

    def _forget_elsewhere(self, desk: Desk, names: list[str]) -> Command | None:
        """Forget messages that no ticket has, or a ticket that only the archive has; or whatever it is by mistake."""
        evicted = [name for name in self.known if name not in desk.state.tickets]
        if evicted and self.chance.random() < 0.6:
            ticket_id = self.chance.choice(evicted)
            wrong = self.chance.sample(names, 1) if names and self.chance.random() < 0.2 else []
            return self._order(desk, "forget", {"message_ids": [*self.known[ticket_id], *wrong]}, ticket_id=ticket_id)
        return self._order(desk, "forget", {"message_ids": [self.chance.choice(names)]}) if names else None

    def _spoilt(self, order: Command) -> Command:
        """Return an order that does not fit: of a ticket that is nowhere, of an older version, with words for codes."""
        strange: list[Any] = [None, -1, 2**60, "", CITIZENS[0].phone, CITIZENS[1].name, [[]], {"a": CITIZENS[0].email}]
        names = [*order.args, *ARGUMENTS]
        ways: list[Command] = [
            replace(order, kind=self.chance.choice(list(COMMANDS))),
            replace(order, kind="abolish"),
            replace(order, ticket_id=self.chance.choice([None, f"{CITY}-{'a' * 20}", "", "x", f"{OTHER}-{'b' * 20}"])),
            replace(order, handover_id=self.chance.choice([None, "a" * 26, "x", CITIZENS[0].phone])),
            replace(order, args=order.args | {"if_version": self.chance.randrange(1, 4)}),
            replace(order, args=order.args | {self.chance.choice(names): self.chance.choice(strange)}),
            replace(order, args=order.args | {CITIZENS[2].phone: 1}),
            replace(order, args={}),
        ]
        return self.chance.choice(ways)

    def _city(self, desk: Desk, target: dict[str, str]) -> str:
        """Return the city of what is ordered about; now and then another city's clerk orders it."""
        if self.chance.random() < 0.05:
            return self.chance.choice([CITY, OTHER])
        named = target.get("ticket_id") or desk.state.handovers.waiting.get(target.get("handover_id", ""))
        return named.partition("-")[0] if named else CITY

    def _order(self, desk: Desk, kind: str, args: Args, **target: str) -> Command:
        """Return an order that was given now, or of late; who gives it may have read the ticket long before."""
        at = START + timedelta(minutes=self.minutes)
        ago = timedelta(minutes=self.chance.choice([1, 90, 3000])) if self.chance.random() < 0.1 else timedelta()
        read = self.chance.choice([None, None, at - ago - timedelta(minutes=self.chance.choice([0, 30]))])
        return Command(
            command_id=f"c{self.count}",
            jurisdiction=self._city(desk, target),
            kind=kind,
            author="clerk-7",
            at=at - ago,
            seen_at=read,
            reason=self.chance.choice([None, "pipl-47", f"{CITIZENS[0].name}来电{CITIZENS[0].phone}"]),
            args=args,
            **target,
        )


def _stage(chance: Random, desk: Desk, ticket_id: str, names: list[str]) -> Args:
    following = sorted(NEXT[desk.state.tickets[ticket_id].status])
    status = chance.choice(following if chance.random() < 0.8 else list(enums.STATUSES))
    why: Args = {"reason_code": chance.choice(list(enums.NOT_ACCEPTED))} if status == "not_accepted" else {}
    if status in ("answered", "resolved") and chance.random() < 0.5:
        why = {"result_kind": "done", "result_text": _result(chance)}
    return {"status": status} | why


def _result(chance: Random) -> str:
    """Return what an office tells of its work: it may name the citizen, and the door."""
    who = chance.choice(CITIZENS)
    return chance.choice(
        ["已修好", f"已修好，联系人：{who.name}，电话{who.phone}", f"已到幸福小区5栋{DOOR}查看，住户{who.name}满意"]
    )


def _unmerged(chance: Random, desk: Desk, ticket_id: str, names: list[str]) -> Args:
    held = desk.state.tickets[ticket_id]
    if chance.random() < 0.6:
        return {"ticket_id": chance.choice([edge.ticket_id for edge in held.edges] or names)}
    return {"message_id": chance.choice([*held.messages][1:] or ["none"])}


def _moved(chance: Random, desk: Desk, ticket_id: str, names: list[str]) -> Args | None:
    filed = list(desk.state.tickets[ticket_id].messages)
    if not filed:
        return None
    return {"message_id": chance.choice(filed[1:] or filed)} | (
        {"to": chance.choice(names)} if chance.random() < 0.6 else {}
    )


def _classed(chance: Random, desk: Desk, ticket_id: str, names: list[str]) -> Args:
    ways: list[Args] = [
        {"kind": chance.choice(list(enums.REQUEST_KINDS))},
        {"category": chance.choice(["lighting", "noise"])},
        {"confidentiality": chance.choice(list(enums.CONFIDENTIALITY))},
        {"minor": chance.random() < 0.5},
        {"minor": True, "minor_role": "subject", "minor_harm": chance.random() < 0.5},
        {"kind": "report", "category": "noise", "minor": False},
    ]
    return chance.choice(ways)


def _due(chance: Random, desk: Desk, ticket_id: str, names: list[str]) -> Args:
    """By a limit of some ticket, at a time, later, or by the calendar; legal or not."""
    running = desk.state.tickets[ticket_id].clocks
    names = sorted({clock.policy_id for clock in running.values()}) or ["none"]
    ways: list[Args] = [
        {"recompute": True},
        {"extend": chance.choice([1, 2, 5])},
        {"policy_id": chance.choice(names)},
        {"due_at": (START + timedelta(days=chance.choice([1, 9]))).isoformat()},
    ]
    return {"clock": chance.choice([*running] or list(enums.CLOCKS))} | chance.choice(ways)


def _revisited(chance: Random, desk: Desk, ticket_id: str, names: list[str]) -> Args:
    return {name: chance.random() < 0.5 for name in ("contacted", "resolved", "satisfied")}


def _redacted(chance: Random, desk: Desk, ticket_id: str, names: list[str]) -> Args | None:
    """Whole fields, or a few words of the text as it stands; seldom, or nothing would be left to look at."""
    ticket = desk.ticket(ticket_id)
    if chance.random() < 0.6:
        return None
    if chance.random() < 0.5 or len(ticket.text) < 10:
        some = {"message_ids": [*desk.state.tickets[ticket_id].messages][:1]} if chance.random() < 0.2 else {}
        return {"fields": chance.sample(sorted(FIELDS), 2)} | some
    start = chance.randrange(len(ticket.text) - 8)
    return {"spans": [[start, start + 8]], "if_version": ticket.version}


def _forgotten(chance: Random, desk: Desk, ticket_id: str, names: list[str]) -> Args | None:
    return {} if chance.random() < 0.4 else None


ARGUMENTS = sorted({one for kind in COMMANDS.values() for one in kind.args.__struct_fields__})
"""Of all kinds."""

ARGS: dict[str, Callable[[Random, Desk, str, list[str]], Args | None]] = {
    "set_status": _stage,
    "merge": lambda chance, desk, ticket_id, names: {"into": chance.choice(names)},
    "unmerge": _unmerged,
    "move": _moved,
    "reclassify": _classed,
    "set_deadline": _due,
    "dispatch": lambda chance, desk, ticket_id, names: {
        "organizer": chance.choice("ab"),
        "organizer_name": chance.choice([None, "市水务集团", CITIZENS[0].name, CITIZENS[1].phone]),
        "co_organizers": chance.choice([[], ["c"], ["a"]]),
    },
    "return_dispatch": lambda chance, desk, ticket_id, names: {"reason_code": "not_responsible"},
    "supervise": lambda chance, desk, ticket_id, names: {
        "level": chance.choice(list(enums.SUPERVISION_LEVELS)),
        "number": chance.choice([None, "13764520910", "7"]),
    },
    "revisit": _revisited,
    "redact": _redacted,
    "forget": _forgotten,
    "read": lambda chance, desk, ticket_id, names: {"fields": ["text"]},
}
