"""One connection to an ISMG: logged in, framed, watched for signs of life. A broken one raises a PipelineError."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import NoReturn

import structlog

from connectors.base import utc_now
from connectors.runtime.read_clock import Listened
from connectors.sms_cmpp import codec
from connectors.sms_cmpp.codec import Frame, Major
from connectors.sms_cmpp.settings import CmppSettings
from schemas.errors import MalformedError, UnauthorizedError, UnreachableError

LEAVE_SECONDS = 2.0
"""How long the answer to a TERMINATE is waited for."""

_REFUSALS = {
    1: "the ISMG does not understand the login: see `version`",
    2: "the ISMG does not know this SP id: see `source`, and which addresses the operator lets in",
    3: "the ISMG refuses the login: see `secret`, and that this machine's clock is right (NTP)",
    4: "the ISMG does not speak this CMPP version: see `version`",
}

_log = structlog.get_logger(__name__)


class Link:
    """A login at an ISMG. `major` is the version both sides speak."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, settings: CmppSettings) -> None:
        self.major: Major = settings.major
        self._settings = settings
        self._reader, self._writer = reader, writer
        self._sequences = itertools.count(1)
        self._heard = self._time()
        self._listened = Listened()
        self._is_leaving = False
        self._asked: dict[int, asyncio.Future[Frame]] = {}

    @property
    def is_open(self) -> bool:
        """Say whether a request can be sent."""
        return not (self._is_leaving or self._writer.is_closing())

    @classmethod
    async def open(
        cls, settings: CmppSettings, port: int | None = None, now: Callable[[], datetime] = utc_now
    ) -> "Link":
        """Connect and log in; raises UnreachableError, or UnauthorizedError when the ISMG says no."""
        try:
            async with asyncio.timeout(settings.connect_timeout_seconds):
                reader, writer = await asyncio.open_connection(settings.host, port or settings.port)
        except (OSError, TimeoutError) as error:
            raise UnreachableError("the ISMG cannot be reached: see `host`, `port` and the operator's line") from error
        link = cls(reader, writer, settings)
        try:
            async with asyncio.timeout(settings.connect_timeout_seconds):
                await link._log_in(now())
        except TimeoutError as error:
            link.drop()
            raise UnreachableError("the ISMG took the connection and did not answer the login in time") from error
        except BaseException:
            link.drop()
            raise
        return link

    async def read(self) -> Frame:
        """Return the next frame; raises UnreachableError when none can come any more."""
        try:
            head = await self._reader.readexactly(codec.HEADER_BYTES)
            size, command, sequence = codec.header(head, self.major)
            rest = await self._reader.readexactly(size - codec.HEADER_BYTES)
        except (asyncio.IncompleteReadError, OSError) as error:
            raise UnreachableError("the ISMG closed the connection") from error
        except MalformedError as error:
            raise UnreachableError(str(error)) from error
        self._heard = self._time()
        return Frame(command, sequence, head + rest)

    def request(self, command: int, body: bytes = b"") -> int:
        """Send a request of ours and return its sequence."""
        sequence = next(self._sequences) & 0xFFFFFFFF
        self._writer.write(codec.frame(command, sequence, body))
        return sequence

    async def ask(self, command: int, body: bytes, seconds: float) -> Frame | None:
        """Send a request and return its answer; None if none came in `seconds`, or the connection broke.

        Frames must be read meanwhile. The time during which we did not read does not count.
        """
        if not self.is_open:
            return None
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        sequence = self.request(command, body)
        self._asked[sequence] = answer
        try:
            arrived = await self._listened.arrived(answer, seconds)
            return answer.result() if arrived and not answer.cancelled() else None
        finally:
            del self._asked[sequence]

    def answer(self, to: Frame, body: bytes = b"") -> None:
        """Answer a request of theirs."""
        if not self._writer.is_closing():
            self._writer.write(codec.frame(to.command | codec.ANSWER, to.sequence, body))

    def answered(self, frame: Frame) -> bool:
        """Take an answer to `ask`, answer what an ISMG may ask at any time, and return True if it was either.

        Raises UnreachableError at the end of the session.
        """
        if frame.command & codec.ANSWER:
            return self._settle(frame)
        if frame.command == codec.ACTIVE_TEST:
            self.answer(frame, codec.active_test_answer())
        elif frame.command == codec.TERMINATE:
            self.answer(frame)
            raise UnreachableError("the ISMG ended the session: it stops, or the account has logged in elsewhere")
        else:
            return False
        return True

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Note that it is we who do not read: what the ISMG says meanwhile cannot be heard."""
        with self._listened.paused():
            yield
        self._heard = self._time()

    async def keep_alive(self) -> NoReturn:
        """Ask for a sign of life whenever it is quiet; raises UnreachableError when none comes."""
        settings, asked = self._settings, 0
        while True:
            heard = self._heard
            quiet = settings.active_test_timeout_seconds if asked else self._rest(settings.active_test_seconds)
            await asyncio.sleep(quiet)
            if self._heard != heard or self._listened.is_deaf:
                asked = 0
            elif asked == settings.active_test_attempts:
                raise UnreachableError("the ISMG gives no sign of life: see the operator's line")
            else:
                self.request(codec.ACTIVE_TEST)
                asked += 1

    async def leave(self) -> None:
        """Log out, as far as the ISMG still answers."""
        self._is_leaving = True
        with suppress(UnreachableError, TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                self.request(codec.TERMINATE)
                while (frame := await self.read()).command != codec.TERMINATE | codec.ANSWER:
                    self._settle(frame)

    def drop(self) -> None:
        """Let go at once. Safe twice."""
        self._is_leaving = True
        self._writer.transport.abort()  # a peer that reads nothing must not hold it open
        for answer in self._asked.values():
            answer.cancel()

    def _settle(self, frame: Frame) -> bool:
        answer = self._asked.get(frame.sequence)
        if answer is None or frame.command & codec.ANSWER == 0:
            return False
        if not answer.done():
            answer.set_result(frame)
        return True

    async def _log_in(self, now: datetime) -> None:
        secret = self._settings.secret.get_secret_value().encode()
        body, proof = codec.connect(self._settings.source, secret, self.major, now)
        sequence = self.request(codec.CONNECT, body)
        frame = await self.read()
        if (frame.command, frame.sequence) != (codec.CONNECT | codec.ANSWER, sequence):
            raise UnreachableError("the other side does not answer a CMPP login: see `host` and `port`")
        try:
            answer = codec.connect_answer(frame.body)
        except MalformedError as error:
            raise UnreachableError(str(error)) from error
        _check_status(answer.status)
        self._check_proof(codec.is_proven(answer, proof, secret))
        self.major = min(self.major, answer.major or self.major)

    def _check_proof(self, proven: bool) -> None:
        if not proven and self._settings.strict:
            raise UnauthorizedError("the ISMG does not prove to know the secret: see `secret`, `strict` and `host`")
        if not proven:
            _log.warning("ismg_not_proven", source=self._settings.source)

    def _rest(self, seconds: float) -> float:
        """Return how long until it has been quiet for `seconds`; while paused, all of them."""
        return seconds if self._listened.is_deaf else max(0.0, self._heard + seconds - self._time())

    def _time(self) -> float:
        return asyncio.get_running_loop().time()


def _check_status(status: int) -> None:
    if status in _REFUSALS:
        raise UnauthorizedError(_REFUSALS[status])
    if status != codec.OK:
        raise UnreachableError("the ISMG takes no login now: see how many connections the operator allows")
