"""Whatever is ordered and told, in any order: ticket, state and log tell the same times, and a rule gives each."""

from datetime import timedelta
from itertools import chain
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.codec import encode
from tests.tickets.build import message
from tests.tickets.test_pauses import RULE, Counter, policy_of
from tickets.reducers import fold
from tickets.sla.clocks import BY_HAND

POLICY = policy_of(
    {
        "id": "own", "name": "自定", "version": "1", "adcodes": ["9901"],
        "rules": [
            RULE | {"id": "own.sign", "clock": "sign", "amount": 8, "unit": "hours", "pauses": ["returned"]},
            RULE | {"id": "own.praise", "kinds": ["praise"], "amount": 9},
            RULE | {"id": "own.letter", "channels": ["mailbox"], "amount": 2, "unit": "natural_days",
                    "starts": "at_receipt", "pauses": ["in_progress", "supervised", "returned"]},
            RULE | {"id": "own.danger", "emergency": True, "amount": 2, "unit": "hours"},
            RULE | {"id": "own.long", "by_clerk": True, "amount": 15},
            RULE | {"id": "own.back", "clock": "return", "by_clerk": True, "amount": 2},
        ],
    }
)  # fmt: skip
STAGES = ("registered", "answered", "signed", "in_progress", "resolved", "reopened", "archived", "returned")
Step = tuple[str, dict[str, Any]]
CLOSED: list[Step] = [("set_status", {"status": stage}) for stage in ("registered", "answered", "resolved")]
WORKED_AT: list[Step] = [
    ("set_status", {"status": "registered"}),
    ("dispatch", {"organizer": "a"}),
    *(("set_status", {"status": stage}) for stage in ("signed", "in_progress")),
]
STEPS: list[Step] = [
    *(("set_status", {"status": stage}) for stage in STAGES),
    ("set_status", {"status": "not_accepted", "reason_code": "military"}),
    ("dispatch", {"organizer": "a"}),
    ("return_dispatch", {"reason_code": "not_responsible"}),
    ("supervise", {}),
    ("revisit", {"contacted": True}),
    ("reclassify", {"kind": "praise"}),
    ("reclassify", {"kind": "complaint"}),
    ("set_deadline", {"clock": "resolve", "extend": 3}),
    ("set_deadline", {"clock": "sign", "extend": 2}),
    ("set_deadline", {"clock": "resolve", "recompute": True}),
    ("set_deadline", {"clock": "resolve", "policy_id": "own.long"}),
    ("set_deadline", {"clock": "return", "policy_id": "own.back"}),
    ("set_deadline", {"clock": "resolve", "hours": 30}),
    ("set_deadline", {"clock": "sign", "hours": 3}),
    ("message", {"codes": ()}),
    ("message", {"codes": ("emergency.fire", "emergency_level.critical")}),
]


REOPENED: list[Step] = [*CLOSED, ("set_status", {"status": "reopened"})]
SOME = st.one_of(st.sampled_from([CLOSED, WORKED_AT, REOPENED]), st.sampled_from([[step] for step in STEPS]))


@given(st.lists(SOME, min_size=5, max_size=25), st.lists(st.integers(1, 200), min_size=5))
@settings(max_examples=100)
def test_whatever_happens_to_a_ticket(some: list[list[Step]], hours_between: list[int]) -> None:
    counter = Counter(POLICY)
    for number, (kind, given_args) in enumerate(chain.from_iterable(some), 100):
        hours = hours_between[number % len(hours_between)]
        counter.now += timedelta(hours=hours)
        was_reopened = counter.desk.ticket(counter.number).status == "reopened"
        if kind == "message":
            told = message(number, f"补充{number}", jurisdiction="990100", answers=("990100-0",), **given_args)
            counter.take(replace(told, received_at=counter.now, ingested_at=counter.now))
        else:
            args = dict(given_args)
            if ahead := args.pop("hours", None):
                args["due_at"] = (counter.now + timedelta(hours=ahead)).isoformat()
            counter.order(kind, counter.number, city="990100", at=counter.now, **args)
        held = counter.desk.state.tickets.get(counter.number)
        if held is None:
            return  # closed for 90 days
        ticket = counter.desk.ticket(counter.number)
        assert isinstance(ticket.deadlines, tuple)
        assert {one.clock: one.due_at for one in ticket.deadlines} == {
            name: clock.due_at for name, clock in held.clocks.items()
        }
        if ticket.status == "reopened" and not was_reopened and "resolve" in held.clocks:
            assert held.clocks["resolve"].due_at > counter.now
        for clock in held.clocks.values():
            by_rule = POLICY.limits.by(clock.policy_id, clock.started_at, clock.extension) if _counts(clock) else clock
            assert by_rule.due_at == clock.due_at
    folded = fold(counter.decisions, POLICY)
    assert {name: encode(one) for name, one in folded.tickets.items()} == {
        name: encode(counter.desk.state.tickets[name]) for name in folded.tickets
    }


def _counts(clock: Any) -> bool:
    return bool(clock.calendar_version != BY_HAND)
