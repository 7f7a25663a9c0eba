"""The pure steps of screen and normalize, and what keeps them small."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Struct
from msgspec.structs import replace

from normalizers.base import Policy
from schemas import topics
from schemas.codec import Inbound, Outbound, decode, encode
from schemas.errors import MalformedError
from schemas.records import Handover, Message, raw_of
from schemas.records.message import Foreseen
from streams import normalize, screen
from streams.backpressure.backfill import must_pause
from streams.engine.input import dead_letter, raw_or_fault
from tests.rows import each_row
from tests.streams.raws import claimed, outbound, raw
from tickets.masking.fingerprint import grounds

POLICY = Policy()
FIRE = "三楼着火了,有人被困,快来救火"


class Kept(Struct):
    """A record as Kafka gives it back."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    partition: int = 3
    offset: int = 42
    timestamp: int = 1_795_500_000_000


def kept(one: Outbound) -> Inbound:
    return Kept(one.topic, one.key, one.value, one.headers)


def test_a_record_becomes_a_message_that_names_its_place() -> None:
    record = kept(outbound(1))
    result = normalize.step(record, raw_of(record), POLICY)
    message = decode(result.outbound.value, Message)
    assert (message.raw.topic, message.raw.partition, message.raw.offset) == ("hotline.raw.record.v1", 3, 42)
    assert (result.outbound.topic, result.outbound.jurisdiction) == (topics.MESSAGE, "210100")


class Faulty:
    """A policy that fails `times` times, with a citizen's number in its words; then it is the real one."""

    def __init__(self, times: int) -> None:
        self._times = times

    def __getattr__(self, name: str) -> object:
        if self._times:
            self._times -= 1
            raise KeyError("13800138000")
        return getattr(POLICY, name)


def test_a_fault_of_ours_names_its_class_and_never_the_text() -> None:
    record = kept(outbound(1))
    headers = dict(normalize.step(record, raw_of(record), Faulty(1)).outbound.headers)
    assert headers["hotline.error.code"] == b"internal"
    assert headers["__connect.errors.exception.message"] == b"KeyError"


@given(
    key=st.none() | st.binary(max_size=20),
    value=st.none() | st.binary(max_size=200),
    headers=st.lists(
        st.tuples(st.text(max_size=8) | st.sampled_from(["ce_id", "ce_time", "ce_dataref", "ce_jurisdiction"]),
                  st.none() | st.binary(max_size=30)),
        max_size=8,
    ),
)  # fmt: skip
def test_no_record_at_all_stops_a_step(key, value, headers) -> None:
    record = Kept("hotline.raw.record.v1", key, value, headers)
    fault = raw_or_fault(record)
    assert isinstance(fault, MalformedError)
    result = normalize.step(record, fault, POLICY)
    assert result.outbound.topic == topics.DEAD
    assert result.outbound.value == (value or b"")
    assert result.outbound.headers[: len(headers)] == headers
    assert normalize.command_step(record).outbound.topic == topics.DEAD
    list(normalize.slices([record]))


def test_a_record_without_a_city_is_nobodys() -> None:
    record = kept(outbound(1, jurisdiction=""))
    with pytest.raises(MalformedError, match="jurisdiction"):
        raw_of(record)


def test_a_replayed_record_counts_and_keeps_its_own_headers_only() -> None:
    record = kept(outbound(1))
    replayed = Kept(record.topic, record.key, record.value, [*record.headers, ("hotline.error.replay.count", b"2")])
    letter = dead_letter(replayed, MalformedError("again"), "normalize")
    assert (letter.replays, letter.attempt, letter.headers) == (2, 3, record.headers)


def test_claim_checked_records_make_small_slices_and_order_is_kept() -> None:
    records = [kept(outbound(n)) for n in range(200)] + [kept(claimed(n, "p")[0]) for n in range(10)]
    pieces = list(normalize.slices(records))
    assert [record for piece in pieces for record in piece] == records
    assert max(sum(not record.value for record in piece) for piece in pieces) <= 4
    assert max(len(piece) for piece in pieces) <= 128


def test_one_bad_record_among_emergencies_is_passed_over() -> None:
    raws = [raw(1, FIRE), raw(2, value=b"\xff"), raw(3), raw(4, FIRE)]
    found, unheard = screen.screen_chunk([(kept(one.outbound()), one) for one in raws], POLICY)
    assert unheard == [], "of what nobody can read normalize writes the dead letter"
    messages = [decode(one.outbound.value, Handover).message_id for one in found]
    assert messages == [raws[0].message_id, raws[3].message_id]
    assert {one.outbound.jurisdiction for one in found} == {"210100"}


def test_a_bug_in_a_normalizer_keeps_no_emergency_waiting_and_says_whom_nobody_heard() -> None:
    first, second = ((kept(one.outbound()), one) for one in (raw(1, FIRE), raw(2, FIRE)))
    found = screen.screen_chunk([first, second], Faulty(1))
    assert [decode(one.outbound.value, Handover).message_id for one in found.handed] == [second[1].message_id]
    assert [(record, type(error)) for record, error in found.unheard] == [(first[0], KeyError)]


def test_back_fill_pauses_at_the_upper_limit_and_goes_on_at_the_lower() -> None:
    lags = [0, 2, 4, 2, 0.5, 2]
    states, paused = [], False
    for lag in lags:
        paused = must_pause(paused, lag)
        states.append(paused)
    assert states == [False, False, True, True, False, False]


def test_a_message_brings_what_masks_will_look_for() -> None:
    record = kept(outbound(1, "我叫王喆，电话13800138000，路灯坏了三天没人修"))
    message = decode(normalize.step(record, raw_of(record), POLICY).outbound.value, Message)
    assert isinstance(message.foreseen, Foreseen)
    assert message.foreseen.grounds == grounds()
    assert any(message.foreseen.found.values())


def test_a_message_that_is_too_large_with_it_goes_without(monkeypatch: pytest.MonkeyPatch) -> None:
    record = kept(outbound(1, "我叫王喆，电话13800138000，路灯坏了三天没人修"))
    large = normalize.step(record, raw_of(record), POLICY).outbound.value
    monkeypatch.setattr(normalize, "RECORD_LIMIT", len(large) - 1)
    message = decode(normalize.step(record, raw_of(record), POLICY).outbound.value, Message)
    assert message.foreseen is UNSET
    assert len(encode(message)) < len(large)


@each_row(
    ("days", "may_be_read", "is_stale"), [(0, True, False), (2, True, True), (20, True, True), (20, False, False)]
)
def test_what_the_broker_took_long_ago_rings_after_a_known_outage_alone(
    days: int, may_be_read: bool, is_stale: bool
) -> None:
    taken = datetime.now(UTC) - timedelta(days=days)
    one = raw(1, FIRE)
    fire = replace(one, envelope=replace(one.envelope, time=taken, recordedtime=taken))
    handed = screen.screen(fire, POLICY, may_be_read=may_be_read)
    assert handed is not None
    assert (handed.stale, decode(handed.outbound.value, Handover).stale) == (is_stale, is_stale)
    again = screen.screen(fire, POLICY, appended_at=datetime.now(UTC), may_be_read=may_be_read)
    assert again is not None
    assert not again.stale, "a connector's clock alone makes nothing old"
