"""A mail server that never ends an answer is hung up on, whatever it says meanwhile."""

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from connectors.mailbox.connector import Mailbox
from schemas.errors import UnreachableError
from tests.connectors.dribbling import Dribbling
from tests.connectors.mailboxes import START, mail, settings
from tests.waiting import until

pytestmark = pytest.mark.integration  # loopback

ENDLESS = {
    "FETCH": {"still here": (b"", b"* OK still here\r\n"), "literal": (b"* 1 FETCH (UID 1 BODY[] {9999}\r\n", b"x")},
    "LOGIN": {"still here": (b"", b"* OK still here\r\n")},
    "SEARCH": {"still here": (b"* SEARCH 1", b" 1")},
    "GREETING": {"a line": (b"* OK", b" x"), "a literal": (b"* OK {9999}\r\n", b"x")},
    "CAPABILITY": {"still here": (b"", b"* OK still here\r\n")},
}
FLOODS = {
    "a literal": ("GREETING", b"* OK {99999999999}\r\n", b"x" * 65536),
    "lines": ("CAPABILITY", b"", b"* OK still here\r\n" * 4096),
}


class Server(Dribbling):
    """Speaks as much IMAP as it needs; to `endless` it answers with a beginning, and then bit by bit for ever."""

    def __init__(self) -> None:
        self.endless: dict[str, tuple[bytes, bytes]] = {}
        self.pause = 0.02
        super().__init__()

    def serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            if "GREETING" in self.endless:
                return self._dribble(connection, *self.endless["GREETING"])
            connection.sendall(b"* OK IMAP4rev1 ready\r\n")
            for line in lines:
                tag, *words = line.decode().split()
                command = words[1] if words[0] == "UID" else words[0]
                if command in self.endless:
                    return self._dribble(connection, *self.endless[command])
                connection.sendall(_answer(command, words).encode() + f"{tag} OK done\r\n".encode())

    def _dribble(self, connection: socket.socket, beginning: bytes, bit: bytes) -> None:
        connection.sendall(beginning)
        while not self.over.wait(self.pause):
            connection.sendall(bit)


def _answer(command: str, words: list[str]) -> str:
    if command == "FETCH" and "INTERNALDATE" in " ".join(words):
        at = "01-Mar-2026 08:00:00 +0000"
        return f'* 1 FETCH (UID 1 RFC822.SIZE 60 INTERNALDATE "{at}" BODY[HEADER.FIELDS ("FROM")] "")\r\n'
    if command == "FETCH":
        return f"* 1 FETCH (UID 1 BODY[]<0> {{{len(mail())}}}\r\n{mail().decode()})\r\n"
    told = {
        "CAPABILITY": "* CAPABILITY IMAP4rev1\r\n",
        "EXAMINE": "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 2] ok\r\n",
        "SEARCH": "* SEARCH 1\r\n",
    }
    return told.get(command, "")


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def fetched(box: Mailbox) -> list[bytes]:
    box.open()
    return [message.value for message in box.fetch(START).messages]


def fetched_in_time(box: Mailbox) -> list[bytes]:
    """Return nothing where a busy machine took longer than the box is patient."""
    with suppress(UnreachableError):
        return fetched(box)
    return []


@pytest.mark.parametrize(("command", "how"), [(command, how) for command, ways in ENDLESS.items() for how in ways])
def test_no_answer_keeps_a_mailbox_for_ever(server: Server, command: str, how: str) -> None:
    box = Mailbox(settings(port=server.port, idle=False, mail_timeout_seconds=0.5), "mayor")
    server.endless = {command: ENDLESS[command][how]}
    with pytest.raises(UnreachableError):
        fetched(box)
    server.endless = {}
    assert until(lambda: fetched_in_time(box)) == [mail()]
    box.close()


def test_a_tls_handshake_without_end_is_given_up(server: Server) -> None:
    server.endless = {"GREETING": (b"\x16\x03\x03\x40\x00", b"\x02")}  # a record that is never whole
    with pytest.raises(UnreachableError):
        fetched(Mailbox(settings(port=server.port, tls="tls", idle=False, mail_timeout_seconds=0.5), "mayor"))


@pytest.mark.parametrize("how", FLOODS)
def test_a_greeting_that_is_larger_than_any_is_given_up(server: Server, how: str) -> None:
    command, *said = FLOODS[how]
    server.endless, server.pause = {command: tuple(said)}, 0
    with pytest.raises(UnreachableError):
        fetched(Mailbox(settings(port=server.port, idle=False, mail_timeout_seconds=900), "mayor"))
