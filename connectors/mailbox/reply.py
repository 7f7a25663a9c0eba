"""Sends receipts by SMTP, one message per connection, marked as automatic and in the thread of the citizen's mail."""

import re
import smtplib
import ssl
from collections.abc import Callable
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from broker.tls import certificate_fault
from connectors.base import utc_now
from connectors.mailbox.smtp import NotWholeError, Smtp, SmtpTls
from connectors.replies.base import AT_ONCE_MOST, Reply, Sent
from connectors.replies.settings import SmtpSettings
from normalizers.parse.ticket_tokens import mail_id
from schemas.errors import PipelineError, ThrottledError, UnauthorizedError, UnreachableError
from storage.thread_pool import Threads

Connect = Callable[..., smtplib.SMTP]

_PORTS = {"tls": 465, "starttls": 587, "none": 25}
_POLICY = SMTP.clone(max_line_length=200)
"""Python encodes a word that is longer than a line, which mail programs do not recognise as the id of a thread."""

_ADDRESS = re.compile(r"[^\s@<>,;:()\"\\]{1,64}@[A-Za-z0-9.-]{1,255}", re.ASCII)
_ID = re.compile(r"[!-;=?-~]{1,180}")


class MailSender:
    """Sends the receipts of one mailbox; `connect` is a class like smtplib's, for a server without `tls = tls`."""

    def __init__(self, settings: SmtpSettings, account: str, connect: Connect = Smtp) -> None:
        self._settings = settings
        self._account = account
        self._connect = connect
        self._thread = Threads(f"smtp-{account}", AT_ONCE_MOST)

    async def send(self, reply: Reply) -> Sent:
        """Send one mail; raises UnreachableError or UnauthorizedError only if the server certainly does not have it."""
        return await self._thread.do(self._send, reply)

    async def close(self) -> None:
        """Do nothing: no connection is kept between two mails."""

    def log_in(self) -> None:
        """Connect, log in and quit. Raises as `send` does."""
        _leave(self._opened())

    def _send(self, reply: Reply) -> Sent:
        value = reply.recipient.value
        if not (value.isascii() and _ADDRESS.fullmatch(value)):  # SMTPUTF8 is not supported
            return Sent(outcome="refused", code="address")
        mail = letter(reply, self._settings, utc_now())
        server = self._opened()
        try:
            return self._handed(server, mail, value)
        finally:
            _leave(server)

    def _opened(self) -> smtplib.SMTP:
        """Connect and log in; no data about a mail is sent yet."""
        chosen = self._settings
        port = chosen.port or _PORTS[chosen.tls]
        # Otherwise smtplib would look up this host's name and send it to strangers.
        options: dict[str, Any] = {
            "timeout": chosen.timeout_seconds,
            "local_hostname": chosen.from_address.rpartition("@")[2],
        }
        try:
            if chosen.tls == "tls":
                return self._greeted(SmtpTls(chosen.host, port, context=chosen.tls_context(), **options))
            return self._greeted(self._connect(chosen.host, port, **options))
        except (smtplib.SMTPException, OSError) as error:
            raise self._not_connected(error) from error

    def _greeted(self, server: smtplib.SMTP) -> smtplib.SMTP:
        chosen = self._settings
        try:
            server.ehlo_or_helo_if_needed()
            if chosen.tls == "starttls":
                server.starttls(context=chosen.tls_context())
            if chosen.username is not None and chosen.password is not None:
                server.login(chosen.username, chosen.password.get_secret_value())
        except BaseException:
            _leave(server)
            raise
        return server

    def _not_connected(self, error: BaseException) -> PipelineError:
        """Return the pipeline's error; it has no text of the server, which may quote addresses."""
        where = f"answers.{self._account}.smtp"
        if isinstance(error, ssl.SSLCertVerificationError):
            return UnreachableError(
                f"{where}: the server's certificate {certificate_fault(error, f'{where}.ssl_cafile')}"
            )
        if isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code >= 500:
            return UnauthorizedError(f"{where}: the login is refused; check username and password (授权码)")
        if isinstance(error, smtplib.SMTPNotSupportedError):
            return UnauthorizedError(f"{where}: the server offers no such login or encryption; check tls and username")
        return UnreachableError(f"{where}: no connection ({type(error).__name__}); check host, port and the network")

    def _handed(self, server: smtplib.SMTP, mail: EmailMessage, recipient: str) -> Sent:
        """Run MAIL, RCPT and DATA; the outcome is unknown only for failures after the whole text was sent."""
        sender = "" if self._settings.null_return_path else self._settings.from_address
        try:
            for code, _ in (server.mail(sender), server.rcpt(recipient)):
                if not 200 <= code < 300:
                    return self._refused(code)
        except (smtplib.SMTPException, OSError) as error:  # no text was sent yet
            raise self._not_connected(error) from error
        try:
            code, _ = server.data(mail.as_bytes(policy=_POLICY))
        except smtplib.SMTPDataError as error:  # the server refused DATA itself
            return self._refused(int(error.smtp_code))
        except NotWholeError as error:
            raise self._not_connected(error.__cause__ or error) from error
        except (smtplib.SMTPException, OSError) as error:
            return Sent(outcome="unknown", code=type(error).__name__)
        # No reference: the server returns none, and the Message-ID of the receipt holds the ticket's token.
        return Sent(outcome="accepted", code=str(code)) if code == 250 else self._refused(code)

    def _refused(self, code: int) -> Sent:
        """Treat 4xx as temporary (greylisting, quota): the server did not accept the mail, RFC 5321 4.2.1."""
        if 400 <= code < 500:
            raise ThrottledError(f"answers.{self._account}.smtp: the server says {code}, not now")
        return Sent(outcome="refused", code=str(code))


def letter(reply: Reply, settings: SmtpSettings, now: datetime) -> EmailMessage:
    """Return the mail: in the thread of the citizen's mail (RFC 5322), marked as automatic (RFC 3834)."""
    mail = EmailMessage(policy=_POLICY)
    local, _, domain = settings.from_address.rpartition("@")
    mail["From"] = Address(settings.from_name, username=local, domain=domain)
    name, _, host = reply.recipient.value.rpartition("@")
    mail["To"] = Address(username=name, domain=host)
    mail["Subject"] = reply.subject or ""
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{mail_id(reply.token or reply.reply_id, domain)}>"
    answered = reply.thread.message_id_header
    if answered and _ID.fullmatch(answered):
        mail["In-Reply-To"] = f"<{answered}>"
        before = (one for one in reply.thread.references if _ID.fullmatch(one))
        mail["References"] = " ".join(f"<{one}>" for one in (*before, answered))
    if settings.plus_addressing and reply.token:
        mail["Reply-To"] = Address(settings.from_name, username=f"{local}+{reply.token}", domain=domain)
    mail["Auto-Submitted"] = "auto-replied"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(reply.text + "\n", charset="utf-8", cte="base64")
    return mail


def _leave(server: Any) -> None:
    try:
        server.quit()
    except (smtplib.SMTPException, OSError):
        server.close()
