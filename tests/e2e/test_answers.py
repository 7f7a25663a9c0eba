"""A mail comes in, its receipt goes out through a real mail server, and the citizen's reply is filed in the ticket."""

import email
import email.policy
import os
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from imapclient import IMAPClient

from broker import kafka_reader
from broker.config import KafkaConnection
from hotline.dev.stack.stack import Endpoints, Stack
from schemas import topics
from schemas.codec import decode
from schemas.records import Link, Ticket
from tests import forked
from tests.e2e.pipeline import Pipeline, until
from tests.peers.greenmail import GreenMail

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

CITIZEN, NEIGHBOUR, OURS = "hotline1@example.cn", "hotline2@example.cn", "hotline@example.cn"
BOUNCES = 30


@pytest.fixture
def greenmail() -> Iterator[GreenMail]:
    with GreenMail() as server:
        yield server


@pytest.fixture
def settings(local_stack: Stack, fresh_topics: KafkaConnection, greenmail: GreenMail, tmp_path: Path) -> dict[str, str]:
    mailbox, answers = "HOTLINE_CONNECTORS__MAILBOX__MAYOR__", "HOTLINE_ANSWERS__MAYOR__"
    return {
        "HOTLINE_LOCAL__DATA_DIR": str(local_stack.data_dir),
        "HOTLINE_BLOBS__URL": (tmp_path / "blobs").as_uri(),
        "HOTLINE_KAFKA__PARTITIONS": "2",
        "HOTLINE_TELEMETRY__PORT": "0",
        "HOTLINE_JURISDICTION": "210100",
        f"{mailbox}HOST": "127.0.0.1",
        f"{mailbox}PORT": str(greenmail.port),
        f"{mailbox}TLS": "none",
        f"{mailbox}POLL_SECONDS": "0.5",
        f"{mailbox}USERNAME": "hotline",
        f"{mailbox}PASSWORD": "secret",
        f"{answers}SMTP__HOST": "127.0.0.1",
        f"{answers}SMTP__PORT": str(greenmail.smtp_port),
        f"{answers}SMTP__TLS": "none",
        f"{answers}SMTP__FROM_ADDRESS": OURS,
        f"{answers}PER_RECIPIENT_A_DAY": "100",
    }


@pytest.fixture
def pipeline(settings: dict[str, str], stack: Endpoints, tmp_path: Path) -> Iterator[Pipeline]:
    made = Pipeline(settings, tmp_path, 0)
    made.start("normalize", "assign", "outbox", "connector:mayor")
    try:
        yield made
    finally:
        made.stop()
    assert CITIZEN not in made.log()


def inbox(server: GreenMail, user: str) -> list[EmailMessage]:
    with IMAPClient("127.0.0.1", server.port, ssl=False) as client:
        client.login(user, "secret")
        client.select_folder("INBOX", readonly=True)
        found = client.fetch(client.search(), ["RFC822"])
    mails = [email.message_from_bytes(one[b"RFC822"], policy=email.policy.default) for _, one in sorted(found.items())]
    return [mail for mail in mails if isinstance(mail, EmailMessage)]


def write(server: GreenMail, sender: str, subject: str, text: str, **headers: str) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, OURS, subject
    mail["Message-ID"] = headers.pop("Message_ID", f"<{abs(hash((sender, subject, text)))}@mail.example.cn>")
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    server.deliver(mail.as_bytes(), sender=sender)


def links(connection: KafkaConnection) -> list[Link]:
    return [decode(record.value, Link) for record in kafka_reader.read_all(connection, topics.LINK)]


def tickets(connection: KafkaConnection) -> dict[str, Ticket]:
    found = (decode(record.value, Ticket) for record in kafka_reader.read_all(connection, topics.TICKET))
    return {ticket.ticket_id: ticket for ticket in found}


def told(settings: dict[str, str]) -> str:
    done = forked.done("-m", "hotline", "answers", "list", env={**os.environ, **settings})
    done.check_returncode()
    return done.stdout


def test_a_receipt_goes_out_and_the_reply_comes_back_into_the_ticket(
    greenmail: GreenMail, pipeline: Pipeline, fresh_topics: KafkaConnection, settings: dict[str, str]
) -> None:
    write(
        greenmail,
        CITIZEN,
        "路灯坏了",
        "中山路12号门口的路灯坏了三天，请派人来修。",
        Message_ID="<lamp@mail.example.cn>",
    )
    until(lambda: len(inbox(greenmail, "hotline1")) == 1, "the receipt", pipeline._check_alive)
    (receipt,) = inbox(greenmail, "hotline1")
    (ticket,) = tickets(fresh_topics).values()
    assert ticket.ticket_no in receipt["Subject"]
    assert ticket.ticket_id in receipt["Subject"]
    assert receipt["In-Reply-To"] == "<lamp@mail.example.cn>"
    assert receipt["Auto-Submitted"] == "auto-replied"
    assert "查询码" in receipt.get_content()

    # The citizen answers the receipt; their mail program keeps the subject and names our mail alone.
    write(greenmail, CITIZEN, f"回复: {receipt['Subject']}", "还是没有人来。", In_Reply_To=receipt["Message-ID"])
    until(lambda: any(one.relation == "follow_up" for one in links(fresh_topics)), "a follow-up", pipeline._check_alive)
    follow_up = next(one for one in links(fresh_topics) if one.relation == "follow_up")
    assert (follow_up.ticket_id, follow_up.method) == (ticket.ticket_id, "token_same_person")
    # Another answer of theirs names our mail in its thread alone; a stranger's that quotes it is only proposed.
    write(greenmail, CITIZEN, "无标题", "补充：是12号楼前第二根灯杆。", In_Reply_To=receipt["Message-ID"])
    write(greenmail, NEIGHBOUR, "你好", "我也要补充，垃圾也没人收。", In_Reply_To=receipt["Message-ID"])
    until(lambda: len(links(fresh_topics)) == 4, "all four", pipeline._check_alive)
    assert sorted(one.relation for one in links(fresh_topics)) == ["follow_up", "follow_up", "new", "new"]
    until(lambda: len(inbox(greenmail, "hotline2")) == 1, "the neighbour's own receipt", pipeline._check_alive)
    assert len(inbox(greenmail, "hotline1")) == 1

    # What answers by itself is not answered: our own receipt sent back, an absence note, bounces.
    greenmail.deliver(receipt.as_bytes(), sender=CITIZEN)
    write(greenmail, CITIZEN, "自动回复: 外出", "我在休假。", Auto_Submitted="auto-replied")
    for number in range(BOUNCES):
        write(
            greenmail, "MAILER-DAEMON@example.cn", f"Undelivered Mail {number}", "could not be delivered",
            Message_ID=f"<b{number}@mail.example.cn>",
        )  # fmt: skip
    until(lambda: len(links(fresh_topics)) == 6 + BOUNCES, "all of them", pipeline._check_alive)
    write(greenmail, NEIGHBOUR, "井盖", "青年大街30号的井盖丢了。")  # behind them all
    until(lambda: len(inbox(greenmail, "hotline2")) == 2, "the last receipt", pipeline._check_alive)
    assert len(inbox(greenmail, "hotline1")) == 1
    assert len(tickets(fresh_topics)) == 3
    until(lambda: told(settings).count("accepted") == 3, "the outcome of the last one")
    assert CITIZEN not in told(settings)
