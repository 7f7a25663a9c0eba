"""Folding is exact, idempotent, and lets nothing through that JSON or a search cannot bear."""

import re
import subprocess
import sys
import unicodedata
from functools import cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from normalizers.text.fold import (
    OVERLAP,
    PIECE,
    aligned,
    fold,
    fold_slowly,
    folded_pieces,
    folds_simply,
    nfkc,
    safe,
    simply_folded,
    traditional_to_simplified,
    without,
)
from tests.rows import each_row

EVERY = [chr(code) for code in range(0x110000)]


@cache
def trouble() -> list[str]:
    """Return every character that combines, is composed or has a case: each worker imports this file, and one asks."""
    return [c for c in EVERY if unicodedata.combining(c) or unicodedata.decomposition(c) or c.casefold() != c]


def marks() -> list[str]:
    return [c for c in trouble() if unicodedata.combining(unicodedata.normalize("NFKD", c)[0])]


JAMO = [chr(code) for code in (*range(0x1100, 0x1200), *range(0x3130, 0x3190), *range(0xFFA0, 0xFFDD), 0xAC00, 0xAC01)]
INVISIBLE = list("\u200b\u200d\u202e\u2066\ufeff\u00ad\ufe0f\x00\x07\x7f\x85\u2028\u3000\u00a0 \t\n")

characters = st.one_of(
    st.characters(codec=None),
    st.deferred(lambda: st.sampled_from(trouble())),
    st.sampled_from(JAMO),
    st.sampled_from(INVISIBLE),
    st.sampled_from("😀👨🏽‍👩🏽‍👧🇨🇳着火了Ａ１，。！？\ud800\udfff"),
    st.sampled_from([chr(code) for code in traditional_to_simplified()]),
)
texts = st.lists(characters, max_size=12).map("".join)


def test_nfkc_of_every_character_is_unicodes() -> None:
    assert [c for c in EVERY if nfkc(c) != unicodedata.normalize("NFKC", c)] == []


def test_fold_of_every_character_is_its_definition() -> None:
    assert [c for c in (*EVERY[:0x34000], *EVERY[0xE0000:0xE1000]) if fold(c) != fold_slowly(c)] == []


def test_the_planes_that_are_not_scanned_stay_as_they_are() -> None:
    rest = "".join(EVERY[0x34000:0xE0000] + EVERY[0xE1000:])
    assert fold(rest) == rest


@given(texts)
@example("e\u0301")
@example("\u1100\u1161\u11a8")
@example("，\u0338")
@example("\u0390\u1fb3ŉß")
def test_nfkc_is_exact(text: str) -> None:
    assert nfkc(text) == unicodedata.normalize("NFKC", text)


runs = st.lists(st.deferred(lambda: st.sampled_from(marks())), min_size=30, max_size=80).map("".join)


@given(st.lists(st.tuples(characters, runs), max_size=2).map(lambda pairs: "".join(map("".join, pairs))))
@example("か" + "\uff9e\u0323" * 40)
@example("a" + "\u0f73\u0301" * 40)
def test_long_runs_of_marks_are_exact_too(text: str) -> None:
    assert nfkc(text) == unicodedata.normalize("NFKC", text)
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize("marks", ["\u0301\u0323", "\u0f73\u0301", "\uff9e\u0301"])
def test_marks_without_end_hang_nobody(marks: str) -> None:
    """Sorting them one by one would take hours."""
    folded = fold("a" + marks * 300_000)
    assert len(folded) > 300_000
    assert nfkc(folded) == folded


@given(texts)
@example("e\u200b\u0301")
@example("a´")
@example("\u037a")
def test_fold_is_its_definition_and_folds_once(text: str) -> None:
    folded = fold(text)
    assert folded == fold_slowly(text)
    assert fold(folded) == folded


simple_ones = st.text("路灯不亮了aBÇßİ，。！ \n\t3", max_size=12)


@given(st.one_of(texts, simple_ones), st.integers(0, 12), st.integers(0, 12))
def test_what_folds_simply_and_all_parts_of_it_fold_as_ever(text: str, start: int, stop: int) -> None:
    if folds_simply(text):
        for part in (text, text[start:stop], text[:start] + text[stop:]):
            assert folds_simply(part)
            assert simply_folded(part) == fold(part)


def test_chinese_punctuation_capitals_and_blanks_fold_simply() -> None:
    assert folds_simply("路灯（12号）坏了，ABC：\n\t三天！")
    assert not any(map(folds_simply, ("１２", "電", "\u3000", "e\u0301", "\u200b", "😀", "㎡", "＊")))


@given(texts)
def test_nothing_invisible_survives_folding(text: str) -> None:
    assert {unicodedata.category(c) for c in fold(text)}.isdisjoint({"Cc", "Cf", "Cs"})


@given(texts)
def test_a_safe_text_is_utf8_without_nul_and_otherwise_the_same(text: str) -> None:
    made = safe(text)
    assert "\x00" not in made.encode().decode()
    if not any(c == "\x00" or "\ud800" <= c <= "\udfff" for c in text):
        assert made is text


def test_a_surrogate_pair_becomes_its_character() -> None:
    assert safe("a\ud83d\ude00\ud83d") == "a😀\ufffd"


@each_row(
    ("text", "folded"),
    [
        ("ＡＢＣ　１２３４５", "abc 12345"),
        ("臺北路門牌號碼", "台北路门牌号码"),
        ("  噪\t音\r\n扰民 ", "噪 音 扰民"),
        ("井\u200b盖\u202e", "井盖"),
        ("①㈱㎡", "1(株)m2"),
        ("Straße", "strasse"),
        ("", ""),
    ],
)
def test_fold_examples(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(texts)
def test_aligned_characters_know_where_they_stood(text: str) -> None:
    plain, offsets = aligned(text)
    assert len(plain) == len(offsets)
    for character, at in zip(plain, offsets, strict=True):
        assert character in (text[at], fold(f"x{text[at]}x")[1:-1])


@given(texts)
@example("ΑΣ Σ，！？：；（）ABZ")
def test_a_usual_text_is_aligned_as_an_unusual_one_is(text: str) -> None:
    plain, offsets = aligned(f"{text}\u200b")
    assert (aligned(text)[0], list(aligned(text)[1])) == (plain, list(offsets))


def test_every_character_is_aligned_as_in_an_unusual_text() -> None:
    unusual = aligned("".join(f"{one}\u200bx" for one in EVERY))[0]
    assert "".join(aligned(f"{one}x")[0] for one in EVERY) == unusual


@given(texts)
def test_what_is_left_out_takes_its_places_along(text: str) -> None:
    plain, offsets = aligned(text)
    kept, places = without(plain, offsets, re.finditer("[ab ]+", plain))
    assert kept == re.sub("[ab ]+", "", plain)
    assert all(character == plain[offsets.index(at)] for character, at in zip(kept, places, strict=True))


def test_a_long_text_is_searched_in_pieces_and_no_word_falls_between_two() -> None:
    text = "0123456789" * (PIECE // 4) + "\ufdfa" * PIECE
    for at in range(PIECE - 8, PIECE + 8):
        assert any("失火了" in piece for piece in folded_pieces(text[:at] + "失火了" + text[at:]))
    assert max(map(len, folded_pieces(text))) <= PIECE + OVERLAP


def test_importing_computes_no_table() -> None:
    code = "import normalizers.text.fold as t; assert not t._fold_tables.cache_info().currsize"
    subprocess.run([sys.executable, "-c", code], check=True)
