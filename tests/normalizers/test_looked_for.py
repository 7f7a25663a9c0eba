"""Patterns that begin with one of a set are looked for; they find what their plain definitions find."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normalizers.enrich import emergency
from normalizers.enrich.address import extract
from normalizers.parse import contacts, ticket_tokens
from normalizers.similarity import discriminators, terms
from tests.rows import each_row

HAN = r"[\u4e00-\u9fff]"
_HOUSE = re.compile(rf"({HAN}{{2}}(?:大道|路|街|巷|弄))(\d{{1,5}})号(?![楼线院])")
_SPELLED = re.compile(r"(?<=(?<![\u3400-\u9fff])[\u3400-\u9fff]) +(?=[\u3400-\u9fff](?![\u3400-\u9fff]))")
_NUMBER = re.compile(rf"(?<![a-z0-9])(?:[a-z]*\d+(?:\.\d+)?[a-z]*{HAN}?|[a-z]{{2,}})")
_BUILDING = re.compile(r"[栋棟幢座#＃樓楼]|\d[-－]\d")


def spans(pattern: re.Pattern[str]) -> Callable[[str], list[tuple[int, int]]]:
    return lambda text: [match.span() for match in pattern.finditer(text)]


@pytest.mark.parametrize(
    ("alphabet", "defined", "found"),
    [
        ("和平大道路街号楼12", _HOUSE.findall, lambda text: list(discriminators._houses(text))),
        ("失火 a3，", spans(_SPELLED), spans(emergency._SPELLED)),
        ("ab1٣.号路-", spans(_NUMBER), spans(terms._NUMBER)),
        (
            "栋楼1-－a号",
            lambda text: _BUILDING.search(text) is None,
            lambda text: extract._BUILDING.search(text) is None,
        ),
    ],
)
def test_what_is_looked_for_is_what_the_definition_finds(
    alphabet: str, defined: Callable[[str], object], found: Callable[[str], object]
) -> None:
    @given(st.text(alphabet, max_size=30))
    def same(text: str) -> None:
        assert found(text) == defined(text)

    same()


@pytest.mark.parametrize("number", ["210100-20261124-000001-5", f"210100-{'a' * 20}.k.{'b' * 16}"])
def test_whatever_names_a_ticket_is_looked_for(number: str) -> None:
    assert ticket_tokens.without(f"见{number}，漏水") == "见，漏水"


@each_row("said", ["打13800138000", "写a@b.cn", "A@B.CN", "8613800138000"])
def test_whatever_is_a_contact_is_looked_for(said: str) -> None:
    assert bool(contacts._CONTACT.findall(said)) == bool(contacts.contacts_in(said)) is True
