"""Mails that break parsers: each gives a Draft in bounded time, with the words that it holds."""

import base64
import time
from collections.abc import Callable

import msgspec
import pytest

from normalizers.base import Draft, Policy
from normalizers.mail import normalize
from schemas.errors import MissingBlobError, TooLargeError
from schemas.records import RawMessage
from schemas.records.raw import SIZE_LIMIT
from tests.rows import each_row

Normalize = Callable[[bytes], Draft]

PLAIN = b"Subject: x\nContent-Type: text/plain; charset="


def nested(levels: int) -> bytes:
    return b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(levels)) + b"\nx"


TEXTS = {
    "gbk labelled us-ascii": (PLAIN + b"us-ascii\n\n" + "路灯坏了".encode("gbk"), "路灯坏了"),
    "gbk labelled utf-8": (PLAIN + b"utf-8\n\n" + "路灯坏了".encode("gbk"), "路灯坏了"),
    "gb18030 labelled gb2312": (PLAIN + b"gb2312\n\n" + "朱镕基 㐀 𠀀".encode("gb18030"), "朱镕基 㐀 𠀀"),
    "unknown charset": (PLAIN + b"x-unknown-8bit-zz\n\nhi " + "中".encode(), "hi 中"),
    "gb_2312-80": (PLAIN + b'"GB_2312-80"\n\n' + "中文".encode("gb2312"), "中文"),
    "hz": (PLAIN + b"hz-gb-2312\n\n" + "路灯坏了".encode("hz"), "路灯坏了"),
    "utf-7": (PLAIN + b"utf-7\n\n" + "路灯坏了".encode("utf-7"), "路灯坏了"),
    "a codec that is no charset": (PLAIN + b"zlib\n\nhi", "hi"),
    "cut inside a character": (PLAIN + b"utf-8\n\n" + "路灯坏了".encode()[:-1], "路灯坏\ufffd"),
    "latin-1 is no Chinese": (PLAIN + b"iso-8859-1\n\nStra\xdfe in M\xfcnchen", "Straße in München"),
    "unlabelled latin-1": (b"Subject: x\n\nStra\xdfe in M\xfcnchen, caf\xe9", "Straße in München, café"),
    "multipart without boundary": (b"Content-Type: multipart/mixed\n\nx", "x"),
    "boundary never closed": (b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhello\n", "hello"),
    "multipart labelled base64": (
        b"Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\n--b\n\nhello\n--b--\n",
        "hello",
    ),
    "multipart really in base64": (
        b"Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\n"
        + base64.b64encode(b"--b\n\nhello\n--b--\n"),
        "hello",
    ),
    "two boundaries": (
        b"Content-Type: multipart/mixed; boundary=a; boundary=b\n\n--b\n\none\n--a\n\ntwo\n--b--\n",
        "one\ntwo",
    ),
    "500 multiparts": (nested(500), "x"),
    "5000 multiparts": (nested(5000), "x"),
    "text labelled base64": (b"Content-Transfer-Encoding: base64\n\nThis was never encoded, was it?", None),
    "nul and control bytes": (b"Subject: a\x00b\x1b[31m\n\nx\x00y", "xy"),
    "content type is garbage": (b"Content-Type: ;;;===text\n\nx", "x"),
    "empty charset": (b"Content-Type: text/plain; charset*=\n\nx", "x"),
    "nested mail": (b"Content-Type: message/rfc822\n\nSubject: inner\n\nbody", "body"),
    "nested mail in base64": (
        b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogaW5uZXIKCmJvZHk=\n",
        "body",
    ),
    "fold attack": (b"From: a@b\r\n\t\r\n bcc: x\n\nx", "x"),
    "old Mac line ends": (b"Subject: x\rFrom: a@b\r\rone\rtwo", "one\ntwo"),
    "bom before the header": (b"\xef\xbb\xbfSubject: x\n\nhello", "hello"),
    "mbox line": (b"From a@b Mon Mar  2 10:00:00 2026\nSubject: x\n\nhello", "hello"),
    "1 MB header": (b"Subject: " + b"a" * 1_000_000 + b"\n\nx", "x"),
    "100k header lines": (b"X-A: b\n" * 100_000 + b"\nx", "x"),
}


FIRE = "解放路88号三楼着火了，有人被困，快来人！"


def alternative(plain: str, html: str) -> bytes:
    return (
        "Content-Type: multipart/alternative; boundary=b\n\n"
        f"--b\nContent-Type: text/plain; charset=utf-8\n\n{plain}\n"
        f"--b\nContent-Type: text/html; charset=utf-8\n\n{html}\n--b--\n"
    ).encode()


ALTERNATIVES = {
    "a greeting before the matter": (alternative("您好", f"<p>您好</p><p>{FIRE}</p>"), f"您好\n\n{FIRE}"),
    "another greeting": (alternative("市长：", f"<p>{FIRE}</p>"), f"市长：\n{FIRE}"),
    "the beginning alone": (alternative(FIRE[:9], f"<div><b>{FIRE}</b></div>"), FIRE),
    "the same words": (alternative(FIRE, f"<div style='color:red'><p>{FIRE}</p></div>"), FIRE),
    "the same words and a link": (
        alternative(FIRE, f"<p>{FIRE}<a href='https://example.cn/{'a' * 90}'>看</a></p>"),
        FIRE,
    ),
    "more in plain text": (alternative(FIRE, f"<p>{FIRE[:9]}</p>"), FIRE),
    "much style, no more words": (alternative(FIRE, f"<style>{'p { margin: 0 } ' * 99}</style><p>{FIRE}</p>"), FIRE),
    "a line like an attribution": (
        alternative("On 1 May 2026, A <a@b.cn> wrote:\n> 好", f"<p>{FIRE * 3}</p>"),
        FIRE * 3,
    ),
}


@each_row("name", ALTERNATIVES)
def test_the_alternative_that_says_more(name: str, draft: Normalize) -> None:
    data, text = ALTERNATIVES[name]
    assert draft(data).text == text


@each_row("name", TEXTS)
def test_text(name: str, draft: Normalize) -> None:
    data, text = TEXTS[name]
    expected = data.partition(b"\n\n")[2].decode() if text is None else text
    assert draft(data).text == expected


GUESSED = {
    "rare letters of a name, unlabelled": (b"Subject: x\n\n" + "喆镕祎".encode("gbk"), "喆镕祎", True),
    "a label without letters of its own": (PLAIN + b"us-ascii\n\ncaf\xe9 cr\xe8me", "café crème", True),
    "unlabelled latin-1": (b"Subject: x\n\nStra\xdfe in M\xfcnchen, caf\xe9", "Straße in München, café", True),
    "labelled latin-1": (PLAIN + b"iso-8859-1\n\nStra\xdfe", "Straße", False),
    "unlabelled utf-8": (b"Subject: x\n\n" + "喆镕祎".encode(), "喆镕祎", False),
    "unlabelled gbk": (b"Subject: x\n\n" + "路灯坏了".encode("gbk"), "路灯坏了", False),
    "gbk that could be utf-8": (PLAIN + b"gbk\n\n" + "髝丁".encode("gbk"), "髝丁", False),
    "pictures in utf-8 labelled gb2312": (PLAIN + b"gb2312\n\nhelp " + "🔥🔥".encode(), "help 🔥🔥", False),
    "dashes in utf-8 labelled gbk": (PLAIN + b"gbk\n\nhelp " + "–—".encode(), "help –—", False),
}


@each_row("name", GUESSED)
def test_a_charset_that_nothing_proves_is_told(name: str, draft: Normalize) -> None:
    data, text, guessed = GUESSED[name]
    made = draft(data)
    assert (made.text, made.extra.get("defects")) == (text, "guessed" if guessed else None)


def test_a_title_that_nothing_proves_is_told(draft: Normalize) -> None:
    made = draft(b"Subject: caf\xe9 cr\xe8me\n\nx")
    assert (made.title, made.extra["defects"]) == ("café crème", "guessed")


HEADERS = {
    "raw gbk": (b"Subject: " + "投诉".encode("gbk") + b"\n\nx", "投诉"),
    "word cut inside a character": (
        b"Subject: =?gb2312?B?zbY=?= =?gb2312?B?y9/K?=\n =?gb2312?B?1g==?=\n\nx",
        "投诉手",
    ),
    "word with bad base64": (b"Subject: =?utf-8?B?5oqV6K!?=\n\nx", "投\ufffd"),
    "word with spaces inside": (b"Subject: =?utf-8?Q?=E6=8A=95 =E8=AF=89?=\n\nx", "投 诉"),
    "words of two charsets": (
        b"Subject: =?utf-8?B?5oqV?= =?gbk?B?y98=?=\n\nx",
        "投诉",
    ),
    "control characters": (b"Subject: a\x00b\x07\n\nx", "ab"),
    "empty": (b"Subject: \n\nx", None),
    "missing": (b"From: a@b\n\nx", None),
    "raw big5, labelled in the body": (
        b"Subject: " + "大補泡麵專賣".encode("big5") + b"\nContent-Type: text/plain; charset=big5\n\nx",
        "大補泡麵專賣",
    ),
    "raw big5, labelled in a part": (
        b"Subject: " + "大補泡麵專賣".encode("big5") + b"\nContent-Type: multipart/mixed; boundary=b\n\n"
        b"--b\nContent-Type: text/plain; charset=big5\n\nx\n--b--\n",
        "大補泡麵專賣",
    ),
    "raw utf-8 above a gbk body": (
        b"Subject: " + "投诉".encode() + b"\nContent-Type: text/plain; charset=gbk\n\nx",
        "投诉",
    ),
    "raw gbk above a latin-1 body": (
        b"Subject: " + "投诉".encode("gbk") + b"\nContent-Type: text/plain; charset=iso-8859-1\n\nx",
        "投诉",
    ),
    "long": (b"Subject: " + "投".encode() * 5_000 + b"\n\nx", "投" * 5_000),
    "behind 6000 fields": (b"X-A: b\n" * 6_000 + b"Subject: a\n b\nX-A: c\n\nx", "a b"),
}


@each_row("name", HEADERS)
def test_title(name: str, draft: Normalize) -> None:
    data, title = HEADERS[name]
    assert draft(data).title == title


@pytest.mark.parametrize(
    ("data", "defect"),
    [
        (b"X-A: b\n" * 6_000 + b"Subject: a\n\nx", "many_headers"),
        (b"X-A: b\n" * 4_999 + b"Subject: a\n\nx", None),
        (b"Subject: " + b"a" * 100_000 + b"\n\nx", "long_header"),
    ],
)
def test_fields_that_are_not_read_are_told(data: bytes, defect: str | None, draft: Normalize) -> None:
    assert draft(data).extra.get("defects") == defect


def test_a_body_is_read_whose_type_stands_behind_many_fields(draft: Normalize) -> None:
    made = draft(b"X-A: b\n" * 6_000 + b"Content-Type: text/html\nContent-Transfer-Encoding: base64\n\nPHA+aGk8L3A+\n")
    assert made.text == "hi"


FILES = {
    "raw big5 name, labelled in its part": (
        b'Content-Type: text/plain; charset=big5\nContent-Disposition: attachment; filename="'
        + "功能表.doc".encode("big5")
        + b'"\n\nx',
        ("功能表.doc", "text/plain", b"x"),
    ),
    "bad base64": (
        b'Content-Type: application/pdf; name="a.pdf"\nContent-Transfer-Encoding: base64\n\n!!!!====\n',
        ("a.pdf", "application/pdf", b""),
    ),
    "base64 in padded blocks": (
        b'Content-Type: image/png; name="a.png"\nContent-Transfer-Encoding: base64\n\nYQ==\nYmM=\n',
        ("a.png", "image/png", b"abc"),
    ),
    "uuencode": (
        b"Content-Type: application/octet-stream\nContent-Transfer-Encoding: uuencode\n\nbegin 644 a\n#0V%T\n`\nend\n",
        ("a", "application/octet-stream", b"Cat"),
    ),
    "rfc 2231 with a bad charset": (
        b"Content-Type: application/pdf; name*=zz''%E4%B8%AD.pdf\n\nx",
        ("中.pdf", "application/pdf", b"x"),
    ),
    "rfc 2231 in sections": (
        b"Content-Type: application/pdf\n"
        b"Content-Disposition: attachment; filename*0*=gbk''%D6%D0; filename*1=x.pdf\n\nx",
        ("中x.pdf", "application/pdf", b"x"),
    ),
    "path traversal": (
        b'Content-Type: image/png\nContent-Disposition: attachment; filename="../../etc/passwd"\n\nx',
        ("passwd", "image/png", b"x"),
    ),
    "only dots": (
        b'Content-Type: image/png\nContent-Disposition: attachment; filename="../.."\n\nx',
        (None, "image/png", b"x"),
    ),
    "raw gbk name": (
        b'Content-Disposition: attachment; filename="' + "中文.doc".encode("gbk") + b'"\n\nx',
        ("中文.doc", "application/msword", b"x"),
    ),
    "tnef": (
        b"Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\neJ8+\n",
        ("winmail.dat", "application/ms-tnef", b"x\x9f>"),
    ),
}


@each_row("name", FILES)
def test_file(name: str, draft: Normalize) -> None:
    data, expected = FILES[name]
    assert [(file.name, file.media_type, file.data) for file in draft(data).files] == [expected]


HUGE = {
    "open elements": b"Content-Type: text/html\n\n" + b"<div>" * 400_000,
    "open fonts before many paragraphs": b"Content-Type: text/html\n\n<p>"
    + b"".join(b"<i class=%d>" % i for i in range(900))
    + b"</p>"
    + b"<p>x</p>" * 100_000,
    "one tag of attributes": b"Content-Type: text/html\n\n<div "
    + b"".join(b"a%d=1 " % i for i in range(100_000))
    + b">",
    "open scripts": b"Content-Type: text/html\n\n" + b"<div>" * 100_000 + b"<script" * 100_000,
    "open comments": b"Content-Type: text/html\n\n" + b"<div>" * 100_000 + b"<!--" * 100_000,
    "open meta": b"Content-Type: text/html\n\n" + b"<meta " * 100_000,
    "boundaries": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n" * 500_000,
    "begin lines": b"\n" + b"begin 644 a\n" * 200_000,
    "attributions": b"\n" + b"On 2024 a@b wro\n" * 200_000,
    "words": b"Subject: " + b"=?a?b?" * 100_000 + b"\n\nx",
    "comments": b"From: " + b"(" * 60_000 + b"\n\nx",
    "quotes": b"From: " + b'"\\' * 30_000 + b"\n\nx",
    "flowed lines": b"Content-Type: text/plain; format=flowed\n\n" + b"x \n" * 300_000,
    "blanks": b"Content-Type: multipart/mixed; boundary=q\n\n" + b" \t" * 1_000_000,
    "mails in mails": b"Content-Type: message/rfc822\n\n" * 100_000,
    "unlabelled parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + (b"--b\n\n" + b"\xe9 " * 1_000) * 300,
}


@pytest.mark.parametrize("name", HUGE)
def test_time_is_bounded(name: str, draft: Normalize) -> None:
    """Ten seconds of CPU are far above what each needs, and far below what a quadratic one would."""
    started = time.process_time()
    draft(HUGE[name])
    assert time.process_time() - started < 10


def test_more_parts_than_the_limit_lose_no_word(draft: Normalize) -> None:
    data = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"".join(b"--b\n\nw%d\n" % i for i in range(1_500))
    assert "w1499" in draft(data).text


def test_a_mail_over_the_limit_is_refused(draft: Normalize) -> None:
    with pytest.raises(TooLargeError):
        draft(b"\n" + b"x" * SIZE_LIMIT)


def test_bytes_that_were_not_fetched_are_no_empty_mail(raw_mail: Callable[[bytes], RawMessage]) -> None:
    raw = raw_mail(b"")
    elsewhere = msgspec.structs.replace(raw, envelope=msgspec.structs.replace(raw.envelope, dataref="330100/a/b"))
    with pytest.raises(MissingBlobError):
        normalize(elsewhere, Policy())
