"""Who may give a command: the signature, the key behind it, the second person, and what a forged one leaves behind."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from schemas import audit_chain, ids, topics
from schemas import command_signature as signature
from schemas.codec import decode, encode
from schemas.command_signature import Signer
from schemas.records import Audit, Command, Event, event
from tests.rows import each_row
from tests.tickets.build import CITY, START, message, position
from tickets.admission import CommandKey, CommandKeys, admit, as_recorded, confirmation_id, signed_headers
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.reducers import fold
from tickets.state.state import Snapshot, State

EVERY = frozenset({"set_status", "forget", "reclassify", "export", "read"})
WANG, LI, DOOR = Signer("wang", b"w" * 32), Signer("li", b"l" * 32), Signer("door", b"d" * 32)
CONSOLE = Signer("console", b"c" * 32)
KEYS = CommandKeys(
    keys={
        "wang": CommandKey(secret=WANG.secret, kinds=EVERY, jurisdictions=frozenset({CITY}), author="wang.li"),
        "wang_2": CommandKey(secret=b"2" * 32, kinds=EVERY, jurisdictions=frozenset({CITY}), author="wang.li"),
        "li": CommandKey(secret=LI.secret, kinds=EVERY, jurisdictions=frozenset({CITY}), author="li.na"),
        "door": CommandKey(
            secret=DOOR.secret, kinds=frozenset({*EVERY}), jurisdictions=frozenset({CITY}), systems=frozenset({"crm"})
        ),
        "console": CommandKey(
            secret=CONSOLE.secret,
            kinds=frozenset({"record"}),
            jurisdictions=frozenset({CITY}),
            systems=frozenset({"console"}),
        ),
    }
)
POLICY = replace(TicketPolicy(), command_keys=KEYS)
TICKET = ids.ticket_id(CITY, message(0, "").message_id)


def order(kind: str, number: int = 1, author: str = "wang.li", **args: Any) -> Command:
    return Command(
        command_id=f"c{number}",
        jurisdiction=CITY,
        ticket_id=TICKET,
        kind=kind,
        author=author,
        at=START + timedelta(hours=number),
        seen_at=START + timedelta(hours=number),
        reason="pipl-47",
        args=args,
    )


def record(value: bytes, headers: Iterable[tuple[str, bytes]], offset: int = 1, at: datetime = START) -> Any:
    stamp = int(at.timestamp() * 1000)
    return SimpleNamespace(
        topic=topics.MESSAGE, partition=0, offset=offset, timestamp=stamp, key=b"", value=value, headers=[*headers]
    )


def signed(command: Command, signer: Signer | None = WANG, offset: int = 1) -> Any:
    sent = command.outbound(command.at, signer)
    return record(sent.value, sent.headers, offset)


def confirmed(request: Any, signer: Signer = LI, author: str = "li.na", **changed: Any) -> Any:
    asked = decode(request.value, Command)
    command = Command(
        command_id=confirmation_id(asked),
        jurisdiction=asked.jurisdiction,
        ticket_id=asked.ticket_id,
        kind="approve",
        author=author,
        at=asked.at + timedelta(hours=1),
        args={"digest": signature.digest_of(request.value)},
    )
    sent = replace(command, **changed).outbound(command.at, signer, signed_headers(request.headers, request.value))
    return record(sent.value, sent.headers, request.offset + 1)


class Hall:
    """A desk behind the check of signatures, as the owner of a partition has it."""

    def __init__(self, level: str = "public") -> None:
        self.desk = Desk(State(POLICY))
        self.decisions: list[Event] = []
        self.acts: list[Audit] = []
        decided = self.desk.take(message(0, "路灯坏了"), position(0))
        assert decided is not None
        self.decisions.append(decided)
        if level != "public":
            assert self.refusal(signed(order("reclassify", 0, confidentiality=level))) is None

    def give(self, given: Any) -> Event | None:
        command, standing = admit(decode(given.value, Command), given, self.desk.state.policy.command_keys)
        decision = self.desk.take(command, position(len(self.decisions)), standing=standing)
        if decision is not None:
            self.decisions.append(decision)
        self.acts += [decode(one.value, Audit) for one in self.desk.flush() if one.topic == topics.AUDIT]
        return decision

    def refusal(self, given: Any) -> str | None:
        decision = self.give(given)
        assert decision is not None
        return next((one.code for one in decision.changes if isinstance(one, event.CommandRefused)), None)


def test_a_command_of_a_key_that_may_give_it_is_carried_out() -> None:
    assert Hall().refusal(signed(order("set_status", status="registered"))) is None


@pytest.mark.parametrize("signer", [WANG, Signer("wang_2", b"2" * 32)])
def test_two_keys_of_one_person_sign_while_they_are_changed(signer: Signer) -> None:
    assert Hall().refusal(signed(order("set_status", status="registered"), signer)) is None


def test_what_nobody_of_ours_signed_is_refused_recorded_and_takes_nobodys_id() -> None:
    given = order("set_status", status="registered")
    forged = [
        signed(given, None),
        signed(given, Signer("wang", b"x" * 32)),
        signed(given, Signer("nobody", WANG.secret)),
        record(encode(given), [(signature.KEY, b"wang")]),
        record(encode(given), [(signature.KEY, b"wang"), (signature.SIGNATURE, b"")]),
        record(encode(replace(given, jurisdiction="110000")), signed(given).headers),
        record(encode(replace(given, kind="forget")), signed(given).headers),
        record(encode(replace(given, command_id="c2")), signed(given).headers),
        record(encode(replace(given, args={"status": "archived"})), signed(given).headers),
    ]
    hall = Hall()
    assert [hall.refusal(one) for one in forged] == ["unproven"] * len(forged)
    assert [act.action for act in hall.acts] == ["command_unproven"] * len(forged)
    assert {act.author for act in hall.acts} == {"unproven"}
    assert all(not decision.tickets for decision in hall.decisions[1:])
    assert hall.refusal(signed(given)) is None, "its own sender gives it all the same"


@each_row(
    ("given", "signer"),
    [
        (order("set_status", author="li.na", status="registered"), WANG),
        (order("set_status", author="wang.li", status="registered"), DOOR),
        (order("set_status", author="crm", status="registered"), DOOR),
        (order("set_status", author="desk/wang.li", status="registered"), DOOR),
        (order("supervise"), WANG),
        (order("forget", author="crm/wang.li"), DOOR),
        (order("export", author="crm/wang.li", form="zammad", digest="x"), DOOR),
        (order("approve", author="crm/wang.li", digest="x"), DOOR),
        (order("record", author="crm/wang.li", action="x"), DOOR),
        (replace(order("set_status", status="registered"), jurisdiction="110000"), WANG),
    ],
)
def test_a_key_gives_only_what_it_is_for(given: Command, signer: Signer) -> None:
    assert Hall().refusal(signed(given, signer)) == "unproven"


def test_the_door_signs_for_the_people_of_its_systems() -> None:
    assert Hall().refusal(signed(order("set_status", author="crm/wang.li", status="registered"), DOOR)) is None


def test_a_person_may_always_tell_the_audit_log_what_this_person_did() -> None:
    hall = Hall()
    told = {"run": "r1", "letters": {"0:1": "hotline.raw.sms.v1:0:7"}}
    assert hall.refusal(signed(order("record", action="replayed", subject="0:1", details=told))) is None
    (act,) = hall.acts
    assert (act.action, act.author, act.subject, act.run_id) == ("replayed", "wang.li", "0:1", "r1")


def test_the_console_tells_what_its_people_did_and_gives_nothing_else() -> None:
    hall = Hall()
    told = {"run": "0123456789abcdef", "question": "00"}
    act = order("record", author="console/wang.li", action="searched", subject=None, details=told)
    assert hall.refusal(signed(act, CONSOLE)) is None
    (recorded,) = hall.acts
    assert (recorded.action, recorded.author, recorded.run_id) == ("searched", "console/wang.li", "0123456789abcdef")
    for given in (order("record", author="crm/wang.li", action="x"), order("set_status", author="console/wang.li")):
        assert Hall().refusal(signed(given, CONSOLE)) == "unproven"


@pytest.mark.parametrize("kind", ["forget", "export"])
def test_one_person_alone_neither_erases_nor_exports(kind: str) -> None:
    args = {"form": "zammad", "digest": "x"} if kind == "export" else {}
    hall, asked = Hall(), signed(order(kind, **args))
    assert hall.refusal(asked) == "second_person"
    assert not hall.desk.ticket(TICKET).erased
    assert hall.refusal(confirmed(asked)) is None
    last = hall.decisions[-1]
    assert (last.event_id, last.author, last.approved_by) == ("command:c1+2", "wang.li", "li.na")
    assert hall.desk.ticket(TICKET).erased == (kind == "forget")
    asking, done = hall.acts
    assert (asking.action, asking.author, asking.approved_by) == ("confirmation_asked", "wang.li", None)
    assert (done.author, done.approved_by, done.reason) == ("wang.li", "li.na", "pipl-47")
    assert hall.give(confirmed(asked)) is None, "once"


@pytest.mark.parametrize(("level", "code"), [("internal", "second_person"), ("restricted", None)])
def test_a_level_is_raised_by_one_person_and_lowered_by_two(level: str, code: str | None) -> None:
    hall = Hall("confidential")
    asked = signed(order("reclassify", confidentiality=level))
    assert hall.refusal(asked) == code
    if code is not None:
        assert hall.desk.ticket(TICKET).confidentiality == "confidential"
        assert hall.refusal(confirmed(asked)) is None
        assert hall.acts[-1].details | {"command_id": ""} == {"command_id": "", "level": level, "was": "confidential"}
    assert hall.desk.ticket(TICKET).confidentiality == level


def test_the_door_lowers_no_level_by_itself() -> None:
    given = order("reclassify", author="crm/wang.li", confidentiality="public")
    assert Hall("confidential").refusal(signed(given, DOOR)) == "second_person"


@each_row(
    "make",
    [
        lambda asked: confirmed(asked, WANG, "wang.li"),
        lambda asked: confirmed(asked, Signer("wang_2", b"2" * 32), "wang.li"),
        lambda asked: confirmed(asked, WANG, "li.na"),
        lambda asked: confirmed(asked, DOOR, "crm/li.na"),
        lambda asked: confirmed(asked, command_id="c9+2"),
        lambda asked: confirmed(asked, jurisdiction="110000"),
        lambda asked: confirmed(asked, at=START + timedelta(days=8)),
        lambda asked: confirmed(asked, args={"digest": "x"}),
        lambda asked: confirmed(record(asked.value, asked.headers[:-1])),
        lambda asked: confirmed(record(encode(order("forget", author="li.na")), asked.headers)),
        lambda asked: confirmed(confirmed(asked)),
    ],
)
def test_a_confirmation_is_another_persons_and_of_this_very_request(make: Any) -> None:
    hall, asked = Hall(), signed(order("forget"))
    hall.give(asked)
    assert hall.refusal(make(asked)) == "unproven"
    assert not hall.desk.ticket(TICKET).erased


def test_what_was_asked_by_a_systems_key_nobody_confirms() -> None:
    asked = signed(order("forget", author="crm/wang.li"), DOOR)
    assert Hall().refusal(confirmed(asked)) == "unproven"


@pytest.mark.parametrize("reason", [None, "  ", "王女士要求"])
def test_an_erasure_has_a_reason_that_is_a_code(reason: str | None) -> None:
    hall, asked = Hall(), signed(replace(order("forget"), reason=reason))
    assert hall.refusal(asked) == "reason"


def test_unsigned_commands_are_admitted_until_the_time_that_an_upgrade_names() -> None:
    keys = replace(KEYS, unsigned_until=START)
    given, forget = order("set_status", status="registered"), order("forget")
    early, late = START - timedelta(seconds=1), START
    assert admit(given, record(encode(given), [], at=early), keys)[1].unproven is None
    assert admit(given, record(encode(given), [], at=late), keys)[1].unproven == "it is not signed"
    assert admit(forget, record(encode(forget), [], at=early), keys)[1].unproven == "it is not signed"
    assert admit(given, record(encode(given), signed(given, Signer("wang", b"x" * 32)).headers, at=early), keys)[
        1
    ].unproven


def test_a_local_installation_without_keys_takes_everything_of_everybody() -> None:
    asked = signed(order("forget"), None)
    assert admit(order("forget"), asked, None)[1].unproven is None
    command, standing = admit(decode(confirmed(asked).value, Command), confirmed(asked), None)
    assert (command.kind, standing.approved_by) == ("forget", "li.na")


def test_a_replay_without_keys_repeats_what_was_judged() -> None:
    hall, asked = Hall(), signed(order("forget"))
    again = Desk(State(TicketPolicy()))
    again.take(message(0, "路灯坏了"), position(0))
    for given in (signed(order("forget", 7), None), asked, confirmed(asked)):
        decided = hall.give(given)
        command, standing = as_recorded(decode(given.value, Command), given, decided)
        again.flush()
        assert again.take(command, position(len(hall.decisions) - 1), standing=standing) == decided


def chain(hall: Hall) -> list[audit_chain.Link]:
    found = [audit_chain.read(f"0:{n}", START + timedelta(hours=n), encode(act)) for n, act in enumerate(hall.acts)]
    assert all(isinstance(one, audit_chain.Link) for one in found)
    return [one for one in found if isinstance(one, audit_chain.Link)]


def test_what_is_recorded_is_one_chain_whose_end_the_event_log_knows_through_a_restart() -> None:
    hall = Hall()
    for number in range(1, 4):
        hall.give(signed(replace(order("read", number, fields=["all"]), reason="核实")))
    state = hall.desk.state
    assert fold(hall.decisions, POLICY).audit == state.audit
    hall.desk = Desk(State(POLICY, decode(encode(state.dump()), Snapshot)))
    hall.give(signed(replace(order("read", 4, fields=["all"]), reason="核实")))
    assert [act.sequence for act in hall.acts] == [1, 2, 3, 4]
    assert hall.desk.state.audit is not None
    head = audit_chain.Head(4, hall.desk.state.audit.hash, 4)
    assert list(audit_chain.faults(chain(hall), {"assign/0": head}, datetime.now(UTC))) == []
