"""Whatever records of a call come, in whatever order and however often: one ticket, and the same words in it."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from normalizers.calls import joined
from normalizers.phone.told import TRANSCRIPT_HEAD
from tests.tickets.records_of_calls import Calls
from tickets.policy import TicketPolicy
from tickets.state import fold

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


def words(calls: Calls, call_id: str) -> list[str]:
    """Return what the records tell together; a heading stands over a transcript only where a note is above it."""
    told = [one for one in calls.messages if one.call and one.call.call_id == call_id]
    said = joined(told, TicketPolicy().joining).text if told else ""
    return [piece.removeprefix(f"{TRANSCRIPT_HEAD}\n") for piece in said.split("\n\n") if piece]


@given(st.lists(RECORDS, max_size=7))
@settings(max_examples=60)
def test_each_call_with_words_is_in_one_ticket_that_says_them(records: list[dict[str, Any]]) -> None:
    calls = Calls()
    for record in records:
        calls.tell(**record)
    for call_id in "ab":
        said = words(calls, call_id)
        ids = {one.message_id for one in calls.messages if one.call and one.call.call_id == call_id}
        holding = [ticket for ticket in calls.state.tickets.values() if not ids.isdisjoint(ticket.messages)]
        assert len(holding) == bool(said)
        if said:
            assert ids <= holding[0].messages.keys()
            text = calls.desk.ticket(holding[0].ticket_id).text
            assert all(piece in text for piece in said)
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
    assert folded.calls == calls.state.calls
    assert folded.tickets == calls.state.tickets
    assert folded.by_thread == calls.state.by_thread
