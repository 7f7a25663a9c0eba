"""Whatever comes in whatever order: what rules tie together keeps to what clerks and the law have set apart."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.records import Command, Event, event
from tests.tickets.build import START
from tests.tickets.records_of_calls import CITY, Calls
from tickets.policy import TicketPolicy
from tickets.reducers import fold
from tickets.state.state import State

OVENS = "海棠公寓楼下的烧烤店半夜还在排油烟，全楼都不敢开窗"
NOTES = (
    OVENS,
    "海棠公寓楼下的烧烤店油烟太大，半夜也在排，我们全楼不敢开窗",
    "中山路12号门口的路灯坏了三天，晚上看不见路",
    "中山路12号门口的路灯还是没有修，晚上看不见路",
    "市民来电反映问题",
)
CALLERS = ("13800138000", "13900139000", "13700137000", "8001", "")
POLICY = TicketPolicy()
NUMBER = st.integers(0, 5)

STEPS = st.one_of(
    st.tuples(st.just("call"), st.integers(0, 7), st.sampled_from(NOTES), st.sampled_from(CALLERS), st.booleans()),
    st.tuples(st.sampled_from(["merge", "unmerge"]), NUMBER, NUMBER),
    st.tuples(st.sampled_from(["move", "forget", "restrict", "confirm", "reject"]), NUMBER, NUMBER),
)


class Watched:
    """A desk that hears of calls and orders, and what was set apart before each decision."""

    def __init__(self) -> None:
        self.calls = Calls()
        self.revision = 0
        self.parted: set[frozenset[str]] = set()

    def step(self, kind: str, *told: Any) -> None:
        if kind == "call":
            call, note, caller, is_report = told
            self.revision += 1
            more = {"request_kind": "举报"} if is_report else {}
            record = {"call_id": f"c{call}", "revision": self.revision, "note": note, "caller": caller}
            before, owners = (
                self.clusters(),
                {one.ticket_id: one.requesters for one in self.calls.state.tickets.values()},
            )
            self.check(self.calls.tell(**record, **more), before, owners)
        elif len(self.calls.state.tickets) > max(told):
            self.order(kind, *told)

    def order(self, kind: str, one: int, other: int) -> None:
        ours, theirs = (list(self.calls.state.tickets)[number] for number in (one, other))
        ticket = self.calls.state.tickets[ours]
        proposal = {"proposal_id": ticket.proposals[-1].proposal_id if ticket.proposals else "none"}
        kind, args = {
            "merge": ("merge", {"into": theirs}),
            "unmerge": ("unmerge", {"ticket_id": theirs}),
            "move": ("move", {"message_id": list(ticket.messages)[-1]}),
            "forget": ("forget", {}),
            "restrict": ("reclassify", {"minor": True}),
            "confirm": ("confirm_proposal", proposal),
            "reject": ("reject_proposal", proposal),
        }[kind]
        given = {"command_id": f"{kind}-{len(self.calls.input)}", "jurisdiction": CITY, "ticket_id": ours}
        decision = self.calls.order(Command(**given, kind=kind, author="clerk/7", at=START, args=args))
        for change in decision.changes:
            if isinstance(change, event.EdgeAdded):
                self.parted.discard(frozenset((change.ticket_id, change.other_id)))
            if isinstance(change, event.EdgeRemoved):
                self.parted.add(frozenset((change.ticket_id, change.other_id)))

    def clusters(self) -> dict[str, set[str]]:
        """Return each ticket's cluster."""
        of = self.calls.state.clusters.of
        known = list(self.calls.state.tickets)
        return {one: {other for other in known if of(other) == of(one)} for one in known}

    def check(self, decision: Event, before: dict[str, set[str]], owners: dict[str, tuple[str, ...]]) -> None:
        """Hold what the rules decided against what was before it."""
        state = self.calls.state
        after = self.clusters()
        for change in decision.changes:
            if isinstance(change, event.EdgeAdded) and change.kind != "related":
                ours, theirs = before.get(change.ticket_id, {change.ticket_id}), before[change.other_id]
                assert len(ours) == 1, "two clusters became one"
                assert frozenset((change.ticket_id, change.other_id)) not in self.parted
                codes = (*state.tickets[change.ticket_id].codes_that_stand(), *decision.features.codes)
                assert not POLICY.near.is_restricted(codes)
                assert after[change.ticket_id] == ours | theirs
        filed = [one for one in decision.changes if isinstance(one, event.MessageFiled)]
        for one in filed:
            ticket = state.tickets[one.ticket_id]
            assert not ticket.erased
            assert (one.message_id, one.ticket_id) not in state.separations
            if decision.relation == "same_person_same_matter":
                assert set(decision.features.requesters) & set(owners[one.ticket_id])


@given(st.lists(STEPS, min_size=4, max_size=25))
@settings(max_examples=150)
def test_rules_tie_together_nothing_that_was_set_apart(steps: list[tuple[Any, ...]]) -> None:
    watched = Watched()
    for step in steps:
        watched.step(*step)
    state = watched.calls.state
    numbers = [ticket.ticket_no for ticket in state.tickets.values()]
    assert len(numbers) == len(set(numbers))
    filed = [one for ticket in state.tickets.values() for one in ticket.messages]
    assert len(filed) == len(set(filed))
    rebuilt = fold(watched.calls.events, POLICY)
    watched.calls.desk.flush()
    rebuilt.bodies = state.bodies
    assert rebuilt.dump() == state.dump() == State(POLICY, state.dump()).dump()
