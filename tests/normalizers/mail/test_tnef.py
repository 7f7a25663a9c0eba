"""winmail.dat: files with their Chinese names, texts where the mail has no other, packs that are broken or bombs."""

import base64
import struct
import time
from collections.abc import Callable

import compressed_rtf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from normalizers.base import Draft
from normalizers.mail.tnef import MAX_PARTS, unpack
from tests.normalizers.mail import winmail
from tests.rows import each_row

Normalize = Callable[[bytes], Draft]

PDF = b"%PDF-1.4 \x00\xff" * 100
PACK = winmail.pack(
    winmail.codepage(936),
    winmail.message(subject="路灯".encode("gbk"), html="<p>中山路12号<b>路灯</b>坏了</p>".encode()),
    winmail.file(b"ZHAOPI~1.PDF", PDF, long_name="现场照片.pdf".encode("gbk"), mime=b"application/pdf"),
    winmail.file("表格.xls".encode("gbk"), b"xls"),
    winmail.file(b"UNICODE.TXT", b"t", unicode_name="说明①.txt".encode("utf-16-le")),
)


def mail(pack: bytes, text: str = "", name: str = "winmail.dat", kind: str = "application/ms-tnef") -> bytes:
    return (
        "From: a@b.cn\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
        f"--b\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
        f'--b\nContent-Type: {kind}; name="{name}"\nContent-Transfer-Encoding: base64\n\n'
        f"{base64.encodebytes(pack).decode()}\n--b--\n"
    ).encode()


def files(draft: Draft) -> list[tuple[str | None, str, bytes]]:
    return [(file.name, file.media_type, file.data) for file in draft.files]


UNPACKED = [
    ("现场照片.pdf", "application/pdf", PDF),
    ("表格.xls", "application/vnd.ms-excel", b"xls"),
    ("说明①.txt", "text/plain", b"t"),
]


@pytest.mark.parametrize("kind", ["application/ms-tnef", "application/vnd.ms-tnef", "application/octet-stream"])
def test_files_come_out_under_their_own_names(draft: Normalize, kind: str) -> None:
    found = draft(mail(PACK, "见附件", kind=kind))
    assert files(found) == UNPACKED
    assert found.text.strip() == "见附件"


def test_a_mail_without_words_has_those_of_the_pack(draft: Normalize) -> None:
    assert draft(mail(PACK)).text.strip() == "中山路12号路灯坏了"


def test_words_that_are_only_formatted_are_read(draft: Normalize) -> None:
    source = (
        rb"{\rtf1\ansi\ansicpg936{\fonttbl{\f0 \'cb\'ce\'cc\'e5;}}\f0 \'c2\'b7\'b5\'c6\'bb\'b5\'c1\'cb\u21888?\par}"
    )
    for compressed in (True, False):
        packed = compressed_rtf.compress(source, compressed=compressed)
        found = draft(mail(winmail.pack(winmail.codepage(936), winmail.message(rtf=packed))))
        assert found.text.strip() == "路灯坏了喀"


def test_plain_words_go_before_the_page(draft: Normalize) -> None:
    both = winmail.message(unicode_plain="漏水\0".encode("utf-16-le"), html=b"<p>x</p>")
    assert draft(mail(winmail.pack(both))).text.strip() == "漏水"


def test_a_message_in_the_pack_is_read_and_its_files_come_out(draft: Normalize) -> None:
    found = draft(mail(winmail.pack(winmail.codepage(936), winmail.inner(PACK)), "转发"))
    assert files(found) == UNPACKED
    assert "中山路12号路灯坏了" in draft(mail(winmail.pack(winmail.inner(PACK)))).text


BROKEN = {
    "cut": PACK[:-60],
    "wrong level": PACK + b"\x09" + b"\0" * 40,
    "properties without end": winmail.pack(winmail.attribute(1, 0x9003, b"\xff" * 400)),
    "a value over the end": winmail.pack(
        winmail.attribute(1, 0x9003, struct.pack("<IHHII", 1, 0x1E, 0x1000, 1, 1 << 30) + b"x")
    ),
}


@each_row("name", BROKEN)
def test_a_broken_pack_is_kept_whole_and_told(draft: Normalize, name: str) -> None:
    found = draft(mail(BROKEN[name], "见附件"))
    assert ("winmail.dat", "application/ms-tnef", BROKEN[name]) in files(found)
    assert "broken_pack" in found.extra.get("defects", "")
    if name in ("cut", "wrong level"):
        assert files(found)[0] == UNPACKED[0]  # what stands before the fault is not lost


def test_an_empty_pack_is_a_file(draft: Normalize) -> None:
    assert files(draft(mail(winmail.pack(), "x"))) == [("winmail.dat", "application/ms-tnef", winmail.pack())]


BOMBS = {
    "four thousand million properties": winmail.attribute(1, 0x9003, b"\xff\xff\xff\xff" + b"\0" * 40),
    "four thousand million values": winmail.attribute(
        1, 0x9003, struct.pack("<IHHI", 1, 0x101F, 0x1000, 0xFFFFFFFF) + b"\0" * 4_000_000
    ),
    "four thousand million numbers": winmail.attribute(1, 0x9003, struct.pack("<IHHI", 1, 0x1003, 0x1000, 0xFFFFFFFF)),
    "many attributes": winmail.attribute(1, 0x8006, b"") * 2_000_000,
    "many files": winmail.attribute(2, 0x9002, b"") * 2_000_000,
    "rtf that grows": winmail.message(rtf=struct.pack("<IIII", 1 << 20, 0xFFFFFFF0, 0x75465A4C, 0) + b"\0" * 100),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_little(draft: Normalize, name: str) -> None:
    began = time.process_time()
    found = draft(mail(winmail.pack(BOMBS[name]), "x"))
    assert time.process_time() - began < 10
    assert len(found.files) <= MAX_PARTS + 1


def test_messages_within_messages_end(draft: Normalize) -> None:
    stream = PACK
    for _ in range(20):
        stream = winmail.pack(winmail.inner(stream))
    found = draft(mail(stream, "x"))
    assert len(found.files) == 1  # the innermost that is not opened any more


@settings(max_examples=200, deadline=None)
@given(st.integers(6, len(PACK) - 1), st.binary(min_size=1, max_size=8))
def test_any_bytes_are_read_or_told(position: int, spoiled: bytes) -> None:
    unpack(PACK[:position] + spoiled + PACK[position + len(spoiled) :])
