"""What was forgotten or redacted and comes again goes as well; what the same citizen says since is heard."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from normalizers.base import Policy
from schemas.codec import decode, encode
from schemas.records import Command, Event, Finding, Message, event
from tests.rows import each_row
from tests.tickets.build import CITY, START, message, position
from tests.tickets.commands.orders import POLICY, Office, refusal
from tests.tickets.commands.orders import same as whole
from tests.tickets.pieces import parts_of
from tests.tickets.records_of_calls import LAMP, Calls
from tests.tickets.test_late_files import file_of, photo
from tests.tickets.test_parts import Assigned
from tickets.deciders import redelivery
from tickets.reducers import fold
from tickets.state.state import Snapshot, State

HEARD = "市民：中山路12号的路灯坏了，我的电话是13812345678"
DAY = 60 * 24
CALLER, OTHER = "13800138000", "13900139000"


def gone_of(decision: Event) -> list[str]:
    """Return the messages that a decision lets the archive empty."""
    kinds = event.MessagesErased | event.Redacted
    return [one.message_id for change in decision.changes if isinstance(change, kinds) for one in change.messages]


def is_kept_out(decision: Event) -> bool:
    """Say whether a message is filed nowhere, emptied, and not in the log either."""
    kept_out = decision.method == redelivery.METHOD
    if kept_out:
        assert (decision.relation, decision.tickets, decision.features) == ("no_ticket", (), None)
        assert gone_of(decision) == [decision.input.message_id]
        assert decision.changes[0].messages[0].month is not None
    return kept_out


def order(calls: Calls, kind: str, minutes: float, *, ticket: str | None = None, **args: Any) -> Event:
    at = START + timedelta(minutes=minutes)
    number = len(calls.input)
    decision = calls.order(
        Command(command_id=f"c{number}", jurisdiction=CITY, ticket_id=ticket, kind=kind, author="c", at=at, args=args)
    )
    assert refusal(decision) is None
    return decision


def forgotten_call(**told: Any) -> Calls:
    calls = Calls()
    calls.tell(**{"revision": 1, "note": LAMP, "caller": CALLER} | told)
    order(calls, "forget", 1, ticket=calls.ticket.ticket_id)
    return calls


def same(calls: Calls) -> None:
    """The log alone gives this state, and so does a checkpoint."""
    rebuilt = fold(calls.events, calls.state.policy)
    rebuilt.bodies = calls.state.bodies
    stored = decode(encode(rebuilt.dump()), Snapshot)
    assert rebuilt.dump() == calls.state.dump() == State(calls.state.policy, stored).dump()


@each_row(
    ("minutes", "told"),
    [
        (2, {}),
        (60 * 47, {"caller": CALLER}),
        (40 * DAY, {"started_at": "2026-11-25T09:00:00+08:00"}),
        (40 * DAY, {"started_at": "2026-11-25T09:00:00+08:00", "caller": CALLER}),
    ],
    ids=["soon", "next day", "long after", "long after, with the caller"],
)
def test_a_later_record_of_a_forgotten_call_goes_as_well(minutes: float, told: dict[str, Any]) -> None:
    calls = forgotten_call()
    assert is_kept_out(calls.tell(revision=2, transcript=HEARD, minutes=minutes, **told))
    assert is_kept_out(calls.tell(revision=3, transcript=HEARD, minutes=minutes + 1, **told))
    assert calls.ticket.erased
    same(calls)


@each_row(
    ("minutes", "told"),
    [
        (1, {"caller": OTHER}),
        (DAY, {"caller": CALLER, "started_at": "2026-11-26T09:00:00+08:00"}),
        (3 * DAY, {"caller": CALLER}),
        (3, {"call_id": "c2", "caller": CALLER}),
    ],
    ids=["another caller", "it began later", "days later", "another call"],
)
def test_another_call_is_heard_though_the_platform_uses_the_id_again(minutes: float, told: dict[str, Any]) -> None:
    calls = forgotten_call()
    assert calls.tell(revision=1, note="公交站台的座椅坏了", minutes=minutes, **told).relation == "new"
    further = calls.tell(revision=2, transcript="市民：请快修", minutes=minutes + 1, **told)
    assert further.relation == "part_of"
    assert "请快修" in calls.tickets[-1].text
    same(calls)


def test_who_called_is_not_told_by_a_later_record_where_the_forgotten_ones_did_not() -> None:
    calls = forgotten_call(caller="")
    told = {"revision": 2, "transcript": HEARD, "caller": CALLER}
    assert is_kept_out(calls.tell(**told, minutes=60))
    assert is_kept_out(calls.tell(**told, minutes=60 * 20, started_at="2026-11-25T09:00:00+08:00"))


def test_a_caller_is_heard_another_day_under_the_id_of_a_forgotten_call_of_nobody_knows_whom() -> None:
    for days, began in ((3, {}), (0.5, {"started_at": "2026-11-20T09:00:00+08:00"})):
        calls = forgotten_call(caller="")
        decision = calls.tell(revision=1, note="公交站台的座椅坏了", caller=OTHER, minutes=days * DAY, **began)
        assert decision.relation == "new"


@pytest.mark.parametrize(("first", "caller"), [("", ""), (CALLER, ""), (CALLER, CALLER)])
def test_another_call_of_a_backlog_is_heard_under_the_id_of_a_forgotten_one(first: str, caller: str) -> None:
    calls = Calls()
    calls.tell(60 * 48, revision=1, note=LAMP, caller=first, started_at="2026-11-25T09:00:00+08:00")
    order(calls, "forget", 60 * 48 + 1, ticket=calls.ticket.ticket_id)
    told = {"caller": caller, "started_at": "2026-11-26T09:00:00+08:00"}
    assert calls.tell(60 * 48 + 2, revision=1, note="公交站台的座椅坏了", **told).relation == "new"
    assert is_kept_out(forgotten_call(started_at="2026-11-25T09:00:00+08:00").tell(revision=2, transcript=HEARD))
    same(calls)


@each_row("told", [{}, {"started_at": "2026-11-25T09:00:00+08:00"}], ids=["who", "who and when"])
@each_row("note", ["公交站台的座椅坏了", ""], ids=["with a ticket", "without texts"])
def test_a_later_record_of_a_forgotten_call_comes_into_no_call_that_has_its_id_by_now(
    told: dict[str, Any], note: str
) -> None:
    calls = forgotten_call(started_at="2026-11-25T09:00:00+08:00")
    later = {"caller": OTHER, "started_at": "2026-11-25T17:00:00+08:00"}
    calls.tell(60 * 8 + 1, revision=1, note=note, **later)
    assert is_kept_out(calls.tell(60 * 8 + 2, revision=2, transcript=HEARD, caller=CALLER, **told))
    own = calls.tell(60 * 8 + 3, revision=3, transcript="市民：站台的座椅坏了", **later)
    assert own.relation == ("part_of" if note else "new")
    assert calls.tickets[-1].message_count == 2
    assert "13812345678" not in calls.tickets[-1].text
    same(calls)


def test_a_call_that_has_its_id_by_now_is_not_forgotten_with_the_one_before() -> None:
    """It had no words when the other was forgotten; they come after the memory of its records ended."""
    calls, began = Calls(), "2026-11-26T08:00:00+08:00"
    calls.tell(0, revision=1, note=LAMP, caller=CALLER, started_at="2026-11-25T09:00:00+08:00")
    calls.tell(60 * 23 + 1, disposition="answered", caller=OTHER, started_at=began)
    order(calls, "forget", DAY, ticket=calls.ticket.ticket_id)
    order(calls, "read", 4 * DAY, ticket=calls.ticket.ticket_id)
    late = calls.tell(4 * DAY + 1, revision=2, note="公交站台的座椅坏了", caller=OTHER, started_at=began)
    assert late.relation == "new"
    same(calls)


def test_a_record_without_words_that_is_forgotten_takes_the_later_ones_of_its_call_with_it() -> None:
    calls = Calls()
    first = calls.tell(revision=1, caller=CALLER)
    order(calls, "forget", 1, message_ids=[first.event_id])
    assert is_kept_out(calls.tell(revision=2, transcript=HEARD, caller=CALLER))
    assert calls.tickets == []
    assert calls.tell(revision=1, note=LAMP, caller=OTHER, minutes=60 * 8).relation == "new"
    same(calls)


def test_another_city_forgets_no_record_of_a_call() -> None:
    calls = Calls()
    first = calls.tell(revision=1, caller=CALLER)
    calls.order(
        Command(
            command_id="c",
            jurisdiction="210200",
            kind="forget",
            author="c",
            at=START,
            args={"message_ids": [first.event_id]},
        )
    )
    assert calls.tell(revision=2, note=LAMP, caller=CALLER).relation == "new"
    assert [*calls.state.tickets[calls.ticket.ticket_id].messages] == [calls.messages[1].message_id, first.event_id]


def test_a_call_whose_ticket_left_the_memory_does_not_come_back_either() -> None:
    calls = Calls()
    began = "2026-11-25T09:00:00+08:00"
    calls.tell(revision=1, note=LAMP, caller=CALLER, started_at=began)
    ticket = calls.ticket.ticket_id
    order(calls, "set_status", 1, ticket=ticket, status="not_accepted", reason_code="malicious")
    calls.tell(call_id="c2", revision=1, note="公交站台的座椅坏了", minutes=200 * DAY)
    assert ticket not in calls.state.tickets
    order(calls, "forget", 200 * DAY + 1, ticket=ticket, message_ids=["a" * 26])
    late = {"revision": 2, "transcript": HEARD, "minutes": 201 * DAY}
    assert calls.tell(**late, caller=OTHER).relation == "new"
    calls = Calls(State(POLICY, fold(calls.events[:-1], POLICY).dump()))
    calls.input = [Command(command_id="x", jurisdiction=CITY, kind="read", author="c", at=START)] * 4
    assert is_kept_out(calls.tell(**late, caller=CALLER, started_at=began))


LONG = "我叫李小龙，中山路十二号门口的路灯坏了三天，请派人来修"


def forgotten_parts(reference: int = 7) -> tuple[Assigned, list[Message]]:
    parts, assigned = parts_of(LONG, 40, reference=reference), Assigned()
    assigned.take(parts[:1])
    (ticket,) = assigned.tickets
    given = Command(command_id="c1", jurisdiction=CITY, ticket_id=ticket.ticket_id, kind="forget", author="c", at=START)
    assigned.desk.take(given, position(1))
    assigned.input.append(parts[0])
    return assigned, parts


def test_a_late_part_of_a_forgotten_message_and_one_that_comes_again_go_as_well() -> None:
    assigned, parts = forgotten_parts()
    again = replace(parts[0], message_id="a" * 26)
    for one in (again, parts[1]):
        assigned.take([one])
        assert is_kept_out(assigned.last)
    assert [one.erased for one in assigned.tickets] == [True]


def test_a_part_under_a_reference_of_16_bits_goes_as_well_a_day_later() -> None:
    """None is used again so soon, unless its counter has 8 bits all the same."""
    assigned, _ = forgotten_parts(4711)
    others = parts_of("公园的长椅坏了，没有人来修，请你们派人来看一看好吗谢谢", 40, reference=4711, minutes=60 * 20)
    late = parts_of(LONG, 40, reference=4711, minutes=60 * 23)[1]
    assigned.take([late])
    assert is_kept_out(assigned.last)
    assert assigned.take([others[0]]) == ["first_part"], "other bytes under a number that came"
    assert forgotten_parts(4711)[0].take([parts_of(LONG, 40, reference=4711, minutes=60 * 25)[1]]) == ["first_part"]


def test_another_long_message_is_heard_though_the_telephone_uses_the_reference_again() -> None:
    assigned, _ = forgotten_parts()
    others = parts_of("公园的长椅坏了，没有人来修，请你们派人来看一看好吗谢谢", 40, minutes=5)
    assert assigned.take(others) == ["first_part", "last_part"]


def test_a_second_part_first_under_a_reference_that_is_used_again_the_same_day_is_heard() -> None:
    assigned, _ = forgotten_parts()
    others = parts_of("公园的长椅坏了，没有人来修，请你们派人来看一看好吗谢谢", 40, minutes=60 * 7)
    assert assigned.take(others[:0:-1]) == ["first_part"]
    assert assigned.tickets[-1].text == "", "it may be the end of what was erased"
    assert assigned.take(others[:1]) == ["last_part"]
    assert assigned.tickets[-1].text.startswith("公园的长椅坏了")


@pytest.mark.parametrize("size", [20, 40])
def test_the_end_of_a_forgotten_message_that_comes_later_than_it_is_known_shows_no_word(size: int) -> None:
    parts, assigned = parts_of(LONG, size), Assigned()
    assigned.take(parts[:1])
    given = Command(
        command_id="c1",
        jurisdiction=CITY,
        ticket_id=assigned.tickets[0].ticket_id,
        kind="forget",
        author="c",
        at=START,
    )
    assigned.desk.take(given, position(1))
    assigned.input.append(parts[0])
    assigned.take(late := parts_of(LONG, size, minutes=60 * 7)[1:])
    written = [one.value for one in assigned.desk.flush()]
    assert len(assigned.tickets) == 2
    ticket = assigned.tickets[-1]
    assert (ticket.text, ticket.title, ticket.search_text) == ("", None, "")
    assert (ticket.message_count, ticket.labels) == (len(late), ("incomplete",))
    assert not any(one.text.encode() in value for one in late for value in written if value)


def test_a_late_part_of_a_forgotten_message_goes_as_well_when_the_key_of_the_hashes_changed() -> None:
    assigned, _ = forgotten_parts()
    newer = Policy(requester_keys={"z": bytes(range(16)), **Policy().requester_keys})
    late = parts_of(LONG, 40, policy=newer)[1]
    assigned.take([late])
    assert is_kept_out(assigned.last)


MAIL = "路灯坏了，我叫李小龙，电话13812345678"


def forgotten_mail() -> Office:
    at_office = Office([message(0, MAIL)])
    at_office.order("forget", at_office.tickets[0])
    return at_office


def again(number: int, of: Message, **own: Any) -> Message:
    """Return the mail as another server delivers it: other bytes, so another name, and the same Message-ID."""
    return replace(message(number, of.text), features=replace(of.features, **own))


def test_a_mail_that_is_delivered_once_more_after_it_was_forgotten_goes_as_well() -> None:
    at_office = forgotten_mail()
    assert is_kept_out(at_office.take(again(5, message(0, MAIL))))
    assert [one.erased for one in map(at_office.ticket, at_office.desk.state.tickets)] == [True]


@each_row(
    "heard",
    [
        message(5, MAIL),
        message(5, "路灯还是坏的", answers=(f"{CITY}-0",)),
        again(5, message(0, MAIL), text_key="other"),
        again(5, message(0, MAIL), requesters=("k:other",)),
        replace(again(5, message(0, MAIL)), channel="record"),
    ],
    ids=["the same words in a new mail", "an answer", "other words", "another sender", "another channel"],
)
def test_what_the_citizen_says_since_is_heard(heard: Message) -> None:
    decision = forgotten_mail().take(heard)
    assert (decision.relation, gone_of(decision)) == ("new", [])


def sent(number: int, text: str, *, minutes: float, sender: str = CALLER, channel: str = "sms") -> Message:
    """Return what was sent then, under a name of its own, and came five hours after the first."""
    one = message(number, text, minutes=minutes, sender=sender, channel=channel)
    return replace(one, ingested_at=START + timedelta(hours=5)) if number else one


def forgotten_sms(channel: str = "sms") -> Office:
    at_office = Office([sent(0, MAIL, minutes=0, channel=channel)])
    at_office.order("forget", at_office.tickets[0], at=START + timedelta(hours=4))
    return at_office


@each_row("channel", ["sms", "weibo", "wechat", "web"])
@each_row("minutes", [0, 10, 60 * 4], ids=["its own time", "a repeat", "until it was erased"])
def test_what_was_sent_before_it_was_forgotten_goes_as_well_under_whatever_name(channel: str, minutes: float) -> None:
    at_office = forgotten_sms(channel)
    assert is_kept_out(at_office.take(sent(7, MAIL, minutes=minutes, channel=channel)))
    assert is_kept_out(at_office.take(sent(8, MAIL, minutes=minutes, channel=channel)))
    whole(at_office)


@each_row(
    "heard",
    [
        sent(7, MAIL, minutes=60 * 4 + 1),
        sent(7, MAIL, minutes=60 * -49),
        sent(7, f"{MAIL}，请快修", minutes=10),
        sent(7, MAIL, minutes=10, sender=OTHER),
        sent(7, MAIL, minutes=10, channel="record"),
    ],
    ids=["said since", "of another day", "other words", "another sender", "an import"],
)
def test_the_same_words_are_heard_where_they_are_none_of_the_forgotten(heard: Message) -> None:
    decision = forgotten_sms().take(heard)
    assert (decision.relation, gone_of(decision)) == ("new", [])


@pytest.mark.parametrize(("hours", "minutes", "is_heard"), [(0, 10, False), (168, 60 * -49, True)])
def test_what_was_forgotten_does_not_hang_on_how_long_a_city_takes_words_for_one_day(
    hours: int, minutes: float, is_heard: bool
) -> None:
    at_office = Office([sent(0, MAIL, minutes=0)], replace(POLICY, near=replace(POLICY.near, one_day_hours=hours)))
    at_office.order("forget", at_office.tickets[0], at=START + timedelta(hours=4))
    assert (at_office.take(sent(7, MAIL, minutes=minutes)).relation == "new") is is_heard


def test_another_city_forgets_no_words() -> None:
    there = sent(7, MAIL, minutes=10)
    decision = forgotten_sms().take(replace(there, jurisdiction="210200"))
    assert decision.relation == "new"


def test_a_file_that_comes_after_its_message_was_forgotten_goes_as_well() -> None:
    at_office, first = Office(), photo()
    ticket = at_office.take(first).tickets[0].ticket_id
    at_office.order("forget", ticket)
    assert is_kept_out(at_office.take(file_of(first)))


@each_row("kind", ["bounce", "auto_reply"])
@each_row("by", ["token", "thread"])
def test_what_a_machine_answers_to_a_forgotten_ticket_goes_as_well(kind: str, by: str) -> None:
    at_office = forgotten_mail()
    answer = message(5, MAIL, message_class=kind, answers=(f"{CITY}-0",) if by == "thread" else ())
    if by == "token":
        answer = replace(answer, features=replace(answer.features, token=at_office.tickets[0]))
    assert is_kept_out(at_office.take(answer))
    other = at_office.take(message(6, "我已休假", message_class=kind))
    assert (other.method, gone_of(other)) == (kind, [])


def redacted_call(**args: Any) -> tuple[Calls, list[str]]:
    calls = Calls()
    calls.tell(revision=1, note=LAMP)
    order(calls, "redact", 1, ticket=calls.ticket.ticket_id, **{"fields": ["text"]} | args)
    return calls, [one.message_id for one in calls.messages]


def test_a_later_record_of_a_redacted_call_is_emptied_in_the_archive() -> None:
    calls, _ = redacted_call()
    decision = calls.tell(revision=2, transcript=HEARD)
    assert (decision.relation, decision.method) == ("part_of", "record_after_redaction")
    assert gone_of(decision) == [decision.input.message_id]
    assert isinstance(decision.changes[-1], event.Redacted)
    assert (calls.ticket.text, calls.ticket.message_count) == ("", 2)
    same(calls)


def test_it_goes_with_its_files_where_they_were_redacted() -> None:
    calls, _ = redacted_call(fields=["text", "attachments"])
    decision = calls.tell(revision=2, transcript=HEARD, recording="x.wav")
    assert isinstance(decision.changes[-1], event.MessagesErased)
    assert calls.ticket.attachments == ()
    assert calls.tell(revision=3, transcript=HEARD).relation == "part_of", "it is still of its ticket"
    same(calls)


def test_a_later_record_stays_in_the_archive_where_nothing_of_its_call_was_emptied() -> None:
    calls, _ = redacted_call(message_ids=[])
    assert gone_of(calls.tell(revision=2, transcript=HEARD)) == []
    assert calls.ticket.text == ""


@pytest.mark.parametrize("fields", [["location"], ["attachments"]])
def test_another_call_about_the_matter_of_a_redacted_one_is_heard_and_stays_with_its_files(fields: list[str]) -> None:
    calls = Calls()
    calls.tell(call_id="a", caller=CALLER, note=LAMP, recording="1.wav")
    order(calls, "redact", 1, ticket=calls.ticket.ticket_id, fields=fields)
    news = "昨天有老人在那里摔倒了"
    decision = calls.tell(3 * DAY, call_id="b", caller=CALLER, note=f"{LAMP}，还没有人来修，{news}", recording="2.wav")
    assert (decision.relation, gone_of(decision)) == ("same_person_same_matter", [])
    assert news in calls.ticket.text
    assert calls.ticket.attachments[-1].name == "2.wav"
    said = calls.tell(4 * DAY, call_id="c", caller=CALLER, note=f"{LAMP}，还没有人来修", recording="3.wav")
    assert (said.relation, gone_of(said)) == ("same_person_same_matter", []), "what it repeats was not blacked out"
    same(calls)


def test_a_part_that_comes_again_after_its_text_was_redacted_says_nothing() -> None:
    parts = parts_of(LONG, 40)
    at_office = Office(parts[:1])
    (ticket,) = at_office.tickets
    at_office.order("redact", ticket, fields=["text", "title", "requester", "location"])
    decision = at_office.take(replace(parts[0], message_id="a" * 26))
    assert (decision.method, gone_of(decision)) == ("repeated_part", ["a" * 26])
    after = at_office.ticket(ticket)
    assert (after.text, after.requester.phone, after.location, after.message_count) == ("", None, None, 2)
    later = at_office.take(parts[1])
    assert (later.relation, gone_of(later)) == ("new", []), "nobody asked to take this away"
    assert at_office.ticket(later.tickets[0].ticket_id).related == (ticket,), "whoever reads it sees the redacted half"


def test_a_mail_that_is_delivered_once_more_after_it_was_redacted_is_emptied() -> None:
    at_office = Office([message(0, MAIL)])
    (ticket,) = at_office.tickets
    at_office.order("redact", ticket, fields=["text", "title"])
    decision = at_office.take(again(5, message(0, MAIL)))
    assert (decision.relation, gone_of(decision)) == ("same_person_same_matter", [decision.input.message_id])
    assert (at_office.ticket(ticket).text, at_office.ticket(ticket).message_count) == ("", 2)
    for heard in (message(6, MAIL), message(7, "路灯还是坏的", answers=(f"{CITY}-0",))):
        assert gone_of(at_office.take(heard)) == []
    assert at_office.ticket(ticket).text == "路灯还是坏的"


@pytest.mark.parametrize(("minutes", "is_again"), [(10, True), (60 * 4 + 1, False)], ids=["before", "since"])
def test_what_was_sent_before_its_words_were_redacted_is_emptied_under_whatever_id(
    minutes: float, is_again: bool
) -> None:
    at_office = Office([sent(0, MAIL, minutes=0)])
    (ticket,) = at_office.tickets
    at_office.order("redact", ticket, fields=["text", "title"], at=START + timedelta(hours=4))
    for number in (7, 8):
        decision = at_office.take(sent(number, MAIL, minutes=minutes))
        assert decision.relation == "same_person_same_matter"
        assert gone_of(decision) == ([decision.input.message_id] if is_again else [])
    assert at_office.ticket(ticket).text == ""
    whole(at_office)


def test_a_file_that_comes_after_the_files_were_redacted_goes_as_well() -> None:
    at_office, first, other = Office(), photo(), photo(1, "m-2", sender="o-other")
    ticket, untouched = (at_office.take(one).tickets[0].ticket_id for one in (first, other))
    at_office.order("redact", ticket, fields=["attachments"])
    at_office.order("redact", untouched, fields=["text"])
    late = at_office.take(file_of(first))
    assert gone_of(late) == [late.input.message_id]
    assert at_office.ticket(ticket).attachments == ()
    assert gone_of(at_office.take(file_of(other, "m-2"))) == []
    assert at_office.ticket(untouched).attachments[0].dataref


def test_the_same_words_again_bring_no_redacted_field_back() -> None:
    place = (Finding(kind="place", value="中山路12号3单元", source="rule"),)
    told = replace(message(0, "路灯坏了"), findings=place)
    at_office = Office([told])
    (ticket,) = at_office.tickets
    at_office.order("redact", ticket, fields=["location", "requester", "title"])
    decision = at_office.take(replace(message(3, "路灯坏了"), findings=place))
    assert decision.relation == "same_person_same_matter"
    after = at_office.ticket(ticket)
    assert (after.location, after.requester.phone, after.title, after.message_count) == (None, None, None, 2)
