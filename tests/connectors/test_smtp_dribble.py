"""An SMTP server that never ends an answer, or hangs up: what became of the mail is told as far as it is known."""

import itertools
import socket
from collections.abc import Iterator

import pytest

from connectors.mailbox.reply import MailSender
from connectors.mailbox.smtp import Smtp
from connectors.replies.base import Sent
from connectors.replies.settings import SmtpSettings
from schemas.errors import UnreachableError
from tests.connectors.dribbling import Dribbling
from tests.connectors.test_mailbox_reply import reply

pytestmark = pytest.mark.integration  # loopback

GOOD = {
    "GREETING": b"220 ready\r\n", "EHLO": b"250 here\r\n", "MAIL": b"250 ok\r\n", "RCPT": b"250 ok\r\n",
    "DATA": b"354 go on\r\n", ".": b"250 taken\r\n", "QUIT": b"221 bye\r\n",
}  # fmt: skip
LASTING = 6.0
"""Seconds of patience where the answers before must come: a busy machine may stand still for some of them."""

BEFORE = ("GREETING", "EHLO", "MAIL", "RCPT", "DATA")


class Server(Dribbling):
    """Speaks as much SMTP as it needs; the answer at `endless` goes on for ever, slowly or at once."""

    def __init__(self, endless: str, *, slowly: bool = True) -> None:
        self._endless = endless
        self._slowly = slowly
        super().__init__()

    def serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            self._say(connection, "GREETING")
            is_text = False
            for line in lines:
                step = line.split()[0].decode().upper() if line.split() else ""
                if not is_text or step == ".":
                    self._say(connection, step)
                    is_text = step == "DATA"

    def _say(self, connection: socket.socket, step: str) -> None:
        if step != self._endless:
            return connection.sendall(GOOD[step])
        code = GOOD[step][:3]
        while not self.over.wait(0.02 if self._slowly else 0):
            connection.sendall(code + b"-still here" * (1 if self._slowly else 500) + b"\r\n")
        return None


@pytest.fixture
def made(request: pytest.FixtureRequest) -> Iterator[Server]:
    server = Server(request.param[0], slowly=request.param[1])
    yield server
    server.close()


def sender(server: Server, seconds: float) -> MailSender:
    return MailSender(
        SmtpSettings(
            host="127.0.0.1", port=server.port, tls="none", from_address="hotline@example.cn", timeout_seconds=seconds
        ),
        "mayor",
    )


def ways(*steps: str) -> list[tuple[str, bool]]:
    return list(itertools.product(steps, (True, False)))


@pytest.mark.parametrize("made", ways(*BEFORE), indirect=True, ids=str)
async def test_before_the_text_it_is_tried_again(made: Server) -> None:
    with pytest.raises(UnreachableError):
        await sender(made, 0.5 if made._slowly else 30).send(reply())


@pytest.mark.parametrize("made", ways("."), indirect=True, ids=str)
async def test_behind_the_text_nobody_knows(made: Server) -> None:
    done = await sender(made, LASTING if made._slowly else 30).send(reply())
    assert done == Sent(outcome="unknown", code="SMTPServerDisconnected")


@pytest.mark.parametrize("made", ways("QUIT"), indirect=True, ids=str)
async def test_a_goodbye_without_end_keeps_nobody(made: Server) -> None:
    assert (await sender(made, LASTING if made._slowly else 30).send(reply())).outcome == "accepted"


class HangingUp(Server):
    """Hangs up at a step, without an answer; at TEXT in the middle of it."""

    def serve(self, connection: socket.socket) -> None:
        if self._endless != "TEXT":
            return super().serve(connection)
        with connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            for step in ("GREETING", "EHLO", "MAIL", "RCPT", "DATA"):
                self._say(connection, step)
                connection.recv(1000)  # of the text the first time behind DATA

    def _say(self, connection: socket.socket, step: str) -> None:
        if step == self._endless:
            connection.shutdown(socket.SHUT_RDWR)
        else:
            connection.sendall(GOOD[step])


@pytest.fixture
def hanging_up(request: pytest.FixtureRequest) -> Iterator[HangingUp]:
    server = HangingUp(request.param)
    yield server
    server.close()


@pytest.mark.parametrize("hanging_up", [*BEFORE, "TEXT"], indirect=True)
async def test_a_line_that_is_lost_before_the_end_of_the_text_is_tried_again(hanging_up: HangingUp) -> None:
    """The server cannot have delivered what it does not know the end of."""
    long = reply(text="路" * 3_000_000) if hanging_up._endless == "TEXT" else reply()
    with pytest.raises(UnreachableError, match="SMTPServerDisconnected"):
        await sender(hanging_up, 30).send(long)


@pytest.mark.parametrize("hanging_up", ["."], indirect=True)
async def test_a_line_that_is_lost_behind_it_leaves_the_outcome_open(hanging_up: HangingUp) -> None:
    assert await sender(hanging_up, 30).send(reply()) == Sent(outcome="unknown", code="SMTPServerDisconnected")


class Reading(Server):
    """Keeps the lines of a text."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        super().__init__("nothing")

    def serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            connection.sendall(GOOD["GREETING"])
            is_text = False
            for line in lines:
                if is_text and line != b".\r\n":
                    self.lines.append(line)
                    continue
                step = line.split()[0].decode().upper()
                connection.sendall(GOOD[step])
                is_text = step == "DATA"


def test_a_text_comes_as_it_was_and_a_line_with_a_dot_does_not_end_it() -> None:
    server = Reading()
    with Smtp("127.0.0.1", server.port, local_hostname="example.cn", timeout=30) as client:
        client.ehlo()
        client.mail("hotline@example.cn")
        client.rcpt("citizen@example.cn")
        assert client.data(b"a\r\n.\r\n..b\r\n") == (250, b"taken")
    server.close()
    assert server.lines == [b"a\r\n", b"..\r\n", b"...b\r\n"]
