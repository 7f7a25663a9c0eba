"""Whether a request by requests surely never left, because there was no connection, so that it may be repeated."""

import ssl
import traceback

import requests
import urllib3

_NEVER_LEFT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.SSLError,
)

_HANDSHAKE = "do_handshake"
"""Functions of `ssl` that agree on keys and verify the certificate, before any data is sent."""


def never_left(error: requests.RequestException) -> bool:
    """Return whether the request surely reached nobody: no address, no connection, or a failed TLS handshake."""
    if _after_handshake(error):
        return False
    if isinstance(error, (requests.ConnectTimeout, requests.exceptions.SSLError)):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", cause), _NEVER_LEFT)


def _after_handshake(error: BaseException) -> bool:
    """Return whether TLS failed on an established connection: the unreadable data may have been the answer."""
    below: BaseException | None = error
    while below is not None and not isinstance(below, ssl.SSLError):
        below = below.__context__
    if below is None:
        return False
    return all(frame.f_code.co_name != _HANDSHAKE for frame, _ in traceback.walk_tb(below.__traceback__))
