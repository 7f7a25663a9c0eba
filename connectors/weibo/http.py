"""One request to the platform: limits on time and size, and what went wrong told apart by whether it had left."""

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
"""For a connection, for a silence, and for a whole answer that dribbles."""

BODY_MAX_BYTES = 32 * 1024 * 1024
"""Of an answer: two hundred statuses with all that hangs on them are below 4 MiB."""

Answer = Mapping[str, msgspec.Raw]


def new_session() -> requests.Session:
    """Return a session whose answers `send` can end."""
    return middleware.Session(WHOLE_SECONDS, BODY_MAX_BYTES)


def send(session: requests.Session, method: str, url: str, **request: Any) -> requests.Response:
    """Return the answer with its whole body read; raises NotReached, NoAnswer, UnreadableAnswer.

    Their texts name no address: it holds the access token.
    """
    try:
        with middleware.within(WHOLE_SECONDS):
            response = session.request(
                method, url, timeout=(CONNECT_SECONDS, READ_SECONDS), stream=True, allow_redirects=False, **request
            )
            try:
                response._content = middleware.whole(response, BODY_MAX_BYTES)  # as requests itself sets it
            except middleware.TooLongError:
                raise UnreadableAnswer(response) from None
    except requests.RequestException as error:
        raise (NotReached if never_left(error) else NoAnswer)(type(error).__name__) from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise NoAnswer(type(error).__name__) from None
    return response


def read(response: requests.Response) -> Answer:
    """Return the fields of an answer, each as it came; raises UnreadableAnswer for what is no JSON object."""
    try:
        return json.read(response.content, dict[str, msgspec.Raw])[0]
    except UNREADABLE:
        raise UnreadableAnswer(response) from None
