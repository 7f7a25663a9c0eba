"""The checker of the fault suite finds nothing where all is well, and finds each fault that is made on purpose."""

import ast
import re
from collections.abc import Callable, Iterable
from inspect import getsource
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import replace

from benchmarks.faults import checker
from benchmarks.faults.checker import in_store, in_topics
from benchmarks.faults.clerk import ORDERED_KINDS, _reclassified
from benchmarks.faults.ledger import Ledger
from benchmarks.faults.sources import PART_BYTES, Numbered, numbered
from schemas import topics
from schemas.codec import Outbound, Position, decode, encode
from schemas.envelope import Headers
from schemas.errors import MalformedError
from schemas.records import Attachment, DeadLetter, Event, Link, Message, Ticket, raw_message
from tests.assign.logs import outbound
from tests.rows import each_row
from tests.tickets.build import CITY, START, message
from tests.tickets.pieces import parts_of
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.state.state import State

Records = list[SimpleNamespace]


def sent() -> list[Numbered]:
    """Return plain mails and posts: no emergency, nothing planted, one part each; some are spoken, and have a file."""
    return [one for one in numbered(60, 7) if one.parts == 1 and not one.is_urgent and not one.is_poison]


def others() -> list[Numbered]:
    """Return one emergency, one that is planted to become a dead letter, and one text in two parts."""
    every = list(numbered(120, 7))
    kinds = (lambda one: one.is_urgent, lambda one: one.is_poison, lambda one: one.parts > 1)
    return [next(filter(kind, every)) for kind in kinds]


def matters() -> list[Numbered]:
    """Return a citizen's mail with a follow-up and one with a repeat, neighbours' messages, and one with orders."""
    first, answer, once, again, other, ordered = list(filter(lambda one: one.is_plain, numbered(60, 7)))[:6]
    answer.follow_up(first)
    again.repeat(once)
    other.join(first)
    ordered.is_ordered = True
    return [first, answer, once, again, other, ordered]


def written(crowd: Iterable[Numbered] | None = None) -> Records:
    """Return what the topics hold when every message went its way once; what a desk decides is its own."""
    desk = Desk(State(TicketPolicy()))
    came: list[Message] = []
    records = []
    for one in sent() if crowd is None else crowd:
        records.append(raw_of(one))
        if one.is_poison:
            records.append(letter(one.text.encode(), records[-1].headers))
            continue
        for part in parts_of(one.text, PART_BYTES, sender=one.phone) if one.parts > 1 else [message_of(one)]:
            desk.take(part, Position(topics.MESSAGE, 0, len(came)), [came[at] for at in desk.looks_back(part)])
            came.append(part)
            records += [outbound(part), *desk.flush()]
        if one.is_ordered:
            (ticket,) = (decode(record.value, Ticket) for record in records if record.topic == topics.TICKET_MASKED
                         if record.key == records[-1].key)  # fmt: skip
            for order in _reclassified(ticket):
                desk.take(order, Position(topics.MESSAGE, 1, len(records)))
                records += desk.flush()
        if one.is_urgent:
            records.append(handover(came[-1]))
    return [record_of(one) for one in records]


def message_of(one: Numbered) -> Message:
    files = (Attachment(id="sound", dataref=f"sounds/{one.mark}"),) if one.is_spoken else ()
    answers = (f"{CITY}-{one.first.number}",) if one.first is not one else ()
    sender = f"139{one.first.number:08d}"
    return message(one.number, one.text, sender=sender, channel=one.channel, attachments=files, answers=answers)


def raw_of(one: Numbered) -> Outbound:
    came = message_of(one)
    return raw_message(
        channel=came.channel, channel_kind="imap", account="mayor", jurisdiction=came.jurisdiction,
        identifier=came.id, value=one.text.encode(), content_type="text/plain", time=START, recorded=START,
    ).outbound()  # fmt: skip


def letter(value: bytes, headers: Headers) -> Outbound:
    """Return the dead letter that `normalize` writes of bytes that nobody can read."""
    position, error = Position(topics.raw("wechat"), 0, 0), MalformedError("no XML")
    return DeadLetter.of(error, stage="normalize", position=position, key=b"k", value=value, headers=headers).outbound()


def handover(told: Message) -> Outbound:
    value = {
        "handover_id": told.message_id, "message_id": told.message_id, "jurisdiction": told.jurisdiction,
        "channel": told.channel, "classes": ["fire"], "level": "critical", "spans": [], "text": told.text,
        "at": told.received_at, "taken_at": told.ingested_at,
    }  # fmt: skip
    return Outbound(topics.HANDOVER, b"k", msgspec.json.encode(value), [])


def record_of(one: Outbound) -> SimpleNamespace:
    return SimpleNamespace(topic=one.topic, key=one.key, value=one.value, headers=one.headers, timestamp=1)


def found(records: Iterable[SimpleNamespace], crowd: Iterable[Numbered] | None = None) -> set[str]:
    ledger = Ledger()
    for record in records:
        ledger.take(record)
    return set(in_topics(sent() if crowd is None else crowd, ledger))


def of(records: Records, topic: str) -> Records:
    return [record for record in records if record.topic == topic]


def without(topic: str) -> Callable[[Records], Records]:
    """Lose the third record of a topic."""

    def fault(records: Records) -> Records:
        lost = of(records, topic)[2]
        return [record for record in records if record is not lost]

    return fault


def lost(topic: str) -> Callable[[Records], Records]:
    """Lose all records of a topic."""
    return lambda records: [record for record in records if record.topic != topic]


def again(topic: str) -> Callable[[Records], Records]:
    """Write the third record of a topic twice."""
    return lambda records: [*records, of(records, topic)[2]]


def filed_elsewhere(records: Records) -> Records:
    """Link the third message to the ticket of the second, too."""
    second, third = (decode(record.value, Link) for record in of(records, topics.LINK)[1:3])
    wrong = replace(third, ticket_id=second.ticket_id)
    return [*records, SimpleNamespace(**vars(of(records, topics.LINK)[2]) | {"value": encode(wrong)})]


def changed(records: Records, record: SimpleNamespace, value: Struct) -> Records:
    """Write something else in one record."""
    return [SimpleNamespace(**vars(one) | {"value": encode(value)}) if one is record else one for one in records]


def linked_to(ticket_id: str | None) -> Callable[[Records], Records]:
    """Link the third message to another ticket than its own."""

    def fault(records: Records) -> Records:
        record = of(records, topics.LINK)[2]
        return changed(records, record, replace(decode(record.value, Link), ticket_id=ticket_id))

    return fault


def outdated(topic: str) -> Callable[[Records], Records]:
    """Decide a second version of the third ticket, and write it in all topics but one."""

    def fault(records: Records) -> Records:
        event = of(records, topics.EVENT)[2]
        decision = decode(event.value, Event)
        second = replace(decision.tickets[0], version=2)
        records = changed(records, event, replace(decision, tickets=(*decision.tickets, second)))
        (other,) = {topics.TICKET, topics.TICKET_MASKED} - {topic}
        record = of(records, other)[2]
        return [*records, *changed([record], record, replace(decode(record.value, Ticket), version=2))]

    return fault


def of_nobody(records: Records) -> Records:
    """Write a ticket in which no message is, and of which no event tells."""
    record = of(records, topics.TICKET)[2]
    return [*records, *changed([record], record, replace(decode(record.value, Ticket), ticket_id="of nobody"))]


def shown_though_restricted(records: Records) -> Records:
    """The clear ticket is restricted, and its masked snapshot has words."""
    one = of(records, topics.TICKET)[0]
    ticket = replace(decode(one.value, Ticket), confidentiality="restricted")
    return changed(records, one, ticket)


def never_sent(records: Records) -> Records:
    """Lose the third message altogether."""
    told = decode(of(records, topics.MESSAGE)[2].value, Message)
    mark = told.text[-10:].encode()
    return [record for record in records if mark not in record.value and told.message_id.encode() not in record.value]


def doubled(records: Records) -> Records:
    """Name the third message a second time, as a connector would that changes its mind about an id."""
    record = of(records, topics.MESSAGE)[2]
    other = replace(decode(record.value, Message), message_id="another")
    return [*records, SimpleNamespace(**vars(record) | {"value": encode(other)})]


def gap(records: Records) -> Records:
    """Let an event make version 3 of a ticket that has one."""
    record = of(records, topics.EVENT)[2]
    event = decode(record.value, Event)
    return changed(records, record, replace(event, tickets=tuple(replace(one, version=3) for one in event.tickets)))


def older_behind(records: Records) -> Records:
    """Write a newer version of a ticket, and the older one again behind it."""
    record = of(records, topics.TICKET)[2]
    newer = replace(decode(record.value, Ticket), version=2)
    return [*records, SimpleNamespace(**vars(record) | {"value": encode(newer)}), record]


def buried(records: Records) -> Records:
    """Put a message among the dead letters that was fit to be read."""
    record = of(records, topics.MESSAGE)[2]
    return [*records, SimpleNamespace(**vars(record) | {"topic": topics.DEAD})]


def handed_over(records: Records) -> Records:
    """Tell of an emergency that nobody wrote of."""
    return [*records, record_of(handover(decode(of(records, topics.MESSAGE)[2].value, Message)))]


def unfetched(records: Records) -> Records:
    """Leave a ticket waiting for its file."""
    (record, *_) = (one for one in of(records, topics.TICKET) if decode(one.value, Ticket).attachments)
    return changed(records, record, replace(decode(record.value, Ticket), attachments=(Attachment(id="sound"),)))


def buried_elsewhere(records: Records) -> Records:
    """Put among the dead letters what has no number."""
    return [*records, record_of(letter(b"<xml>", []))]


def brought_to_life(records: Records) -> Records:
    """Make a message of what nobody can read, beside its dead letter."""
    return [*records, record_of(outbound(message_of(others()[1])))]


def part_lost(records: Records) -> Records:
    """Lose the last part, and all that came of it."""
    told = decode(of(records, topics.MESSAGE)[-1].value, Message).message_id.encode()
    return [record for record in records if told not in record.value]


def half_joined(records: Records) -> Records:
    """Let the ticket of a text in two parts say the first of them alone."""
    first, record = (of(records, topics.TICKET)[at] for at in (-2, -1))
    return changed(records, record, replace(decode(record.value, Ticket), text=decode(first.value, Ticket).text))


def parted(records: Records) -> Records:
    """File the last part with somebody else's message."""
    other, record = (of(records, topics.LINK)[at] for at in (0, -1))
    wrong = decode(other.value, Link).ticket_id
    return changed(records, record, replace(decode(record.value, Link), ticket_id=wrong))


def test_nothing_is_wrong_where_every_message_went_its_way() -> None:
    assert found(written()) == set()


def test_a_file_that_is_not_in_the_store_is_found(tmp_path: Path) -> None:
    ledger = Ledger()
    for record in written():
        ledger.take(record)
    names = {file.dataref or "" for ticket in ledger.tickets.values() for file in ticket.attachments}
    assert names
    (tmp_path / "sounds").mkdir()
    for name in names:
        (tmp_path / name).touch()
    assert in_store(ledger, tmp_path) == {}
    (tmp_path / min(names)).unlink()
    assert in_store(ledger, tmp_path) == {"file not in the blob store": [min(names)]}


@pytest.mark.parametrize("topic", [topics.raw("wechat"), topics.MESSAGE])
def test_a_record_that_only_comes_again_is_no_fault(topic: str) -> None:
    assert found(again(topic)(written())) == set()


FAULTS: list[tuple[Callable[[Records], Records], str]] = [
    (never_sent, "lost before raw"),
    (without(topics.MESSAGE), "lost before message"),
    (without(topics.EVENT), "decided 0 times"),
    (without(topics.LINK), "without a link to a ticket"),
    (without(topics.TICKET), "ticket never written"),
    (without(topics.TICKET), "linked to no ticket"),
    (without(topics.TICKET_MASKED), "masked ticket never written"),
    (again(topics.EVENT), "decided 2 times"),
    (again(topics.TICKET), "older version behind a newer one"),
    (older_behind, "older version behind a newer one"),
    (outdated(topics.TICKET), "ticket at an older version"),
    (outdated(topics.TICKET_MASKED), "masked ticket at an older version"),
    (shown_though_restricted, "restricted ticket in the masked topic"),
    (shown_though_restricted, "restricted ticket never written"),
    (gap, "version chain broken"),
    (of_nobody, "ticket without an event"),
    (of_nobody, "ticket of no message"),
    (doubled, "doubled"),
    (linked_to(None), "without a link to a ticket"),
    (linked_to("another"), "linked to no ticket"),
    (filed_elsewhere, "in more than one ticket"),
    (filed_elsewhere, "two citizens in one ticket"),
    (filed_elsewhere, "one citizen's message in two tickets"),
    (buried, "dead letter that was not planted"),
    (handed_over, "handed over without an emergency"),
    (unfetched, "file never fetched"),
]
"""Of plain messages."""


def words_lost(records: Records) -> Records:
    """Leave what a citizen wrote again out of the newest snapshot of its ticket."""
    first = of(records, topics.TICKET)[0]
    newest = [one for one in of(records, topics.TICKET) if one.key == first.key][-1]
    text = decode(first.value, Ticket).text
    return changed(records, newest, replace(decode(newest.value, Ticket), text=text))


def in_another_cluster(records: Records) -> Records:
    """Put the neighbour's ticket into a cluster of its own."""
    cities = {decode(one.value, Ticket).ticket_id: one for one in of(records, topics.TICKET)}
    record = list(cities.values())[2]
    return changed(records, record, replace(decode(record.value, Ticket), cluster_id="another"))


def an_order_twice(records: Records) -> Records:
    """Decide the last order once more."""
    return [*records, of(records, topics.EVENT)[-1]]


def an_order_undone(records: Records) -> Records:
    """Let an earlier order stand."""
    record = of(records, topics.TICKET)[-1]
    return changed(records, record, replace(decode(record.value, Ticket), request_kind=ORDERED_KINDS[0]))


OF_MATTERS: list[tuple[Callable[[Records], Records], str]] = [
    (words_lost, "words missing in their ticket"),
    (in_another_cluster, "one matter in two clusters"),
    (an_order_twice, "order decided 2 times"),
    (an_order_undone, "an order that is not the last one stands"),
    (lost(topics.EVENT), "order decided 0 times"),
]
"""Of citizens who write more than once, of neighbours, and of a clerk's orders."""

OF_OTHERS: list[tuple[Callable[[Records], Records], str]] = [
    (lost(topics.HANDOVER), "emergency not handed over"),
    (lost(topics.DEAD), "planted dead letter missing"),
    (brought_to_life, "planted dead letter became a message"),
    (buried_elsewhere, "strange dead letter"),
    (part_lost, "lost a part"),
    (half_joined, "parts not joined"),
    (parted, "parts not joined"),
]
"""Of an emergency, of what is planted, of a text in parts."""


@each_row(("fault", "kind"), FAULTS)
def test_a_fault_is_found(fault: Callable[[Records], Records], kind: str) -> None:
    assert kind in found(fault(written()))


def test_nothing_is_wrong_with_an_emergency_a_planted_dead_letter_and_parts_that_went_their_way() -> None:
    assert found(written(others()), others()) == set()


@each_row(("fault", "kind"), OF_OTHERS)
def test_a_fault_of_an_emergency_a_dead_letter_or_a_part_is_found(
    fault: Callable[[Records], Records], kind: str
) -> None:
    assert kind in found(fault(written(others())), others())


def together(records: Records) -> Records:
    """Put the neighbours' tickets into one cluster, as their own words do where places are heard."""
    cluster = decode(of(records, topics.TICKET)[0].value, Ticket).cluster_id
    return [
        SimpleNamespace(**vars(one) | {"value": encode(replace(decode(one.value, Ticket), cluster_id=cluster))})
        if one.topic in (topics.TICKET, topics.TICKET_MASKED)
        else one
        for one in records
    ]


def test_nothing_is_wrong_with_follow_ups_repeats_neighbours_and_orders_that_went_their_way() -> None:
    assert found(together(written(matters())), matters()) == set()


@pytest.mark.parametrize(("fault", "kind"), OF_MATTERS)
def test_a_fault_of_what_belongs_together_is_found(fault: Callable[[Records], Records], kind: str) -> None:
    assert kind in found(fault(together(written(matters()))), matters())


def kinds() -> set[str]:
    """Return every kind of fault that the checker of topics and files can tell of, as a pattern."""
    functions = {name: one for name, one in vars(checker).items() if name.endswith("_faults")}
    told = set()
    for name in functions.keys() - {"_archive_faults", "_content_faults"}:
        for node in ast.walk(ast.parse(getsource(functions[name]))):
            if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
                told |= _patterns(node.value.elts[0])
    return told


def _patterns(kind: ast.expr) -> set[str]:
    if isinstance(kind, ast.IfExp):
        return _patterns(kind.body) | _patterns(kind.orelse)
    if isinstance(kind, ast.Constant):
        return {re.escape(str(kind.value))}
    assert isinstance(kind, ast.JoinedStr)
    pieces = (re.escape(str(one.value)) if isinstance(one, ast.Constant) else ".+" for one in kind.values)
    return {"".join(pieces)}


def test_every_kind_of_fault_is_made_on_purpose() -> None:
    """One that no test provokes might never be told of, and nobody would see it."""
    made = {kind for _, kind in FAULTS + OF_OTHERS + OF_MATTERS}
    assert {one for one in kinds() if not any(re.fullmatch(one, kind) for kind in made)} == set()
    assert len(kinds()) > 20
