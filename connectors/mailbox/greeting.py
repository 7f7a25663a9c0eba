"""An IMAP connection up to its greeting: bounded in time and size, as each command is behind it."""

import socket
from typing import Any

from imapclient import IMAPClient
from imapclient.imap4 import IMAP4WithTimeout
from imapclient.tls import IMAP4_TLS, wrap_socket

from connectors.watch import Watch
from connectors.words import Words

GREETING_BYTES = 1 << 20
"""Of all that a server says before it is asked for anything: a line, and what it can."""


class Client(IMAPClient):  # type: ignore[misc] # imapclient has no types
    """IMAPClient, whose connection is given up when the server is not done with its greeting in time.

    The library's limit is for each read: a byte every few seconds would keep it for ever, in the TLS handshake, too.
    """

    def __init__(self, host: str, *, greeting_seconds: float, **options: Any) -> None:
        self._greeting_seconds = greeting_seconds
        super().__init__(host, **options)

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
        made.file = made.file.file  # what follows has limits of its own
        return made


class _Greeted:
    """Lets what a server says before it is asked be as long, and take as long, as it may."""

    file: Any

    def __init__(self, watch: Watch, *arguments: Any) -> None:
        self._watch = watch
        super().__init__(*arguments)

    def open(self, *arguments: Any, **options: Any) -> None:
        super().open(*arguments, **options)  # type: ignore[misc] # the library's, which stands behind this one
        self.file = Words(self.file, GREETING_BYTES)


class _Plain(_Greeted, IMAP4WithTimeout):  # type: ignore[misc] # as above
    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        made: socket.socket = super()._create_socket(timeout)
        self._watch.see(made)
        return made


class _Tls(_Greeted, IMAP4_TLS):  # type: ignore[misc] # as above
    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        plain = socket.create_connection((self.host, self.port), timeout=self._timeout)
        self._watch.see(plain)
        made: socket.socket = wrap_socket(plain, self.ssl_context, self.host)
        return made
