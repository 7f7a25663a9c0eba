"""The charset that a label names, and what the bytes themselves prove against it."""

import pytest

from normalizers.mail.charsets import to_text
from tests.rows import each_row


@each_row("text", ["绠丗", "绠丗路灯坏了", "路灯坏了", "联通", "濂紸", "囧"])
def test_gbk_stays_what_its_label_says(text: str) -> None:
    assert to_text(text.encode("gb18030"), "gb18030") == text


@each_row("text", ["路灯坏了", "好", "好A，", "路灯箁F", "谢谢😀", "😀", "ok 😀"])
def test_utf8_under_the_label_of_gbk_is_read_as_utf8(text: str) -> None:
    assert to_text(text.encode(), "gb2312") == text


@pytest.mark.parametrize("label", ["iso-8859-1", "us-ascii", "windows-1252"])
def test_a_western_label_proves_nothing_against_chinese_bytes(label: str) -> None:
    assert to_text("小区路灯坏了".encode(), label) == "小区路灯坏了"
    assert to_text("小区路灯坏了".encode("gbk"), label) == "小区路灯坏了"
