"""SMTP whose answers end: smtplib's limit is for each read, and a server may say another line for ever."""

import re
import smtplib
import socket
from typing import Any

from connectors.mailbox.imap_client import Words
from connectors.runtime.deadline import watched

ANSWER_BYTES = 256 * 1024
"""Of one answer: the longest, to EHLO, has some hundred bytes."""

GO_ON = 354

_FIRST_DOTS = re.compile(rb"^\.", re.MULTILINE)


class NotWholeError(smtplib.SMTPServerDisconnected):
    """The line was lost before the server had the end of a text: it has not got the mail (RFC 5321, 4.1.1.4)."""


class Smtp(smtplib.SMTP):
    """Hangs up on a server whose answer does not come whole within `timeout`, or is larger than any."""

    def getreply(self) -> tuple[int, bytes]:
        """Return an answer; raises SMTPServerDisconnected when it does not end."""
        theirs: Any = self
        if self.file is None:
            theirs.file = Words(theirs.sock.makefile("rb"), ANSWER_BYTES)
        theirs.file.begin()
        with watched(theirs.sock, self.timeout):
            return super().getreply()

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Send a text, its end by itself; raises NotWholeError when the server surely has not got that.

        smtplib has one error for a line that is lost before the text, in it, and behind it.
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
        """Encrypt the connection; the handshake has as long as an answer."""
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
