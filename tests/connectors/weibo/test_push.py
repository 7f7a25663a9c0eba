"""Pushes of the fans' service: every kind, repeats, the echo, and everything that is not the platform's."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from connectors.base import Request
from connectors.weibo.push import Weibo
from connectors.weibo.settings import WeiboPullSettings, WeiboSettings
from schemas.errors import MisconfiguredError
from schemas.records import RawMessage
from tests.connectors.pushed import refusal
from tests.connectors.weibo.pushes import NOW, SECRET, STAMP, account, message, push, request, text
from tests.rows import each_row

FOREIGN = (
    "<xml><ToUserName>1902538057</ToUserName><FromUserName>2489518277</FromUserName>"
    f"<CreateTime>{STAMP}</CreateTime><MsgType>text</MsgType><Content>路灯坏了</Content></xml>"
)


def received(weibo: Weibo, sent: Request) -> RawMessage:
    accepted = weibo.accept(sent)
    assert (accepted.answer.status, accepted.answer.body) == (200, b"")
    (message,) = accepted.messages
    return message


# What the platform sends


def test_a_push_says_what_the_transport_knows() -> None:
    body = text("  路灯坏了💡\n")
    found = received(account(), push(body))
    envelope = found.envelope
    assert found.value == body.encode()
    assert (envelope.source, envelope.channelkind, envelope.sender) == ("/hotline/weibo/city", "weibo_dm", "2489518277")
    assert (envelope.jurisdiction, envelope.datacontenttype) == ("110000", "application/json")
    assert (envelope.time, envelope.recordedtime) == (NOW - timedelta(seconds=5), NOW)
    assert found.conversation == "city\n2489518277"


@each_row("kind", ["text", "position", "voice", "image", "event", "a kind that nobody knows"])
def test_a_repeat_of_any_kind_has_the_same_name_and_another_message_has_not(kind: str) -> None:
    weibo, one = account(), message(kind, "字", key="1")
    first = received(weibo, push(one, nonce="1")).envelope.id
    assert received(account(), push(one, nonce="2", timestamp=str(int(STAMP) + 15))).envelope.id == first
    others = [
        message(kind, "另一字", key="1"),
        message(kind, "字", key="2"),
        message(kind, "字", sender=8, key="1"),
        message(kind, "字", created="Wed Nov 25 16:29:56 +0800 2026", key="1"),
    ]
    names = {received(weibo, push(other, nonce=str(number))).envelope.id for number, other in enumerate(others, 10)}
    assert len(names) == 4
    assert first not in names


@pytest.mark.parametrize("body", [text("路灯坏了"), FOREIGN, "半截{2489518277"])
def test_whoever_knows_a_push_but_its_uid_does_not_find_its_name_by_trying(body: str) -> None:
    keys = (None, *map(SecretStr, ("k" * 16, "l" * 16)))
    names = {received(account(naming_key=key), push(body)).envelope.id for key in keys}
    assert len(names) == 3
    assert not any("2489518277" in name for name in names)


def test_a_mention_has_the_same_name_under_any_key() -> None:
    body = message("mention", "@沈阳12345 路灯坏了", subtype="status", key="7")
    assert received(account(naming_key=SecretStr("k" * 16)), push(body)).envelope.id == "mention:status:7"


def test_the_order_of_a_repeat_s_fields_changes_no_name() -> None:
    fields = json.loads(message("text", "字", a=1, b=2))
    turned = json.dumps(dict(reversed(fields.items())) | {"data": {"b": 2, "a": 1}})
    assert received(account(), push(message("text", "字", a=1, b=2))).envelope.id == (
        received(account(), push(turned)).envelope.id
    )


@pytest.mark.parametrize(
    ("data", "identifier", "kind"),
    [
        ({"subtype": "status", "key": "9223372036854775807"}, "mention:status:9223372036854775807", "weibo_mention"),
        ({"subtype": "comment", "key": 5100000000000116}, "mention:comment:5100000000000116", "weibo_comment"),
    ],
)
def test_a_mention_is_named_by_where_it_stands(data: dict[str, Any], identifier: str, kind: str) -> None:
    found = received(account(), push(message("mention", "@沈阳12345 路灯坏了", **data)))
    assert (found.envelope.id, found.envelope.channelkind) == (identifier, kind)


def test_two_mentions_without_a_key_are_two() -> None:
    first, second = (
        received(account(), push(message("mention", "@沈阳12345", subtype=each))).envelope.id for each in ("a", "b")
    )
    assert first != second


@each_row("body", [FOREIGN, "type=text&sender_id=7&text=%E5%AD%97", "半截{", b"\xff\x00", b"[" * 9000])
def test_whatever_is_signed_is_kept_as_it_came(body: str | bytes) -> None:
    wire = body.encode() if isinstance(body, str) else body
    first, again = (received(account(), push(wire, nonce=nonce)) for nonce in "12")
    assert first.value == wire
    assert first.envelope.id == again.envelope.id


def test_the_format_of_wechat_is_named_too() -> None:
    envelope = received(account(), push(FOREIGN)).envelope
    assert (envelope.sender, envelope.time, envelope.datacontenttype) == ("2489518277", NOW, "text/xml")


def test_a_push_without_a_body_is_answered_and_brings_nothing() -> None:
    assert account().accept(push("")).messages == ()


@pytest.mark.parametrize("created", ["周三 十一月", "Sun Feb 07 06:28:15 +0800 2038", ""])
def test_a_time_that_makes_no_sense_is_ours(created: str) -> None:
    assert received(account(), push(text(created=created))).envelope.time == NOW


def test_the_clock_of_the_platform_may_be_milliseconds() -> None:
    assert received(account(), push(text(), timestamp=f"{STAMP}123"))


# The address's proof


def test_the_echo_proves_the_address() -> None:
    accepted = account().accept(push("", method="GET", echostr="5838479218127813673"))
    assert (accepted.messages, accepted.answer.body) == ((), b"5838479218127813673")


def test_an_echo_that_is_not_signed_is_refused() -> None:
    assert refusal(account(), push("", method="GET", echostr="1", secret="another-secret")) == (403, "signature")
    assert refusal(account(), push("", method="GET")) == (403, "parameters")


# What is not the platform's


def test_strangers_are_refused() -> None:
    body = text()
    assert refusal(account(), push(body, secret="another-secret")) == (403, "signature")
    assert refusal(account(), push(body, timestamp=str(int(STAMP) - 301))) == (403, "timestamp")
    assert refusal(account(), push(body, timestamp=str(int(STAMP) + 301))) == (403, "timestamp")
    assert refusal(account(), push(body, timestamp="soon")) == (403, "timestamp")
    assert refusal(account(), push(body, method="PUT")) == (405, "method")
    assert refusal(account(), request({}, body.encode())) == (403, "parameters")
    for name in ("signature", "timestamp", "nonce"):
        sent = push(body)
        less = {key: values[0] for key, values in sent.query.items() if key != name}
        assert refusal(account(), request(less, sent.body)) == (403, "parameters")


def test_an_overheard_signature_brings_no_other_body() -> None:
    weibo = account()
    received(weibo, push(text("本人的话")))
    assert refusal(weibo, push(text("别人的话"))) == (403, "nonce")
    assert received(weibo, push(text("本人的话")))
    weibo.accept(push("", method="GET", nonce="77", echostr="1"))
    assert refusal(weibo, push(text(), nonce="77")) == (403, "nonce")


def test_an_overheard_signature_brings_no_other_body_when_its_parts_are_cut_otherwise() -> None:
    weibo, sent = account(), push(text("本人的话"), nonce="823451234")
    received(weibo, sent)
    cut = {name: values[0] for name, values in sent.query.items()} | {"timestamp": STAMP + "823", "nonce": "451234"}
    assert refusal(weibo, request(cut, text("别人的话").encode())) == (403, "nonce")


def test_while_the_secret_is_changed_both_are_taken() -> None:
    weibo = account(app_secrets=["the-old-secret-1", "the-new-secret-1"])
    assert received(weibo, push(text(), secret="the-old-secret-1", nonce="1"))
    assert received(weibo, push(text(), secret="the-new-secret-1", nonce="2"))
    assert refusal(weibo, push(text(), nonce="3")) == (403, "signature")


def test_a_signature_is_sha1_of_the_sorted_three() -> None:
    """https://open.weibo.com/wiki/消息推送服务: appsecret, timestamp and nonce, sorted and joined."""
    stamp, nonce, secret = "1404382150", "a1b2", "c3d4e5f6"
    signature = hashlib.sha1(b"1404382150a1b2c3d4e5f6").hexdigest()
    weibo = account(now=datetime.fromtimestamp(int(stamp), UTC), app_secrets=[secret])
    query = {"signature": signature, "timestamp": stamp, "nonce": nonce}
    assert received(weibo, request(query, text().encode()))


# Settings


@each_row(
    ("change", "says"),
    [
        ({"app_secrets": []}, "app_secrets"),
        ({"app_secrets": ["kurz123"]}, "app_secrets"),
        ({"path": "weibo"}, "path"),
        ({"jurisdiction": "1"}, "jurisdiction"),
        ({"token": "x"}, "token"),
    ],
)
def test_settings_that_cannot_work_are_refused_without_telling_them(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says) as caught:
        WeiboSettings(**{"app_secrets": [SECRET]} | change)
    assert "kurz123" not in str(caught.value)
    assert SECRET not in repr(WeiboSettings(app_secrets=(SECRET,)))  # type: ignore[arg-type] # pydantic takes a string


@each_row(
    ("change", "says"),
    [
        ({}, "access_token is missing"),
        ({"access_token": "a", "access_token_file": "/f"}, "one of the two"),
        ({"access_token": "a", "token_expires_at": "2027-01-31T09:00:00"}, "token_expires_at"),
        ({"access_token": "a", "lists": []}, "lists"),
        ({"access_token": "a", "lists": ["followers"]}, "lists"),
        ({"access_token": "a", "page_size": 201}, "page_size"),
    ],
)
def test_settings_of_the_lists_that_cannot_work_are_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        WeiboPullSettings(**change)


def test_an_account_without_a_city_is_refused() -> None:
    with pytest.raises(MisconfiguredError, match="行政区划代码"):
        account(jurisdiction=None)


def test_a_push_was_written_when_it_came() -> None:
    envelope = received(account(), push(text("着火了", created="Mon Jul 16 18:09:20 +0800 2012"))).envelope
    assert envelope.time < envelope.notbefore == envelope.recordedtime
