"""JSON with half an emoji in it is read, and nothing in it changes but what is no character."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normalizers.parse.json import mended, read
from tests.rows import each_row


@each_row(
    ("came", "left"),
    [
        (rb'{"m":"\ud83d"}', rb'{"m":"\ufffd"}'),
        (rb'{"m":"\uDE00\ud83d\u4e00"}', rb'{"m":"\ufffd\ufffd\u4e00"}'),
        (rb'{"m":"\ud83d\uD83D\uDE00"}', rb'{"m":"\ufffd\uD83D\uDE00"}'),
        (rb'{"m":"\\ud83d"}', rb'{"m":"\\ud83d"}'),
        (rb'{"m":"\\\ud83d"}', rb'{"m":"\\\ufffd"}'),
        (b'\xef\xbb\xbf{"m":"a\nb\tc\x00"}', b'{"m":"a b c "}'),
    ],
)
def test_only_what_is_no_character_changes(came: bytes, left: bytes) -> None:
    assert mended(came) == left
    msgspec.json.decode(left)


def test_what_can_be_read_stays_as_it_came() -> None:
    came = b'{ "m":\t"\\ud83d\\ude00",\n"n": 1.50 }'
    assert read(came, dict) == ({"m": "😀", "n": 1.5}, came)


@given(st.text(st.characters() | st.sampled_from("\ud83d\ude00\\ud")))
def test_whatever_a_citizen_writes_can_be_read(text: str) -> None:
    """Python writes half an emoji as it is, and two halves as a whole one."""
    found, _ = read(json.dumps(text).encode(), str)
    assert found == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        read(b'{"m":', object)
    with pytest.raises(UnicodeDecodeError):
        read('{"m":"火"}'.encode("gb18030"), object)
