"""SMPP, CMPP and their codings, from frames that other people's codecs make."""

import struct

import pytest
import smpp34
from hypothesis import given
from hypothesis import strategies as st

from normalizers.base import Draft, Policy
from normalizers.pipeline import normalize as whole
from normalizers.sms import CMPP, SMPP, alphabet, normalize
from normalizers.sms.coding import decode, of_gsm_coding
from normalizers.sms.udh import split
from schemas.errors import MalformedError, UnsupportedError
from tests.normalizers.sms.raws import raw_of
from tests.rows import each_row

CITIZEN, HOTLINE = "8613800138000", "12345"
LONG = "长短信" * 22 + "💡" + "测试" * 20


def pdu(text: bytes = b"", *, tlvs: tuple[tuple[int, bytes], ...] = (), **fields: int) -> bytes:
    options = [smpp34.Tlv(tag, value) for tag, value in tlvs]
    return smpp34.DeliverSm(CITIZEN, HOTLINE, text, tlvs=options, **fields).encode()


def read(value: bytes, content_type: str = SMPP) -> Draft:
    return normalize(raw_of(value, content_type), Policy())


def frame(content: bytes, *, fmt: int = 8, udhi: int = 0, report: int = 0, version: int = 2) -> bytes:
    sender = CITIZEN[2:].encode().ljust(21 if version == 2 else 32, b"\0") + (b"" if version == 2 else b"\0")
    body = bytes(8) + HOTLINE.encode().ljust(21, b"\0") + bytes(10) + bytes([0, udhi, fmt]) + sender
    body += bytes([report, len(content)]) + content + bytes(8 if version == 2 else 20)
    return struct.pack(">III", 12 + len(body), 5, 7) + body


@each_row(
    ("coding", "sent", "text"),
    [
        (0, b"lamp \x00 \x1b\x28x\x1b\x29 \x1be", "lamp @ {x} €"),
        (1, b"street lamp @", "street lamp @"),
        (3, "café".encode("latin-1"), "café"),
        (8, "中山路路灯坏了💡".encode("utf-16-be"), "中山路路灯坏了💡"),
        (0x18, "路灯".encode("utf-16-be"), "路灯"),
        (15, "井盖丢失㐂".encode("gb18030"), "井盖丢失㐂"),
        (10, "道路".encode("iso2022_jp"), "道路"),
        (4, "路灯坏了".encode(), "路灯坏了"),
    ],
)
def test_the_coding_that_the_network_names_is_obeyed(coding: int, sent: bytes, text: str) -> None:
    draft = read(pdu(sent, data_coding=coding))
    assert draft.text == text
    assert (draft.message_class, draft.part) == ("person", None)
    assert draft.sender is not None
    assert draft.sender.value == CITIZEN
    assert [to.value for to in draft.recipients] == [HOTLINE]


@each_row(
    ("options", "sent", "text"),
    [
        ("", "€a".encode("latin-1", "replace"), "?a"),
        ("; alphabet=latin1", b"caf\xe9 @", "café @"),
        ("; alphabet=ascii", b"a@b", "a@b"),
        ("; alphabet=nonsense", b"\x00", "@"),
        ("; packed=true", bytes.fromhex("E8329BFD4697D9EC37"), "hellohello"),
        ("; alphabet=gb", "路灯".encode("gb18030"), "路灯"),
    ],
)
def test_a_bind_says_what_its_own_alphabet_is(options: str, sent: bytes, text: str) -> None:
    assert read(pdu(sent), SMPP + options).text == text


@each_row(
    ("fmt", "sent", "text", "read_as"),
    [
        (0, "路灯坏了".encode("gb18030"), "路灯坏了", "gb18030"),
        (0, "路灯坏了".encode(), "路灯坏了", "utf-8"),
        (15, "路灯坏了".encode(), "路灯坏了", "utf-8"),
        (15, "路灯坏了".encode("gb18030")[:-1], "路灯坏\ufffd", "gb18030"),
        (8, "路灯".encode("utf-16-be") + b"\x00", "路灯\ufffd", "utf-16-be"),
        (8, "路灯坏了!".encode("gb18030"), "路灯坏了!", "gb2312"),
        (8, "a路".encode(), "a路", None),
        (0, b"\xff\xfe\xfd", "ÿþý", "latin-1"),
    ],
)
def test_a_wrong_format_is_seen_and_told(fmt: int, sent: bytes, text: str, read_as: str | None) -> None:
    draft = read(frame(sent, fmt=fmt), CMPP)
    if read_as is None:  # an even number of bytes is always UTF-16: what was sent stays in the raw record
        assert draft.text
        return
    assert (draft.text, draft.extra["read_as"]) == (text, read_as)


def test_pieces_with_both_headers_and_with_sar_are_parts_with_their_bytes() -> None:
    sent = LONG.encode("utf-16-be")
    cut = sent[134:268]
    eight = read(pdu(bytes([5, 0, 3, 0x7F, 2, 2]) + cut, esm_class=0x40, data_coding=8))
    sixteen = read(frame(bytes([6, 8, 4, 1, 0x2C, 2, 2]) + cut, udhi=1), CMPP)
    sar = read(pdu(cut, data_coding=8, tlvs=((0x20C, b"\2\1"), (0x20E, b"\2"), (0x20F, b"\2"))))
    parts = [draft.part for draft in (eight, sixteen, sar)]
    assert [part and (part.reference, part.total, part.number, part.format) for part in parts] == [
        ("8-127", 2, 2, "ucs2"),
        ("16-300", 2, 2, "ucs2"),
        ("sar-513", 2, 2, "ucs2"),
    ]
    assert all(part and part.bytes == cut for part in parts)


def test_half_an_emoji_shows_as_a_gap_in_its_piece_alone() -> None:
    sent = ("字" * 66 + "💡!").encode("utf-16-be")
    first, second = (
        read(frame(bytes([5, 0, 3, 9, 2, number]) + piece, udhi=1), CMPP)
        for number, piece in ((1, sent[:134]), (2, sent[134:]))
    )
    assert first.text == "字" * 66 + "\ufffd"
    assert first.part is not None
    assert second.part is not None
    assert decode(first.part.bytes + second.part.bytes, "ucs2").text == "字" * 66 + "💡!"


@each_row(("total", "number"), [(2, 0), (2, 3), (0, 0), (1, 1), (0, 1)])
def test_a_piece_that_can_never_be_joined_is_a_message_of_its_own(total: int, number: int) -> None:
    draft = read(frame(bytes([5, 0, 3, 9, total, number]) + "路灯".encode("utf-16-be"), udhi=1), CMPP)
    assert (draft.part, draft.text) == (None, "路灯")


def test_a_header_that_is_none_stays_text() -> None:
    assert split(b"\x60abc") == (0, None)
    assert split(b"") == (0, None)
    assert read(frame(b"`abc", fmt=0, udhi=1), CMPP).text == "`abc"


def test_a_payload_and_a_data_sm_are_messages() -> None:
    text = "载荷" * 300
    assert read(pdu(data_coding=8, tlvs=((0x0424, text.encode("utf-16-be")),))).text == text
    body = b"\0" + b"\1\1" + CITIZEN.encode() + b"\0" + b"\1\1" + HOTLINE.encode() + b"\0" + bytes([0, 0, 8])
    body += struct.pack(">HH", 0x0424, 4) + "路灯".encode("utf-16-be")
    assert read(struct.pack(">IIII", 16 + len(body), 0x103, 0, 1) + body).text == "路灯"


def test_reports_are_events_that_say_what_became_of_our_message() -> None:
    told = b"id:0123 sub:001 dlvrd:001 submit date:2611242245 done date:2611242246 stat:DELIVRD err:000 text:ok"
    draft = read(pdu(told, esm_class=4, tlvs=((0x001E, b"0123\0"), (0x0427, b"\2"))))
    assert draft.message_class == "event"
    assert draft.text == ""
    assert draft.extra["id"] == "0123"
    assert (draft.extra["stat"], draft.extra["message_state"]) == ("DELIVRD", "2")
    content = (2**63 + 5).to_bytes(8, "big") + b"DELIVRD" + b"2611242245" + b"2611242246"
    for width, version in ((21, 2), (32, 3)):
        report = content + CITIZEN.encode().ljust(width, b"\0") + bytes(4)
        draft = read(frame(report, fmt=0, report=1, version=version), CMPP)
        assert draft.message_class == "event"
        assert draft.extra["id"] == str(2**63 + 5)
        assert (draft.extra["stat"], draft.extra["to"]) == ("DELIVRD", CITIZEN)
    assert read(frame(b"short", report=1), CMPP).extra == {"report": b"short".hex()}


def test_a_receipt_that_the_smsc_does_not_mark_is_no_citizen_s_word() -> None:
    told = b"id:0123 sub:001 dlvrd:001 submit date:2611242245 done date:2611242246 stat:DELIVRD err:000 text:ok"
    draft = read(pdu(told))
    assert (draft.message_class, draft.text, draft.extra["stat"]) == ("event", "", "DELIVRD")
    for written in (b"I got this: " + told, b"id:0123 stat:DELIVRD why?"):
        assert read(pdu(written)).text == written.decode()


def test_a_named_sender_is_no_phone() -> None:
    draft = read(smpp34.DeliverSm("BANK", HOTLINE, b"x", source_addr_ton=5).encode())
    assert draft.sender is not None
    assert (draft.sender.kind, draft.sender.value) == ("name", "BANK")


def test_the_sender_is_the_same_person_however_the_number_is_written() -> None:
    one = whole(raw_of(pdu(b"x"), SMPP), Policy()).message
    other = whole(raw_of(frame(b"x", fmt=0), CMPP), Policy()).message
    assert one.features.requesters == other.features.requesters != ()


def test_parts_of_one_message_have_one_key() -> None:
    keys = [
        whole(raw_of(frame(bytes([5, 0, 3, reference, 2, number]) + b"ab", udhi=1), CMPP), Policy()).message
        for reference, number in ((9, 1), (9, 2), (10, 1))
    ]
    first, second, other = (message.features.part_key for message in keys)
    assert first == second != other


def test_what_carries_no_message_is_refused() -> None:
    with pytest.raises(UnsupportedError):
        read(struct.pack(">IIII", 16, 0x15, 0, 1))
    with pytest.raises(MalformedError):
        read(pdu(b"lamp")[:-2])
    with pytest.raises(UnsupportedError):
        read(b"lamp", "application/octet-stream")


@each_row(
    ("scheme", "found"),
    [
        (0, "gsm7"),
        (4, "binary"),
        (8, "ucs2"),
        (0x11, "gsm7"),
        (0x19, "ucs2"),
        (0xC8, "gsm7"),
        (0xE0, "ucs2"),
        (0xF5, "binary"),
        (0xF1, "gsm7"),
    ],
)
def test_gsm_coding_schemes(scheme: int, found: str) -> None:
    assert of_gsm_coding(scheme) == found


@each_row(("septets", "text"), [(b"\x1b", "\x1b"), (b"\x1ba", "\x1ba"), (b"\x1b\x1be", "\x1b\x1be"), (b"", "")])
def test_an_escape_that_leads_nowhere_stays(septets: bytes, text: str) -> None:
    assert alphabet.decode(septets) == text


@given(st.binary(max_size=160).map(lambda data: bytes(byte & 0x7F for byte in data)), st.integers(0, 6))
def test_unpacking_is_the_opposite_of_packing(septets: bytes, fill: int) -> None:
    bits = sum(septet << (7 * number + fill) for number, septet in enumerate(septets))
    packed = bits.to_bytes((7 * len(septets) + fill + 7) // 8, "little")
    assert alphabet.unpack(packed, len(septets), fill) == septets


@given(st.binary(max_size=40), st.sampled_from(["gsm7", "ascii", "latin1", "binary", "ucs2", "gb", "jis", "korean"]))
def test_any_bytes_are_decoded_in_any_format(data: bytes, named: str) -> None:
    found = decode(data, named)  # type: ignore[arg-type] # hypothesis draws plain text
    assert found.text is not None or named == "binary"


@given(st.text(st.characters(codec="utf-16-be"), min_size=1, max_size=60))
def test_any_text_survives_ucs2(text: str) -> None:
    assert decode(b"\xfe\xff" + text.encode("utf-16-be"), "ucs2").text == text
