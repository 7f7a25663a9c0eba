"""Translates errors of IMAPClient and imaplib into errors of the pipeline."""

import imaplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from imapclient.exceptions import CapabilityError, LoginError, ProtocolError

from broker.tls import certificate_fault
from connectors.mailbox.imap_client import TooMuchError
from schemas.errors import (
    MisconfiguredError,
    PipelineError,
    RetriableError,
    ThrottledError,
    UnauthorizedError,
    UnreachableError,
)

LINK_LOST = (imaplib.IMAP4.abort, OSError, EOFError)
"""Errors after which the connector reconnects; ssl.SSLError and TimeoutError are OSErrors."""

_THROTTLED = ("[LIMIT]", "too many", "rate limit", "try again later", "over quota", "[OVERQUOTA]")
_UNAVAILABLE = ("[UNAVAILABLE]", "[INUSE]", "temporary")
_BROKEN = ("[SERVERBUG]", "internal error")
"""Response codes that concern the whole server at a login; in answer to FETCH they may concern a single mail."""

THROTTLED_SECONDS = 60.0


class NotNowError(UnreachableError):
    """The server cannot serve any command now; no mail has caused the error."""


class EndlessError(UnreachableError):
    """The answer to one command exceeds the limit for a mail; the rest of the connection is unreadable."""


class CommandRefusedError(RetriableError):
    """The server refused this one command (NO or BAD), or its answer cannot be parsed."""


@contextmanager
def door(account: str) -> Iterator[None]:
    """Translate exceptions of the library in the block."""
    try:
        yield
    except PipelineError:
        raise
    except Exception as error:  # the parser raises the errors of int(), decode() and datetime()
        raise translated(error, account) from error


def translated(error: Exception, account: str) -> PipelineError:
    """Return the pipeline's error; it has no text of the server, which may quote addresses."""
    name, said = type(error).__name__, str(error).lower()
    if isinstance(error, ssl.SSLCertVerificationError):
        why = certificate_fault(error, f"connectors.mailbox.{account}.ssl_cafile")
        return UnreachableError(f"mailbox {account}: the server's certificate {why}")
    if isinstance(error, LoginError):
        return _login(error, account, said)
    if isinstance(error, CapabilityError):
        return MisconfiguredError(f"mailbox {account}: the server does not support these settings; check tls and idle")
    if isinstance(error, UnicodeEncodeError):
        return MisconfiguredError(f"mailbox {account}: username and password must be ASCII for this server")
    if isinstance(error, TooMuchError):
        return EndlessError(f"mailbox {account}: the server says more than any mail is long; see that it is one")
    if isinstance(error, LINK_LOST):
        return UnreachableError(f"mailbox {account}: no connection ({name}); check host, port and the network")
    # A ProtocolError quotes the unreadable text, which may be a citizen's words.
    if isinstance(error, imaplib.IMAP4.error) and not isinstance(error, ProtocolError):
        return _refusal(account, name, said)
    return _refused(account, name)


def _refusal(account: str, name: str, said: str) -> PipelineError:
    if "unsafe login" in said:
        return _unsafe(account)
    if _says(said, _THROTTLED):
        return ThrottledError(f"mailbox {account}: the server demands fewer requests", THROTTLED_SECONDS)
    if _says(said, _UNAVAILABLE):
        return NotNowError(f"mailbox {account}: the server is not ready now")
    return _refused(account, name)


def _refused(account: str, name: str) -> PipelineError:
    return CommandRefusedError(f"mailbox {account}: the server refused a command ({name})")


def _login(error: LoginError, account: str, said: str) -> PipelineError:
    # IMAPClient raises this error for every fault of the login, including a lost connection.
    if isinstance(error.__context__, LINK_LOST) or _says(said, _UNAVAILABLE + _BROKEN):
        return UnreachableError(f"mailbox {account}: login is not possible now; the server is not ready")
    if _says(said, _THROTTLED):
        return ThrottledError(f"mailbox {account}: the server demands fewer logins", THROTTLED_SECONDS)
    if "unsafe login" in said:
        return _unsafe(account)
    return UnauthorizedError(
        f"mailbox {account}: the login is refused; check username and password (授权码), or the token"
    )


def _says(said: str, words: tuple[str, ...]) -> bool:
    return any(word.lower() in said for word in words)


def _unsafe(account: str) -> PipelineError:
    return UnauthorizedError(
        f"mailbox {account}: the provider rejects the login as unsafe; allow IMAP for the account there"
    )
