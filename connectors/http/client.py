"""Whether a request by requests surely never left: there was no connection to send it on, so it may be sent again."""

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
"""Where the module `ssl` agrees on keys and looks at the certificate, before anything is sent."""


def never_left(error: requests.RequestException) -> bool:
    """Say whether the request surely did not reach anybody: no address, no connection, or no trust in who answered."""
    if _after_handshake(error):
        return False
    if isinstance(error, (requests.ConnectTimeout, requests.exceptions.SSLError)):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", cause), _NEVER_LEFT)


def _after_handshake(error: BaseException) -> bool:
    """Say whether TLS failed on a connection that stood: what could not be read was perhaps the answer."""
    below: BaseException | None = error
    while below is not None and not isinstance(below, ssl.SSLError):
        below = below.__context__
    if below is None:
        return False
    return all(frame.f_code.co_name != _HANDSHAKE for frame, _ in traceback.walk_tb(below.__traceback__))
