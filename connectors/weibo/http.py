"""One request to the platform: limits on time and size, and what went wrong told apart by whether it had left."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import requests
import urllib3

from connectors.unsent import never_left
from connectors.weibo.errors import NoAnswer, NotReached, UnreadableAnswer
from normalizers import mended
from schemas.wire import UNREADABLE

CONNECT_SECONDS, READ_SECONDS, WHOLE_SECONDS = 5.0, 15.0, 60.0
"""For a connection, for a silence, and for a whole answer that dribbles."""

BODY_MAX_BYTES = 32 * 1024 * 1024
"""Of an answer: two hundred statuses with all that hangs on them are below 4 MiB."""

_PIECE = 64 * 1024

Answer = Mapping[str, msgspec.Raw]


def send(
    session: requests.Session,
    method: str,
    url: str,
    *,
    clock: Callable[[], float] = time.monotonic,
    **request: Any,
) -> requests.Response:
    """Return the answer with its whole body read; raises NotReached, NoAnswer, UnreadableAnswer.

    Their texts name no address: it holds the access token.
    """
    end = clock() + WHOLE_SECONDS
    try:
        response = session.request(
            method, url, timeout=(CONNECT_SECONDS, READ_SECONDS), stream=True, allow_redirects=False, **request
        )
        response._content = _body(response, end, clock)  # as requests itself sets it after a read
    except requests.RequestException as error:
        raise (NotReached if never_left(error) else NoAnswer)(type(error).__name__) from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise NoAnswer(type(error).__name__) from None
    return response


def _body(response: requests.Response, end: float, clock: Callable[[], float]) -> bytes:
    body = bytearray()
    with response:
        for piece in response.iter_content(_PIECE):
            body += piece
            if len(body) > BODY_MAX_BYTES:
                raise UnreadableAnswer(response)
            if clock() > end:
                raise requests.ReadTimeout
    return bytes(body)


def read(response: requests.Response) -> Answer:
    """Return the fields of an answer, each as it came; raises UnreadableAnswer for what is no JSON object."""
    try:
        return mended.read(response.content, dict[str, msgspec.Raw])[0]
    except UNREADABLE:
        raise UnreadableAnswer(response) from None
