"""The audit chain: each record that was changed, removed, moved, inserted or cut off is found, and where."""

import random
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from schemas.audit_chain import Fault, Head, Link, faults, hash_of, read

START = datetime(2026, 11, 25, 12, tzinfo=UTC)
NOW = START + timedelta(days=1)


def chain(count: int, writer: str = "assign/3", begin: int = 1, previous: str | None = None) -> list[bytes]:
    values = []
    for sequence in range(begin, begin + count):
        fields = {"audit_id": f"a{sequence}", "writer": writer, "sequence": sequence, "previous": previous}
        previous = hash_of(msgspec.json.encode(fields))
        values.append(msgspec.json.encode({**fields, "hash": previous}))
    return values


def head(values: list[bytes]) -> dict[str, Head]:
    last = msgspec.json.decode(values[-1])
    return {last["writer"]: Head(last["sequence"], last["hash"], last["sequence"])}


def verified(values: list[bytes], heads: dict[str, Head]) -> list[Fault]:
    found = [read(f"0:{n}", START + timedelta(minutes=n), value) for n, value in enumerate(values)]
    links = [one for one in found if isinstance(one, Link)]
    return [*(one for one in found if isinstance(one, Fault)), *faults(links, heads, NOW)]


def test_a_whole_chain_has_no_fault_and_neither_has_a_record_of_an_older_version_before_it() -> None:
    values = chain(9)
    assert verified([b'{"audit_id":"old"}', *values], head(values)) == []


def test_a_decision_that_was_made_again_is_the_same_record_once_more() -> None:
    values = chain(3)
    assert verified([*values, values[-1]], head(values)) == []


def test_a_changed_record_does_not_fit_its_hash_nor_a_new_hash_its_neighbour() -> None:
    values = chain(5)
    heads, changed = head(values), values[2].replace(b'"a3"', b'"a7"')
    told = verified([*values[:2], changed, *values[3:]], heads)
    assert told[0] == Fault("0:2", "assign/3 3 was changed: it does not fit its own hash")
    rehashed = msgspec.json.encode({**msgspec.json.decode(changed), "hash": hash_of(changed)})
    told = verified([*values[:2], rehashed, *values[3:]], heads)
    assert told == [Fault("0:3", "assign/3 4 does not follow the record before it")]


@pytest.mark.parametrize(
    ("gone", "told"),
    [
        (0, Fault("0:0", "assign/3 1 before it removed")),
        (2, Fault("0:2", "assign/3 3 before it removed")),
        (4, Fault("0:3", "assign/3 5 behind it removed: the event log has them")),
    ],
)
def test_a_removed_record_is_missed_wherever_it_was(gone: int, told: Fault) -> None:
    values = chain(5)
    assert verified([*values[:gone], *values[gone + 1 :]], head(values)) == [told]


def test_a_whole_chain_that_was_removed_is_missed() -> None:
    told = verified([], head(chain(5)))
    assert told == [Fault("the whole topic", "assign/3 1 to 5 behind it removed: the event log has them")]


def test_an_inserted_record_is_told_whether_it_claims_a_place_or_none() -> None:
    values = chain(4)
    other = msgspec.json.encode({"audit_id": "x", "writer": "assign/3", "sequence": 2, "previous": None})
    other = msgspec.json.encode({**msgspec.json.decode(other), "hash": hash_of(other)})
    told = verified([*values, other, b'{"audit_id":"y"}'], head(values))
    assert Fault("0:4", "assign/3 2 was inserted: another record has this number") in told
    assert Fault("0:5", "was inserted: it belongs to no chain") in told
    more = chain(1, begin=5, previous=msgspec.json.decode(values[-1])["hash"])
    assert verified([*values, b"no JSON"], head(values)) == [Fault("0:4", "cannot be read")]
    assert verified([*values, *more], head(values)) == [Fault("0:4", "assign/3 5 was inserted: no event names it")]


def test_records_in_another_order_are_told() -> None:
    values = chain(4)
    told = verified([values[0], values[2], values[1], values[3]], head(values))
    assert told == [Fault("0:2", "assign/3 2 was moved: it stands behind 3")]


def test_a_beginning_that_retention_took_is_no_fault() -> None:
    values = chain(3, begin=8, previous="0" * 64)
    assert verified(values, head(values)) == [Fault("0:0", "assign/3 1 to 7 before it removed")]
    found = [read(f"0:{n}", START - timedelta(days=3650), value) for n, value in enumerate(values)]
    assert list(faults([one for one in found if isinstance(one, Link)], head(values), NOW)) == []


def test_any_one_change_of_several_chains_is_found() -> None:
    chance = random.Random(27)
    for _ in range(300):
        values = [*chain(chance.randint(1, 6), "assign/0"), *chain(chance.randint(1, 6), "assign/1")]
        heads = head(values) | head([one for one in values if b"assign/0" in one])
        assert verified(values, heads) == []
        at, kind = chance.randrange(len(values)), chance.choice(("remove", "change", "copy"))
        fields = msgspec.json.decode(values[at])
        if kind == "remove":
            del values[at]
        else:
            fields["audit_id"] = "forged"
            forged = msgspec.json.encode({**fields, "hash": hash_of(msgspec.json.encode(fields))})
            values[at : at + (kind == "change")] = [forged]
        assert verified(values, heads), (kind, fields)
