"""What `assign` decides, relation by relation."""

from collections.abc import Iterable
from datetime import timedelta

import msgspec
from msgspec.structs import replace

from schemas import ids
from schemas.records import Command, Event, InputRef, Message, TicketVersion, event
from tests.rows import each_row
from tests.tickets.build import CITY, START, digest, message, position
from tickets.decide import decide
from tickets.decision_input import Incoming
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.records_out import link_of
from tickets.reducers import apply, fold
from tickets.state.state import Snapshot, State

POLICY = TicketPolicy()


def desk_after(messages: Iterable[Message]) -> tuple[Desk, list[Event | None]]:
    desk = Desk(State(POLICY))
    return desk, [desk.take(one, position(offset)) for offset, one in enumerate(messages)]


def status(desk: Desk, ticket_id: str, to: str, at_minutes: float) -> Event:
    ticket = desk.state.tickets[ticket_id]
    decision = Event(
        event_id=f"clerk-{to}-{at_minutes}",
        jurisdiction=CITY,
        tickets=(TicketVersion(ticket_id=ticket_id, version=ticket.version + 1),),
        at=START + timedelta(minutes=at_minutes),
        input=InputRef(command_id="c", topic="t", partition=0, offset=0),
        relation="command",
        policy_version="1",
        changes=(event.StatusSet(ticket_id=ticket_id, status=to),),
    )
    apply(desk.state, decision)
    return decision


def test_a_first_message_opens_a_ticket_with_final_ids() -> None:
    desk, (decision,) = desk_after([message(1)])
    assert decision is not None
    first = message(1).message_id
    assert decision.relation == "new"
    assert decision.tickets[0].ticket_id == f"{CITY}-{first[:20]}"
    ticket = desk.ticket(decision.tickets[0].ticket_id)
    assert ticket.ticket_no.startswith("210100-20261125-000001-")
    assert ids.valid_ticket_no(ticket.ticket_no)
    assert (ticket.version, ticket.status, ticket.message_count) == (1, "received", 1)


def test_ticket_numbers_count_per_city_and_day_in_shanghai() -> None:
    evening = message(3, "另一件事", minutes=16 * 60)  # 01:00 the next day in Shanghai
    desk, decisions = desk_after(
        [message(1), message(2, "第二件事"), evening, message(4, "外地", jurisdiction="110000")]
    )
    numbers = [desk.ticket(one.tickets[0].ticket_id).ticket_no.rsplit("-", 1)[0] for one in decisions if one]
    assert numbers == [
        "210100-20261125-000001",
        "210100-20261125-000002",
        "210100-20261126-000001",
        "110000-20261125-000001",
    ]


def test_a_repeat_is_counted_and_changes_nothing() -> None:
    desk, (first, again) = desk_after([message(1), message(1)])
    assert first is not None
    assert again is None
    assert desk.repeats == 1
    assert desk.ticket(first.tickets[0].ticket_id).version == 1


@each_row("kind", ["auto_reply", "bounce", "list", "calendar", "event"])
def test_machines_make_no_ticket_but_keep_a_link(kind: str) -> None:
    _, (decision,) = desk_after([message(1, message_class=kind)])
    assert decision is not None
    link = link_of(decision)
    assert link is not None
    assert (decision.relation, decision.tickets, link.ticket_id) == ("no_ticket", (), None)


def test_an_auto_reply_names_the_ticket_it_answers_and_leaves_it_alone() -> None:
    desk, (first, reply) = desk_after([message(1), message(2, message_class="auto_reply", answers=(f"{CITY}-1",))])
    assert first is not None
    assert reply is not None
    link = link_of(reply)
    assert link is not None
    assert link.ticket_id == first.tickets[0].ticket_id
    assert desk.ticket(first.tickets[0].ticket_id).version == 1


def test_something_unsupported_with_words_is_a_citizen() -> None:
    _, (spoken, silent) = desk_after(
        [message(1, "井盖丢了", message_class="unsupported"), message(2, "", message_class="unsupported")]
    )
    assert spoken is not None
    assert silent is not None
    assert (spoken.relation, silent.relation) == ("new", "no_ticket")


def test_a_reply_of_the_same_person_joins_the_ticket() -> None:
    desk, (first, reply) = desk_after([message(1), message(2, "还是没人来修", answers=("unknown", f"{CITY}-1"))])
    assert first is not None
    assert reply is not None
    ticket = desk.ticket(first.tickets[0].ticket_id)
    assert (reply.relation, reply.method) == ("follow_up", "references_same_person")
    assert (ticket.version, ticket.message_count) == (2, 2)
    assert "还是没人来修" in ticket.text
    assert "还是没人来修" in ticket.search_text


def test_a_participant_of_the_thread_may_follow_up() -> None:
    _, (_, reply) = desk_after(
        [message(1, cc=("13900139000",)), message(2, "我是他妻子", sender="13900139000", answers=(f"{CITY}-1",))]
    )
    assert reply is not None
    assert (reply.relation, reply.method) == ("follow_up", "references_participant")


def test_a_stranger_who_quotes_a_thread_gets_a_ticket_and_a_proposal() -> None:
    desk, (first, forged) = desk_after(
        [message(1), message(2, "请把回复发给我", sender="13700137000", answers=(f"{CITY}-1",))]
    )
    assert first is not None
    assert forged is not None
    assert forged.relation == "new"
    mine = desk.ticket(forged.tickets[0].ticket_id)
    assert [(one.relation, one.target) for one in mine.proposals] == [("follow_up", first.tickets[0].ticket_id)]
    assert desk.ticket(first.tickets[0].ticket_id).version == 1


def test_the_same_person_who_says_the_same_is_filed_once() -> None:
    desk, (first, again) = desk_after([message(1), message(2, channel="wechat")])
    assert first is not None
    assert again is not None
    ticket = desk.ticket(first.tickets[0].ticket_id)
    assert again.relation == "same_person_same_matter"
    assert (ticket.message_count, ticket.channels) == (2, ("mailbox", "wechat"))
    assert ticket.text == message(1).text


def test_a_neighbour_with_the_same_words_keeps_a_ticket_of_his_own() -> None:
    _, (first, other) = desk_after([message(1), message(2, sender="13900139000")])
    assert first is not None
    assert other is not None
    assert other.relation == "new"
    assert first.tickets != other.tickets


def test_what_two_cities_name_alike_is_heard_in_both() -> None:
    """One account's name in two cities' settings: how many partitions there are decides nothing."""
    theirs = replace(message(1), jurisdiction="110000")
    desk, decisions = desk_after([message(1), theirs, message(1), theirs])
    assert [one.tickets[0].ticket_id[:6] for one in decisions if one is not None] == [CITY, "110000"]
    assert desk.repeats == 2


def test_two_cities_in_one_partition_never_meet() -> None:
    _, (first, other) = desk_after([message(1), message(2, jurisdiction="110000", answers=(f"{CITY}-1",))])
    assert first is not None
    assert other is not None
    assert other.relation == "new"


def test_a_reply_reopens_a_closed_ticket() -> None:
    desk, (first,) = desk_after([message(1)])
    assert first is not None
    desk.flush()
    ticket_id = first.tickets[0].ticket_id
    status(desk, ticket_id, "resolved", 5)
    reply = desk.take(message(10, "又坏了", answers=(f"{CITY}-1",)), position(10))
    assert reply is not None
    assert any(isinstance(change, event.Reopened) for change in reply.changes)
    assert desk.ticket(ticket_id).status == "reopened"
    assert desk.state.tickets[ticket_id].closed_at is None


LATE = 91 * 24 * 60


def desk_without(first: Message) -> tuple[Desk, str, list[Event]]:
    """Return a desk whose first ticket was closed and has left, its id, and the events so far."""
    desk, (opened,) = desk_after([first])
    assert opened is not None
    desk.flush()
    ticket_id = opened.tickets[0].ticket_id
    closed = status(desk, ticket_id, "resolved", 5)
    other = desk.take(message(9, "别的事", sender="13600136000", minutes=LATE), position(9))
    assert other is not None
    assert ticket_id not in desk.state.tickets
    assert ticket_id not in desk.state.bodies
    return desk, ticket_id, [opened, closed, other]


def late(desk: Desk, number: int, text: str, answers: int = 1, **given: str) -> Event:
    reply = message(number, text, answers=(f"{CITY}-{answers}",), minutes=LATE + number, **given)  # type: ignore[arg-type] # whatever a case names
    decision = desk.take(reply, position(number))
    assert decision is not None
    return decision


def test_replies_to_a_ticket_that_left_share_one_related_ticket() -> None:
    desk, ticket_id, events = desk_without(message(1))
    replies = [late(desk, 10, "又坏了"), late(desk, 11, "还没人来"), late(desk, 12, "第三次了", answers=10)]
    assert [one.relation for one in replies] == ["new", "follow_up", "follow_up"]
    assert len({one.tickets[0].ticket_id for one in replies}) == 1
    ticket = desk.ticket(replies[0].tickets[0].ticket_id)
    assert (ticket.related, ticket.message_count) == ((ticket_id,), 3)
    desk.flush()
    rebuilt = fold([*events, *replies], POLICY).dump()
    assert replace(rebuilt, bodies={}) == replace(desk.state.dump(), bodies={})
    assert State(POLICY, desk.state.dump()).dump() == desk.state.dump()


def test_a_participant_of_a_ticket_that_left_finds_its_successor() -> None:
    desk, _, _ = desk_without(message(1, cc=("13900139000",)))
    wife = late(desk, 10, "我是他妻子，又坏了", sender="13900139000")
    desk.flush()
    checkpoint = msgspec.msgpack.encode(desk.state.dump())
    restored = Desk(State(POLICY, msgspec.msgpack.decode(checkpoint, type=Snapshot)))
    husband = late(desk, 11, "还是我", answers=10)
    assert late(restored, 11, "还是我", answers=10) == husband
    assert (wife.relation, wife.method) == ("new", "references_closed_long_ago")
    assert (husband.relation, husband.tickets[0].ticket_id) == ("follow_up", wife.tickets[0].ticket_id)


def test_a_successor_that_left_as_well_has_a_successor() -> None:
    desk, _, _ = desk_without(message(1))
    second = late(desk, 10, "又坏了").tickets[0].ticket_id
    desk.flush()
    status(desk, second, "resolved", LATE + 11)
    desk.take(message(20, "别的事二", sender="13600136000", minutes=2 * LATE + 20), position(20))
    assert second not in desk.state.tickets
    third = desk.take(message(21, "再次", answers=(f"{CITY}-1",), minutes=2 * LATE + 21), position(21))
    assert third is not None
    assert desk.ticket(third.tickets[0].ticket_id).related == (second,)


def test_who_took_part_in_a_ticket_that_left_is_kept_in_16_bytes_each() -> None:
    desk, ticket_id, _ = desk_without(message(1, cc=("13900139000",)))
    assert len(b"".join(desk.state.dump().left)) == (1 + 2) * 16  # the ticket, and each of them
    assert desk.state.may_answer(ticket_id, (f"k:{digest('13900139000')}",))
    assert not desk.state.may_answer(ticket_id, (f"k:{digest('13600136000')}",))
    assert not desk.state.may_answer(f"{CITY}-other", (f"k:{digest('13900139000')}",))


def test_a_stranger_s_ticket_never_succeeds_one_that_left() -> None:
    desk, ticket_id, _ = desk_without(message(1))
    forged = late(desk, 10, "我是骗子", sender="19900000000")
    related = tuple(
        replace(change, related=(ticket_id,)) if isinstance(change, event.Opened) else change
        for change in forged.changes
    )
    state = State(POLICY, desk_without(message(1))[0].state.dump())
    apply(state, replace(forged, changes=related))
    assert state.threads.dump()[1] == {}


def test_a_stranger_who_quotes_a_ticket_that_left_only_proposes() -> None:
    desk, ticket_id, _ = desk_without(message(1))
    forged = late(desk, 10, "我是骗子", sender="19900000000")
    mine = desk.ticket(forged.tickets[0].ticket_id)
    assert (forged.method, mine.related) == ("no_relation_found", ())
    assert [(one.relation, one.target) for one in mine.proposals] == [("follow_up", ticket_id)]
    assert desk.ticket(late(desk, 11, "又坏了").tickets[0].ticket_id).related == (ticket_id,)


def test_a_reply_to_a_ticket_that_left_joins_the_ticket_that_says_the_same() -> None:
    desk, _, _ = desk_without(message(1))
    afresh = desk.take(message(10, "路灯又坏了", minutes=LATE + 10), position(10))
    assert afresh is not None
    reply = late(desk, 11, "路灯又坏了")
    assert (reply.relation, reply.tickets[0].ticket_id) == ("same_person_same_matter", afresh.tickets[0].ticket_id)


def test_a_stranger_in_between_does_not_hide_the_own_ticket() -> None:
    stranger = message(2, "我也是", sender="13700137000", answers=(f"{CITY}-1",))
    _, (first, _, reply) = desk_after([message(1), stranger, message(3, "还没修", answers=(f"{CITY}-2", f"{CITY}-1"))])
    assert first is not None
    assert reply is not None
    assert (reply.relation, reply.tickets[0].ticket_id) == ("follow_up", first.tickets[0].ticket_id)


def test_an_open_ticket_never_leaves() -> None:
    desk, (first,) = desk_after([message(1)])
    assert first is not None
    desk.take(message(2, "别的事", sender="1", minutes=400 * 24 * 60), position(2))
    assert first.tickets[0].ticket_id in desk.state.tickets


def test_a_person_s_undo_is_remembered() -> None:
    desk, (first,) = desk_after([message(1)])
    assert first is not None
    again = message(2)
    desk.state.separations.add((again.message_id, first.tickets[0].ticket_id))
    decision = desk.take(again, position(2))
    assert decision is not None
    assert decision.relation == "new"


def test_an_emergency_marks_its_ticket_as_handed_over() -> None:
    _, (decision,) = desk_after([message(1, codes=("emergency.fire", "emergency_level.critical"))])
    assert decision is not None
    handed = [change for change in decision.changes if isinstance(change, event.HandedOver)]
    assert [(one.classes, one.level, one.handover_id) for one in handed] == [
        (("fire",), "critical", message(1).message_id)
    ]


def test_a_command_with_a_message_s_id_hides_no_message() -> None:
    desk, one = Desk(State(POLICY)), message(1)
    order = Command(command_id=one.message_id, jurisdiction=CITY, kind="acknowledge_handover", author="desk", at=START)
    refused, filed = desk.take(order, position(0)), desk.take(one, position(1))
    assert refused is not None
    assert filed is not None
    assert (refused.event_id, refused.key) == (f"command:{one.message_id}", one.message_id)
    assert (filed.relation, filed.event_id) == ("new", one.message_id)
    assert desk.take(order, position(2)) is None
    assert fold((refused, filed), POLICY).inputs.seen.dump() == desk.state.inputs.seen.dump()


def test_inputs_that_are_read_again_change_nothing() -> None:
    desk, decisions = desk_after([message(1), message(2, "别的")])
    assert None not in decisions
    before = desk.state.dump()
    assert [desk.take(message(1), position(0)), desk.take(message(2, "别的"), position(1))] == [None, None]
    assert desk.state.dump() == before


def test_another_input_at_a_place_that_was_decided_is_not_skipped() -> None:
    """An input topic that was made anew, and has grown past what was decided."""
    desk, _ = desk_after([message(1), message(2, "别的")])
    decision = desk.take(message(3, "再别的"), position(0))
    assert decision is not None
    assert decision.relation == "new"
    assert desk.take(message(3, "再别的"), position(0)) is None


def test_decide_is_pure() -> None:
    desk, _ = desk_after([message(1)])
    incoming = Incoming.of_message(message(2, "x"), position(1))
    before = desk.state.dump()
    assert decide(desk.state, incoming, POLICY) == decide(desk.state, incoming, POLICY)
    assert desk.state.dump() == before


def test_the_event_log_alone_rebuilds_every_decision() -> None:
    mixed = [
        message(1),
        message(1),
        message(2, "另一件", sender="13900139000", answers=(f"{CITY}-1",)),
        message(3),
        message(4, "自动", message_class="auto_reply"),
    ]
    desk, decisions = desk_after(mixed)
    desk.flush()
    rebuilt = fold((one for one in decisions if one), POLICY)
    assert replace(rebuilt.dump(), bodies={}) == replace(desk.state.dump(), bodies={})


def test_a_second_mail_with_a_known_message_id_is_a_message_of_its_own() -> None:
    first, twin = message(1), message(2, "完全不同的事", sender="13900139000")
    twin = replace(twin, features=replace(twin.features, message_key=first.features.message_key))
    _, decisions = desk_after([first, twin])
    assert [one.relation for one in decisions if one] == ["new", "new"]
