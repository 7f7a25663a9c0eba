"""Whether a request by requests surely never left: there was no connection to send it on, so it may be sent again."""

import requests
import urllib3

_NEVER_LEFT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.SSLError,
)


def never_left(error: requests.RequestException) -> bool:
    """Say whether the request surely did not reach anybody: no address, no connection, or no trust in who answered."""
    if isinstance(error, (requests.ConnectTimeout, requests.exceptions.SSLError)):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", cause), _NEVER_LEFT)
