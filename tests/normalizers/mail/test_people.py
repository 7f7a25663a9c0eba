"""Who wrote and to whom, from header fields as real clients write them."""

import time
from collections.abc import Callable

import pytest

from normalizers.identity import requester_hashes
from normalizers.mail.headers import Headers
from normalizers.mail.people import recipients_of, reply_to_of, requester_of, sender_of
from normalizers.policy import Policy

SENDERS: dict[str, tuple[str, str, str | None]] = {
    "a@B.Example": ("email", "a@b.example", None),
    "A.Name@b.cn": ("email", "A.Name@b.cn", None),
    '"王小明" <a@b.cn>': ("email", "a@b.cn", "王小明"),
    "=?gb2312?B?zfXQocP3?= <a@b.cn>": ("email", "a@b.cn", "王小明"),
    '"=?gb2312?B?zfXQocP3?=" <a@b.cn>': ("email", "a@b.cn", "王小明"),
    "a@b.cn (Wang)": ("email", "a@b.cn", "Wang"),
    '"Wang, Xiaoming" <a@b.cn>': ("email", "a@b.cn", "Wang, Xiaoming"),
    "wang@home <a@b.cn>": ("email", "a@b.cn", "wang@home"),
    "Wang <mailto:a@b.cn>": ("email", "a@b.cn", "Wang"),
    "Pete(A wonderful \\) chap) <pete(his account)@silly.test(his host)>": ("email", "pete@silly.test", "Pete"),
    "John <jdoe@machine(comment).  example>": ("email", "jdoe@machine.example", "John"),
    "<@a.test,@b.test:joe@c.test>": ("email", "joe@c.test", None),
    "Wang a@b.cn": ("email", "a@b.cn", "Wang"),
    "=?utf-8?Q?attacker?Q?agent?=@victim.example": ("email", "attacker?Q?agent@victim.example", None),
    "<<a@b.cn>>": ("email", "a@b.cn", None),
    "无名氏 <>": ("name", "无名氏", None),
    "MAILER-DAEMON": ("name", "MAILER-DAEMON", None),
    "a@b.cn, c@d.cn": ("email", "a@b.cn", None),
    "用户@例子.中国": ("email", "用户@例子.中国", None),
}


@pytest.mark.parametrize("value", SENDERS)
def test_sender(value: str) -> None:
    party = sender_of(Headers({"from": [value.encode()]}))
    assert party is not None
    assert (party.kind, party.value, party.name) == SENDERS[value]


@pytest.mark.parametrize("value", ["", "<>", ", ;", "undisclosed-recipients:;", "\x00"])
def test_nobody(value: str) -> None:
    assert sender_of(Headers({"from": [value.encode()]})) is None


def test_the_name_of_from_and_the_address_of_sender() -> None:
    party = sender_of(Headers({"from": ["无名氏".encode()], "sender": [b"robot@b.cn"]}))
    assert party is not None
    assert (party.value, party.name) == ("robot@b.cn", "无名氏")


def test_the_return_path_comes_last() -> None:
    party = sender_of(Headers({"return-path": [b"<a@b.cn>"]}))
    assert party is not None
    assert party.value == "a@b.cn"


def test_recipients_are_each_named_once() -> None:
    headers = Headers({"to": ["部门: 甲 <a@b.cn>, c@d.cn;".encode(), b"a@b.cn"], "cc": [b"C <C@d.cn>; e@f.cn"]})
    assert [party.value for party in recipients_of(headers)] == ["a@b.cn", "c@d.cn", "C@d.cn", "e@f.cn"]


def test_reply_to() -> None:
    assert reply_to_of(Headers({"reply-to": [b"Me <me@b.cn>"]})) == "me@b.cn"
    assert reply_to_of(Headers({})) is None


FORM = {"from": ["网站留言 <noreply@city.gov.example>".encode()], "to": [b"mayor@city.gov.example"]}
REQUESTERS: dict[str, tuple[dict[str, list[bytes]], tuple[str, str, str | None]]] = {
    "a person": ({"from": [b"Wang <w@b.cn>"], "reply-to": [b"l@b.cn"]}, ("email", "w@b.cn", "Wang")),
    "the person behind a form": (
        FORM | {"reply-to": ["王小明 <w@b.cn>".encode()]},
        ("email", "w@b.cn", "王小明"),
    ),
    "a person without a name": (FORM | {"reply-to": [b"w@b.cn"]}, ("email", "w@b.cn", "网站留言")),
    "nobody behind it": (FORM, ("email", "noreply@city.gov.example", "网站留言")),
    "the reply comes to us": (
        FORM | {"reply-to": [b"Mayor@city.gov.example"]},
        ("email", "noreply@city.gov.example", "网站留言"),
    ),
    "no reader behind it": (
        FORM | {"reply-to": [b"no-reply@other.example"]},
        ("email", "noreply@city.gov.example", "网站留言"),
    ),
    "the second of Reply-To": (
        FORM | {"reply-to": [b"mayor@city.gov.example, w@b.cn"]},
        ("email", "w@b.cn", "网站留言"),
    ),
    "generated for a person": (
        {"from": [b"form@b.cn"], "auto-submitted": [b"auto-generated (form)"], "reply-to": [b"w@b.cn"]},
        ("email", "w@b.cn", None),
    ),
    "generated for anybody": (
        {"from": [b"Form <form@b.cn>"], "auto-submitted": [b"Auto-Generated"]},
        ("name", "form@b.cn", "Form"),
    ),
    "a form that sends from the mailbox to itself": (
        {"from": [b"Mayor <mayor@b.cn>"], "to": [b"Mayor@b.cn"], "delivered-to": [b"mayor@b.cn"]},
        ("name", "mayor@b.cn", "Mayor"),
    ),
    "a person behind such a form": (
        {"from": [b"mayor@b.cn"], "to": [b"mayor@b.cn"], "reply-to": [b"w@b.cn"]},
        ("email", "w@b.cn", None),
    ),
    "a person who wants a copy": (
        {"from": [b"w@b.cn"], "to": [b"mayor@city.example"], "cc": [b"w@b.cn"]},
        ("email", "w@b.cn", None),
    ),
    "a person who writes to us under Bcc": (
        {"from": [b"w@b.cn"], "to": [b"w@b.cn"], "delivered-to": [b"mayor@city.example"]},
        ("email", "w@b.cn", None),
    ),
}


@pytest.mark.parametrize("name", REQUESTERS)
def test_who_asks(name: str) -> None:
    fields, expected = REQUESTERS[name]
    headers = Headers(fields)
    party = requester_of(headers, sender_of(headers))
    assert party is not None
    assert (party.kind, party.value, party.name) == expected


def test_two_citizens_behind_one_form_are_two_and_an_unnamed_one_is_nobody() -> None:
    wang, liu, unnamed = (
        Headers(FORM | fields) for fields in ({"reply-to": [b"w@b.cn"]}, {"reply-to": [b"l@b.cn"]}, {})
    )
    one, other, nobody = (
        requester_hashes((requester_of(headers, sender_of(headers)),), Policy()) for headers in (wang, liu, unnamed)
    )
    assert len({*one, *other}) == 2
    assert nobody == ()


@pytest.mark.parametrize(
    "made",
    [
        lambda length: b"<" + b"@a," * length + b">",
        lambda length: b"<" + b" " * length + b">x",
        lambda length: b"<" + b"." * length + b"<x",
        lambda length: b"&" * length,
        lambda length: b"@" + b":" * length,
        lambda length: b"@" * length,
        lambda length: b"<a" + b" " * length + b"b@x.cn>",
    ],
    ids=[
        "route that never ends",
        "blanks in brackets",
        "bracket that is never closed",
        "no mark",
        "colons",
        "marks",
        "spaced",
    ],
)
def test_no_address_takes_more_time_than_it_grows(made: Callable[[int], bytes]) -> None:
    """The first of these doubled the time with each host; eight times the length may not take its square."""

    def seconds(length: int) -> float:
        headers = Headers({"from": [made(length)]})
        start = time.process_time()
        sender_of(headers)
        return time.process_time() - start

    if seconds(8_000) > 0.1:
        assert min(seconds(8_000) for _ in range(3)) < 24 * min(seconds(1_000) for _ in range(3))
