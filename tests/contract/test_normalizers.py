"""What every normalizer keeps to; one entry in SAMPLES is all that a new one adds."""

import json
import random
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from normalizers.base import Policy
from normalizers.handover import handover
from normalizers.pipeline import Normalized, alarming, normalize
from normalizers.registry import NORMALIZERS
from schemas.codec import decode, encode
from schemas.errors import ERROR_CODES, RecordError
from schemas.records import Features, Message, RawMessage, raw_message
from tests.rows import each_row

TAKEN = datetime(2026, 11, 24, 1, 12, 5, tzinfo=UTC)
POLICY = Policy()

SAMPLES: dict[str, bytes] = {
    "mailbox": "From: 李雷 <lilei@example.cn>\r\nTo: 12345@city.example\r\nSubject: 井盖\r\nMessage-ID: <1@x>\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n\r\n幸福路12号的井盖坏了\r\n".encode(),
    "sms": '{"phone_number":"13912345678","content":"幸福路12号的井盖坏了","sequence_id":"1","odd":"kept"}'.encode(),
    "wechat": "<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName><CreateTime>1795482723</CreateTime>"
    "<MsgType>text</MsgType><Content><![CDATA[幸福路12号的井盖坏了]]></Content><Odd>kept</Odd></xml>".encode(),
    "phone": '{"call_id":"c1","caller":"13912345678","note":"幸福路12号的井盖坏了","odd":"kept"}'.encode(),
    "weibo": '{"type":"text","sender_id":2489518277,"receiver_id":1902538057,"text":"幸福路12号的井盖坏了",'
    '"created_at":"Tue Nov 24 09:10:20 +0800 2026","data":{},"odd":"kept"}'.encode(),
    "web": "text=幸福路12号的井盖坏了&phone=13912345678&name=李雷&odd=kept".encode(),
    "record": '{"id":"1","text":"幸福路12号的井盖坏了","sender":"13912345678","odd":"kept"}'.encode(),
}

WITHOUT_FIELDS = frozenset({"mailbox"})
"""A mail's unknown headers mean nothing to anybody; all its bytes stay in the raw record."""

CONTENT_TYPES = {"phone": "application/json", "sms": "application/json; provider=aliyun"}
"""Where the bytes alone do not say what they are."""

channels = pytest.mark.parametrize("channel", sorted(NORMALIZERS))


def raw(channel: str, value: bytes) -> RawMessage:
    return raw_message(
        channel=channel,
        channel_kind=channel,
        account="12345@city.example",
        jurisdiction="210100",
        identifier="1",
        value=value,
        content_type=CONTENT_TYPES.get(channel, "application/octet-stream"),
        time=TAKEN,
        recorded=TAKEN,
    )


def outcome(channel: str, value: bytes) -> Normalized | RecordError:
    try:
        return normalize(raw(channel, value), POLICY)
    except RecordError as error:
        return error


def damaged(sample: bytes) -> st.SearchStrategy[bytes]:
    """Bytes of any kind, and the sample with a piece cut out, replaced or repeated."""
    place = st.integers(0, len(sample))
    junk = st.binary(max_size=12) | st.sampled_from(
        [b"\x00", b"\xff\xfe", "\ufeff".encode(), b"\\ud800", b"&#0;", b"]]>"]
    )
    cut: Callable[[int, int, bytes], bytes] = lambda a, b, new: sample[: min(a, b)] + new + sample[max(a, b) :]  # noqa: E731 - one strategy's body
    return st.binary(max_size=200) | st.builds(cut, place, place, junk) | place.map(lambda at: sample[:at] * 2)


def test_every_normalizer_is_under_contract() -> None:
    assert SAMPLES.keys() == NORMALIZERS.keys()


@channels
def test_the_sample_is_understood(channel: str) -> None:
    message = normalize(raw(channel, SAMPLES[channel]), POLICY).message
    assert "幸福路12号的井盖坏了" in message.text
    assert message.message_class == "person"
    assert len(message.features.requesters) == 1
    assert message.features.grams


@channels
def test_any_bytes_are_a_message_or_a_record_error(channel: str) -> None:
    @given(damaged(SAMPLES[channel]))
    @example(b"\\u0000")
    def check(value: bytes) -> None:
        made = outcome(channel, value)
        if isinstance(made, RecordError):
            assert made.code in ERROR_CODES
            assert str(made)
            return
        sent = encode(made.message)
        assert decode(sent, Message) == made.message
        # A citizen may write these six characters: then JSON escapes their backslash, and they are no NUL.
        assert b"\\u0000" not in sent.replace(b"\\\\", b"")
        assert {blob.path for blob in made.blobs} == {file.dataref for file in made.message.attachments if file.dataref}

    check()


@channels
def test_the_same_bytes_are_the_same_message(channel: str) -> None:
    @given(damaged(SAMPLES[channel]))
    def check(value: bytes) -> None:
        first, second = outcome(channel, value), outcome(channel, value)
        assert isinstance(first, RecordError) or first == second
        assert str(first) == str(second)

    check()


@channels
def test_neither_clock_nor_chance_nor_network_is_asked(channel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    normalize(raw(channel, SAMPLES[channel]), POLICY)  # tables are built at first use

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a normalizer is pure")

    # Put back before the test ends: what keeps tests from the network is put back then, and would come to stay.
    with monkeypatch.context() as world:
        for owner, name in (
            (time, "time"),
            (time, "time_ns"),
            (random, "random"),
            (random, "getrandbits"),
            (socket, "socket"),
        ):
            world.setattr(owner, name, refuse)
        made = outcome(channel, SAMPLES[channel])
    assert isinstance(made, Normalized)


@each_row("channel", sorted(NORMALIZERS.keys() - WITHOUT_FIELDS))
def test_unknown_fields_survive(channel: str) -> None:
    extra = normalize(raw(channel, SAMPLES[channel]), POLICY).message.extra
    assert "kept" in extra.values()


@channels
def test_an_emergency_is_handed_over_from_every_channel(channel: str) -> None:
    value = SAMPLES[channel].replace("井盖坏了".encode(), "三楼着火了，快来".encode())
    made = handover(normalize(raw(channel, value), POLICY).message)
    assert made is not None
    assert (made.classes, made.level) == (("fire",), "critical")
    assert [made.text[start:end] for start, end in made.spans] == ["着火"]


@channels
def test_screening_makes_out_nothing_that_a_hand_over_does_not_tell(channel: str) -> None:
    """Everything else took five times as long, and its rules 2 s at the first emergency after a start."""
    said = "建设路88号三楼着火了，快来人"
    found = alarming(raw(channel, SAMPLES[channel].replace("井盖坏了".encode(), said.encode())), POLICY)
    whole = normalize(raw(channel, SAMPLES[channel].replace("井盖坏了".encode(), said.encode())), POLICY).message
    assert found is not None
    assert found.features == Features() != whole.features
    assert {one.kind for one in found.findings} < {one.kind for one in whole.findings}
    assert handover(found) == handover(whole)


@channels
def test_screening_alone_tells_of_the_same_emergencies(channel: str) -> None:
    def told(value: bytes) -> object:
        """What is handed over; of what cannot be read, its error."""
        try:
            found = alarming(raw(channel, value), POLICY)
        except RecordError as error:
            return str(error)
        return found and handover(found)

    def told_by_the_whole(value: bytes) -> object:
        made = outcome(channel, value)
        return str(made) if isinstance(made, RecordError) else handover(made.message)

    urgent = SAMPLES[channel].replace("井盖坏了".encode(), "三楼着火了，快来人".encode())
    assert told(SAMPLES[channel]) is None
    assert told(urgent) == told_by_the_whole(urgent) is not None

    @given(damaged(urgent))
    def check(value: bytes) -> None:
        assert told(value) == told_by_the_whole(value)

    check()


@channels
def test_no_planted_value_is_in_features_or_reasons(channel: str) -> None:
    message = normalize(raw(channel, SAMPLES[channel]), POLICY).message
    told = encode(message.features).decode()
    assert [word for word in ("李雷", "lilei", "13912345678", "幸福路", "井盖") if word in told] == []

    @given(damaged(SAMPLES[channel]))
    def check(value: bytes) -> None:
        made = outcome(channel, value)
        assert not isinstance(made, RecordError) or not any(word in str(made) for word in ("lilei", "139123", "幸福"))

    check()


def test_a_message_of_every_channel_is_plain_json() -> None:
    for channel, sample in SAMPLES.items():
        told = json.loads(encode(normalize(raw(channel, sample), POLICY).message))
        assert told["channel"] == channel
