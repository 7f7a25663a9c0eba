"""An SMSC that does what a test says, frame by frame: messages by smpp34's codec, bad ones by hand."""

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

import smpp34

from connectors.base import Emit
from connectors.sms_smpp.connector import SmsSmpp
from schemas.errors import PipelineError

CITIZEN, HOTLINE = "8613800138000", "12345"
BINDS = {0x01: "receiver", 0x02: "transmitter", 0x09: "transceiver"}
NACK, SUBMIT, DELIVER, UNBIND, ENQUIRE = 0x80000000, 0x04, 0x05, 0x06, 0x15


class Pdu(NamedTuple):
    command: int
    status: int
    sequence: int
    body: bytes


def header(command: int, sequence: int, status: int = 0, length: int = 16) -> bytes:
    return struct.pack(">IIII", length, command, status, sequence)


def message(text: str | bytes = "路灯坏了", number: int = 1, source: str = CITIZEN, **fields: object) -> bytes:
    data, coding = (text, 4) if isinstance(text, bytes) else (text.encode("utf-16-be"), 8)
    told: dict[str, object] = {"data_coding": coding, "sequence_number": number, **fields}
    return smpp34.DeliverSm(source, HOTLINE, data, **told).encode()  # type: ignore[arg-type] # fields as named


class Esme:
    """One connection as the SMSC sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def read(self) -> Pdu:
        length, command, status, sequence = struct.unpack(">IIII", await self._exactly(16))
        return Pdu(command, status, sequence, await self._exactly(length - 16))

    async def expect(self, command: int) -> Pdu:
        """The next PDU, which is this one; heartbeats in between are answered."""
        while True:
            pdu = await self.read()
            if pdu.command == command:
                return pdu
            assert pdu.command == ENQUIRE, f"{pdu.command:#x} instead of {command:#x}"
            self.send(header(NACK | ENQUIRE, pdu.sequence))

    async def bound(self, status: int = 0) -> Pdu:
        """Read a bind and answer it."""
        pdu = await self.read()
        assert pdu.command in BINDS
        self.send(header(NACK | pdu.command, pdu.sequence, status, 21) + b"SMSC\0")
        return pdu

    async def answer(self, command: int = DELIVER) -> tuple[int, int]:
        """The next answer to a message: its sequence number and status."""
        pdu = await self.expect(NACK | command)
        return pdu.sequence, pdu.status

    def send(self, *frames: bytes) -> None:
        self.writer.write(b"".join(frames))

    async def closed(self) -> None:
        """Return when the other side has gone; what it still says is dropped."""
        with suppress(ConnectionError):
            async with asyncio.timeout(60):
                while await self.reader.read(65536):
                    pass

    def cut(self) -> None:
        self.writer.transport.abort()

    async def _exactly(self, size: int) -> bytes:
        async with asyncio.timeout(60):
            return await self.reader.readexactly(size)


class Smsc:
    """Listens on loopback while an `async with` block lasts; `next` is the next connection that comes."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._come: asyncio.Queue[Esme] = asyncio.Queue()
        self.there: list[Esme] = []

    async def __aenter__(self) -> "Smsc":
        self._server = await asyncio.start_server(self._met, "127.0.0.1", 0, ssl=self._tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for esme in self.there:
            esme.cut()
        for _ in range(3):  # an aborted transport is closed in one of the loop's next turns
            await asyncio.sleep(0)

    async def next(self) -> Esme:
        async with asyncio.timeout(60):
            return await self._come.get()

    async def bound(self) -> Esme:
        """The next connection, once it is bound."""
        esme = await self.next()
        await esme.bound()
        return esme

    @asynccontextmanager
    async def serving(self, connector: SmsSmpp, outlet: Emit) -> AsyncIterator["asyncio.Task[None]"]:
        """A connector's one run, ended with the block; nobody waits for leave to be taken."""
        task = asyncio.create_task(connector.run(outlet))
        try:
            yield task
        finally:
            for esme in self.there:
                esme.cut()
            task.cancel()
            with suppress(asyncio.CancelledError, PipelineError):
                await task

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        esme = Esme(reader, writer)
        self.there.append(esme)
        self._come.put_nowait(esme)
