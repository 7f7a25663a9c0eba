"""SMTP with a limit for each whole answer: smtplib's timeout is for each read, and a server may send lines for ever."""

import re
import smtplib
import socket
from typing import Any

from connectors.mailbox.imap_client import Words
from connectors.runtime.deadline import watched

ANSWER_BYTES = 256 * 1024
"""Bytes of one answer: the longest, to EHLO, has some hundred."""

GO_ON = 354

_FIRST_DOTS = re.compile(rb"^\.", re.MULTILINE)


class NotWholeError(smtplib.SMTPServerDisconnected):
    """The connection was lost before the end of the text: the server has not accepted the mail (RFC 5321, 4.1.1.4)."""


class Smtp(smtplib.SMTP):
    """SMTP client that disconnects if an answer is not complete within `timeout` or is too large."""

    def getreply(self) -> tuple[int, bytes]:
        """Return an answer; raises SMTPServerDisconnected if it does not end."""
        theirs: Any = self
        if self.file is None:
            theirs.file = Words(theirs.sock.makefile("rb"), ANSWER_BYTES)
        theirs.file.begin()
        with watched(theirs.sock, self.timeout):
            return super().getreply()

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Send a text, its end separately; raises NotWholeError if the server certainly did not accept it.

        smtplib raises one error for a connection that is lost before, in, and after the text.
        """
        text = _FIRST_DOTS.sub(b"..", bytes(msg))
        try:
            code, said = self.docmd("DATA")
            if code == GO_ON:
                self.send(text if text.endswith(b"\r\n") else text + b"\r\n")
                self.send(b".\r\n")
        except (smtplib.SMTPException, OSError) as error:
            raise NotWholeError(type(error).__name__) from error
        if code != GO_ON:
            raise smtplib.SMTPDataError(code, said)
        return self.getreply()

    def starttls(self, *arguments: Any, **options: Any) -> tuple[int, bytes]:
        """Encrypt the connection; the handshake has the same time limit as an answer."""
        theirs: Any = self
        with watched(theirs.sock, self.timeout):
            return super().starttls(*arguments, **options)


class SmtpTls(smtplib.SMTP_SSL, Smtp):
    """The same, encrypted from the first byte."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        theirs: Any = self
        plain = socket.create_connection((host, port), timeout)
        with watched(plain, timeout):
            wrapped: socket.socket = theirs.context.wrap_socket(plain, server_hostname=theirs._host)
        return wrapped
