"""Split: what a phone joins is the text, in as few messages as the alphabet allows, and no character is torn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smpplib import gsm

from connectors.sms_common.segmentation import GSM7, UCS2, Split, split
from normalizers.sms import alphabet, udh
from schemas.errors import TooLargeError
from tests.rows import each_row

GSM_TEXT = st.text(st.sampled_from(sorted(set(alphabet.BASIC) - {"\x1b"}) + sorted(alphabet.EXTENDED.values())))


def joined(made: Split) -> bytes:
    """What a phone makes of the pieces."""
    if not made.headed:
        return made.pieces[0]
    whole = []
    for number, piece in enumerate(made.pieces, 1):
        size, segment = udh.split(piece)
        assert segment == (f"8-{piece[3]}", len(made.pieces), number)
        whole.append(piece[size:])
    return b"".join(whole)


@given(GSM_TEXT)
def test_a_text_of_the_default_alphabet_stays_in_it(text: str) -> None:
    made = split(text, 7)
    assert made.coding == GSM7
    assert alphabet.decode(joined(made)) == text
    if made.headed:
        assert all(len(piece) <= 6 + 153 and piece[-1] != alphabet.ESCAPE for piece in made.pieces)
    else:
        assert len(made.pieces[0]) <= 160


@given(st.text(min_size=1).filter(lambda text: alphabet.encode(text) is None))
def test_any_other_text_is_ucs2_and_no_pair_is_torn(text: str) -> None:
    made = split(text, 7)
    assert made.coding == UCS2
    assert joined(made).decode("utf-16-be") == text.encode("utf-16-be", "replace").decode("utf-16-be")
    for piece in made.pieces:
        assert len(piece) <= 140
        (piece[6:] if made.headed else piece).decode("utf-16-be")


@given(GSM_TEXT.filter(lambda text: not set(text) & set("§\f")))  # smpplib's table lacks these two
def test_the_alphabet_is_the_one_that_others_write(text: str) -> None:
    assert alphabet.encode(text) == gsm.gsm_encode(text)


@each_row(
    ("text", "pieces"),
    [("a" * 160, 1), ("a" * 161, 2), ("€" * 80, 1), ("€" * 81, 2), ("路" * 70, 1), ("路" * 71, 2), ("💡" * 35, 1),
     ("💡" * 36, 2), ("", 1), ("a" * 153 * 255, 255)],
)  # fmt: skip
def test_as_few_messages_as_fit(text: str, pieces: int) -> None:
    assert len(split(text, 0).pieces) == pieces


def test_a_character_that_would_be_torn_begins_the_next_piece() -> None:
    made = split("a" * 152 + "€" + "b" * 20, 0)
    assert [len(piece) - 6 for piece in made.pieces] == [152, 22]
    made = split("路" * 66 + "💡" + "灯" * 10, 0)
    assert [len(piece) - 6 for piece in made.pieces] == [132, 24]


def test_a_book_is_refused() -> None:
    with pytest.raises(TooLargeError):
        split("路" * 67 * 256, 0)


def test_where_the_default_alphabet_is_another_everything_is_ucs2() -> None:
    assert split("hello", 0, gsm7=False) == Split(UCS2, ("hello".encode("utf-16-be"),))
