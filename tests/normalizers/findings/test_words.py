"""Lists of words find the same together as each does alone."""

import re

from hypothesis import given
from hypothesis import strategies as st

from normalizers.text.matcher import Together, Words, trie

LETTERS = "ab漏水管"
WORD = st.text(LETTERS, min_size=1, max_size=4)
TEXT = st.text(LETTERS, max_size=40)


def all_of(one: Words, text: str) -> object:
    """Return what a list says of a text, in each way that it can be asked."""
    return one.occur(text), one.spans(text), one.longest(text), list(one.matches(text))


@given(st.lists(st.lists(WORD, max_size=6), max_size=4), TEXT, TEXT)
def test_each_list_finds_in_what_was_read_together_what_it_finds_alone(
    lists: list[list[str]], text: str, another: str
) -> None:
    among = [Words(words) for words in lists]
    Together(among).read(text)
    for one, words in zip(among, lists, strict=True):
        alone = Words(words)
        assert all_of(one, text) == all_of(alone, text)
        assert all_of(one, another) == all_of(alone, another)


def test_what_was_read_together_is_not_looked_for_again() -> None:
    words = Words(["漏水"])
    words.has_read("水管漏水", [(0, 7, 9)])
    assert words.spans("水管漏水") == [(7, 9)]
    assert words.spans("漏水") == [(0, 2)]


@given(st.lists(st.text("ab.]^-漏水", max_size=4), max_size=8), st.text("ab.]^-漏水", max_size=8))
def test_a_trie_matches_the_longest_of_its_words(words: list[str], text: str) -> None:
    longest = max((word for word in words if text.startswith(word)), key=len, default=None)
    for times, expected in (("", longest), ("?", longest or "")):
        found = re.compile(f"{trie(words)}{times}").match(text)
        assert (found and found[0]) == expected


def test_a_trie_has_no_group_where_there_is_no_choice() -> None:
    assert trie(["中山路", "中山北路", "中山"]) == "(?:中山(?:北路|路)?)"
    assert trie(["a-b", "a]b"]) == r"(?:a(?:\-b|\]b))"
    assert trie(["路", "街"]) == "(?:[街路])"
