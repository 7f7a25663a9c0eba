"""What the fault suite says that citizens got is what our senders handed over, each text as often as it came."""

import asyncio
from collections.abc import Iterator

import pytest

from benchmarks.faults.citizens import Citizens, MailServer, Text
from connectors.mailbox.reply import MailSender
from connectors.replies.settings import SmtpSettings
from connectors.sms_smpp.connector import SmsSmpp
from hotline.dev.demo.smsc import Smsc
from hotline.dev.demo.wechat_api import WeChatApi
from schemas.errors import ThrottledError
from tests.connectors.sms_smpp.fixtures import Outlet, settings
from tests.connectors.sms_smpp.test_submit import LONG
from tests.connectors.sms_smpp.test_submit import reply as short_message
from tests.connectors.test_mailbox_reply import reply as mail
from tests.peers.dovecot import free_ports
from tests.waiting import soon

PORT = free_ports(2)
SMTP = SmtpSettings(host="127.0.0.1", port=PORT, tls="none", from_address="hotline@example.cn")

pytestmark = pytest.mark.integration


@pytest.fixture
def citizens() -> Iterator[Citizens]:
    with MailServer(PORT) as server, Smsc(PORT + 1) as centre:
        yield Citizens(server, {"210100": centre}, WeChatApi())


async def test_a_long_short_message_is_one_text_and_two_when_it_comes_twice(citizens: Citizens) -> None:
    connector = SmsSmpp(settings(PORT + 1), "city")
    sender = connector.sender()
    running = asyncio.create_task(connector.run(Outlet()))
    await soon(lambda: sender.is_open)
    whole = Text(number=5, channel="sms", words=LONG)
    for times in (1, 2):
        assert (await sender.send(short_message(LONG, to="8613800000005"))).outcome == "accepted"
        assert citizens.got() == [whole] * times
    running.cancel()
    await asyncio.wait({running})


async def test_a_mail_is_got_unless_the_server_says_not_now(citizens: Citizens) -> None:
    sender, to = MailSender(SMTP, "mayor"), "c5@example.cn"
    citizens.busy = True
    for _ in range(2):  # at the recipient, and behind the text
        with pytest.raises(ThrottledError):
            await sender.send(mail(recipient=to))
    assert citizens.got() == []
    citizens.busy = False
    assert (await sender.send(mail(recipient=to))).outcome == "accepted"
    (got,) = citizens.got()
    assert (got.number, got.channel) == (5, "mailbox")
    assert got.words.startswith("<m1@mail.example.cn>\n")
