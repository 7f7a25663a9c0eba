"""Mail that is handed over by LMTP: 250 when it is safe, an answer for each recipient, and nobody unknown."""

import asyncio
import hashlib
import smtplib
import socket
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors import metrics
from connectors.mailbox.lmtp import BLOCK_BYTES, MAIL_LIMIT, Door, serve_until
from connectors.mailbox.settings import LmtpSettings
from connectors.publish.disk_buffer import Journal
from connectors.publish.durable_publisher import DurablePublisher
from schemas.errors import MisconfiguredError, UnreachableError
from schemas.records import RawMessage
from schemas.records.raw import SIZE_LIMIT
from tests.connectors.mailboxes import mail
from tests.peers.dovecot import free_ports
from tests.waiting import soon

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"])]

NOW = datetime(2026, 3, 1, tzinfo=UTC)

MAILBOXES = {
    "mayor": {"recipients": ["mayor@city.gov.cn", "shizhang@city.gov.cn"], "jurisdiction": "430100"},
    "hotline": {"recipients": ["@12345.city.gov.cn"], "jurisdiction": "430100"},
}


class Broker:
    """Holds messages, unless it is away."""

    def __init__(self) -> None:
        self.held: list[RawMessage] = []
        self.away = False
        self.bug: Exception | None = None

    def publish(self, messages: Sequence[RawMessage]) -> None:
        if self.away:
            raise UnreachableError("away")
        self.held += messages

    def tell(self, messages: Sequence[RawMessage]) -> list[RawMessage]:
        return list(messages) if self.away else []

    async def publish_async(self, messages: Sequence[RawMessage], timeout: float) -> None:  # noqa: ASYNC109 - as the publisher has it
        if self.bug:
            raise self.bug
        self.publish(messages)


class Served:
    """A running server, its broker and its journal's folder."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        self.port = free_ports(1, start=17000)
        self.settings = LmtpSettings(port=self.port, mailboxes=MAILBOXES, **changes)
        self.broker, self.folder, self.stop = Broker(), folder, asyncio.Event()
        self.journal = Journal(folder / "journal", self.settings.journal_max_bytes)
        self.door = Door(
            self.settings, DurablePublisher.of_journal(self.broker, self.journal, 1, retry_seconds=0.05), lambda: NOW
        )

    async def serve(self) -> None:
        await serve_until(self.settings, self.door, self.door._durable, self.stop)

    async def said(self, talk: Callable[[smtplib.LMTP], Any]) -> Any:
        """Talk to it as a mail server does."""
        return await asyncio.to_thread(self._talk, talk)

    def _talk(self, talk: Callable[[smtplib.LMTP], Any]) -> Any:
        with smtplib.LMTP("127.0.0.1", self.port, timeout=60) as peer:
            return talk(peer)

    async def deliver(self, raw: bytes, *recipients: str, sender: str = "citizen@example.cn") -> list[int]:
        """Return the answer for each recipient; smtplib's own sendmail reads but one."""

        def talk(peer: smtplib.LMTP) -> list[int]:
            peer.ehlo()
            peer.mail(sender)
            codes = [peer.rcpt(recipient)[0] for recipient in recipients]
            accepted = [number for number, code in enumerate(codes) if code == 250]
            if accepted:
                peer.putcmd("data")
                assert peer.getreply()[0] == 354
                peer.send(raw.replace(b"\r\n.", b"\r\n..") + b".\r\n")
                for number in accepted:
                    codes[number] = peer.getreply()[0]
            assert peer.noop()[0] == 250
            return codes

        return await self.said(talk)


async def started(served: Served) -> asyncio.Task[None]:
    serving = asyncio.create_task(served.serve())
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", served.port)
            writer.close()
            return serving
        except OSError:
            assert not serving.done(), serving
            await asyncio.sleep(0.01)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    served = Served(tmp_path)
    serving = await started(served)
    yield served
    served.stop.set()
    await serving


async def test_a_mail_is_its_bytes_with_the_sender_above_and_the_bytes_name_it(served: Served) -> None:
    raw = mail("路灯不亮")
    assert await served.deliver(raw, "Mayor@city.gov.cn") == [250]
    assert await served.deliver(raw, "mayor@city.gov.cn", sender="") == [250]
    first, again = served.broker.held
    assert first.value == b"Return-Path: <citizen@example.cn>\r\n" + raw
    assert again.value == b"Return-Path: <>\r\n" + raw  # a bounce says so
    assert first.envelope.id == again.envelope.id == hashlib.sha256(raw).hexdigest() == first.envelope.wiresha256
    assert first.message_id == again.message_id  # the mail server tried again: a repeat
    assert (first.envelope.source, first.channel, first.jurisdiction) == ("/hotline/mailbox/mayor", "mailbox", "430100")
    assert (first.envelope.sender, again.envelope.sender) == ("citizen@example.cn", None)
    assert served.door.last_success == NOW


async def test_one_mail_for_two_mailboxes_is_two_messages_and_for_two_of_ones_addresses_one(served: Served) -> None:
    three = ("mayor@city.gov.cn", "shizhang@city.gov.cn", "anybody@12345.city.gov.cn")
    assert await served.deliver(mail(), *three) == [250, 250, 250]
    assert sorted(message.envelope.account or "" for message in served.broker.held) == ["hotline", "mayor"]


async def test_who_is_unknown_is_refused_and_the_others_get_their_mail(served: Served) -> None:
    said = await served.deliver(mail(), "nobody@city.gov.cn", "mayor@city.gov.cn", "x@sub.12345.city.gov.cn")
    assert said == [550, 250, 550]
    assert len(served.broker.held) == 1
    assert await served.deliver(mail(), "nobody@city.gov.cn") == [550]


async def test_what_follows_a_plus_is_no_other_address(served: Served) -> None:
    """Answers to a receipt may go to name+token@domain (`plus_addressing`); mail servers hand that on as it is."""
    three = ("mayor+t0k3n@city.gov.cn", "Shizhang+a+b@city.gov.cn", "may+or@city.gov.cn")
    assert await served.deliver(mail(), *three) == [250, 250, 550]
    assert [message.envelope.account for message in served.broker.held] == ["mayor"]


async def test_while_kafka_is_away_the_journal_takes_it_and_gives_it_back(served: Served) -> None:
    served.broker.away = True
    large = mail("large", 3 << 20)
    assert await served.deliver(mail("small"), "mayor@city.gov.cn") == [250]
    assert await served.deliver(large, "mayor@city.gov.cn") == [250]
    assert not served.broker.held
    assert served.door._durable.journal_bytes > len(large)
    served.broker.away = False
    await soon(lambda: len(served.broker.held) >= 2)
    kept = [message.value.partition(b"\r\n")[2] for message in served.broker.held]
    assert sorted(kept, key=len) == [mail("small"), large]


@pytest.mark.parametrize("fault", ["full", "bug"])
async def test_a_mail_that_nothing_holds_is_delivered_again_later(tmp_path: Path, fault: str) -> None:
    served = Served(tmp_path, journal_max_bytes=10)
    serving = await started(served)
    served.broker.away = True
    served.broker.bug = RuntimeError("planted") if fault == "bug" else None
    three = ("mayor@city.gov.cn", "shizhang@city.gov.cn", "x@12345.city.gov.cn")
    assert await served.deliver(mail(), *three) == [451, 451, 451]
    served.broker.away, served.broker.bug = False, None
    assert await served.deliver(mail(), *three) == [250, 250, 250]
    served.stop.set()
    await serving


async def test_after_a_fault_of_ours_the_next_mail_of_the_connection_is_taken(served: Served) -> None:
    """RFC 5321, 4.1.1.4: the end of the data ends the transaction, also when it is not kept; nobody need say RSET."""

    def talk(peer: smtplib.LMTP) -> list[int]:
        peer.ehlo()
        codes = []
        for number in (1, 2):
            codes += [peer.mail("citizen@example.cn")[0], peer.rcpt("mayor@city.gov.cn")[0]]
            peer.putcmd("data")
            peer.getreply()
            peer.send(b"Subject: %d\r\n\r\n.\r\n" % number)
            codes.append(peer.getreply()[0])
            served.broker.bug = None
        return codes

    served.broker.bug = RuntimeError("planted")
    counted = metrics.FAULTS_OF_OURS.labels("mailbox", "lmtp")
    before = counted._value.get()
    assert await served.said(talk) == [250, 250, 451, 250, 250, 250]
    assert counted._value.get() == before + 1, "the alarm on faults of ours counts it"
    assert [b"Subject: 2" in message.value for message in served.broker.held] == [True]


@pytest.mark.parametrize(
    "sender", ["u@@x.cn", "u@x.cn.", "u@x..cn", "u,v@x.cn", "u:v@x.cn", "[u]@x.cn", '"a> b"@x..cn', "李@x..cn"]
)
async def test_mail_of_a_sender_whose_address_is_none_is_kept(served: Served, sender: str) -> None:
    """Whoever is refused here loses his mail: what tells him of it goes to that very address."""

    def talk(peer: smtplib.LMTP) -> list[int]:
        peer.ehlo()
        peer.send(f"MAIL FROM:<{sender}> SIZE=99\r\n".encode())
        codes = [peer.getreply()[0], peer.rcpt("mayor@city.gov.cn")[0]]
        peer.putcmd("data")
        peer.getreply()
        peer.send(b"Subject: x\r\n\r\n.\r\n")
        return [*codes, peer.getreply()[0]]

    assert await served.said(talk) == [250, 250, 250]
    (message,) = served.broker.held
    assert message.envelope.sender == sender
    assert message.value.startswith(f"Return-Path: <{sender}>\r\n".encode())


async def test_a_recipient_in_quotes_or_behind_a_route_is_the_same(served: Served) -> None:
    def talk(peer: smtplib.LMTP) -> list[int]:
        peer.ehlo()
        peer.mail("citizen@example.cn")
        codes = []
        for written in ('"mayor"@city.gov.cn', "@relay.cn:mayor@city.gov.cn", "@a..b:mayor@city.gov.cn"):
            peer.putcmd(f"RCPT TO:<{written}>")
            codes.append(peer.getreply()[0])
        return codes

    assert await served.said(talk) == [250, 250, 250]


async def test_a_mail_may_take_longer_than_the_silence_that_is_allowed(tmp_path: Path) -> None:
    served = Served(tmp_path, idle_timeout_seconds=6.0)  # a busy machine may stand still for seconds
    serving = await started(served)
    block = (b"0123456789abcdef" * 60 + b"\r\n") * (BLOCK_BYTES // 962 + 1)

    def talk(peer: smtplib.LMTP) -> int:
        peer.ehlo()
        peer.mail("citizen@example.cn")
        peer.rcpt("mayor@city.gov.cn")
        peer.putcmd("data")
        peer.getreply()
        for _ in range(8):
            peer.send(block)
            time.sleep(0.9)
        peer.send(b".\r\n")
        return peer.getreply()[0]

    assert await served.said(talk) == 250
    served.stop.set()
    await serving


async def test_a_mail_over_the_limit_is_refused_before_it_is_sent_and_an_endless_one_when_it_is(served: Served) -> None:
    def talk(peer: smtplib.LMTP) -> list[int]:
        peer.ehlo()
        told = peer.mail("citizen@example.cn", [f"SIZE={SIZE_LIMIT + 1}"])[0]
        peer.mail("citizen@example.cn")
        peer.rcpt("mayor@city.gov.cn")
        peer.rcpt("x@12345.city.gov.cn")
        peer.putcmd("data")
        peer.getreply()
        block = b"0123456789abcdef" * 4095 + b"\r\n"
        for _ in range(SIZE_LIMIT // len(block) + 2):
            peer.send(block)
        peer.send(b".\r\n")
        return [told, peer.getreply()[0], peer.getreply()[0], peer.noop()[0]]

    before = metrics.LMTP_MAILS.labels("too_large")._value.get()
    assert await served.said(talk) == [552, 552, 552, 250]
    assert not served.broker.held
    assert metrics.LMTP_MAILS.labels("too_large")._value.get() == before + 2


async def test_the_largest_mail_that_is_taken_is_within_the_limit_with_the_longest_sender_above(served: Served) -> None:
    line = b"0123456789abcdef" * 4095 + b"\r\n"
    largest = (line * (MAIL_LIMIT // len(line) + 1))[: MAIL_LIMIT - 2] + b"\r\n"
    sender = "x" * 480 + "@example.cn"
    assert await served.deliver(largest, "mayor@city.gov.cn", sender=sender) == [250]
    (message,) = served.broker.held
    assert message.envelope.sender == sender
    assert message.value.endswith(largest[-100_000:])
    assert MAIL_LIMIT < len(message.value) <= SIZE_LIMIT
    assert await served.deliver(b"x" + largest, "mayor@city.gov.cn") == [552]


async def test_bytes_that_no_mailer_should_send_stay_as_they_are(served: Served) -> None:
    odd = "Subject: \xd6\xd0".encode("latin-1") + b"\r\n\r\n" + b"x" * 20_000 + b"\r\n..\r\n.dot\r\nbare\nfeed\x00\r\n"

    assert await served.deliver(odd, "mayor@city.gov.cn") == [250]
    assert served.broker.held[0].value == b"Return-Path: <citizen@example.cn>\r\n" + odd


async def test_a_cr_that_ends_no_line_forges_no_header(served: Served) -> None:
    forged = b"Subject: a\rFrom: mayor@city.gov.cn\r\n\r\nwords\r\r\nmore\r"

    assert await served.deliver(forged + b"\r\n", "mayor@city.gov.cn") == [250]
    (message,) = served.broker.held
    assert message.value.endswith(b"Subject: a From: mayor@city.gov.cn\r\n\r\nwords \r\nmore \r\n")
    assert message.envelope.wiresha256 == hashlib.sha256(forged + b"\r\n").hexdigest()


async def test_a_mail_of_short_lines_keeps_every_byte_and_costs_no_object_for_each_line(served: Served) -> None:
    short = b"Subject: short\r\n\r\n" + b"\r\n.\r\n..\r\n.a\r\n" * 20_000
    tracemalloc.start()
    try:
        assert await served.deliver(short, "mayor@city.gov.cn") == [250]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert served.broker.held[0].value == b"Return-Path: <citizen@example.cn>\r\n" + short
    assert peak < 12 * len(short)


@pytest.mark.parametrize("length", [BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1])
async def test_where_a_block_of_lines_ends_no_dot_is_lost(served: Served, length: int) -> None:
    first = b"Subject: a\r\n\r\n"
    whole = first + b"x" * (length - len(first) - 2) + b"\r\n.begins\r\n.\r\n..\r\n"
    assert await served.deliver(whole, "mayor@city.gov.cn") == [250]
    assert served.broker.held[0].value.endswith(whole)


async def test_too_many_connections_are_told_so_and_one_that_ends_makes_room(tmp_path: Path) -> None:
    served = Served(tmp_path, connections_max=1)
    serving = await started(served)
    while True:  # the one that looked whether it is up has to go first
        first = await asyncio.to_thread(socket.create_connection, ("127.0.0.1", served.port), 60)
        if (await asyncio.to_thread(first.recv, 3)) == b"220":
            break
        first.close()
    second = await asyncio.to_thread(socket.create_connection, ("127.0.0.1", served.port), 60)
    assert (await asyncio.to_thread(second.recv, 100)).startswith(b"421")
    first.close()
    second.close()
    async with asyncio.timeout(60):
        while True:
            try:
                assert await served.deliver(mail(), "mayor@city.gov.cn") == [250]
                break
            except smtplib.SMTPException:
                await asyncio.sleep(0.02)
    served.stop.set()
    await serving


@pytest.mark.parametrize(
    ("name", "address"), [("letters", "MAYOR@city.gov.cn"), ("Letters", "x@y.cn"), ("letters", "no address")]
)
def test_an_address_has_one_owner_and_a_name_that_a_variable_can_have(name: str, address: str) -> None:
    with pytest.raises(ValidationError):
        LmtpSettings(mailboxes=MAILBOXES | {name: {"recipients": [address]}})


async def test_a_port_that_is_taken_is_a_wrong_setting(served: Served, tmp_path: Path) -> None:
    other = Served(tmp_path / "other")
    other.settings = served.settings
    with pytest.raises(MisconfiguredError, match=r"set lmtp\.port"):
        await other.serve()
