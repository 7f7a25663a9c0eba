"""Link: one login at an SMSC or an ISMG, with its requests, answers and heartbeats.

requests() ── heartbeat ──► answered here          write()    ◄── answers of the connector
    │  ╰───── answer ─────► request() that waits   request()  ◄── replies of the sender
    ▼                                              keeper     ── heartbeat after silence, give_up without an answer
connector, one frame at a time; meanwhile nothing is read, and no timeout of this side runs
"""

import asyncio
import itertools
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Generic, NamedTuple, TypeVar

from connectors.runtime.connection import connect
from connectors.runtime.read_clock import Listened
from connectors.sms_common.frames import ANSWER, Codec, Frame, Frames
from schemas.errors import PipelineError, UnreachableError

C = TypeVar("C", bound=Codec)

_CHUNK = 64 * 1024

_LAST_SEQUENCE = 0x7FFFFFFF
"""Limit by SMPP 3.4, 5.1.4; CMPP allows twice as many."""


class Patience(NamedTuple):
    """Time limits of a link in seconds; it ends after `heartbeats` unanswered ones."""

    connect: float
    login: float
    answer: float
    """For the answer to a request, and for a peer that reads nothing."""

    leave: float
    quiet: float
    """Silence after which a heartbeat is sent."""

    heartbeat: float
    heartbeats: int = 1


class Link(Generic[C]):
    """A connection with a login; created by `opened`, ended by `close`."""

    def __init__(
        self,
        codec: C,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        patience: Patience,
        alive: Callable[[], None],
    ) -> None:
        self.codec = codec
        self._reader, self._writer = reader, writer
        self._patience = patience
        self._alive = alive
        self._frames = Frames(codec)
        self._count = itertools.count()
        self._waiting: dict[int, asyncio.Future[Frame]] = {}
        self._alive_at = time.monotonic()
        self._heard = asyncio.Event()
        """Set by any frame, and after a pause in reading, since the last heartbeat was sent."""
        self._listening = False
        self._listened = Listened()
        self._logged_in = False
        self._leave: int | None = None
        """Sequence of the peer's leave."""
        self._fault: PipelineError | None = None
        self._keeper = asyncio.create_task(self._keep_alive())

    @property
    def is_open(self) -> bool:
        """Return True if a request can be sent."""
        transport = self._writer.transport
        return self._logged_in and self._fault is None and self._leave is None and not transport.is_closing()

    async def log_in(self) -> None:
        """Log in; raises as the codec's `check_login`."""
        async with self._asked(self.codec.login) as answer:
            async for _ in self.requests(until=answer):
                pass  # the peer sends no requests before its answer; early ones are repeated
            if not answer.done():
                raise UnreachableError(f"the {self.codec.peer} ended the session without an answer to the login")
            self.codec.check_login(answer.result())
        self._logged_in = True
        self._alive()

    async def request(self, build: Callable[[int], bytes]) -> Frame:
        """Send the frame that `build` makes of a sequence and return its answer.

        Raises UnreachableError if no answer came in time or the connection broke: the peer may have the request.
        `requests` must be iterated meanwhile; time outside of the iteration does not count.
        """
        async with self._asked(build) as answer:
            if not await self._listened.arrived(answer, self._patience.answer):
                raise UnreachableError(f"the {self.codec.peer} did not answer in time")
            return answer.result()

    async def requests(self, until: "asyncio.Future[Frame] | None" = None) -> AsyncIterator[Frame]:
        """Yield the peer's requests until it leaves or `until` is done; heartbeats and answers are handled here.

        While the caller processes a request nothing is read: TCP slows down the peer. Raises UnreachableError if the
        connection is dead.
        """
        codec = self.codec
        while True:
            frame = self._frames.next()
            if frame is None:
                self._frames.add(await self._receive())
                continue
            self._note_life()
            if frame.command & ANSWER:
                self._settle(frame)
                if until is not None and until.done():
                    return
            elif frame.command == codec.heartbeat:
                self._alive()
                await self.write(codec.bare(ANSWER | codec.heartbeat, frame.sequence))
            elif frame.command == codec.leave:
                self._leave = frame.sequence
                return
            else:
                with self._listened.paused():
                    yield frame
                self._note_life()  # this side did not read

    async def write(self, data: bytes) -> None:
        """Write a frame, such as an answer; raises UnreachableError if the peer reads nothing for too long."""
        if self._fault is not None:
            raise self._fault
        try:
            self._writer.write(data)
            async with asyncio.timeout(self._patience.answer):
                await self._writer.drain()
        except (TimeoutError, OSError) as error:
            reason = f"the {self.codec.peer} reads nothing: see the line to it"
            self.give_up(reason)
            raise UnreachableError(reason) from error

    def give_up(self, reason: str = "a message could not be taken: the log says why") -> None:
        """Abort a dead connection: all pending reads, writes and requests raise UnreachableError."""
        self._fault = self._fault or UnreachableError(reason)
        self._writer.transport.abort()
        self._forget(self._fault)

    async def close(self) -> None:
        """Leave as the protocol demands, if the peer still reads. Idempotent."""
        self._keeper.cancel()
        try:
            async with asyncio.timeout(self._patience.leave):
                await self._take_leave()
        except (PipelineError, TimeoutError, OSError):
            pass  # the peer does not read any more
        finally:
            self.give_up(f"the connection to the {self.codec.peer} is closed")
        with suppress(OSError):
            await self._writer.wait_closed()

    async def _take_leave(self) -> None:
        codec = self.codec
        if self._leave is not None:
            await self.write(codec.bare(ANSWER | codec.leave, self._leave))
            self._writer.close()  # sends the queued bytes
            await self._writer.wait_closed()
        elif self.is_open:
            async with self._asked(lambda sequence: codec.bare(codec.leave, sequence)) as answer:
                async for _ in self.requests(until=answer):
                    pass  # without an acknowledgement, so the peer repeats it

    @asynccontextmanager
    async def _asked(self, build: Callable[[int], bytes]) -> AsyncIterator["asyncio.Future[Frame]"]:
        """Send a request; its answer is expected from before the send until the end of the block."""
        sequence = self._next_sequence()
        self._waiting[sequence] = answer = asyncio.get_running_loop().create_future()
        try:
            await self.write(build(sequence))
            yield answer
        finally:
            self._waiting.pop(sequence, None)

    def _next_sequence(self) -> int:
        return 1 + next(self._count) % _LAST_SEQUENCE

    async def _receive(self) -> bytes:
        self._listening = True
        try:
            data = await self._reader.read(_CHUNK)
        except OSError as error:
            reason = f"the connection to the {self.codec.peer} broke ({type(error).__name__})"
            raise self._fault or UnreachableError(reason) from error
        finally:
            self._listening = False
        if not data:
            raise self._fault or UnreachableError(f"the {self.codec.peer} closed the connection")
        return data

    def _settle(self, frame: Frame) -> None:
        answer = self._waiting.pop(frame.sequence, None)
        if answer is not None and not answer.done():
            answer.set_result(frame)

    def _forget(self, error: PipelineError) -> None:
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(error)
                answer.exception()  # without a waiter, asyncio would log the unread exception
        self._waiting.clear()

    def _note_life(self) -> None:
        self._alive_at = time.monotonic()
        self._heard.set()

    async def _keep_alive(self) -> None:
        """Send a heartbeat after silence, and give up the connection without any frame in answer."""
        rest = quiet = self._patience.quiet
        while True:
            await asyncio.sleep(rest)
            rest = self._alive_at + quiet - time.monotonic()
            if rest > 0:
                continue
            if not await self._is_there():
                codec = self.codec
                return self.give_up(
                    f"the {codec.peer} gives no sign of life, it does not answer {codec.heartbeat_name}: "
                    "see the line to it"
                )
            rest = quiet

    async def _is_there(self) -> bool:
        codec = self.codec
        for _ in range(self._patience.heartbeats):
            self._heard.clear()
            try:
                await self.write(codec.bare(codec.heartbeat, self._next_sequence()))
            except PipelineError:
                return False
            with suppress(TimeoutError):
                await asyncio.wait_for(self._heard.wait(), self._patience.heartbeat)
            if self._heard.is_set():
                self._alive()
                return True
            if not self._listening:  # the window is full: the answer is not read yet
                return True
        return False


async def opened(
    codec: C,
    host: str,
    port: int,
    patience: Patience,
    alive: Callable[[], None] = lambda: None,
    tls: ssl.SSLContext | None = None,
) -> Link[C]:
    """Connect and log in; raises UnreachableError, ThrottledError or UnauthorizedError.

    `alive` is called at the login, and at each heartbeat.
    """
    peer = codec.peer
    reader, writer = await connect(f"the {peer}", host, port, patience.connect, f"see {codec.reached_by}", tls)
    link = Link(codec, reader, writer, patience, alive)
    try:
        async with asyncio.timeout(patience.login):
            await link.log_in()
    except TimeoutError as error:
        await link.close()
        raise UnreachableError(f"the {peer} does not answer the {codec.login_name}: check host and port") from error
    except BaseException:
        await link.close()
        raise
    return link
