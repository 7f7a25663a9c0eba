"""Link: one bound connection to an SMSC, with its numbers, its answers and its signs of life."""

import asyncio
import itertools
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from types import MappingProxyType
from typing import Any, Literal

from smpplib import consts

from broker.tls import certificate_fault
from connectors.runtime.read_clock import Listened
from connectors.sms_smpp import codec
from connectors.sms_smpp.codec import Frames, Pdu
from connectors.sms_smpp.settings import SmppSettings
from schemas.errors import PipelineError, ThrottledError, UnauthorizedError, UnreachableError

Role = Literal["bind_transceiver", "bind_receiver", "bind_transmitter"]

VERSION = 0x34
"""interface_version of SMPP 3.4."""

_CHUNK = 64 * 1024

_BUSY: Mapping[int, float] = MappingProxyType(
    {consts.SMPP_ESME_RALYBND: 30.0, codec.THROTTLED: 30.0, consts.SMPP_ESME_RSYSERR: 5.0}
)
"""A bind that may be granted later, and seconds until it is asked for again; any other refusal needs a person."""


class Link:
    """A connection that is bound; made by `opened`, let go by `close`."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        settings: SmppSettings,
        alive: Callable[[], None],
    ) -> None:
        self._reader, self._writer = reader, writer
        self._settings = settings
        self._alive = alive
        self._frames = Frames()
        self._numbers = itertools.cycle(range(1, codec.LAST_SEQUENCE + 1))
        self._waiting: dict[int, asyncio.Future[Pdu]] = {}
        self._alive_at = time.monotonic()
        self._heard = asyncio.Event()
        """There was a sign of life, or we did not listen, since we last asked for one."""
        self._listening = False
        self._listened = Listened()
        self._bound = False
        self._unbind: int | None = None
        self._fault: PipelineError | None = None
        self._keeper = asyncio.create_task(self._keep_alive())

    @property
    def is_open(self) -> bool:
        """Say whether something can still be sent."""
        transport = self._writer.transport
        return self._bound and self._fault is None and self._unbind is None and not transport.is_closing()

    async def bind(self, role: Role) -> None:
        """Log in; raises UnauthorizedError when that is refused, ThrottledError when it may be granted later."""
        chosen = self._settings
        async with self._asked(
            role,
            system_id=chosen.system_id,
            password=chosen.password.get_secret_value(),
            system_type=chosen.system_type or "",
            interface_version=VERSION,
            address_range=chosen.address_range or "",
        ) as answer:
            async for _ in self.requests(until=answer):
                pass  # before its answer the SMSC has nothing to ask; what it sends comes again
            _judge_bind((await self._arrived(answer)).status)
        self._bound = True
        self._alive()

    async def request(self, command: str, **fields: Any) -> Pdu:
        """Send a PDU and return its answer, a generic_nack too; raises UnreachableError when none came in time.

        Somebody must go through `requests` meanwhile.
        """
        async with self._asked(command, **fields) as answer:
            return await self._arrived(answer)

    async def answer(self, command: str, sequence: int, status: int = codec.OK) -> None:
        """Answer a request of the SMSC; raises UnreachableError when it reads nothing any more."""
        await self._write(codec.build(command, sequence, status))

    async def refuse(self, pdu: Pdu) -> None:
        """Answer a command that means nothing here: a generic_nack, so that the SMSC does not wait.

        Raises as `answer` does.
        """
        await self._write(codec.bare(codec.GENERIC_NACK, pdu.sequence, codec.UNKNOWN_COMMAND))

    async def requests(self, until: "asyncio.Future[Pdu] | None" = None) -> AsyncIterator[Pdu]:
        """Yield what the SMSC asks, until it unbinds, closes, or `until` is done; heartbeats and answers stay here.

        Nothing is read while the caller is busy with one: the SMSC is held up by TCP itself. Raises UnreachableError
        when the connection is dead.
        """
        while True:
            pdu = self._frames.next()
            if pdu is None:
                self._frames.add(await self._receive())
                continue
            self._note_life()
            if pdu.command & codec.ANSWER:
                self._settle(pdu)
                if until is not None and until.done():
                    return
            elif pdu.command == codec.ENQUIRE_LINK:
                await self._write(codec.bare(codec.ANSWER | codec.ENQUIRE_LINK, pdu.sequence))
            elif pdu.command == codec.UNBIND:
                self._unbind = pdu.sequence
                return
            elif pdu.command not in (codec.ALERT_NOTIFICATION, codec.OUTBIND):  # these two have no answer
                with self._listened.paused():
                    yield pdu
                self._note_life()  # it was we who did not listen

    async def close(self) -> None:
        """Take leave as the protocol wants it, as far as the SMSC still listens. Safe twice."""
        self._keeper.cancel()
        try:
            async with asyncio.timeout(self._settings.answer_timeout_seconds):
                await self._take_leave()
        except (PipelineError, TimeoutError, OSError):
            pass  # it does not listen any more
        finally:
            self._writer.transport.abort()
        with suppress(OSError):
            await self._writer.wait_closed()
        self._forget(UnreachableError("the connection to the SMSC is closed"))

    async def _take_leave(self) -> None:
        if self._unbind is not None:
            await self._write(codec.bare(codec.ANSWER | codec.UNBIND, self._unbind))
            self._writer.close()  # sends what is queued
            await self._writer.wait_closed()
        elif self._bound and self.is_open:
            async with self._asked("unbind") as answer:
                async for _ in self.requests(until=answer):
                    pass  # not acknowledged, so it comes again
        self._fault = self._fault or UnreachableError("the connection to the SMSC is closed")

    @asynccontextmanager
    async def _asked(self, command: str, **fields: Any) -> AsyncIterator["asyncio.Future[Pdu]"]:
        """Send a PDU; its answer is waited for from before it leaves until the block ends."""
        number = next(self._numbers)
        self._waiting[number] = answer = asyncio.get_running_loop().create_future()
        try:
            await self._write(codec.build(command, number, **fields))
            yield answer
        finally:
            self._waiting.pop(number, None)

    async def _write(self, data: bytes) -> None:
        """Write; a peer that reads nothing for too long is given up."""
        if self._fault is not None:
            raise self._fault
        try:
            self._writer.write(data)
            async with asyncio.timeout(self._settings.answer_timeout_seconds):
                await self._writer.drain()
        except (TimeoutError, OSError) as error:
            self.give_up("the SMSC reads nothing: see the line to it")
            raise UnreachableError("the SMSC reads nothing: see the line to it") from error

    async def _receive(self) -> bytes:
        self._listening = True
        try:
            data = await self._reader.read(_CHUNK)
        except OSError as error:
            raise self._fault or UnreachableError(
                f"the connection to the SMSC broke ({type(error).__name__})"
            ) from error
        finally:
            self._listening = False
        if not data:
            raise self._fault or UnreachableError("the SMSC closed the connection")
        return data

    async def _arrived(self, answer: "asyncio.Future[Pdu]") -> Pdu:
        """Wait for an answer; the time during which we did not listen does not count."""
        if not await self._listened.arrived(answer, self._settings.answer_timeout_seconds):
            raise UnreachableError("the SMSC did not answer in time")
        return answer.result()

    def _settle(self, pdu: Pdu) -> None:
        answer = self._waiting.pop(pdu.sequence, None)
        if answer is not None and not answer.done():
            answer.set_result(pdu)

    def _forget(self, error: PipelineError) -> None:
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(error)
                answer.exception()  # nobody may be waiting for it any more
        self._waiting.clear()

    def give_up(self, reason: str) -> None:
        """End a connection that is dead: whoever reads, writes or waits on it hears why."""
        self._fault = self._fault or UnreachableError(reason)
        self._writer.transport.abort()
        self._forget(self._fault)

    def _note_life(self) -> None:
        self._alive_at = time.monotonic()
        self._heard.set()

    async def _keep_alive(self) -> None:
        """Ask for a sign of life after silence, and give the connection up when none comes; any PDU is one."""
        while True:
            await asyncio.sleep(self._settings.enquire_link_seconds)
            silent = time.monotonic() - self._alive_at >= self._settings.enquire_link_seconds
            if silent and not await self._is_there():
                return self.give_up("the SMSC does not answer enquire_link: see the line to it")

    async def _is_there(self) -> bool:
        self._heard.clear()
        try:
            await self._write(codec.bare(codec.ENQUIRE_LINK, next(self._numbers)))
        except PipelineError:
            return False
        try:
            await asyncio.wait_for(self._heard.wait(), self._settings.answer_timeout_seconds)
        except TimeoutError:
            if self._listening and not self._heard.is_set():  # it may have been set at the very end
                return False
        self._alive()
        return True


async def opened(settings: SmppSettings, role: Role, alive: Callable[[], None] = lambda: None) -> Link:
    """Connect and bind; raises UnreachableError, ThrottledError or UnauthorizedError.

    `alive` is called whenever the SMSC has shown that it lives: at the bind, and after each heartbeat.
    """
    context = settings.tls_context()
    try:
        async with asyncio.timeout(settings.connect_timeout_seconds):
            reader, writer = await asyncio.open_connection(settings.host, settings.port, ssl=context)
    except ssl.SSLCertVerificationError as error:
        why = certificate_fault(error, "ssl_cafile")
        raise UnreachableError(f"the SMSC cannot be trusted, its certificate {why}") from error
    except (OSError, TimeoutError) as error:
        raise UnreachableError(f"no connection to the SMSC ({type(error).__name__}): see host, port and tls") from error
    link = Link(reader, writer, settings, alive)
    try:
        async with asyncio.timeout(settings.answer_timeout_seconds):
            await link.bind(role)
    except TimeoutError as error:
        await link.close()
        raise UnreachableError("the SMSC does not answer the bind: see host and port") from error
    except BaseException:
        await link.close()
        raise
    return link


def _judge_bind(status: int) -> None:
    if status == codec.OK:
        return
    name = codec.status_name(status)
    if status in _BUSY:
        raise ThrottledError(
            f"the SMSC grants no bind now ({name}): see that nobody else holds it, and `binds`", _BUSY[status]
        )
    raise UnauthorizedError(f"the SMSC refuses the bind ({name}): see system_id, password and system_type")
