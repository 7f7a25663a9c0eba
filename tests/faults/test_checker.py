"""The checker of the fault suite finds nothing where all is well, and finds each fault that is made on purpose."""

from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from msgspec.structs import replace

from benchmarks.faults.checker import in_store, in_topics
from benchmarks.faults.ledger import Ledger
from benchmarks.faults.sources import Numbered, numbered
from schemas import topics
from schemas.records import Attachment, Event, Link, Message, Ticket, raw_message
from schemas.wire import Outbound, Position, decode, encode
from tests.assign.logs import outbound
from tests.tickets.build import START, message
from tickets.desk import Desk
from tickets.policy import TicketPolicy
from tickets.state import State

Records = list[SimpleNamespace]


def sent() -> list[Numbered]:
    """Return plain mails and posts: no emergency, nothing planted, one part each; some are spoken, and have a file."""
    return [one for one in numbered(60, 7) if one.parts == 1 and not one.is_urgent and not one.is_poison]


def written() -> Records:
    """Return what the topics hold when every message went its way once; what a desk decides is its own."""
    desk = Desk(State(TicketPolicy()))
    records = []
    for offset, one in enumerate(sent()):
        files = (Attachment(id="sound", dataref=f"sounds/{one.mark}"),) if one.is_spoken else ()
        came = message(one.number, one.text, sender=f"139{one.number:08d}", channel=one.channel, attachments=files)
        raw = raw_message(
            channel=came.channel, channel_kind="imap", account="mayor", jurisdiction=came.jurisdiction,
            identifier=came.id, value=one.text.encode(), content_type="text/plain", time=START, recorded=START,
        )  # fmt: skip
        desk.take(came, Position(topics.MESSAGE, 0, offset))
        records += [raw.outbound(), outbound(came), *desk.flush()]
    return [record_of(one) for one in records]


def record_of(one: Outbound) -> SimpleNamespace:
    return SimpleNamespace(topic=one.topic, key=one.key, value=one.value, headers=one.headers, timestamp=1)


def found(records: Iterable[SimpleNamespace]) -> set[str]:
    ledger = Ledger()
    for record in records:
        ledger.take(record)
    return set(in_topics(sent(), ledger))


def of(records: Records, topic: str) -> Records:
    return [record for record in records if record.topic == topic]


def without(topic: str) -> Callable[[Records], Records]:
    """Lose the third record of a topic."""

    def fault(records: Records) -> Records:
        lost = of(records, topic)[2]
        return [record for record in records if record is not lost]

    return fault


def again(topic: str) -> Callable[[Records], Records]:
    """Write the third record of a topic twice."""
    return lambda records: [*records, of(records, topic)[2]]


def filed_elsewhere(records: Records) -> Records:
    """Link the third message to the ticket of the second, too."""
    second, third = (decode(record.value, Link) for record in of(records, topics.LINK)[1:3])
    wrong = replace(third, ticket_id=second.ticket_id)
    return [*records, SimpleNamespace(**vars(of(records, topics.LINK)[2]) | {"value": encode(wrong)})]


def doubled(records: Records) -> Records:
    """Name the third message a second time, as a connector would that changes its mind about an id."""
    record = of(records, topics.MESSAGE)[2]
    other = replace(decode(record.value, Message), message_id="another")
    return [*records, SimpleNamespace(**vars(record) | {"value": encode(other)})]


def gap(records: Records) -> Records:
    """Let an event make version 3 of a ticket that has one."""
    record = of(records, topics.EVENT)[2]
    event = decode(record.value, Event)
    event = replace(event, tickets=tuple(replace(one, version=3) for one in event.tickets))
    return [SimpleNamespace(**vars(one) | {"value": encode(event)}) if one is record else one for one in records]


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
    told = decode(of(records, topics.MESSAGE)[2].value, Message)
    value = {
        "handover_id": told.message_id, "message_id": told.message_id, "jurisdiction": told.jurisdiction,
        "channel": told.channel, "classes": ["fire"], "level": "critical", "spans": [], "text": told.text,
        "at": told.received_at, "taken_at": told.ingested_at,
    }  # fmt: skip
    return [*records, record_of(Outbound(topics.HANDOVER, b"k", msgspec.json.encode(value), []))]


def unfetched(records: Records) -> Records:
    """Leave a ticket waiting for its file."""
    (record, *_) = (one for one in of(records, topics.TICKET) if decode(one.value, Ticket).attachments)
    waiting = replace(decode(record.value, Ticket), attachments=(Attachment(id="sound"),))
    return [SimpleNamespace(**vars(one) | {"value": encode(waiting)}) if one is record else one for one in records]


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


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (without(topics.MESSAGE), "lost before message"),
        (without(topics.EVENT), "decided 0 times"),
        (without(topics.LINK), "without a link to a ticket"),
        (without(topics.TICKET), "ticket never written"),
        (without(topics.TICKET_MASKED), "masked ticket never written"),
        (again(topics.EVENT), "decided 2 times"),
        (again(topics.TICKET), "older version behind a newer one"),
        (older_behind, "older version behind a newer one"),
        (gap, "version chain broken"),
        (doubled, "doubled"),
        (filed_elsewhere, "two citizens in one ticket"),
        (filed_elsewhere, "one citizen's message in two tickets"),
        (buried, "dead letter that was not planted"),
        (handed_over, "handed over without an emergency"),
        (unfetched, "file never fetched"),
    ],
)
def test_a_fault_is_found(fault: Callable[[Records], Records], kind: str) -> None:
    assert kind in found(fault(written()))
