"""Restricted tickets (严格保密) stand in a topic of their own, and leave no word in the masked one."""

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from schemas import topics
from schemas.codec import Outbound, Position, decode
from schemas.envelope import WITHHELD
from schemas.records import Event, Ticket, event
from sinks import routes
from sinks.base import Document
from sinks.elastic.bulk import EMPTY, action, body, source_of
from tests.tickets.build import message
from tests.tickets.commands.orders import Office
from tests.tickets.said import said

WORDS = "我们厂夜里偷排废水"


def by_topic(records: Iterable[Outbound]) -> dict[str, Outbound]:
    tickets = (topics.TICKET, topics.TICKET_MASKED, topics.TICKET_RESTRICTED)
    return {one.topic: one for one in records if one.topic in tickets}


def opened(*codes: str) -> tuple[Office, dict[str, Outbound]]:
    made = message(1, text=WORDS)
    office = Office([replace(made, features=replace(made.features, codes=codes))])
    return office, by_topic(office.desk.flush())


def levelled(office: Office, level: str) -> dict[str, Outbound]:
    office.order("reclassify", office.tickets[0], confidentiality=level)
    return by_topic(office.desk.flush())


def ticket(record: Outbound) -> Ticket:
    return decode(record.value, Ticket)


def document(record: Outbound) -> Document:
    return Document(Position(record.topic, 0, 0), record.key or b"", record.value, list(record.headers))


def test_one_that_is_restricted_from_the_beginning_is_never_in_the_masked_topic() -> None:
    _, written = opened("confidentiality.restricted")
    assert written.keys() == {topics.TICKET, topics.TICKET_RESTRICTED}
    assert ticket(written[topics.TICKET_RESTRICTED]).text == WORDS


def test_one_that_is_raised_leaves_a_later_snapshot_without_a_word() -> None:
    office, written = opened()
    assert written.keys() == {topics.TICKET, topics.TICKET_MASKED}
    raised = levelled(office, "restricted")
    left = raised[topics.TICKET_MASKED]
    assert WITHHELD in left.headers
    assert ticket(left).version > ticket(written[topics.TICKET_MASKED]).version
    assert (ticket(left).text, ticket(left).title, ticket(left).masked) == ("", None, True)
    assert ticket(raised[topics.TICKET_RESTRICTED]).text == WORDS
    office.order("set_status", office.tickets[0], status="screened")
    assert by_topic(office.desk.flush()).keys() == {topics.TICKET, topics.TICKET_RESTRICTED}


def test_one_that_is_lowered_comes_into_the_masked_topic_and_leaves_the_other() -> None:
    office, _ = opened("confidentiality.restricted")
    lowered = levelled(office, "internal")
    assert ticket(lowered[topics.TICKET_MASKED]).text
    assert WITHHELD not in lowered[topics.TICKET_MASKED].headers
    assert WITHHELD in lowered[topics.TICKET_RESTRICTED].headers
    assert WORDS not in lowered[topics.TICKET_RESTRICTED].value.decode()


def test_the_indices_that_others_read_hold_nothing_of_it_but_its_version() -> None:
    office, written = opened("confidentiality.restricted")
    assert source_of(document(written[topics.TICKET])) == EMPTY
    assert source_of(document(written[topics.TICKET_RESTRICTED])) == written[topics.TICKET_RESTRICTED].value
    ways = {route.topic: route for route in routes().values()}
    assert b'"version":1' in action(document(written[topics.TICKET]), ways)
    assert WORDS.encode() not in body([document(written[topics.TICKET])], ways).lines
    lowered = levelled(office, "internal")
    for name in (topics.TICKET, topics.TICKET_MASKED):
        assert source_of(document(lowered[name])) == lowered[name].value
    assert source_of(document(lowered[topics.TICKET_RESTRICTED])) == EMPTY


@pytest.mark.parametrize("topic", [topics.TICKET, topics.TICKET_MASKED])
def test_a_masked_snapshot_of_an_older_version_is_emptied_by_a_rebuild(topic: str) -> None:
    _, written = opened("confidentiality.restricted")
    old = written[topics.TICKET_RESTRICTED].value
    assert source_of(Document(Position(topic, 0, 0), b"k", old, [("ce_sequence", b"1")])) == EMPTY


ACCUSED = "我们村支书把低保名额给了自己亲戚，真正困难的评不上"


def edges(decision: Event) -> list[str]:
    return [type(change).__name__ for change in decision.changes if isinstance(change, event.EdgeAdded)]


def test_one_that_accuses_an_official_is_only_proposed_to_another_of_the_same_words() -> None:
    """Both are restricted, by a code that the list of `near.toml` does not have: two informants stay apart."""
    office = Office([said(1, "", ACCUSED)])
    later = office.take(said(2, "", f"{ACCUSED}谢谢"))
    one, other = office.tickets[0], later.tickets[0].ticket_id
    assert {office.ticket(name).confidentiality for name in (one, other)} == {"restricted"}
    assert (later.relation, edges(later)) == ("new", [])
    assert [proposal.target for proposal in office.ticket(other).proposals] == [one]
