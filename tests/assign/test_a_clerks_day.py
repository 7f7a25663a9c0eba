"""The life of four tickets as clerks order it, in sequences that nobody planned: legal and not, on the real Kafka."""

from pathlib import Path
from typing import Any

import pytest
from obstore.store import LocalStore

from broker.config import KafkaConnection
from schemas import ids, topics
from schemas.codec import Outbound, decode
from schemas.records import Emergency, Event, Handover, Message, event
from streams.state.partition import take_over
from tests.assign import logs
from tests.tickets.build import CITY, message
from tickets.policy import TicketPolicy

pytestmark = pytest.mark.integration

POLICY = TicketPolicy()
FIRE = ("emergency.fire", "emergency_level.critical")
LAMP = message(0, "中山路12号的路灯坏了", sender="13800000000")
PIPE = message(1, "解放路88号的水管爆了", sender="13800000001")
MORE = message(2, "另外楼道里很吵", sender="13800000000", answers=(f"{CITY}-0",))
BURNING = message(
    3, "三楼着火了", sender="13800000003", codes=FIRE, emergency=Emergency(classes=("fire",), level="critical")
)
AGAIN = message(4, "水管又爆了", sender="13800000001", answers=(f"{CITY}-1",), minutes=56 * 60)
A, B, D = (ids.ticket_id(CITY, one.message_id) for one in (LAMP, PIPE, BURNING))

Order = tuple[str, str, dict[str, Any], str | None]
"""Its kind, its target, its arguments, and the code by which it is refused."""

MERGED_AND_PARTED: list[Order] = [
    ("merge", A, {"into": B}, None),
    ("merge", B, {"into": A}, "merge_cycle"),
    ("set_status", A, {"status": "resolved"}, "illegal_transition"),
    ("set_status", A, {"status": "registered"}, None),
    ("set_status", A, {"status": "answered", "result_text": "已派人"}, None),
    ("set_status", A, {"status": "resolved"}, None),
    ("set_status", A, {"status": "reopened"}, None),
    ("unmerge", A, {"ticket_id": B}, None),
    ("unmerge", B, {"ticket_id": A}, "not_merged"),
    ("set_status", A, {"status": "in_progress"}, "illegal_transition"),
    ("merge", B, {"into": A}, None),
    ("unmerge", B, {"ticket_id": A}, None),
]
GIVEN_BACK: list[Order] = [
    ("return_dispatch", B, {"reason_code": "not_ours"}, "illegal_transition"),
    ("dispatch", B, {"organizer": "water"}, "illegal_transition"),
    ("set_status", B, {"status": "registered"}, None),
    ("supervise", B, {}, "illegal_transition"),
    ("dispatch", B, {"organizer": "water"}, None),
    ("set_status", B, {"status": "signed"}, None),
    ("return_dispatch", B, {"reason_code": "not_ours"}, None),
    ("set_status", B, {"status": "signed"}, "illegal_transition"),
    ("dispatch", B, {"organizer": "roads"}, None),
    ("return_dispatch", B, {"reason_code": "not_ours"}, None),
    ("dispatch", B, {"organizer": "water"}, None),
    ("set_status", B, {"status": "signed"}, None),
    ("set_status", B, {"status": "in_progress"}, None),
    ("supervise", B, {"level": "reminder"}, None),
    ("revisit", B, {"contacted": True}, "illegal_transition"),
    ("set_deadline", B, {"clock": "resolve", "extend": 1}, "no_deadline"),
    ("set_status", B, {"status": "resolved"}, None),
    ("revisit", B, {"contacted": True, "resolved": True}, None),
    ("set_status", B, {"status": "evaluated"}, None),
    ("set_status", B, {"status": "archived"}, None),
]
SPLIT: list[Order] = [
    ("move", A, {"message_id": MORE.message_id, "to": A}, "self_move"),
    ("move", A, {"message_id": LAMP.message_id}, "first_message"),
    ("move", A, {"message_id": MORE.message_id}, None),
    ("unmerge", A, {"message_id": MORE.message_id}, "not_filed"),
    ("redact", A, {"fields": ["text"]}, None),
    ("move", A, {"message_id": LAMP.message_id, "to": B}, "first_message"),
]
TWO_CLERKS: list[Order] = [
    ("set_status", D, {"status": "screened", "if_version": 1}, None),
    ("set_status", D, {"status": "registered", "if_version": 1}, "stale"),
    ("reclassify", D, {"kind": "help_request"}, None),
    ("set_status", D, {"status": "registered", "if_version": 3}, None),
    ("set_status", D, {"status": "registered"}, "illegal_transition"),
]
REFUSED = {"status": "not_accepted", "reason_code": "emergency_line"}
ALARMS: list[Order] = [
    ("set_status", D, REFUSED, "unacknowledged"),
    ("reinstate_handover", BURNING.message_id, {}, "not_dismissed"),
    ("dismiss_handover", BURNING.message_id, {"reason_code": "drill"}, None),
    ("set_status", D, REFUSED, None),
    ("acknowledge_handover", BURNING.message_id, {}, "acknowledged"),
    ("reinstate_handover", BURNING.message_id, {}, None),
    ("dispatch", D, {"organizer": "fire"}, None),
    ("acknowledge_handover", BURNING.message_id, {}, None),
    ("acknowledge_handover", BURNING.message_id, {}, "acknowledged"),
]
GOES_ON: list[Order] = [
    ("set_status", B, {"status": "in_progress"}, None),
    ("set_status", B, {"status": "resolved"}, None),
    ("forget", A, {}, None),
    ("merge", B, {"into": A}, "erased"),
    ("confirm_proposal", B, {"proposal_id": "none"}, "unknown_proposal"),
]
"""After the citizen of the pipe has written once more."""


def refused(decision: Event) -> str | None:
    return next((change.code for change in decision.changes if isinstance(change, event.CommandRefused)), None)


def inputs(day: list[Message | Order]) -> list[Outbound]:
    return [
        logs.outbound(one) if isinstance(one, Message) else logs.ordered(number, *one[:3])
        for number, one in enumerate(day)
    ]


async def test_the_day_of_a_clerk(connection: KafkaConnection, blobs: LocalStore, tmp_path: Path) -> None:
    before = (*MERGED_AND_PARTED, *GIVEN_BACK, *SPLIT, *TWO_CLERKS, *ALARMS)
    day = [LAMP, PIPE, MORE, BURNING, *before, AGAIN, *GOES_ON]
    partition = ids.partition_of(CITY, connection.partitions)
    await logs.write(connection, inputs(day))
    given = [one for one in await logs.read(connection, topics.MESSAGE) if one.partition == partition]
    owner = await take_over(partition, connection, blobs, POLICY, lambda point: None)
    half = len(given) // 2
    await owner.work_off(given[:half])
    await owner.close()
    owner = await take_over(partition, connection, blobs, POLICY, lambda point: None)  # a restart at noon
    await owner.work_off(given)
    await owner.close()

    decided = await logs.events(connection)
    wanted = [None if isinstance(one, Message) else one[3] for one in day]
    told = [(one.input.command_id, refused(one)) for one in decided]
    assert told == [(decision.input.command_id, code) for decision, code in zip(decided, wanted, strict=True)]

    newest = {ticket_id: versions[-1] for ticket_id, versions in (await logs.tickets(connection)).items()}
    split = ids.ticket_id(CITY, MORE.message_id)
    assert {name: (one.status, one.edges, one.erased) for name, one in newest.items()} == {
        A: ("archived", (), True),
        B: ("resolved", (), False),
        D: ("dispatched", (), False),
        split: ("received", (), False),
    }
    pipe, burning = newest[B], newest[D]
    assert pipe.dispatch
    assert (pipe.dispatch.organizer_code, [one.organizer_code for one in pipe.dispatch.returns]) == (
        "water", ["water", "roads"],
    )  # fmt: skip
    assert AGAIN.text in pipe.text
    (state,) = burning.handovers
    assert (state.acknowledged_by, state.reinstated_by, state.dismissed_at) == ("clerk-7", "clerk-7", None)
    assert burning.emergency is not None
    assert newest[split].text == MORE.text

    (ring,) = await logs.read(connection, topics.HANDOVER)
    rung = decode(ring.value or b"", Handover)
    reinstated = next(one for one in decided if any(isinstance(it, event.HandoverReinstated) for it in one.changes))
    assert dict(ring.headers)["ce_id"].decode() == f"{BURNING.message_id}:{reinstated.event_id}"
    assert (rung.handover_id, rung.text.splitlines()[-1]) == (BURNING.message_id, BURNING.text)
    assert rung.reinstated_at == reinstated.at

    again = await logs.restored(connection, LocalStore(tmp_path), partition)
    assert again.state.dump() == owner.restored.state.dump()
