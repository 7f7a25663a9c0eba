"""LMTP: mail that a city's own mail server hands over; it hears 250 when the mail is safe, and not a moment earlier."""

import asyncio
import hashlib
import logging
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import Envelope, syntax
from aiosmtpd.smtp import Session as Client

from connectors import faults, metrics
from connectors.base import city_of, utc_now
from connectors.mailbox.settings import CHANNEL, LmtpSettings
from connectors.publish.durable_publisher import Keeper
from schemas.errors import MisconfiguredError, PipelineError
from schemas.host_port import join_host_port
from schemas.records import RawMessage, raw_message
from schemas.records.raw import SIZE_LIMIT

# It writes addresses at INFO, and mails at DEBUG.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)

MAIL_LIMIT = SIZE_LIMIT - 1024
"""Bytes of a mail: there is room for the line that is written above it, as no command is longer (RFC 5321, 4.5.3)."""

BLOCK_BYTES = 64 * 1024

COMPONENT = "lmtp"
"""What a fault of ours is counted under, as it may be over no account's mail."""

_END = b".\r\n"

_PATH = re.compile(r'<(?:@[^:<>"]*:)?((?:[^<>"\\]|\\.|"(?:[^"\\]|\\.)*")*)>')
"""An address between angle brackets, in quotes whatever it likes; a route before it (RFC 5321, C) is left out."""

_log = structlog.get_logger(__name__)


class Door:
    """What becomes of each command; aiosmtpd calls it."""

    def __init__(self, settings: LmtpSettings, keeper: Keeper, now: Callable[[], datetime] = utc_now) -> None:
        self._accounts = {
            address.lower(): (name, city_of(mailbox.jurisdiction, name))
            for name, mailbox in settings.mailboxes.items()
            for address in mailbox.recipients
        }
        self._keeper = keeper
        self._now = now
        self.last_success: datetime | None = None
        metrics.FAULTS_OF_OURS.labels(CHANNEL, COMPONENT)  # an alarm on its growth has to see it at 0

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: Any, session: Client, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient that we know; the mail server tells its sender of any other."""
        if self._account(address) is None:
            metrics.LMTP_RECIPIENTS.labels("unknown").inc()
            return "550 5.1.1 no such recipient"
        metrics.LMTP_RECIPIENTS.labels("accepted").inc()
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 - the library's name
        self, server: Any, session: Client, envelope: Envelope
    ) -> str:
        """Answer for each recipient in turn, when all is safe; recipients of one account share one message."""
        answers: dict[str, str] = {}
        for address in envelope.rcpt_tos:
            name, city = self._accounts[self._account(address) or ""]
            if name not in answers:
                answers[name] = await self._kept(self._message(envelope, name, city))
        return "\r\n".join(answers[self._accounts[self._account(each) or ""][0]] for each in envelope.rcpt_tos)

    async def handle_exception(self, error: Exception) -> str:
        """Answer for a fault of ours: the mail server keeps the mail and tries again."""
        faults.told(CHANNEL, COMPONENT, error)
        return "451 4.3.0 not now"

    async def _kept(self, message: RawMessage) -> str:
        try:
            outcome = await self._keeper.keep([message])
        except PipelineError as error:
            _log.warning("lmtp_mail_unsafe", error=type(error).__name__)
            metrics.LMTP_MAILS.labels("unsafe").inc()
            return "451 4.3.0 nothing can keep it now"
        metrics.LMTP_MAILS.labels(outcome).inc()
        self.last_success = self._now()
        return "250 2.0.0 kept"

    def _account(self, address: str) -> str | None:
        """Return the address, that without what follows its plus, or the domain with its @, whichever is known."""
        whole = address.lower()
        local, _, domain = whole.rpartition("@")
        names = (whole, f"{local.partition('+')[0]}@{domain}", f"@{domain}")
        return next((known for known in names if known in self._accounts), None)

    def _message(self, envelope: Envelope, account: str, city: str) -> RawMessage:
        wire = envelope.original_content or b""
        digest = hashlib.sha256(wire).hexdigest()
        now, sender = self._now(), (envelope.mail_from or "").strip("<>")
        return raw_message(
            channel=CHANNEL,
            channel_kind="mailbox_lmtp",
            account=account,
            jurisdiction=city,
            identifier=digest,
            # RFC 5321, 4.4: who delivers a mail writes the envelope's sender above it; an empty one marks a bounce.
            value=b"Return-Path: <%s>\r\n%s" % (sender.encode("utf-8", "replace"), _STRAY_CR.sub(b" ", wire)),
            content_type="message/rfc822",
            time=now,
            recorded=now,
            sender=sender.lower() or None,
            wire_sha256=digest,
        )


_STRAY_CR = re.compile(rb"\r(?!\n)")
"""RFC 5321, 2.3.8: a CR without LF is never sent. Readers of mail end a line there, so that a header could be forged
behind one; as Postfix's `cleanup_replace_stray_cr_lf` it becomes a space, since a refused mail would be a citizen who
was not heard."""


class _Blocks:
    """Gives aiosmtpd a mail's lines many at once: it keeps an object of a hundred bytes for each that it is given.

    Of what it is given it takes a dot away at the beginning alone, and knows the end by a dot that stands alone.
    """

    def __init__(self, reader: asyncio.StreamReader, heard: Callable[[], None]) -> None:
        self._reader = reader
        self._heard = heard
        self._ended = False

    async def readuntil(self, separator: bytes) -> bytes:
        self._heard()
        if self._ended:
            return _END
        block = bytearray(await self._reader.readuntil(separator))
        while block != _END and len(block) < BLOCK_BYTES:
            try:
                line = await self._reader.readuntil(separator)
            except asyncio.LimitOverrunError:
                break  # it is raised again when it is asked for next
            if line == _END:
                self._ended = True
                break
            block += line.removeprefix(b".")
        await asyncio.sleep(0)  # a mail whose bytes are all here would let nobody else have a turn
        return bytes(block)

    async def read(self, size: int) -> bytes:
        return await self._reader.read(size)


class _Lmtp(LMTP):
    """One connection. aiosmtpd refuses lines over 1,000 bytes, which mailers write, and gives one answer for all.

    It refuses for good, and so bounces, the mail of senders whose addresses it cannot read, and what follows a fault of
    ours on the same connection; and it hangs up on a mail that takes longer than the silence it allows.
    """

    line_length_limit = SIZE_LIMIT

    def __init__(self, door: Door, settings: LmtpSettings, connections: "set[_Lmtp]") -> None:
        self._connections = connections
        self._most = settings.connections_max
        self._recipients = 1
        super().__init__(
            door,
            hostname="hotline",
            ident="hotline LMTP",
            data_size_limit=MAIL_LIMIT,
            enable_SMTPUTF8=True,
            timeout=settings.idle_timeout_seconds,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if len(self._connections) >= self._most and isinstance(transport, asyncio.Transport):
            transport.write(b"421 4.3.2 too many connections\r\n")
            transport.close()
            return
        self._connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self in self._connections:
            self._connections.discard(self)
            super().connection_lost(error)

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - the library's name
        """Take a mail; the recipients' number outlives a fault, whose answer the library gives after it."""
        self._recipients = len(self.envelope.rcpt_tos) if self.envelope else 1
        reader = self._reader
        self._reader = _Blocks(reader, self._reset_timeout)  # type: ignore[assignment] # it asks for no more than these two
        try:
            await super().smtp_DATA(arg)
        except Exception:
            self._set_post_data_state()  # type: ignore[no-untyped-call] # the mail is over, kept or not: another may follow
            raise
        finally:
            self._reader = reader
        self._recipients = 1

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Part an address from its parameters. Whether it is a good one is for others: a sender's only names him."""
        address, rest = None, None
        with suppress(Exception):  # the standard library's parser raises IndexError for a bracket that nobody closes
            address, rest = super()._getaddr(arg)
        as_written = _PATH.match(arg.lstrip())
        if as_written and (address is None or (rest and not rest[0].isspace())):
            return as_written[1], as_written.string[as_written.end() :]
        return address, rest

    async def push(self, status: Any) -> None:
        """Give an answer, after DATA once for each recipient (RFC 2033, 4.2)."""
        if isinstance(status, str) and status.startswith("552"):
            metrics.LMTP_MAILS.labels("too_large").inc()
            _log.warning("lmtp_mail_too_large", limit_bytes=MAIL_LIMIT)
        if isinstance(status, str) and status.startswith(("451", "500", "552")) and "\r\n" not in status:
            status, self._recipients = "\r\n".join([status] * self._recipients), 1
        await super().push(status)

    def data_received(self, data: bytes) -> None:
        if self in self._connections:
            super().data_received(data)

    def eof_received(self) -> bool | None:
        return super().eof_received() if self in self._connections else None


async def serve_until(settings: LmtpSettings, door: Door, keeper: Keeper, stop: asyncio.Event) -> None:
    """Serve until `stop` is set; raises MisconfiguredError when the port is taken."""
    connections: set[_Lmtp] = set()
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(
            lambda: _Lmtp(door, settings, connections), settings.host, settings.port, backlog=settings.connections_max
        )
    except OSError as error:
        await keeper.close()
        where = join_host_port(settings.host, settings.port)
        raise MisconfiguredError(f"cannot listen on {where} ({error.strerror}): set lmtp.port") from error
    keeping = asyncio.create_task(keeper.run(), name="intake")
    try:
        await stop.wait()
    finally:
        server.close()
        _hang_up(list(connections))
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        await keeper.close()


def _hang_up(connections: Sequence[_Lmtp]) -> None:
    """End every connection: what had no answer yet the mail server delivers again."""
    for connection in connections:
        if connection.transport is not None:
            connection.transport.abort()  # type: ignore[attr-defined] # a socket's transport has it
