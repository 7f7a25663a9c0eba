"""Whatever records of calls come, in whatever order and however often: each is in one ticket that says its words."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from normalizers.phone.draft import TRANSCRIPT_HEAD
from tests.tickets.records_of_calls import Calls
from tickets.policy import TicketPolicy
from tickets.reducers import fold

NOTES = ("中山路12号门口的路灯坏了", "来电人反映泰山路小区停水", "咨询敬老卡如何办理")
HEARD = ("市民：什么时候能修好", "市民：谢谢")

RECORDS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"call_id": st.sampled_from(["a", "b"]), "revision": st.integers(0, 4)},
    optional={
        "caller": st.sampled_from(["13800138000", "13900139000"]),
        "note": st.sampled_from(NOTES),
        "transcript": st.sampled_from(HEARD),
        "recording": st.sampled_from(["1.wav", "2.wav"]),
    },
)


@given(st.lists(RECORDS, max_size=7))
@settings(max_examples=60)
def test_each_record_with_words_is_in_one_ticket_of_its_caller_that_says_them(records: list[dict[str, Any]]) -> None:
    calls = Calls()
    for record in records:
        calls.tell(**record)
    for message in calls.messages:
        holding = list(calls.state.tickets.having(message.message_id))
        assert len(holding) == 1 or not (holding or message.text)
        for ticket in holding:
            assert set(message.features.requesters) <= set(ticket.requesters)
            text = calls.desk.ticket(ticket.ticket_id).text
            assert all(piece.removeprefix(f"{TRANSCRIPT_HEAD}\n") in text for piece in message.text.split("\n\n"))
    assert sum(ticket.message_count for ticket in calls.tickets) == sum(
        len(ticket.messages) for ticket in calls.state.tickets.values()
    )


@given(st.lists(RECORDS, max_size=7))
@settings(max_examples=40)
def test_the_log_alone_gives_the_same_state(records: list[dict[str, Any]]) -> None:
    calls = Calls()
    for record in records:
        calls.tell(**record)
    folded = fold(calls.events, TicketPolicy())
    assert folded.calls.dump() == calls.state.calls.dump()
    assert folded.tickets == calls.state.tickets
    assert folded.threads.dump() == calls.state.threads.dump()
