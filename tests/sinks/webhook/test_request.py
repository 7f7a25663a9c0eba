"""Bodies and filters: what a subscriber gets, and what never leaves."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_binary, from_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from defusedxml import ElementTree
from msgspec.structs import replace

from schemas.codec import decode
from schemas.envelope import FIRST_WRITTEN
from schemas.errors import RecordError, SchemaError
from schemas.records import Ticket
from schemas.records.common import Emergency
from sinks import Document
from sinks.webhook import FilterSettings
from sinks.webhook.request import body_of, delivery_id, is_notice, is_wanted, outgoing, version_of
from tests.rows import each_row
from tests.sinks.webhook.snapshots import AT, GOLDEN, document, snapshot, subscriber
from tickets.erasure.blackout import erased


def body(form: str, one: Document | None = None, **fields: Any) -> bytes:
    return body_of(one or snapshot(), subscriber(format=form, **fields)).content


def event(form: str, one: Document) -> CloudEvent:
    made = body_of(one, subscriber(format=form))
    read = {"ticket": from_binary, "cloudevent": from_structured}[form]
    return read(HTTPMessage(made.headers, made.content), JSONFormat(), CloudEvent)


@pytest.mark.parametrize("form", ["ticket", "cloudevent"])
def test_it_is_a_cloudevent_to_others(form: str) -> None:
    read = event(form, snapshot("210100-a", 3))
    assert (read.get_id(), read.get_type()) == ("210100-a:3", "cn.hotline12345.ticket.v1")
    assert (read.get_source(), read.get_subject()) == ("/hotline/assign/210100", GOLDEN.ticket_no)
    assert read.get_extension("jurisdiction") == "210100"
    data = read.get_data()
    assert isinstance(data, dict)
    assert data["version"] == 3


def test_a_ticket_is_the_record_byte_for_byte() -> None:
    one = snapshot()
    odd = one._replace(value=one.value.replace(b'"status":', b'"new_field" : 1.0 ,\t"status":'))
    assert body("ticket", odd) == odd.value
    assert odd.value in body("cloudevent", odd)


@each_row("form", ["ticket", "cloudevent", "open311-json", "open311-xml", "zammad"])
def test_no_attribute_that_names_a_person_goes_along(form: str) -> None:
    made = body_of(snapshot(), subscriber(format=form))
    assert "13800000000" not in f"{made.headers}{made.content.decode()}"


def test_a_header_cannot_be_broken_out_of() -> None:
    one = snapshot()
    hostile = one._replace(headers=[*one.headers, ("ce_subject", '号\r\nx-evil: 1 "%'.encode())])
    headers = body_of(hostile, subscriber()).headers
    assert headers["ce-subject"] == "%E5%8F%B7%0D%0Ax-evil:%201%20%22%25"


def test_open311_is_an_array_and_a_document() -> None:
    (request,) = msgspec.json.decode(body("open311-json"))
    assert request["service_request_id"] == GOLDEN.ticket_no
    assert ElementTree.fromstring(body("open311-xml")).findtext("request/status") == "open"


def test_zammad_gets_its_group_and_customer() -> None:
    form = msgspec.json.decode(body("zammad", zammad_group="12345", zammad_customer="anonym"))
    assert (form["group"], form["customer"]) == ("12345", "anonym")


@each_row("form", ["cloudevent", "open311-json", "open311-xml", "zammad"])
def test_what_is_no_ticket_is_refused_by_name(form: str) -> None:
    with pytest.raises(SchemaError, match="not a Ticket"):
        body(form, snapshot()._replace(value='{"ticket_id":"沈阳"}'.encode()))


def test_a_fault_of_ours_quotes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise ValueError("沈阳市民")

    monkeypatch.setattr("sinks.webhook.request.service_request", breaks)
    with pytest.raises(RecordError) as caught:
        body("open311-json")
    assert (caught.value.code, str(caught.value)) == ("internal", "ValueError")


def test_the_delivery_id_is_the_same_for_ever() -> None:
    assert delivery_id("map", snapshot("210100-a", 12)) == "map:210100-a:12"
    assert version_of(snapshot(version=12)) == 12


@each_row("key", [b"", b"a.b", b"a:1", b"a b", "号".encode(), b"a" * 129])
def test_a_key_that_could_be_read_otherwise_is_refused(key: bytes) -> None:
    with pytest.raises(SchemaError):
        delivery_id("map", snapshot()._replace(key=key))


def test_a_record_without_a_version_is_refused() -> None:
    with pytest.raises(SchemaError, match="ce_sequence"):
        delivery_id("map", snapshot()._replace(headers=[]))


LIVE = replace(GOLDEN, emergency=Emergency(classes=("fire",), level="urgent"))


@each_row(
    ("chosen", "wanted"),
    [
        ({}, True),
        ({"jurisdictions": ["210100", "110000"]}, True),
        ({"jurisdictions": ["110000"]}, False),
        ({"kinds": ["help_request"]}, True),
        ({"kinds": ["complaint"]}, False),
        ({"categories": ["03"]}, True),
        ({"categories": ["0304", "99"]}, True),
        ({"categories": ["030401"]}, False),
        ({"categories": ["030"]}, False),
        ({"statuses": ["registered"]}, True),
        ({"statuses": ["received"]}, False),
        ({"emergency_levels": ["urgent"]}, True),
        ({"emergency_levels": ["critical"]}, False),
        ({"channels": ["wechat"]}, True),
        ({"channels": ["mailbox"]}, False),
        ({"confidentiality": ["public", "internal"]}, True),
        ({"confidentiality": ["public"]}, False),
        ({"since": AT}, True),
        ({"since": AT + timedelta(seconds=1)}, False),
        ({"first_version_only": True}, False),
        ({"kinds": ["help_request"], "channels": ["mailbox"]}, False),
    ],
)
def test_filters(chosen: dict[str, Any], wanted: bool) -> None:
    assert is_wanted(document(LIVE), FilterSettings(**chosen)) is wanted


def test_what_is_not_known_is_not_among_the_wanted() -> None:
    bare = document(replace(LIVE, request_kind=None, category=None, emergency=None, version=1))
    for chosen in ({"kinds": ["complaint"]}, {"categories": ["03"]}, {"emergency_levels": ["mentioned"]}):
        assert not is_wanted(bare, FilterSettings(**chosen))  # type: ignore[arg-type] # as from TOML
    assert is_wanted(bare, FilterSettings(kinds=("unknown",), first_version_only=True))


def test_the_first_that_is_written_is_a_first_version_whatever_its_number() -> None:
    later = document(LIVE)
    first = later._replace(headers=[*later.headers, FIRST_WRITTEN])
    told = [is_wanted(one, FilterSettings(first_version_only=True)) for one in (first, later)]
    assert (LIVE.version > 1, told) == (True, [True, False])


def test_an_erased_ticket_is_told_to_whoever_may_hold_it() -> None:
    erased = document(replace(LIVE, erased=True, request_kind=None, category=None, status="received"))
    assert is_wanted(erased, FilterSettings(kinds=("complaint",), categories=("99",), statuses=("dispatched",)))
    assert is_wanted(erased, FilterSettings(first_version_only=True))
    assert not is_wanted(erased, FilterSettings(jurisdictions=("110000",)))


def test_a_filter_is_not_told_of_an_unreadable_ticket() -> None:
    with pytest.raises(SchemaError):
        is_wanted(snapshot()._replace(value=b"{"), FilterSettings(since=datetime(2026, 1, 1, tzinfo=UTC)))


REDACTED = replace(LIVE, redacted_version=LIVE.version)
SOON, LATE = LIVE.updated_at + timedelta(minutes=59), LIVE.updated_at + timedelta(minutes=61)


@each_row(
    ("chosen", "known", "words"),
    [
        ({}, 0, LIVE.text),
        ({"kinds": ["help_request"]}, LIVE.version, LIVE.text),  # it is wanted, whoever knows what
        ({"kinds": ["complaint"]}, 0, ""),
        ({"kinds": ["complaint"]}, LIVE.version - 1, ""),
        ({"kinds": ["complaint"]}, LIVE.version, None),
        ({"confidentiality": ["public"]}, 0, ""),
        ({"first_version_only": True}, 0, LIVE.text),
        ({"first_version_only": True, "confidentiality": ["public"]}, 0, ""),
        ({"jurisdictions": ["110000"]}, 0, None),
        ({"since": AT + timedelta(seconds=1)}, 0, None),
    ],
)
def test_a_redaction_is_told_beyond_the_filter_and_no_word_with_it(
    chosen: dict[str, Any], known: int, words: str | None
) -> None:
    told = outgoing(document(REDACTED), FilterSettings(**chosen), known, SOON)
    assert (None if told is None else decode(told.value, Ticket).text) == words


RESTRICTED = replace(LIVE, confidentiality="restricted", confidentiality_version=LIVE.version)


@each_row(
    ("chosen", "known", "words"),
    [
        ({}, 0, LIVE.text),
        ({"confidentiality": ["restricted"]}, 0, LIVE.text),
        ({"confidentiality": ["internal"]}, 0, ""),
        ({"confidentiality": ["internal"]}, LIVE.version - 1, ""),
        ({"confidentiality": ["internal"]}, LIVE.version, None),
        ({"confidentiality": ["internal"], "first_version_only": True}, 0, ""),
        ({"confidentiality": ["internal"], "jurisdictions": ["110000"]}, 0, None),
        ({"kinds": ["complaint"]}, 0, None),
    ],
)
def test_whoever_may_read_a_ticket_no_more_is_told_so_and_no_word_with_it(
    chosen: dict[str, Any], known: int, words: str | None
) -> None:
    told = outgoing(document(RESTRICTED), FilterSettings(**chosen), known, SOON)
    assert (None if told is None else decode(told.value, Ticket).text) == words


def test_what_is_told_of_a_level_is_what_is_told_of_a_redaction() -> None:
    """So receivers that know of redactions drop what they hold, and need to know of nothing else."""
    chosen = FilterSettings(confidentiality=("internal",))
    both = (RESTRICTED, replace(REDACTED, confidentiality="restricted"))
    restricted, redacted = (outgoing(document(one), chosen, 0, SOON) for one in both)
    assert restricted is not None
    assert redacted is not None
    assert restricted.value == redacted.value
    ticket = decode(restricted.value, Ticket)
    assert (ticket.redacted_version, ticket.version, ticket.requester.name) == (LIVE.version, LIVE.version, None)
    assert is_notice(restricted)
    assert not is_notice(document(RESTRICTED))
    assert not is_notice(restricted._replace(value=b"{"))


def test_nobody_is_told_of_a_ticket_that_nobody_could_read_before() -> None:
    """It would tell that there is a report (举报)."""
    chosen = FilterSettings(confidentiality=("internal",))
    first, always = (
        replace(RESTRICTED, version=1, confidentiality_version=1),
        replace(LIVE, confidentiality="restricted"),
    )
    written_first = document(RESTRICTED)
    written_first = written_first._replace(headers=[*written_first.headers, FIRST_WRITTEN])
    for one in (document(first), document(always), written_first):
        assert outgoing(one, chosen, 0, LATE) is None


def test_what_is_told_of_a_redaction_has_no_word_of_anybody() -> None:
    told = outgoing(document(REDACTED), FilterSettings(kinds=("complaint",)), 0, SOON)
    assert told is not None
    ticket = decode(told.value, Ticket)
    assert (ticket.version, ticket.status, ticket.redacted_version) == (LIVE.version, LIVE.status, LIVE.version)
    assert replace(ticket, status="archived", status_at=ticket.updated_at, closed_at=ticket.updated_at) == replace(
        erased(LIVE), erased=False, redacted_version=LIVE.version
    )
    assert delivery_id("map", told) == f"map:{LIVE.ticket_id}:{LIVE.version}"


def test_a_later_version_tells_of_it_where_the_redaction_may_be_compacted_away() -> None:
    later = document(replace(LIVE, redacted_version=LIVE.version - 1))
    complaints, firsts = FilterSettings(kinds=("complaint",)), FilterSettings(first_version_only=True)
    assert [outgoing(later, one, 0, SOON) for one in (complaints, firsts)] == [None, None]
    assert all(outgoing(later, one, 0, LATE) is not None for one in (complaints, firsts))
    assert outgoing(document(LIVE), complaints, 0, LATE) is None


def test_zammad_is_told_which_ticket_a_redacted_one_replaces() -> None:
    settings = subscriber(format="zammad", filter={"first_version_only": True})
    form = msgspec.json.decode(body_of(document(REDACTED), settings).content)
    assert (form["title"].split(" (")[0], form["state"]) == (f"涂黑个人信息: 工单 {LIVE.ticket_no}", "open")
    first = document(replace(REDACTED, version=1, redacted_version=1))
    assert msgspec.json.decode(body_of(first, settings).content)["title"] == LIVE.title
