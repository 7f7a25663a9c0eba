"""An IMAP connection with a size limit for the server's greeting and for each answer."""

import imaplib
import socket
from collections.abc import Callable
from typing import Any, TypeAlias

from imapclient import IMAPClient, SocketTimeout
from imapclient.imap4 import IMAP4WithTimeout
from imapclient.response_parser import parse_message_list
from imapclient.tls import IMAP4_TLS, wrap_socket

from connectors.mailbox.oauth import Tokens
from connectors.mailbox.settings import MailboxSettings
from connectors.runtime.deadline import Watch
from schemas.records.raw import SIZE_LIMIT

# Work around valid answers that IMAPClient and imaplib treat as faults: read-only folders, long answers.


def opened(client: Any, folder: str, *, readonly: bool) -> tuple[dict[bytes, Any], bool]:
    """Open a folder; return the server's answer, and whether the folder can be changed.

    For a read-only account, imaplib takes the answer to SELECT for a lost connection.
    """
    if not readonly:
        try:
            return client.select_folder(folder, readonly=False), True
        except imaplib.IMAP4.readonly:
            pass
    return client.select_folder(folder, readonly=True), False


def found(client: Any, uids: str) -> list[int]:
    """Return the existing ones of these UIDs. A server may answer in several lines, of which IMAPClient reads one."""
    lines = client._raw_command_untagged(b"SEARCH", [b"UID", uids.encode()])
    return [uid for line in lines for uid in parse_message_list([line])]


# Connecting and logging in: TLS, ID (required by NetEase), password or OAuth token.

Connect: TypeAlias = Callable[..., Any]
"""Creates a `Client`."""

IDENTITY = {"name": "hotline", "version": "0.1.0", "vendor": "hotline", "support-email": "ops@localhost"}
"""ID that NetEase (163, 126) requires before it opens a folder."""


def connected(settings: MailboxSettings, connect: Connect) -> Any:
    """Connect, with TLS from the first byte if the settings say so; raises the library's errors."""
    tls = settings.tls == "tls"
    client = connect(
        settings.host,
        port=settings.port or (993 if tls else 143),
        ssl=tls,
        ssl_context=settings.tls_context() if tls else None,
        timeout=SocketTimeout(settings.connect_timeout_seconds, settings.read_timeout_seconds),
        greeting_seconds=settings.mail_timeout_seconds,
    )
    client.normalise_times = False  # return aware times instead of local ones
    return client


def log_in(client: Any, settings: MailboxSettings, tokens: Tokens) -> None:
    """Send ID and log in. Raises the library's errors, and PipelineError if no token is available."""
    if settings.tls == "starttls":
        client.starttls(settings.tls_context())
    if client.has_capability("ID"):
        _introduce(client)
    _authenticate(client, settings, tokens)
    # Send ID again: NetEase (163, 126) refuses folders to a client that did not send ID after the login, and some
    # servers offer ID only then.
    if client.has_capability("ID"):
        _introduce(client)


def _introduce(client: Any) -> None:
    client.id_(IDENTITY)


def _authenticate(client: Any, settings: MailboxSettings, tokens: Tokens) -> None:
    if settings.auth == "xoauth2":
        client.oauth2_login(settings.username, tokens.current())
    elif settings.auth == "oauthbearer":
        client.oauthbearer_login(settings.username, tokens.current())
    elif settings.password is not None:
        client.login(settings.username, settings.password.get_secret_value())


# Words: the server's output, as a library reads a socket's file, with a limit for each answer.


class TooMuchError(OSError):
    """An answer of the server exceeds the limit."""


class Words:
    """File of a socket that limits the bytes of one answer."""

    def __init__(self, file: Any, most: int) -> None:
        self.file = file
        self._most = self._left = most

    def begin(self) -> None:
        """Reset the limit for the next answer."""
        self._left = self._most

    def readline(self, most: int) -> bytes:
        """Return a line of at most `most` bytes; raises TooMuchError if the answer is too long."""
        return self._counted(self.file.readline(most))

    def read(self, size: int) -> bytes:
        """Return `size` bytes; raises TooMuchError before reading if the answer would be too long."""
        if size > self._left:
            raise TooMuchError
        return self._counted(self.file.read(size))

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def _counted(self, said: bytes) -> bytes:
        self._left -= len(said)
        if self._left < 0:
            raise TooMuchError
        return said


GREETING_BYTES = 1 << 20
"""Limit in bytes of all that a server sends before the first command: greeting and capabilities."""

ANSWER_BYTES = SIZE_LIMIT + (1 << 20)
"""Limit in bytes of the answer to one command: the largest accepted mail and the protocol text around it."""


class Client(IMAPClient):  # type: ignore[misc] # imapclient has no types
    """IMAPClient that closes the connection if the server does not complete its greeting in time.

    The library's timeout applies to each read: a byte every few seconds would hold it for ever, in the TLS handshake,
    too.
    """

    def __init__(self, host: str, *, greeting_seconds: float, **options: Any) -> None:
        self._greeting_seconds = greeting_seconds
        super().__init__(host, **options)

    def begin_answer(self) -> None:
        """Reset the limit of the answer, because another command is sent."""
        self._imap.begin_answer()

    def _create_IMAP4(self) -> Any:  # noqa: N802 - the library's name
        watch = Watch(self._greeting_seconds)
        limit = self._timeout.connect
        try:
            if self.ssl:
                made: Any = _Tls(watch, self.host, self.port, self.ssl_context, limit)
            else:
                made = _Plain(watch, self.host, self.port, limit)
        finally:
            watch.end()
        return made


class _Bounded:
    """Limits reads from the server; imaplib allocates as many bytes as are announced ({4294967295})."""

    file: Any

    def __init__(self, watch: Watch, *arguments: Any) -> None:
        self._watch = watch
        self._left = GREETING_BYTES
        super().__init__(*arguments)

    def begin_answer(self) -> None:
        self._left = ANSWER_BYTES

    def read(self, size: int) -> bytes:
        """Return `size` bytes; raises TooMuchError before reading if they exceed the limit."""
        self._take(size)
        return super().read(size)  # type: ignore[misc,no-any-return] # the library's class follows in the MRO

    def readline(self) -> bytes:
        """Return a line; raises TooMuchError if all lines together are too long.

        imaplib limits a line to 1,000,000 bytes; the addresses of one mail, or the UIDs of many, may be longer.
        """
        line: bytes = self.file.readline(max(self._left, 0) + 1)
        self._take(len(line))
        return line

    def _take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise TooMuchError


class _Plain(_Bounded, IMAP4WithTimeout):  # type: ignore[misc] # as above
    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        made: socket.socket = super()._create_socket(timeout)
        self._watch.see(made)
        return made


class _Tls(_Bounded, IMAP4_TLS):  # type: ignore[misc] # as above
    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        plain = socket.create_connection((self.host, self.port), timeout=self._timeout)
        self._watch.see(plain)
        made: socket.socket = wrap_socket(plain, self.ssl_context, self.host)
        return made
