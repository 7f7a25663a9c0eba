"""An IMAP connection whose server may say so much and no more: in its greeting, and to each command."""

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

# What IMAPClient and imaplib take for a fault, though a server may well say it: folders to read only, long answers.


def opened(client: Any, folder: str, *, readonly: bool) -> tuple[dict[bytes, Any], bool]:
    """Open a folder; return what the server says of it, and whether anything may be changed there.

    Where the account may only read, imaplib takes the answer to SELECT for a lost connection.
    """
    if not readonly:
        try:
            return client.select_folder(folder, readonly=False), True
        except imaplib.IMAP4.readonly:
            pass
    return client.select_folder(folder, readonly=True), False


def found(client: Any, uids: str) -> list[int]:
    """Return which of these UIDs there are. A server may say it in several lines; IMAPClient reads one and no other."""
    lines = client._raw_command_untagged(b"SEARCH", [b"UID", uids.encode()])
    return [uid for line in lines for uid in parse_message_list([line])]


# From nothing to a connection that is logged in: TLS, who we are (NetEase asks), password or OAuth token.

Connect: TypeAlias = Callable[..., Any]
"""Makes a `Client`."""

IDENTITY = {"name": "hotline", "version": "0.1.0", "vendor": "hotline", "support-email": "ops@localhost"}
"""What NetEase (163, 126) wants to hear before it opens a folder."""


def connected(settings: MailboxSettings, connect: Connect) -> Any:
    """Connect, encrypted from the first byte where the settings say so; raises whatever the library does."""
    tls = settings.tls == "tls"
    client = connect(
        settings.host,
        port=settings.port or (993 if tls else 143),
        ssl=tls,
        ssl_context=settings.tls_context() if tls else None,
        timeout=SocketTimeout(settings.connect_timeout_seconds, settings.read_timeout_seconds),
        greeting_seconds=settings.mail_timeout_seconds,
    )
    client.normalise_times = False  # aware times, not the local clock's
    return client


def log_in(client: Any, settings: MailboxSettings, tokens: Tokens) -> None:
    """Send ID and log in. Raises the library's errors, and PipelineError if no token can be had."""
    if settings.tls == "starttls":
        client.starttls(settings.tls_context())
    if client.has_capability("ID"):
        _introduce(client)
    _authenticate(client, settings, tokens)
    # Once more: NetEase (163, 126) refuses folders to a client that did not say it after the login, and some servers
    # offer ID only then.
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


# Words: what a server says, read as a library reads a socket's file, and never more of it than its limit.


class TooMuchError(OSError):
    """A server says more than any would."""


class Words:
    """A file of a socket whose reader holds so many bytes of one answer at most."""

    def __init__(self, file: Any, most: int) -> None:
        self.file = file
        self._most = self._left = most

    def begin(self) -> None:
        """Let another answer be as long."""
        self._left = self._most

    def readline(self, most: int) -> bytes:
        """Return a line, or so much of it; raises TooMuchError when the answer is too long."""
        return self._counted(self.file.readline(most))

    def read(self, size: int) -> bytes:
        """Return so many bytes; raises TooMuchError before they are read when the answer would be too long."""
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
"""Of all that a server says before it is asked for anything: a line, and what it can."""

ANSWER_BYTES = SIZE_LIMIT + (1 << 20)
"""Of all that it says to one command: the largest mail that is taken, and what stands around it."""


class Client(IMAPClient):  # type: ignore[misc] # imapclient has no types
    """IMAPClient, whose connection is given up when the server is not done with its greeting in time.

    The library's limit is for each read: a byte every few seconds would keep it for ever, in the TLS handshake, too.
    """

    def __init__(self, host: str, *, greeting_seconds: float, **options: Any) -> None:
        self._greeting_seconds = greeting_seconds
        super().__init__(host, **options)

    def begin_answer(self) -> None:
        """Let the server say as much again: another command goes out."""
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
    """Reads no more than the server may say; imaplib makes room for as many bytes as are announced ({4294967295})."""

    file: Any

    def __init__(self, watch: Watch, *arguments: Any) -> None:
        self._watch = watch
        self._left = GREETING_BYTES
        super().__init__(*arguments)

    def begin_answer(self) -> None:
        self._left = ANSWER_BYTES

    def read(self, size: int) -> bytes:
        """Return so many bytes; raises TooMuchError before any of them is read when they are too many."""
        self._take(size)
        return super().read(size)  # type: ignore[misc,no-any-return] # the library's, which stands behind this one

    def readline(self) -> bytes:
        """Return a line; raises TooMuchError when all lines are too long together.

        Those of imaplib have at most 1,000,000 bytes: the addresses of one mail, or the UIDs of many, may have more.
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
