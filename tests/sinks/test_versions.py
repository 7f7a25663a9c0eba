"""Versions: the highest of each document, compared exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.elastic import reindex
from sinks.elastic.reindex import Versions, ahead

DOCUMENTS = st.lists(st.tuples(st.binary(min_size=1, max_size=3), st.integers(0, 2**62)), max_size=40)


def made(documents: list[tuple[bytes, int]]) -> Versions:
    found = Versions()
    for identifier, version in documents:
        found.add(identifier, version)
    return found


@given(DOCUMENTS, DOCUMENTS)
def test_it_knows_what_a_dict_knows(mine: list[tuple[bytes, int]], theirs: list[tuple[bytes, int]]) -> None:
    one = {key: max(version for other, version in mine if other == key) for key, _ in mine}
    two = {key: max(version for other, version in theirs if other == key) for key, _ in theirs}
    found, other = made(mine), made(theirs)
    assert len(found) == len(one)
    assert found.of([*one, b"none of them"]) == [*one.values(), -1]
    assert found.differing(other) == sum(one.get(key) != two.get(key) for key in one.keys() | two.keys())
    assert ahead(theirs, found) == [(key, version) for key, version in theirs if version > one.get(key, -1)]


def test_it_merges_what_it_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reindex, "_BUFFER", 3)
    found = made([(b"a", 1), (b"b", 2), (b"a", 9), (b"c", 1), (b"a", 3)])
    assert found.of([b"a", b"b", b"c"]) == [9, 2, 1]
