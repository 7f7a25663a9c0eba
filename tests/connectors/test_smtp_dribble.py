"""An SMTP server that never ends an answer is hung up on; what became of the mail is told as it is known."""

import itertools
import socket
from collections.abc import Iterator

import pytest

from connectors.answers import Sent
from connectors.mailbox.reply import MailSender
from connectors.mailbox.smtp_settings import SmtpSettings
from schemas.errors import UnreachableError
from tests.connectors.dribbling import Dribbling
from tests.connectors.test_mailbox_reply import reply

pytestmark = pytest.mark.integration  # loopback

GOOD = {
    "GREETING": b"220 ready\r\n", "EHLO": b"250 here\r\n", "MAIL": b"250 ok\r\n", "RCPT": b"250 ok\r\n",
    "DATA": b"354 go on\r\n", ".": b"250 taken\r\n", "QUIT": b"221 bye\r\n",
}  # fmt: skip
BEFORE = ("GREETING", "EHLO", "MAIL", "RCPT")


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


@pytest.mark.parametrize("made", ways("DATA", "."), indirect=True, ids=str)
async def test_behind_the_text_nobody_knows(made: Server) -> None:
    done = await sender(made, 0.5 if made._slowly else 30).send(reply())
    assert done == Sent(outcome="unknown", code="SMTPServerDisconnected")


@pytest.mark.parametrize("made", ways("QUIT"), indirect=True, ids=str)
async def test_a_goodbye_without_end_keeps_nobody(made: Server) -> None:
    assert (await sender(made, 0.5 if made._slowly else 30).send(reply())).outcome == "accepted"
