"""LMTP: accepts mail from a city's own mail server and answers 250 only after the mail is safe."""

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
from connectors.publish.durable_publisher import DurablePublisher
from schemas.errors import MisconfiguredError, PipelineError
from schemas.host_port import join_host_port
from schemas.records import RawMessage, raw_message
from schemas.records.raw import SIZE_LIMIT

# aiosmtpd logs addresses at INFO and mails at DEBUG.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)

MAIL_LIMIT = SIZE_LIMIT - 1024
"""Limit of a mail in bytes; it leaves room for the Return-Path line, as no command is longer (RFC 5321, 4.5.3)."""

BLOCK_BYTES = 64 * 1024

COMPONENT = "lmtp"
"""Label of internal errors in metrics, which may concern no account."""

_END = b".\r\n"

_PATH = re.compile(r'<(?:@[^:<>"]*:)?((?:[^<>"\\]|\\.|"(?:[^"\\]|\\.)*")*)>')
"""An address in angle brackets, with any characters in quotes; a source route before it (RFC 5321, C) is skipped."""

_log = structlog.get_logger(__name__)


class Door:
    """Command handlers that aiosmtpd calls."""

    def __init__(
        self, settings: LmtpSettings, durable: DurablePublisher, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._accounts = {
            address.lower(): (name, city_of(mailbox.jurisdiction, name))
            for name, mailbox in settings.mailboxes.items()
            for address in mailbox.recipients
        }
        self._durable = durable
        self._now = now
        self.last_success: datetime | None = None
        metrics.FAULTS_OF_OURS.labels(CHANNEL, COMPONENT)  # an alarm on the growth of this metric needs the initial 0

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: Any, session: Client, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept a known recipient; for any other the mail server informs the sender."""
        if self._account(address) is None:
            metrics.LMTP_RECIPIENTS.labels("unknown").inc()
            return "550 5.1.1 no such recipient"
        metrics.LMTP_RECIPIENTS.labels("accepted").inc()
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 - the library's name
        self, server: Any, session: Client, envelope: Envelope
    ) -> str:
        """Answer for each recipient in order when all is safe; recipients of one account share one message."""
        answers: dict[str, str] = {}
        for address in envelope.rcpt_tos:
            name, city = self._accounts[self._account(address) or ""]
            if name not in answers:
                answers[name] = await self._kept(self._message(envelope, name, city))
        return "\r\n".join(answers[self._accounts[self._account(each) or ""][0]] for each in envelope.rcpt_tos)

    async def handle_exception(self, error: Exception) -> str:
        """Answer an internal error with 451: the mail server keeps the mail and repeats it."""
        faults.told(CHANNEL, COMPONENT, error)
        return "451 4.3.0 not now"

    async def _kept(self, message: RawMessage) -> str:
        try:
            outcome = await self._durable.publish([message])
        except PipelineError as error:
            _log.warning("lmtp_mail_unsafe", error=type(error).__name__)
            metrics.LMTP_MAILS.labels("unsafe").inc()
            return "451 4.3.0 nothing can keep it now"
        metrics.LMTP_MAILS.labels(outcome).inc()
        self.last_success = self._now()
        return "250 2.0.0 kept"

    def _account(self, address: str) -> str | None:
        """Return a recipient's known name: the address, the address without its plus tag, or the domain with its @."""
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
            # RFC 5321, 4.4: final delivery adds the envelope's sender as Return-Path; an empty one marks a bounce.
            value=b"Return-Path: <%s>\r\n%s" % (sender.encode("utf-8", "replace"), _STRAY_CR.sub(b" ", wire)),
            content_type="message/rfc822",
            time=now,
            recorded=now,
            sender=sender.lower() or None,
            wire_sha256=digest,
        )


_STRAY_CR = re.compile(rb"\r(?!\n)")
"""RFC 5321, 2.3.8: a CR without LF is never sent. Readers of mail end a line there, so that a header could be forged
behind one; as Postfix's `cleanup_replace_stray_cr_lf` it becomes a space, because a refusal would lose a citizen's
message."""


class _Blocks:
    """Hands the lines of a mail to aiosmtpd in blocks, since it keeps an object of a hundred bytes for each read.

    aiosmtpd removes a leading dot only at the beginning of a block, and recognises the end by a block with a single
    dot.
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
                break  # raised again by the next read
            if line == _END:
                self._ended = True
                break
            block += line.removeprefix(b".")
        await asyncio.sleep(0)  # yield to other connections even if all bytes of a mail have arrived
        return bytes(block)

    async def read(self, size: int) -> bytes:
        return await self._reader.read(size)


class _Lmtp(LMTP):
    """One connection. aiosmtpd refuses lines over 1,000 bytes, which mailers write, and gives one answer for all.

    aiosmtpd also refuses permanently, and so bounces, mail of senders whose addresses it cannot parse, and mail after
    an internal error on the same connection; and it closes the connection of a mail that takes longer than the idle
    timeout.
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
        """Accept a mail; the recipient count outlives an error, because the library answers the error afterwards."""
        self._recipients = len(self.envelope.rcpt_tos) if self.envelope else 1
        reader = self._reader
        self._reader = _Blocks(reader, self._reset_timeout)  # type: ignore[assignment] # it calls only these two methods
        try:
            await super().smtp_DATA(arg)
        except Exception:
            self._set_post_data_state()  # type: ignore[no-untyped-call] # after this mail, stored or not, another may follow
            raise
        finally:
            self._reader = reader
        self._recipients = 1

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Split an address from its parameters without validating it: a sender's address is only recorded."""
        address, rest = None, None
        with suppress(Exception):  # the standard library's parser raises IndexError for an unclosed bracket
            address, rest = super()._getaddr(arg)
        as_written = _PATH.match(arg.lstrip())
        if as_written and (address is None or (rest and not rest[0].isspace())):
            return as_written[1], as_written.string[as_written.end() :]
        return address, rest

    async def push(self, status: Any) -> None:
        """Send an answer, after DATA once per recipient (RFC 2033, 4.2)."""
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


async def serve_until(settings: LmtpSettings, door: Door, durable: DurablePublisher, stop: asyncio.Event) -> None:
    """Serve until `stop` is set; raises MisconfiguredError if the port is in use."""
    connections: set[_Lmtp] = set()
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(
            lambda: _Lmtp(door, settings, connections), settings.host, settings.port, backlog=settings.connections_max
        )
    except OSError as error:
        await durable.close()
        where = join_host_port(settings.host, settings.port)
        raise MisconfiguredError(f"cannot listen on {where} ({error.strerror}): set lmtp.port") from error
    serving = asyncio.create_task(durable.run(), name="durable publisher")
    try:
        await stop.wait()
    finally:
        server.close()
        _hang_up(list(connections))
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
        await durable.close()


def _hang_up(connections: Sequence[_Lmtp]) -> None:
    """Close every connection: the mail server delivers unanswered mails again."""
    for connection in connections:
        if connection.transport is not None:
            connection.transport.abort()  # type: ignore[attr-defined] # socket transports have it
