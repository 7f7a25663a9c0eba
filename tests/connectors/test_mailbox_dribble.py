"""A mail server that never ends an answer is hung up on, whatever it says meanwhile."""

import socket
from collections.abc import Iterator

import pytest

from connectors.mailbox import Mailbox
from schemas.errors import UnreachableError
from tests.connectors.dribbling import Dribbling
from tests.connectors.mailboxes import START, mail, settings

pytestmark = pytest.mark.integration  # loopback

ENDLESS = {
    "FETCH": {"still here": (b"", b"* OK still here\r\n"), "literal": (b"* 1 FETCH (UID 1 BODY[] {9999}\r\n", b"x")},
    "LOGIN": {"still here": (b"", b"* OK still here\r\n")},
    "SEARCH": {"still here": (b"* SEARCH 1", b" 1")},
}


class Server(Dribbling):
    """Speaks as much IMAP as it needs; to `endless` it answers with a beginning, and then bit by bit for ever."""

    def __init__(self) -> None:
        self.endless: dict[str, tuple[bytes, bytes]] = {}
        super().__init__()

    def serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"* OK IMAP4rev1 ready\r\n")
            for line in lines:
                tag, *words = line.decode().split()
                command = words[1] if words[0] == "UID" else words[0]
                if command in self.endless:
                    return self._dribble(connection, *self.endless[command])
                connection.sendall(_answer(command, words).encode() + f"{tag} OK done\r\n".encode())

    def _dribble(self, connection: socket.socket, beginning: bytes, bit: bytes) -> None:
        connection.sendall(beginning)
        while not self.over.wait(0.02):
            connection.sendall(bit)


def _answer(command: str, words: list[str]) -> str:
    if command == "FETCH" and "INTERNALDATE" in " ".join(words):
        return '* 1 FETCH (UID 1 RFC822.SIZE 60 INTERNALDATE "01-Mar-2026 08:00:00 +0000" ENVELOPE NIL)\r\n'
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


@pytest.mark.parametrize(("command", "how"), [(command, how) for command, ways in ENDLESS.items() for how in ways])
def test_no_answer_keeps_a_mailbox_for_ever(server: Server, command: str, how: str) -> None:
    box = Mailbox(settings(port=server.port, idle=False, mail_timeout_seconds=0.5), "mayor")
    server.endless = {command: ENDLESS[command][how]}
    with pytest.raises(UnreachableError):
        fetched(box)
    server.endless = {}
    assert fetched(box) == [mail()]
    box.close()
