"""The body of a bulk request, built without parsing."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.errors import SchemaError, UnsupportedError
from sinks import Document, routes
from sinks.elastic.bulk import action, body
from tests.fakes.sinks import document

WAYS = routes()
TICKET = {"test.ticket.v1": replace(WAYS["ticket"], topic="test.ticket.v1")}
MESSAGE = {"test.ticket.v1": replace(WAYS["message"], topic="test.ticket.v1")}


def without(each: Document, header: str) -> Document:
    return each._replace(headers=[(name, value) for name, value in each.headers if name != header])


def test_a_ticket_goes_to_its_alias_and_never_grows_an_index() -> None:
    line = json.loads(action(document("210100-a", version=7), TICKET))
    assert line == {
        "index": {
            "_index": "hotline-ticket",
            "_id": "210100-a",
            "version": 7,
            "version_type": "external_gte",
            "require_alias": True,
        }
    }


def test_a_message_goes_to_the_month_of_its_intake() -> None:
    line = json.loads(action(document("m", recorded="2027-01-31T23:59:59.5+00:00"), MESSAGE))
    assert line["index"]["_index"] == "hotline-message-2027.01"
    assert line["index"]["require_alias"] is False


def test_a_message_without_version_is_the_first() -> None:
    line = json.loads(action(without(document("m"), "ce_sequence"), MESSAGE))
    assert line["index"]["version"] == 1


@pytest.mark.parametrize("text", [b"", b"-1", b"1.5", b"x", "１".encode(), b"9223372036854775808"])
def test_a_version_must_be_a_number_that_elasticsearch_holds(text: bytes) -> None:
    each = document("a")._replace(headers=[("ce_sequence", text)])
    with pytest.raises(SchemaError, match="ce_sequence"):
        action(each, TICKET)


def test_a_ticket_must_say_its_version() -> None:
    with pytest.raises(SchemaError, match="ce_sequence"):
        action(without(document("a"), "ce_sequence"), TICKET)


@pytest.mark.parametrize(
    "recorded", ["", "2026", "2026-13-01T00:00:00Z", "../../x", "1970-01-01T00:00:00Z", "２０26-01-01"]
)
def test_a_time_that_is_none_names_no_index(recorded: str) -> None:
    with pytest.raises(SchemaError, match="ce_recordedtime"):
        action(document("m", recorded=recorded), MESSAGE)


@pytest.mark.parametrize("key", ["", 'a"b', "a\nb", "中", "a" * 513, "a b"])
def test_a_key_cannot_break_the_action_line(key: str) -> None:
    with pytest.raises(SchemaError, match="key"):
        action(document(key), TICKET)


@pytest.mark.parametrize("value", [b"", b"{", b"x", b"[]", b'{"a":\n1}', b'{}\n{"delete":{}}', b"{}\n"])
def test_a_value_cannot_break_the_request(value: bytes) -> None:
    with pytest.raises(SchemaError, match="value"):
        action(document("a", value), TICKET)


def test_a_topic_without_route_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="topic"):
        action(document("a"), {})


@given(st.lists(st.binary(max_size=30).map(lambda inner: b"{" + inner + b"}")))
def test_values_are_copied_byte_for_byte(values: list[bytes]) -> None:
    made = body([document(f"k{n}", value, offset=n) for n, value in enumerate(values)], TICKET)
    assert [d.value for d in made.documents] == [value for value in values if b"\n" not in value]
    assert len(made.documents) + len(made.refused) == len(values)
    lines = made.lines.split(b"\n")
    assert lines[1::2] == [d.value for d in made.documents]
    assert lines[-1] == b""


def test_a_ticket_gets_the_sounds_of_its_own_text_and_keeps_its_bytes() -> None:
    """Those of a masked ticket are made of masked text: there is nothing else to make them of."""
    value = '{"ticket_id":"a","text":"付家庄张伟","search_text":"付家庄[姓名]"}'.encode()
    line = body([document("a", value)], TICKET).lines.split(b"\n")[1]
    assert line.startswith(value[:-1])
    assert json.loads(line)["search_sound"].split() == ["fu", "jia", "zhuang", "[", "xing", "ming", "]"]
    deep = b'{"a":%b%b,"search_text":"x"}' % (b"[" * 100_000, b"]" * 100_000)
    for plain in (b"{}", b'{"search_text":""}', b'{"search_text":7}', b'{"search_text":"\xff"}', deep):
        assert body([document("a", plain)], TICKET).lines.split(b"\n")[1] == plain
