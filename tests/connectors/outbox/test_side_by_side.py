"""Senders that wait in threads: two answers of one account are at the service at a time."""

import asyncio
import smtplib
import threading
from typing import Any

import pytest
import requests
from pydantic import SecretStr

from connectors.mailbox.reply import MailSender
from connectors.replies.base import Reply, Sender
from connectors.replies.settings import AnswerSettings, SmtpSettings
from connectors.reply_registry import SENDERS, at_once
from connectors.wechat.sender import WeChatSender
from connectors.wechat.settings import WeChatSettings
from connectors.weibo.reply import WeiboSender
from connectors.weibo.settings import TokenSettings
from hotline.dev.demo.wechat_api import Call, WeChatApi
from tests.connectors.test_mailbox_reply import reply as mail
from tests.connectors.wechat.callbacks import AES_KEY
from tests.connectors.wechat.test_reply import receipt
from tests.connectors.weibo.test_reply import NOW
from tests.connectors.weibo.test_reply import reply as direct_message

MEET_SECONDS = 60.0
"""Two that go one after the other never meet."""


@pytest.fixture
def both() -> threading.Barrier:
    return threading.Barrier(2, timeout=MEET_SECONDS)


async def twice(sender: Sender, reply: Reply) -> None:
    await asyncio.gather(sender.send(reply), sender.send(reply), return_exceptions=True)
    await sender.close()


async def test_a_mail_server_that_takes_long_holds_up_no_other_mail(both: threading.Barrier) -> None:
    def connect(*_: Any, **__: Any) -> smtplib.SMTP:
        both.wait()
        raise OSError

    settings = SmtpSettings(host="127.0.0.1", port=1, tls="none", from_address="hotline@example.cn")
    await twice(MailSender(settings, "mayor", connect), mail())
    assert not both.broken


async def test_weibo_that_takes_long_holds_up_no_other_message(both: threading.Barrier) -> None:
    class Slow(requests.Session):
        def request(self, *_: Any, **__: Any) -> requests.Response:
            both.wait()
            raise requests.ConnectTimeout

    settings = TokenSettings(access_token=SecretStr("token"))
    await twice(WeiboSender(settings, "city", Slow, clock=NOW.timestamp), direct_message())
    assert not both.broken


@pytest.mark.integration
async def test_wechat_that_takes_long_holds_up_no_other_message(both: threading.Barrier) -> None:
    def slow(call: Call) -> bool:
        if call.endpoint == "message/custom/send":
            both.wait()
        return False

    with WeChatApi().running() as platform:
        platform.fault = slow
        settings = WeChatSettings(
            appid="wx1", tokens=["token"], aes_keys=[AES_KEY], secret=SecretStr("s"), api_url=platform.url
        )
        await twice(WeChatSender(settings, "city"), receipt("wechat_mp"))
    assert len(platform.replies) == 2
    assert not both.broken


def test_an_account_has_as_many_on_their_way_as_its_operator_says_or_its_service_bears() -> None:
    sections = {name: {f"a_{name}": None, f"b_{name}": None, f"c_{name}": None} for name in SENDERS}
    answers = {f"a_{name}": AnswerSettings() for name in SENDERS}
    answers |= {f"b_{name}": AnswerSettings(at_once=1) for name in SENDERS}
    told = at_once(answers, sections)
    assert {told[f"a_{name}"] for name in SENDERS} == {3, 4, 8}
    assert {told[f"b_{name}"] for name in SENDERS} == {1}
    assert told.keys() == answers.keys()
