"""A batch closes by count, bytes or age, whichever comes first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.batcher import Batcher, Place
from sinks.settings import SinkSettings
from tests.fakes.sinks import document


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def batcher(clock: Clock | None = None, **limits: float) -> Batcher:
    return Batcher(SinkSettings.model_validate(limits), clock or Clock())


def test_count_closes_a_batch() -> None:
    gathering = batcher(batch_max_documents=2)
    assert gathering.add(document("a", offset=4)) is None
    full = gathering.add(document("b", offset=9))
    assert full is not None
    assert [d.key for d in full.documents] == [b"a", b"b"]
    assert full.offsets == {Place("test.ticket.v1", 0): 10}
    assert gathering.close() is None


def test_bytes_close_a_batch() -> None:
    gathering = batcher(batch_max_bytes=10)
    assert gathering.add(document("a", b"12345")) is None
    assert gathering.add(document("b", b"12345")) is not None


def test_age_closes_a_batch() -> None:
    clock = Clock()
    gathering = batcher(clock, batch_max_age_seconds=2)
    assert gathering.due() is None
    gathering.add(document("a"))
    clock.now += 1.5
    gathering.add(document("b"))
    assert gathering.due() is None
    assert gathering.seconds_left() == pytest.approx(0.5)
    clock.now += 0.5
    due = gathering.due()
    assert due is not None
    assert len(due.documents) == 2


def test_a_skipped_record_is_committed_with_its_batch() -> None:
    gathering = batcher()
    gathering.add(document("a", offset=1))
    gathering.skip(document("command", offset=2))
    batch = gathering.close()
    assert batch is not None
    assert [d.key for d in batch.documents] == [b"a"]
    assert batch.offsets == {Place("test.ticket.v1", 0): 3}


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.binary(max_size=30), st.booleans())),
    st.integers(1, 5),
    st.integers(1, 60),
)
def test_every_record_is_in_one_batch_in_order(records: list[tuple[str, bytes, bool]], count: int, size: int) -> None:
    gathering = batcher(batch_max_documents=count, batch_max_bytes=size)
    batches = []
    for offset, (topic, value, skipped) in enumerate(records):
        each = document("k", value, topic=topic, offset=offset)
        closed = gathering.skip(each) if skipped else gathering.add(each)
        batches += [closed] if closed else []
    batches += [last] if (last := gathering.close()) else []
    out = [d.position.offset for batch in batches for d in batch.documents]
    assert out == [offset for offset, record in enumerate(records) if not record[2]]
    assert all(len(batch.documents) <= count for batch in batches)
    assert all(sum(len(d.value) for d in batch.documents[:-1]) < size for batch in batches)
