"""Sends one request to the platform with limits of time and size; errors show whether the request was sent."""

from collections.abc import Mapping
from typing import Any

import msgspec
import requests
import urllib3

from connectors.http import middleware
from connectors.http.client import never_left
from connectors.weibo.errors import NoAnswer, NotReached, UnreadableAnswer
from normalizers.parse import json
from schemas.codec import UNREADABLE

CONNECT_SECONDS, READ_SECONDS, WHOLE_SECONDS = 5.0, 15.0, 60.0
"""Seconds for connecting, for each read, and for the whole answer."""

BODY_MAX_BYTES = 32 * 1024 * 1024
"""Bytes of an answer: two hundred statuses with all nested objects are below 4 MiB."""

Answer = Mapping[str, msgspec.Raw]


def new_session() -> requests.Session:
    """Return a session whose answers `send` can interrupt."""
    return middleware.Session(WHOLE_SECONDS, BODY_MAX_BYTES)


def send(session: requests.Session, method: str, url: str, **request: Any) -> requests.Response:
    """Return the answer with its whole body read; raises NotReached, NoAnswer, UnreadableAnswer.

    The errors' texts have no URL: it holds the access token.
    """
    try:
        with middleware.within(WHOLE_SECONDS):
            response = session.request(
                method, url, timeout=(CONNECT_SECONDS, READ_SECONDS), stream=True, allow_redirects=False, **request
            )
            try:
                response._content = middleware.whole(response, BODY_MAX_BYTES)  # requests sets the same attribute
            except middleware.TooLongError:
                raise UnreadableAnswer(response) from None
    except requests.RequestException as error:
        raise (NotReached if never_left(error) else NoAnswer)(type(error).__name__) from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise NoAnswer(type(error).__name__) from None
    return response


def read(response: requests.Response) -> Answer:
    """Return the fields of an answer as raw JSON; raises UnreadableAnswer if it is not a JSON object."""
    try:
        return json.read(response.content, dict[str, msgspec.Raw])[0]
    except UNREADABLE:
        raise UnreadableAnswer(response) from None
