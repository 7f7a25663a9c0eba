"""An IMAP connection whose server may say so much and no more: in its greeting, and to each command."""

import socket
from typing import Any

from imapclient import IMAPClient
from imapclient.imap4 import IMAP4WithTimeout
from imapclient.tls import IMAP4_TLS, wrap_socket

from connectors.mailbox.words import TooMuchError
from connectors.watch import Watch
from schemas.records.raw import SIZE_LIMIT

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
