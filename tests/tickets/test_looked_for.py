"""Patterns of personal words that begin with one of a set find what their plain definitions find at each character."""

import re

from hypothesis import given
from hypothesis import strategies as st

from normalizers.pii import detect, house_numbers, third_persons
from normalizers.pii.short_names import STOPS
from normalizers.rules import DEFAULT_RULES
from normalizers.text.matcher import one_of, trie

_IN_A_BUILDING = re.compile(rf"(?:号楼|[栋幢#]楼?|座(?<![一两]座)|单元){house_numbers._ITS_DOOR}")
_BORN = re.compile("出?生(?:(?<=出生)(?!产)|(?=[,。;)人的日]|$)|于(?<![发产]生于))")


@given(st.text("号楼栋座一单元3502-东户室层", max_size=24))
def test_a_door_in_a_building_is_found_as_it_is_defined(text: str) -> None:
    found = [match.span() for match in house_numbers._IN_A_BUILDING.finditer(text)]
    assert found == [match.span() for match in _IN_A_BUILDING.finditer(text)]


@given(st.text("出生于产发，日的1年5月2", max_size=24))
def test_a_birth_is_found_where_it_is_defined(text: str) -> None:
    births = [match.span() for match in detect._BORN.finditer(text)]
    found = [(start - text.endswith("出生", 0, end), end) for start, end in births]
    assert found == [match.span() for match in _BORN.finditer(text)]


@given(st.text("王大胖子刘老，来了二狗家里", max_size=16))
def test_what_somebody_is_called_is_found_as_it_is_defined(text: str) -> None:
    table, short = DEFAULT_RULES.toml("names"), third_persons.rulebook().short
    lists, surnames = table["short_names"], table["third_persons"]["surnames"]
    defined = re.compile(
        rf"[{surnames}二三四五六]{trie(lists['nicknames'].split())}"
        rf"|大(?<![^{STOPS}{lists['before']}].)老?{one_of(lists['familiar'])}(?!家.){short.goes_on.pattern}"
    )
    assert [match.span() for match in short.called.finditer(text)] == [m.span() for m in defined.finditer(text)]
