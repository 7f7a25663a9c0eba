"""A server that hands out no mail for a while, a mail that never comes, and both at once, on a real Dovecot."""

import random
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest

from connectors.mailbox.connector import Mailbox
from connectors.mailbox.imap_client import Client
from schemas.errors import RetriableError
from schemas.records import Cursor, DeadLetter, RawMessage
from tests.connectors.mailboxes import START, drain, mail, settings
from tests.peers import dovecot
from tests.peers.presence import require
from tests.peers.refusing import HANG_UP, SILENCE, Fault, Refusing, fetched_uids

pytestmark = [pytest.mark.integration, pytest.mark.long]

MAILS = 12
ROUNDS = 15
"""As often as the runner asks in ten minutes: after 1, 2, 4 .. 60 s and then each minute."""

ANSWERS = {
    "unavailable": b"@ NO [UNAVAILABLE] Backend is down\r\n",
    "limit": b"@ NO [LIMIT] Bandwidth exceeded\r\n",
    "bug": b"@ NO [SERVERBUG] Internal error occurred\r\n",
    "no": b"@ NO Failed\r\n",
    "bad": b"@ BAD Command Error. 10\r\n",
    "hang up": HANG_UP,
    "silence": SILENCE,
}

OF_ONE_MAIL = {name: ANSWERS[name] for name in ("bug", "no", "bad", "hang up", "silence")}
OF_ONE_MAIL["empty"] = b'* 7 FETCH (UID 7 BODY[]<0> "" BODY[] "")\r\n@ OK Fetch completed.\r\n'
OF_ONE_MAIL["nil"] = b"* 7 FETCH (UID 7 BODY[]<0> NIL BODY[] NIL)\r\n@ OK Fetch completed.\r\n"
ENDLESS = b"* 7 FETCH (UID 7 BODY[]<0> {4294967295}\r\n* 1 FETCH (UID 1 BODY[]<0> {3}\r\nxyz)\r\n"
OF_ONE_MAIL["endless"] = ENDLESS


@pytest.fixture(scope="module")
def server() -> Iterator[dovecot.Dovecot]:
    """One for all tests: the connector changes nothing on it."""
    require(dovecot.missing())
    with dovecot.Dovecot() as server:
        for number in range(1, MAILS + 1):
            server.deliver(mail(f"m{number}"))
        yield server


@pytest.fixture
def proxy(server: dovecot.Dovecot) -> Iterator[Refusing]:
    with Refusing(server.port) as proxy:
        yield proxy


@pytest.fixture
def box(proxy: Refusing) -> Iterator[Mailbox]:
    """One that waits long for an answer, and shortly for the one that is known not to come."""

    def connect(*arguments: Any, **options: Any) -> Client:
        client = Client(*arguments, **options)
        send = client._imap.send

        def sent(data: bytes) -> None:
            silent = proxy.fault(data.strip().partition(b" ")[2]) == SILENCE
            client.socket().settimeout(0.3 if silent else 30)
            send(data)

        client._imap.send = sent
        return client

    box = Mailbox(settings(port=proxy.port, read_timeout_seconds=30, max_batch_messages=5), "mayor", connect)
    box.open()
    yield box
    box.close()


def endure(box: Mailbox, cursor: Cursor, rounds: int = ROUNDS) -> tuple[list[RawMessage], list[DeadLetter], Cursor]:
    """Fetch through a fault of the server, connecting again after each error, as the runner does."""
    messages: list[RawMessage] = []
    letters: list[DeadLetter] = []
    for _ in range(rounds):
        try:
            batch = box.fetch(cursor)
        except RetriableError:
            box.open()
            continue
        messages += batch.messages
        letters += batch.dead_letters
        cursor = batch.cursor
    return messages, letters, cursor


def numbers(messages: list[RawMessage]) -> list[int]:
    return [int(message.value.split(b"Subject: m")[1].split(b"\r\n")[0]) for message in messages]


def bytes_of_all(answer: bytes) -> Fault:
    return lambda command: answer if fetched_uids(command) else None


def everything(answer: bytes) -> Fault:
    return lambda command: answer if b"FETCH" in command else None


def one(number: int, answer: bytes) -> Fault:
    return lambda command: answer if number in fetched_uids(command) else None


@pytest.mark.parametrize(("fault", "name"), [*((bytes_of_all, name) for name in ANSWERS),
                                             *((everything, name) for name in ("unavailable", "no", "hang up"))],
                         ids=lambda value: getattr(value, "__name__", value))  # fmt: skip
def test_an_outage_of_ten_minutes_costs_no_mail(
    proxy: Refusing, box: Mailbox, fault: Callable[[bytes], Fault], name: str
) -> None:
    first = box.fetch(START)
    assert numbers(list(first.messages)) == [1, 2, 3, 4, 5]
    proxy.fault = fault(ANSWERS[name])
    messages, letters, cursor = endure(box, first.cursor)
    assert (messages, letters, cursor) == ([], [], first.cursor)
    proxy.fault = lambda command: None
    messages, letters, _ = drain(box, cursor)
    assert numbers(messages) == list(range(6, MAILS + 1))
    assert not letters


@pytest.mark.parametrize(("number", "name"), [*((7, name) for name in OF_ONE_MAIL),
                                              *product((1, MAILS), ("no", "hang up"))])  # fmt: skip
def test_one_mail_that_cannot_be_fetched_while_others_can_becomes_a_dead_letter(
    proxy: Refusing, box: Mailbox, number: int, name: str
) -> None:
    proxy.fault = one(number, OF_ONE_MAIL[name])
    messages, (letter,), cursor = drain(box)
    assert numbers(messages) == [each for each in range(1, MAILS + 1) if each != number]
    assert f"UID {number} " in letter.reason
    assert cursor.position["INBOX"]["uid"] == MAILS


def test_of_a_mail_that_is_said_to_be_endless_the_header_alone_is_read(proxy: Refusing, box: Mailbox) -> None:
    """Nor is anything that stands in it taken for the server's words."""
    proxy.fault = lambda command: one(7, ENDLESS)(command) if b"HEADER" not in command else None
    messages, (letter,), _ = drain(box)
    assert numbers(messages) == [each for each in range(1, MAILS + 1) if each != 7]
    assert letter.code == "too_large"
    assert b"Subject: m7" in letter.value


@pytest.mark.parametrize("name", ["unavailable", "limit"])
@pytest.mark.parametrize("number", [1, 7, MAILS])
def test_one_mail_that_cannot_be_fetched_now_while_others_can_comes_when_it_can(
    proxy: Refusing, box: Mailbox, number: int, name: str
) -> None:
    proxy.fault = one(number, ANSWERS[name])
    messages, letters, cursor = drain(box)
    assert (numbers(messages), letters) == ([each for each in range(1, MAILS + 1) if each != number], [])
    proxy.fault = lambda command: None
    next_process = Mailbox(settings(port=proxy.port), "mayor")
    next_process.open()
    messages, letters, _ = drain(next_process, cursor)
    next_process.close()
    assert (numbers(messages), letters) == ([number], [])


@pytest.mark.parametrize("name", ["no", "hang up", "empty"])
def test_an_outage_while_one_mail_is_in_doubt_takes_no_other_with_it(proxy: Refusing, box: Mailbox, name: str) -> None:
    proxy.fault = one(7, OF_ONE_MAIL[name])
    before, letters, cursor = endure(box, START, rounds=4)
    assert not letters
    proxy.fault = bytes_of_all(ANSWERS["hang up"])
    assert endure(box, cursor) == ([], [], cursor)
    proxy.fault = one(7, OF_ONE_MAIL[name])
    messages, (letter,), _ = drain(box, cursor)
    assert numbers(before + messages) == [each for each in range(1, MAILS + 1) if each != 7]
    assert "UID 7 " in letter.reason


@pytest.mark.parametrize("seed", range(3))
def test_a_server_that_refuses_two_of_three_costs_no_mail(proxy: Refusing, box: Mailbox, seed: int) -> None:
    chance = random.Random(seed)
    proxy.fault = lambda command: ANSWERS["no"] if fetched_uids(command) and chance.random() < 2 / 3 else None
    messages, letters, _ = drain(box, patience=200)
    assert numbers(messages) == list(range(1, MAILS + 1))
    assert not letters
