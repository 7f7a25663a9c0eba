"""Answers: accepted, refused or unknown, never sent twice by itself; the passive reply opens in other hands."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring
from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto
from werobot.crypto import MessageCrypt

from connectors.replies.base import Reply, Sent
from connectors.wechat import api as ours
from connectors.wechat.api import Api, NoAnswerError
from connectors.wechat.reply import Lock, Passive, passive, send, send_customer
from connectors.wechat.sender import WeChatSender, WeComSender
from connectors.wechat.settings import WeChatSettings, WeComSettings, aes_key
from hotline.dev.demo.wechat_api import Call, WeChatApi
from schemas.errors import MisconfiguredError, ThrottledError, UnauthorizedError
from schemas.records import Party
from tests.connectors.wechat.callbacks import AES_KEY, APPID, NOW, TOKEN, account, callback, push, request, text
from tests.connectors.wechat.nat import Nat
from tests.connectors.wechat.slow import hanging
from tests.connectors.wechat.test_api import answering

TEXT = "您的诉求已登记，工单编号 110000-20261125-000001-9"


@pytest.mark.integration
def test_an_accepted_answer(platform: WeChatApi, api: Api) -> None:
    assert send(api, "o-lin", TEXT) == Sent(outcome="accepted", code="0", reference="r1")
    assert platform.replies == [{"touser": "o-lin", "msgtype": "text", "text": {"content": TEXT}}]


@pytest.mark.integration
def test_an_accepted_answer_of_a_company(platform: WeChatApi, make_api: Callable[..., Api]) -> None:
    assert send_customer(make_api("corporate"), "wkAJ2", "wmAJ2", TEXT, "r1").outcome == "accepted"
    (sent,) = platform.replies
    assert (sent["open_kfid"], sent["touser"], sent["msgid"]) == ("wkAJ2", "wmAJ2", "r1")


WINDOW_CLOSED, TOO_MANY = 45015, 45047


@pytest.mark.integration
@pytest.mark.parametrize("errcode", [WINDOW_CLOSED, TOO_MANY, 43004, 40003, 7])
def test_a_refused_answer_says_why(platform: WeChatApi, api: Api, errcode: int) -> None:
    platform.fault = answering(f'{{"errcode":{errcode},"errmsg":"no"}}'.encode())
    assert send(api, "o-lin", TEXT) == Sent(outcome="refused", code=str(errcode))


@pytest.mark.integration
def test_a_text_over_the_limit_is_refused_without_asking(platform: WeChatApi, api: Api) -> None:
    assert send(api, "o-lin", "长" * 683) == Sent(outcome="refused", code="45002")
    assert platform.calls == []
    assert send(api, "o-lin", "长" * 682).outcome == "accepted"


def _arrives_and_says_nothing(platform: WeChatApi) -> Any:
    def fault(call: Call) -> bool:
        if call.endpoint == "message/custom/send":
            platform.replies.append(call.json)
            call.handler.close_connection = True
            return True
        return False

    return fault


@pytest.mark.integration
def test_an_answer_whose_fate_nobody_knows_is_unknown(
    platform: WeChatApi, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = Sent(outcome="unknown", code="no_answer")
    platform.fault = _arrives_and_says_nothing(platform)
    assert send(api, "o-lin", TEXT) == unknown
    assert len(platform.replies) == 1  # nobody sent it again
    for fault in (answering(b"", "text/html", 502), answering(b"<html>")):
        platform.fault = fault
        assert send(api, "o-lin", TEXT) == unknown
    platform.fault = answering(b'{"errcode":-1,"errmsg":"system error"}')
    assert send(api, "o-lin", TEXT).outcome == "unknown"
    monkeypatch.setattr(ours, "TIMEOUT", (60.0, 0.2))
    with hanging(platform):
        assert send(api, "o-lin", TEXT).outcome == "unknown"


@pytest.mark.integration
def test_what_was_surely_not_sent_is_raised(platform: WeChatApi, api: Api) -> None:
    platform.fault = answering(b"", "text/html", 502, only="stable_token")
    with pytest.raises(NoAnswerError):
        send(api, "o-lin", TEXT)
    platform.fault = answering(b'{"errcode":45009}')
    with pytest.raises(ThrottledError):
        send(api, "o-lin", TEXT)
    platform.fault = answering(b'{"errcode":40001}')
    with pytest.raises(UnauthorizedError):
        send(api, "o-lin", TEXT)
    assert platform.replies == []


@pytest.mark.integration
def test_an_answer_that_found_nobody_to_hear_it_comes_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token is good for two hours: while the platform cannot be reached it is not asked for before each answer."""
    assert send(api, "o-lin", TEXT).outcome == "accepted"
    monkeypatch.setattr(api._client, "API_BASE_URL", "http://127.0.0.1:9/cgi-bin/")
    with pytest.raises(NoAnswerError) as caught:
        send(api, "o-lin", TEXT)
    assert not caught.value.sent
    monkeypatch.undo()
    assert send(api, "o-lin", TEXT).outcome == "accepted"


@pytest.mark.integration
def test_an_answer_after_a_quiet_while_is_not_lost_with_a_connection_that_was_forgotten(
    platform: WeChatApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Nat(platform.url) as nat:
        api = Api(ours.Access("official", "wx1", ours.SecretStr("app-secret"), nat.url))
        assert [send(api, "o-lin", TEXT).outcome for _ in range(2)] == ["accepted", "accepted"]
        assert nat.flows == 1
        nat.forget()
        monkeypatch.setattr(ours, "IDLE_SECONDS", 0.0)
        assert send(api, "o-lin", TEXT).outcome == "accepted"
        api.close()
    assert len(platform.replies) == 3


def test_a_passive_reply_opens_in_other_hands() -> None:
    given = Passive("o-lin", "gh_1", "已收到 ]]> <b>&amp;")
    answer = passive(given, NOW, Lock(TOKEN, aes_key(reply_key()), APPID))
    outer = fields(answer.body)
    signed = (outer["MsgSignature"], outer["TimeStamp"], outer["Nonce"])
    by_wechatpy = WeChatCrypto(TOKEN, AES_KEY, APPID).decrypt_message(answer.body, *signed)
    werobot = MessageCrypt(TOKEN, AES_KEY, APPID)
    signature, timestamp, nonce = signed
    by_werobot = werobot.decrypt_message(timestamp, nonce, signature, outer["Encrypt"])
    for opened in (by_wechatpy, by_werobot):
        read = parse_message(opened)
        assert (read.target, read.source, read.type, read.content) == ("o-lin", "gh_1", "text", given.text)


def test_a_passive_reply_in_plain_mode_is_readable() -> None:
    answer = passive(Passive("o-lin", "gh_1", "已收到"), datetime(2026, 11, 25, tzinfo=UTC))
    told = fields(answer.body)
    assert (told["ToUserName"], told["FromUserName"], told["CreateTime"]) == ("o-lin", "gh_1", "1795564800")
    assert (told["MsgType"], told["Content"]) == ("text", "已收到")


def reply_key() -> Any:
    return ours.SecretStr(AES_KEY)


def fields(body: bytes) -> dict[str, str]:
    root: ET.Element = fromstring(body)
    return {child.tag: child.text or "" for child in root}


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_an_account_that_replies_answers_words_in_the_mode_of_the_callback(mode: str) -> None:
    answer = account(passive_reply="您的留言已收到").accept(push(text(), mode)).answer
    outer = fields(answer.body)
    if mode != "plain":
        signed = (outer["MsgSignature"], outer["TimeStamp"], outer["Nonce"])
        outer = fields(WeChatCrypto(TOKEN, AES_KEY, APPID).decrypt_message(answer.body, *signed).encode())
    assert (outer["Content"], outer["ToUserName"], outer["FromUserName"]) == ("您的留言已收到", "o-citizen", "gh_1")


def test_the_key_that_opened_the_callback_closes_the_answer() -> None:
    old = "x" * 42 + "A"
    both = account(passive_reply="收到", aes_keys=[old, AES_KEY], tokens=["old-token", TOKEN])
    outer = fields(both.accept(push(text())).answer.body)
    signed = (outer["MsgSignature"], outer["TimeStamp"], outer["Nonce"])
    assert "收到" in WeChatCrypto(TOKEN, AES_KEY, APPID).decrypt_message(_whole(outer), *signed)


def _whole(outer: dict[str, str]) -> str:
    return f"<xml><Encrypt>{outer['Encrypt']}</Encrypt></xml>"


@pytest.mark.parametrize(
    "body",
    [callback(MsgType="event", Event="subscribe"), "<xml>half", callback(MsgType="text").replace("o-citizen", "")],
)
def test_events_and_what_nobody_said_get_no_words(body: str) -> None:
    assert account(passive_reply="收到").accept(push(body)).answer.body == b"success"


def test_an_echo_is_an_echo_and_an_account_without_a_text_says_success() -> None:
    assert account().accept(push(text())).answer.body == b"success"
    query = dict(push("", "plain").query)
    one = {name: values[0] for name, values in query.items()} | {"echostr": "42"}
    assert account(passive_reply="收到").accept(request(one, method="GET")).answer.body == b"42"


def receipt(kind: str, through: str | None = None) -> Reply:
    return Reply(
        reply_id="110000-abc:receipt",
        jurisdiction="110000",
        channel_kind=kind,
        account="city",
        recipient=Party(kind="openid", value="o-lin"),
        text=TEXT,
        written_to=through,
        received_at=NOW,
    )


@pytest.mark.integration
async def test_a_receipt_goes_the_way_the_message_came(platform: WeChatApi) -> None:
    common = {"tokens": ["token"], "aes_keys": [AES_KEY], "secret": "s", "api_url": platform.url}
    official = WeChatSender(WeChatSettings(appid="wx1", **common), "city")
    company = WeComSender(WeComSettings(corpid="ww1", agent_id=7, **common), "office")
    assert (await official.send(receipt("wechat_mp"))).outcome == "accepted"
    assert (await company.send(receipt("wecom"))).outcome == "accepted"
    first = await company.send(receipt("wecom_kf", "wkAJ2"))
    assert (first.outcome, first.reference) == ("accepted", "r3")
    assert (await company.send(receipt("wecom_kf"))).code == "no_open_kfid"
    assert [(sent["touser"], sent.get("agentid"), sent.get("open_kfid")) for sent in platform.replies] == [
        ("o-lin", None, None),
        ("o-lin", 7, None),
        ("o-lin", None, "wkAJ2"),
    ]
    assert len(platform.replies[2]["msgid"]) == 32
    await official.close()
    await company.close()


async def test_an_account_that_cannot_answer_says_what_is_missing() -> None:
    common = {"tokens": ["token"], "aes_keys": [AES_KEY]}
    with pytest.raises(MisconfiguredError):
        WeChatSender(WeChatSettings(appid="wx1", **common), "city")
    with pytest.raises(MisconfiguredError):
        WeComSender(WeComSettings(corpid="ww1", **common), "office")


@pytest.mark.integration
async def test_without_an_application_members_get_none_and_customers_theirs(platform: WeChatApi) -> None:
    """A fault of the account would hold back whatever else it has to answer."""
    common = {"tokens": ["token"], "aes_keys": [AES_KEY], "secret": "s", "api_url": platform.url}
    company = WeComSender(WeComSettings(corpid="ww1", **common), "office")
    told = [await company.send(receipt(kind, "wkAJ2")) for kind in ("wecom", "wecom_kf")]
    assert [(one.outcome, one.code) for one in told] == [("refused", "no_agent_id"), ("accepted", "0")]
    await company.close()
