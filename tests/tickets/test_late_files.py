"""A file that came after its message completes that message's ticket, wherever it is by then."""

from datetime import timedelta

import msgspec
import pytest

from normalizers.base import Policy
from normalizers.pipeline import normalize
from schemas.records import Message, Ticket, media, raw_message
from schemas.records.media import Media
from tests.tickets.build import CITY, START, message, position
from tests.tickets.commands.orders import POLICY, Office
from tickets.masking.mask import mask_ticket
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.reducers import fold
from tickets.state.state import State

SHA = "ab" * 32


def photo(number: int = 0, media_id: str = "m-1", sender: str = "o-lin") -> Message:
    xml = (
        f"<xml><FromUserName>{sender}</FromUserName><MsgType>image</MsgType><MediaId>{media_id}</MediaId>"
        f"<MsgId>{number + 1}</MsgId></xml>"
    )
    return _normalized(str(number + 1), xml.encode(), "text/xml", number)


def file_of(of: Message, media_id: str = "m-1", number: int = 9, **told: object) -> Message:
    """Return what the fetcher writes behind a message."""
    lies = {"dataref": f"{CITY}/{of.message_id}/{SHA}", "sha256": SHA, "size": 7, "media_type": "image/jpeg"}
    record = Media(message_id=of.message_id, media_id=media_id, **(told or lies))  # type: ignore[arg-type]  # a test's
    identifier = media.identifier(of.message_id, media_id)
    return _normalized(identifier, msgspec.json.encode(record), media.CONTENT_TYPE, number)


def _normalized(identifier: str, value: bytes, content_type: str, minutes: int) -> Message:
    at = START + timedelta(minutes=minutes)
    raw = raw_message(
        channel="wechat",
        channel_kind="wechat_mp",
        account="city",
        jurisdiction=CITY,
        identifier=identifier,
        value=value,
        content_type=content_type,
        time=at,
        recorded=at,
    )
    return normalize(raw, Policy()).message


def desk_of(*messages: Message) -> Desk:
    desk = Desk(State(TicketPolicy()))
    for offset, one in enumerate(messages):
        desk.take(one, position(offset))
    return desk


def only(desk: Desk) -> Ticket:
    (ticket_id,) = desk.state.tickets
    return desk.ticket(ticket_id)


def test_the_ticket_shows_where_the_file_lies() -> None:
    first = photo()
    ticket = only(desk_of(first, file_of(first)))
    (file,) = ticket.attachments
    assert (file.id, file.media_type, file.size, file.sha256) == ("m-1", "image/jpeg", 7, SHA)
    assert file.dataref == f"{CITY}/{first.message_id}/{SHA}"
    assert (ticket.version, ticket.message_count, ticket.status) == (2, 1, "received")


def test_a_file_that_will_never_come_is_a_clear_record() -> None:
    first = photo()
    ticket = only(desk_of(first, file_of(first, unavailable="expired", code="40007")))
    (file,) = ticket.attachments
    assert (file.unavailable, file.dataref, file.media_type) == ("expired", None, "image/*")
    assert mask_ticket(ticket).attachments[0].unavailable == "expired"


def test_the_link_says_so_and_a_repeat_changes_nothing() -> None:
    first = photo()
    desk = desk_of(first)
    decision = desk.take(file_of(first), position(1))
    assert decision is not None
    assert (decision.relation, decision.method) == ("part_of", "late_file")
    assert desk.take(file_of(first), position(2)) is None
    assert only(desk).version == 2


def test_only_the_file_that_came_is_completed() -> None:
    first, second = photo(0, "m-1"), photo(1, "m-2")
    desk = desk_of(first, second, file_of(second, "m-2"))
    files = {file.id: file.dataref for ticket in desk.state.tickets for file in desk.ticket(ticket).attachments}
    assert files == {"m-1": None, "m-2": f"{CITY}/{second.message_id}/{SHA}"}


def test_a_closed_ticket_stays_closed() -> None:
    office, first = Office(), photo()
    ticket = office.take(first).tickets[0].ticket_id
    for status in ("registered", "answered", "resolved"):
        office.order("set_status", ticket, status=status)
    office.take(file_of(first))
    assert office.ticket(ticket).status == "resolved"
    assert office.ticket(ticket).attachments[0].dataref


def test_a_file_follows_its_message_to_another_ticket() -> None:
    office, wrong, words = Office(), photo(1), message(0, "路灯坏了")
    ticket = office.take(words).tickets[0].ticket_id
    other = office.take(wrong).tickets[0].ticket_id
    office.order("merge", other, to=ticket)
    office.take(file_of(wrong))
    assert office.ticket(other).attachments[0].dataref
    assert office.ticket(ticket).attachments == ()


def test_what_is_known_of_a_file_is_not_lost_when_its_ticket_is_written_anew() -> None:
    first = photo(0, "m-1")
    again = msgspec.structs.replace(photo(1, "m-2"), text="还有一张", title="还有一张")
    same_person = msgspec.structs.replace(again.features, token=None)
    office = Office()
    ticket = office.take(first).tickets[0].ticket_id
    answer = msgspec.structs.replace(
        again, features=msgspec.structs.replace(same_person, threads=(first.features.message_key or "",))
    )
    assert office.take(answer).tickets[0].ticket_id == ticket
    office.take(file_of(first, "m-1"))
    office.take(file_of(again, "m-2"))
    office.order("move", ticket, message_id=answer.message_id)
    (own,) = (one for one in office.desk.state.tickets if one != ticket)
    assert [file.id for file in office.ticket(ticket).attachments] == ["m-1"]
    assert office.ticket(ticket).attachments[0].dataref
    assert [file.id for file in office.ticket(own).attachments] == ["m-2"]
    assert office.ticket(own).attachments[0].dataref


@pytest.mark.parametrize("known", [False, True], ids=["unknown", "erased"])
def test_a_file_of_a_message_that_no_ticket_has_opens_none(known: bool) -> None:
    office, first = Office(), photo()
    if known:
        ticket = office.take(first).tickets[0].ticket_id
        office.order("forget", ticket, reason="citizen")
    decision = office.take(file_of(first))
    assert (decision.relation, decision.tickets) == ("no_ticket", ())


def test_the_log_alone_gives_the_same_state() -> None:
    office, first = Office(), photo()
    office.take(first)
    office.take(file_of(first))
    rebuilt = fold(office.decisions, POLICY)
    rebuilt.bodies = office.desk.state.bodies
    assert rebuilt.dump() == office.desk.state.dump() == State(POLICY, rebuilt.dump()).dump()


def test_the_record_of_a_file_holds_nobody() -> None:
    first = photo()
    late = file_of(first)
    assert late.sender is None
    assert "o-lin" not in msgspec.json.encode(late).decode()


def place(label: str, point: str = "<Location_X>41.8057</Location_X><Location_Y>123.4315</Location_Y>") -> Message:
    xml = f"<xml><FromUserName>o-tao</FromUserName><MsgType>location</MsgType>{point}<Label>{label}</Label></xml>"
    return _normalized(label or "p", xml.encode(), "text/xml", 0)


def test_a_shared_place_has_coordinates_that_analysts_do_not_see() -> None:
    ticket = only(desk_of(place("中山公园北门")))
    assert ticket.location is not None
    assert (ticket.location.longitude, ticket.location.latitude, ticket.location.datum) == (123.4315, 41.8057, "gcj02")
    masked = mask_ticket(ticket).location
    assert masked is not None
    assert (masked.longitude, masked.latitude) == (None, None)


def test_a_point_that_is_shared_later_is_added_to_words_and_replaces_none() -> None:
    words, later = place("中山公园北门", point=""), place("北门")
    first = msgspec.structs.replace(words, features=msgspec.structs.replace(words.features, message_key="t"))
    answer = msgspec.structs.replace(later, features=msgspec.structs.replace(later.features, threads=("t",)))
    ticket = only(desk_of(first, answer))
    assert ticket.location is not None
    assert (ticket.location.text, ticket.location.longitude) == ("中山公园北门", 123.4315)
    moved = "<Location_X>1.0</Location_X><Location_Y>2.0</Location_Y>"
    known = place("中山公园北门")
    first = msgspec.structs.replace(known, features=msgspec.structs.replace(known.features, message_key="t"))
    other = place("南门", moved)
    answer = msgspec.structs.replace(other, features=msgspec.structs.replace(other.features, threads=("t",)))
    assert only(desk_of(first, answer)).location == only(desk_of(known)).location
