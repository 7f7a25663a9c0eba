"""Receipts by mail: the letter, a real SMTP server, and what is said when the server does not take it."""

import asyncio
import email
import email.policy
import smtplib
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from imapclient import IMAPClient

from connectors.mailbox.reply import MailSender, letter
from connectors.replies.base import Reply, Sent
from connectors.replies.settings import SmtpSettings
from hotline.config.load import load
from hotline.doctor.accounts import smtp
from normalizers.base import Draft, Policy
from normalizers.mail import normalize
from normalizers.parse import ticket_tokens
from schemas.errors import FatalError, RetriableError, UnauthorizedError, UnreachableError
from schemas.records import Party, Thread, raw_message
from tests.peers.greenmail import GreenMail
from tests.rows import each_row

NOW = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
TICKET = "210100-j4q2ogp2xitx2mcxomsa"
TOKEN = ticket_tokens.make(TICKET, Policy())
SETTINGS = SmtpSettings(host="127.0.0.1", tls="none", from_address="hotline@example.cn")


DOCTOR = {
    "HOTLINE_CONNECTORS__MAILBOX__MAYOR__HOST": "imap.example.cn",
    "HOTLINE_CONNECTORS__MAILBOX__MAYOR__USERNAME": "u",
    "HOTLINE_CONNECTORS__MAILBOX__MAYOR__PASSWORD": "p",
    "HOTLINE_ANSWERS__MAYOR__SMTP__HOST": "127.0.0.1",
    "HOTLINE_ANSWERS__MAYOR__SMTP__TLS": "none",
    "HOTLINE_ANSWERS__MAYOR__SMTP__FROM_ADDRESS": "hotline@example.cn",
}


def reply(recipient: str = "citizen@example.cn", **fields: Any) -> Reply:
    whole: dict[str, Any] = {
        "reply_id": f"{TICKET}:receipt",
        "jurisdiction": "210100",
        "channel_kind": "imap",
        "account": "mayor",
        "recipient": Party(kind="email", value=recipient, name="王小明"),
        "text": f"您好：\n您的来信已收到。\n{TOKEN}",
        "subject": f"已收到您的来信 [{TOKEN}]",
        "token": TOKEN,
        "thread": Thread(message_id_header="m1@mail.example.cn", references=("m0@mail.example.cn",)),
        "received_at": NOW,
    }
    return Reply(**whole | fields)


def understood(raw: bytes) -> Draft:
    message = raw_message(
        channel="mailbox", channel_kind="imap", account="mayor", jurisdiction="210100", identifier="a", value=raw,
        content_type="message/rfc822", time=NOW, recorded=NOW,
    )  # fmt: skip
    return normalize(message, Policy())


def parsed(made: EmailMessage) -> EmailMessage:
    read = email.message_from_bytes(made.as_bytes(), policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    return read


def test_a_letter_stands_in_the_thread_and_says_that_a_machine_wrote_it() -> None:
    read = parsed(letter(reply(), SETTINGS, NOW))
    assert read["In-Reply-To"] == "<m1@mail.example.cn>"
    assert read["References"].split() == ["<m0@mail.example.cn>", "<m1@mail.example.cn>"]
    assert read["Message-ID"] == f"<{TOKEN}.receipt@example.cn>"
    assert read["Auto-Submitted"] == "auto-replied"
    assert read["X-Auto-Response-Suppress"] == "All"
    assert read["To"] == "citizen@example.cn"
    assert TOKEN in read["Subject"]
    assert read.get_content().splitlines()[0] == "您好："
    assert read["Reply-To"] is None


def test_an_address_tag_carries_the_token_where_the_server_knows_tags() -> None:
    read = parsed(letter(reply(), SETTINGS.model_copy(update={"plus_addressing": True}), NOW))
    assert f"hotline+{TOKEN}@example.cn" in read["Reply-To"]


def test_our_own_mails_are_never_answered_by_us() -> None:
    draft = understood(letter(reply(), SETTINGS, NOW).as_bytes())
    assert draft.message_class == "auto_reply"
    assert draft.extra["unanswerable"] == "auto_submitted"


@pytest.mark.parametrize("header", ["In-Reply-To", "References"])
def test_a_reply_that_keeps_only_its_thread_is_known_by_it(header: str) -> None:
    raw = f"From: citizen@example.cn\r\nSubject: hi\r\n{header}: <{TOKEN}.receipt@example.cn>\r\n\r\nStill dark.\r\n"
    assert ticket_tokens.named(understood(raw.encode()), Policy()).ticket_id == TICKET


@each_row("odd", ["a b@c", "图@c", "x" * 400, "a@c>\r\nBcc: victim@example.cn", ""])
def test_what_is_no_message_id_is_not_written_into_a_header(odd: str) -> None:
    read = parsed(letter(reply(thread=Thread(message_id_header=odd, references=(odd, "m0@example.cn"))), SETTINGS, NOW))
    assert read["In-Reply-To"] is None
    assert read["Bcc"] is None


@pytest.mark.parametrize("address", ["张@example.cn", "a b@example.cn", "a@b\r\nX: y", "a", "a@b@c"])
async def test_an_address_that_cannot_be_written_to_is_refused(address: str) -> None:
    assert await MailSender(SETTINGS, "mayor", connect=_never).send(reply(address)) == Sent(
        outcome="refused", code="address"
    )


def _never(*_: object, **__: object) -> smtplib.SMTP:
    raise AssertionError("nobody is asked")


class Server(smtplib.SMTP):
    """A server that answers as told; `fails` names the step at which the connection ends."""

    def __init__(self, fails: str | None = None, **codes: int) -> None:
        super().__init__(local_hostname="example.cn")
        self.fails = fails
        self.codes = codes

    def _answer(self, step: str, good: int = 250) -> tuple[int, bytes]:
        if self.fails == step:
            raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed: wang@example.cn")
        return self.codes.get(step, good), b"wang@example.cn"

    def ehlo_or_helo_if_needed(self) -> None:
        self._answer("ehlo")

    def mail(self, sender: str, options: Any = ()) -> tuple[int, bytes]:
        self.sender = sender
        return self._answer("mail")

    def rcpt(self, recip: str, options: Any = ()) -> tuple[int, bytes]:
        return self._answer("rcpt")

    def data(self, msg: Any) -> tuple[int, bytes]:
        if "DATA" in self.codes:
            raise smtplib.SMTPDataError(self.codes["DATA"], b"wang@example.cn")
        return self._answer("data")

    def quit(self) -> tuple[int, bytes]:
        return 221, b""

    def login(self, user: str, password: str, *, initial_response_ok: bool = True) -> tuple[int, bytes]:
        code, said = self._answer("login", 235)
        if code != 235:
            raise smtplib.SMTPAuthenticationError(code, said)
        return code, said


async def sent_through(server: Server, settings: SmtpSettings = SETTINGS) -> Sent:
    return await MailSender(settings, "mayor", connect=lambda *_, **__: server).send(reply())


@pytest.mark.parametrize("codes", [{"mail": 550}, {"rcpt": 550}, {"rcpt": 553}, {"DATA": 554}, {"data": 554}])
async def test_a_no_for_ever_is_refused(codes: dict[str, int]) -> None:
    (code,) = codes.values()
    assert await sent_through(Server(**codes)) == Sent(outcome="refused", code=str(code))


@pytest.mark.parametrize("codes", [{"mail": 451}, {"rcpt": 450}, {"DATA": 421}, {"data": 452}])
async def test_a_no_for_now_is_tried_again(codes: dict[str, int]) -> None:
    with pytest.raises(RetriableError) as raised:
        await sent_through(Server(**codes))
    assert "example.cn" not in str(raised.value)


@pytest.mark.parametrize("step", ["ehlo", "mail", "rcpt"])
async def test_a_connection_that_ends_before_the_text_is_tried_again(step: str) -> None:
    with pytest.raises(UnreachableError) as raised:
        await sent_through(Server(fails=step))
    assert "example.cn" not in str(raised.value)


async def test_a_connection_that_ends_behind_the_text_leaves_the_outcome_open() -> None:
    assert await sent_through(Server(fails="data")) == Sent(outcome="unknown", code="SMTPServerDisconnected")


async def test_servers_of_other_accounts_that_hang_keep_no_receipt_waiting(busy_threads: None) -> None:
    async with asyncio.timeout(60):
        assert (await sent_through(Server())).outcome == "accepted"


async def test_a_refused_login_waits_for_a_person() -> None:
    settings = SETTINGS.model_validate(SETTINGS.model_dump() | {"username": "hotline", "password": "wrong"})
    with pytest.raises(UnauthorizedError):
        await sent_through(Server(login=535), settings)
    with pytest.raises(UnreachableError):
        await sent_through(Server(login=454), settings)


async def test_the_return_path_may_be_empty() -> None:
    for null, sender in ((True, ""), (False, "hotline@example.cn")):
        server = Server()
        await sent_through(server, SETTINGS.model_copy(update={"null_return_path": null}))
        assert server.sender == sender


@pytest.mark.parametrize(
    "error", [*(one for one in vars(smtplib).values() if isinstance(one, type) and issubclass(one, Exception)), OSError]
)
async def test_whatever_smtplib_raises_at_the_door_is_ours(error: type[Exception]) -> None:
    arguments: dict[Any, tuple[Any, ...]] = {
        smtplib.SMTPRecipientsRefused: ({},),
        smtplib.SMTPSenderRefused: (550, b"", ""),
    }
    response = issubclass(error, smtplib.SMTPResponseException)
    made = error(*arguments.get(error, (550, b"x") if response else ("x",)))

    def connect(*_: object, **__: object) -> smtplib.SMTP:
        raise made

    with pytest.raises((RetriableError, FatalError)):
        await MailSender(SETTINGS, "mayor", connect=connect).send(reply())


@pytest.fixture(scope="module")
def greenmail() -> Iterator[GreenMail]:
    with GreenMail() as server:
        yield server


@pytest.mark.integration
async def test_a_real_server_takes_it_and_the_citizen_reads_it(greenmail: GreenMail) -> None:
    settings = SETTINGS.model_copy(update={"port": greenmail.smtp_port})
    done = await MailSender(settings, "mayor").send(reply("hotline1@example.cn"))
    assert (done.outcome, done.code) == ("accepted", "250")
    assert TOKEN not in str(done), "what becomes of an answer is kept for days; the token is the citizen's alone"
    with IMAPClient("127.0.0.1", greenmail.port, ssl=False) as client:
        client.login("hotline1", "secret")
        client.select_folder("INBOX")
        ((_, found),) = client.fetch(client.search(), ["RFC822"]).items()
    read = email.message_from_bytes(found[b"RFC822"], policy=email.policy.default)
    assert TOKEN in read["Subject"]
    assert read["In-Reply-To"] == "<m1@mail.example.cn>"
    assert "您的来信已收到" in read.get_content()  # type: ignore[attr-defined] # an EmailMessage by its policy


@pytest.mark.integration
async def test_a_server_that_is_not_there_is_tried_again() -> None:
    with pytest.raises(UnreachableError, match=r"answers\.mayor\.smtp"):
        await MailSender(SETTINGS.model_copy(update={"port": 1}), "mayor").send(reply())


@pytest.mark.integration
def test_the_doctor_looks_whether_the_server_takes_us(greenmail: GreenMail, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in DOCTOR.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOTLINE_ANSWERS__MAYOR__SMTP__PORT", str(greenmail.smtp_port))
    assert list(smtp(load(), "mayor")) == ["127.0.0.1 accepts the connection"]
    monkeypatch.setenv("HOTLINE_ANSWERS__MAYOR__SMTP__PORT", "1")
    with pytest.raises(UnreachableError, match=r"answers\.mayor\.smtp: no connection"):
        list(smtp(load(), "mayor"))
