"""Connector, receiver, fetcher, LMTP, outbox, webhook and archive as processes with just the rights of their users."""

import asyncio
import contextlib
import json
import os
import secrets
import smtplib
import time
from collections.abc import AsyncIterator, Callable
from email.message import EmailMessage
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from broker import kafka_reader
from connectors.http.signature import sign
from hotline.dev.demo.smsc import Sms, Smsc
from hotline.dev.demo.wechat_api import WeChatApi
from hotline.dev.demo.wechat_platform import WeChatPlatform
from schemas import topics
from schemas.codec import decode
from schemas.envelope import type_of
from schemas.errors import UnreachableError
from schemas.records import Delivery, OutboxState, Ticket
from tests.connectors.wechat.callbacks import AES_KEY, APPID, TOKEN
from tests.docs import pages
from tests.e2e.test_answers import inbox, write
from tests.forked import Forked
from tests.peers import acls
from tests.peers.dovecot import free_ports
from tests.peers.greenmail import GreenMail
from tests.peers.secured_kafka import Right, SecuredKafka, right
from tests.sinks.webhook.receiver import SECRET, Receiver, receiving
from tests.waiting import soon, until

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket, pytest.mark.long, pytest.mark.timeout(900)]

USERS = {
    "connector:letters": "hotline-connector",
    "connector:phones": "hotline-connector",
    "lmtp": "hotline-lmtp",
    "receiver": "hotline-receiver",
    "fetcher": "hotline-fetcher",
    "normalize": "hotline-normalize",
    "assign": "hotline-assign",
    "outbox": "hotline-outbox",
    "sink:webhook": "hotline-webhook",
    "sink:archive": "hotline-archive",
}
BROKEN: Right = ("write", "topic", topics.DEAD)
LEFT_OVER: dict[str, set[Right]] = {
    "hotline-connector": {BROKEN},
    "hotline-lmtp": {BROKEN},
    "hotline-receiver": {BROKEN},
    "hotline-fetcher": {BROKEN, ("read", "topic", topics.CURSOR), ("write", "topic", topics.CURSOR)},  # of 微信客服
    "hotline-normalize": {
        BROKEN,
        ("write", "topic", topics.FLOOD),
        ("describe", "group", "hotline-assign"),  # imports alone ask for these two
        ("describe", "group", "hotline-sink-elastic"),
    },
    "hotline-assign": {
        BROKEN,
        ("write", "topic", topics.HANDOVER),
        ("write", "topic", topics.AUDIT),
        ("write", "topic", topics.TICKET_RESTRICTED),
    },
    "hotline-outbox": set(),
    "hotline-webhook": {BROKEN, ("read", "topic", topics.TICKET)},  # of subscribers that get clear tickets
    "hotline-archive": {BROKEN},
}
"""What these messages have no need for: none is broken, urgent, restricted, erased, imported or one of a flood."""

CITY, CITIZEN, OFFICE_SECRET = "210100", "hotline1@example.cn", "planted-back-office-secret-of-32-bytes"
PHOTO = b"\xff\xd8\xff\xe0JPEG" * 1000
PATIENCE = 180.0

T = TypeVar("T")
STATE = type_of("outbox_state").encode()


class City:
    """The processes, each with its own login, and what their topics hold."""

    def __init__(
        self, kafka: SecuredKafka, folder: Path, mail: GreenMail, wechat: WeChatApi, hook: Receiver, smsc: Smsc
    ) -> None:
        self.kafka, self.mail, self.wechat, self.hook, self.smsc = kafka, mail, wechat, hook, smsc
        self.port, self.lmtp = free_ports(1, start=19400), free_ports(1, start=19500)
        self.blobs = folder / "blobs"
        self._log = folder / "city.log"
        self._settings = {
            "HOTLINE_LOCAL__DATA_DIR": str(folder / "data"),
            "HOTLINE_BLOBS__URL": self.blobs.as_uri(),
            "HOTLINE_JURISDICTION": CITY,
            "HOTLINE_TELEMETRY__PORT": "0",
            "HOTLINE_REQUESTER_KEYS__K1": "planted-requester-key",
            "HOTLINE_QUERY_KEY": "planted-query-key-of-ours",
            "HOTLINE_SINKS__ARCHIVE__ENABLED": "true",
            "HOTLINE_RECEIVER__PORT": str(self.port),
            "HOTLINE_RECEIVER__JOURNAL_FOLDER": str(folder / "journal"),
            "HOTLINE_LMTP__PORT": str(self.lmtp),
            "HOTLINE_LMTP__MAILBOXES__DESK__RECIPIENTS": '["desk@example.cn"]',
            **_under("CONNECTORS__MAILBOX__LETTERS", HOST="127.0.0.1", PORT=str(mail.port), TLS="none"),
            **_under("CONNECTORS__MAILBOX__LETTERS", USERNAME="hotline", PASSWORD="secret", POLL_SECONDS="0.5"),
            **_under("CONNECTORS__WECHAT__CITY", APPID=APPID, TOKENS=TOKEN, AES_KEYS=AES_KEY),
            **_under("CONNECTORS__WECHAT__CITY", SECRET="planted-app-secret", API_URL=wechat.url),
            **_under("CONNECTORS__SMS_SMPP__PHONES", HOST="127.0.0.1", PORT=str(smsc.port), TLS="none"),
            **_under("CONNECTORS__SMS_SMPP__PHONES", SYSTEM_ID="hotline", PASSWORD="secret", REPLY_FROM="12345"),
            **_under("ANSWERS__PHONES", ENABLED="true"),
            **_under("ANSWERS__LETTERS__SMTP", HOST="127.0.0.1", PORT=str(mail.smtp_port), TLS="none"),
            **_under("ANSWERS__LETTERS__SMTP", FROM_ADDRESS="hotline@example.cn"),
            **_under("BACKOFFICE__CRM_1", SECRET=OFFICE_SECRET, SYSTEM="crm", KINDS='["set_status"]'),
            **_under("BACKOFFICE__CRM_1", JURISDICTIONS=f'["{CITY}"]'),
            **_under("COMMAND_KEYS__DOOR", SECRET="planted-key-of-the-door-of-32-bytes", SYSTEMS='["crm"]'),
            **_under("COMMAND_KEYS__DOOR", KINDS='["set_status"]', JURISDICTIONS=f'["{CITY}"]'),
            **_under("SINKS__WEBHOOK__MAP", URL=hook.url, ALLOW_PRIVATE="true", SECRETS=SECRET),
        }  # fmt: skip
        self._running: dict[str, Forked] = {}

    def start(self, *names: str) -> None:
        for name in names or USERS:
            env = {**os.environ, **self._settings, **self.kafka.settings(USERS[name])}
            with self._log.open("ab") as log:
                command = ("-m", "hotline", "run", name)
                self._running[name] = Forked(*command, cwd=pages.ROOT, env=env, stdout=log, stderr=log)

    def again(self, *names: str) -> None:
        """Let these end and begin anew; returns when each of them works."""
        began = len(self.said())
        for name in names:
            self._running[name].terminate()
        for name in names:
            assert self._running.pop(name).wait(90) == 0, self.said()[-3000:]
        self.start(*names)
        working = ('"event": "connector_running"', "partition_taken_over")
        self.until(lambda: all(one in self.said()[began:] for one in working), "they work")

    def stop(self) -> None:
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            with contextlib.suppress(TimeoutError):
                process.wait(90)
            process.kill()

    def said(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def secrets(self) -> list[str]:
        """Return what no process may tell."""
        return [*self.kafka.passwords.values(), *(one for one in self._settings.values() if "planted" in one), SECRET]

    def check(self) -> None:
        ended = [name for name, process in self._running.items() if process.poll() is not None]
        assert not ended, f"{ended}: {self.said()[-3000:]}"

    def until(self, done: Callable[[], T], what: str) -> T:
        """Wait for something; fail saying what did not happen, and what the processes said."""

        def found() -> T | None:
            self.check()
            with contextlib.suppress(UnreachableError):  # a busy broker is away for a moment
                return done()
            return None

        came = until(found, lambda: f"{what}: {self.said()[-3000:]}", PATIENCE)
        assert came is not None
        return came

    def tickets(self) -> dict[str, Ticket]:
        found = (decode(one.value, Ticket) for one in kafka_reader.read_all(self.kafka.administrator, topics.TICKET))
        return {one.ticket_id: one for one in found}

    def holding(self, words: str) -> list[Ticket]:
        return [one for one in self.tickets().values() if words in one.text]

    def ask(self, method: str, target: str, body: bytes = b"") -> httpx.Response:
        """Ask the back offices' door."""
        stamp = str(int(time.time()))
        headers = {
            "Hotline-Key": "crm_1",
            "Hotline-Timestamp": stamp,
            "Hotline-Signature": sign(OFFICE_SECRET.encode(), stamp, body, method, target),
        }
        url = f"http://127.0.0.1:{self.port}{target}"
        return httpx.request(method, url, content=body, headers=headers, timeout=60, trust_env=False)

    def receives(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"http://127.0.0.1:{self.port}/healthz", trust_env=False).status_code == 200
        return False

    def takes_mail(self) -> bool:
        with contextlib.suppress(OSError), smtplib.LMTP("127.0.0.1", self.lmtp, timeout=60):
            return True
        return False

    def fetched(self, media: str) -> bool:
        """Say whether a picture is on a ticket, with its bytes."""
        files = [file for one in self.tickets().values() for file in one.attachments]
        return any((file.id, file.size) == (media, len(PHOTO)) for file in files)

    def states(self, ticket: str) -> list[str]:
        """Return how far the answer to a ticket came."""
        records = kafka_reader.read_all(self.kafka.administrator, topics.OUTBOX)
        told = [decode(one.value, OutboxState) for one in records if dict(one.headers)["ce_type"] == STATE]
        return [one.state for one in told if one.ticket_id == ticket]

    def receipts(self, number: str) -> list[EmailMessage]:
        """Return the mails to the citizen that name a ticket."""
        return [one for one in inbox(self.mail, "hotline1") if number in one["Subject"]]

    def logged(self, ticket: str) -> list[str]:
        """Return what the log of deliveries says of a ticket."""
        records = kafka_reader.read_all(self.kafka.administrator, topics.DELIVERY)
        return [
            one.outcome for one in (decode(record.value, Delivery) for record in records) if one.ticket_id == ticket
        ]

    def archived(self) -> list[bytes]:
        return [path.read_bytes() for path in (self.blobs / CITY).rglob("*") if path.is_file()]


def _under(section: str, **values: str) -> dict[str, str]:
    return {f"HOTLINE_{section}__{name}": value for name, value in values.items()}


@pytest.fixture
async def city(secured: SecuredKafka, tmp_path: Path) -> AsyncIterator[City]:
    with GreenMail() as mail, WeChatApi().running() as wechat, Smsc(free_ports(1, start=19600)) as smsc:
        async with receiving() as hook:
            made = City(secured, tmp_path, mail, wechat, hook, smsc)
            try:
                yield made
            finally:
                await asyncio.to_thread(made.stop)


def picture(media: str) -> str:
    return (
        f"<xml><ToUserName>gh_1</ToUserName><FromUserName>o-citizen</FromUserName><CreateTime>{int(time.time())}"
        f"</CreateTime><MsgType>image</MsgType><PicUrl>p</PicUrl><MediaId>{media}</MediaId>"
        f"<MsgId>{int(media, 16)}</MsgId></xml>"
    )


def letter(text: str) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = CITIZEN, "desk@example.cn", text
    mail.set_content(text)
    return mail.as_bytes()


def journey(city: City) -> None:
    """Let a message travel through each of them; fails where one of them has ended, or nothing comes out of it."""
    city.until(lambda: city.receives() and city.takes_mail(), "the doors are open")
    word = secrets.token_hex(4)  # other tests of the run use this Kafka, too
    city.wechat.media[word] = (PHOTO, "image/jpeg")
    write(city.mail, CITIZEN, f"路灯{word}", f"长江街{word}号的路灯坏了", Message_ID=f"<{word}@mail.example.cn>")
    wechat = WeChatPlatform(f"http://127.0.0.1:{city.port}/wechat", TOKEN, AES_KEY, APPID)
    assert wechat.push(picture(word)) == 200
    with smtplib.LMTP("127.0.0.1", city.lmtp, timeout=60) as peer:
        peer.sendmail("hotline2@example.cn", ["desk@example.cn"], letter(f"图书馆{word}的空调坏了"))

    city.smsc.deliver(Sms(sender=f"86138{int(word, 16) % 10**8:08}", data=f"公园{word}没有水".encode("utf-16-be")))

    (lamp,) = city.until(lambda: city.holding(f"长江街{word}号"), "connector: a ticket of the mail")
    city.until(lambda: city.holding(f"图书馆{word}"), "lmtp: a ticket of the mail")
    (water,) = city.until(lambda: city.holding(f"公园{word}"), "connector: a ticket of the short message")
    city.until(lambda: "accepted" in city.states(water.ticket_id), "connector: its receipt over the same session")
    city.until(lambda: city.fetched(word), "receiver and fetcher: a ticket with the picture's bytes")
    city.until(
        lambda: any(lamp.ticket_no in one["Subject"] for one in inbox(city.mail, "hotline1")), "outbox: a receipt"
    )
    city.until(lambda: "accepted" in city.states(lamp.ticket_id), "outbox: what became of the receipt")
    city.until(lambda: lamp.ticket_id in {one.ticket for one in city.hook.got}, "sink:webhook: a delivery")
    city.until(lambda: city.logged(lamp.ticket_id), "sink:webhook: its line in the log")
    city.until(lambda: any(word.encode() in one for one in city.archived()), "sink:archive: the mail's bytes")

    order = {"command_id": word, "jurisdiction": CITY, "kind": "set_status", "author": "wang"}
    order |= {"ticket_id": lamp.ticket_id, "args": {"status": "registered"}}
    answer = city.ask("POST", "/commands", json.dumps(order).encode())
    assert answer.status_code == 202, answer.text
    outcome = answer.json()["outcome"]
    city.until(lambda: city.ask("GET", outcome).json()["state"] == "done", "receiver: a command that is carried out")


async def test_each_process_has_the_rights_that_it_needs_and_needs_those_that_it_has(city: City) -> None:
    """The broker's own log says what each asked for: what is missing in `needs.py` and in the file alike is seen."""
    kafka, began = city.kafka, city.kafka.asked_so_far()
    await asyncio.to_thread(city.start)
    await asyncio.to_thread(journey, city)
    await asyncio.to_thread(city.again, "connector:letters", "assign")  # what they wrote is there to be read
    users = USERS.values()

    def unused() -> dict[str, set[Right]]:
        left = {user: granted(user) - kafka.used(user, began) - LEFT_OVER[user] for user in users}
        return {user: rights for user, rights in left.items() if rights}

    await soon(lambda: not unused(), lambda: f"needs none of these: {unused()}")
    assert {user: refused for user in users if (refused := kafka.refused(user, began))} == {}

    (seat,) = [one for one in acls.lines() if "--group hotline-lease-" in one]
    with acls.without(kafka.administrator, seat):
        await soon(lambda: kafka.refused("hotline-connector", began), "the owner of a lease asks again and again")
    assert [secret for secret in city.secrets() if secret in city.said()] == []


def granted(user: str) -> set[Right]:
    """Return what the file grants a user."""
    found = (one for line in acls.lines() if f"User:{user} " in line for one in acls.acls_of(line))
    place = ((one.operation.name, one.resource_pattern) for one in found)
    return {right(operation, where.resource_type.name, where.resource_name) for operation, where in place}
