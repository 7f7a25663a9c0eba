"""Errors of the open platform (微博开放平台), in tweepy's style.

::

    WeiboException
    ├── NotReached              no connection: the request was not sent
    ├── NoAnswer                the connection broke or time ran out after it was sent
    └── HTTPException           an answer other than a success: `response`, `api_codes`, `api_messages`
        ├── UnreadableAnswer    HTML, nothing, truncated JSON, too many bytes
        ├── BadRequest · Unauthorized · Forbidden · NotFound
        ├── TooManyRequests     `reset_time`: when the quota is reset, in seconds since 1970
        └── WeiboServerError

The platform's own `error_code` decides, not the HTTP status: a used-up quota is HTTP 403 there, an error may be HTTP
200, and the code may be a number or a string. Codes: https://open.weibo.com/wiki/Error_code.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import requests

from schemas.errors import UnauthorizedError, UnreachableError


class WeiboException(Exception):  # noqa: N818 - tweepy's names, for users of that library
    """Base of all these errors; its text names codes and no personal data."""


class NotReached(WeiboException):
    """No connection: the platform certainly did not receive the request."""


class NoAnswer(WeiboException):
    """The request may have arrived; its outcome is unknown."""


class HTTPException(WeiboException):
    """An answer other than a success."""

    def __init__(self, response: requests.Response, answer: Mapping[str, Any] | None = None) -> None:
        self.response = response
        self.api_codes = [code] if (code := code_of(answer)) is not None else []
        self.api_messages = [str(answer["error"])] if answer and answer.get("error") else []
        super().__init__(f"HTTP {response.status_code}" + "".join(f", error_code {each}" for each in self.api_codes))


class UnreadableAnswer(HTTPException):
    """An answer that is not the platform's JSON."""


class BadRequest(HTTPException):
    """The platform does not understand or does not accept the request."""


class Unauthorized(HTTPException):
    """The access token is wrong, revoked or expired."""


class Forbidden(HTTPException):
    """The application or the user may not do this."""


class NotFound(HTTPException):
    """The status, comment, user or interface does not exist."""


class TooManyRequests(HTTPException):
    """A quota is used up; `reset_time` is None if the platform did not report it."""

    def __init__(
        self, response: requests.Response, answer: Mapping[str, Any] | None = None, reset_time: int | None = None
    ) -> None:
        super().__init__(response, answer)
        self.reset_time = reset_time


class WeiboServerError(HTTPException):
    """A temporary fault of the platform."""


def code_of(answer: Mapping[str, Any] | None) -> int | None:
    """Return an answer's error_code as a number, or None for a success."""
    found = answer.get("error_code") if answer else None
    if found is None and answer and isinstance(answer.get("error"), str):
        return 0  # {"error": "..."} without a code is an error as well
    try:
        return int(found) if found is not None else None
    except (TypeError, ValueError):
        return 0


def kind_of(code: int | None, status: int) -> type[HTTPException]:
    """Return the exception for an error_code; for an unknown code, the exception for the HTTP status."""
    known = _BY_CODE.get(code) if code is not None else None
    if known is not None:
        return known
    return _BY_STATUS.get(status) or (WeiboServerError if status >= 500 else BadRequest)


OF_ADDRESS, OF_USER = 10022, 10023
"""Quotas over all interfaces: of the IP address, for an hour, and of the user, for a day."""

OF_ONE_INTERFACE = 10024

_CODES: Mapping[type[HTTPException], frozenset[int]] = MappingProxyType(
    {
        TooManyRequests: frozenset({OF_ADDRESS, OF_USER, OF_ONE_INTERFACE}),
        Unauthorized: frozenset({21301, 21314, 21315, 21316, 21317, 21319, 21327, 21332, 21501}),
        Forbidden: frozenset({10004, 10005, 10006, 10013, 10014, 10015, 20112}),
        NotFound: frozenset({10020, 20003, 20101, 20201}),
        WeiboServerError: frozenset({10001, 10002, 10003, 10009, 10010, 10011}),
    }
)
_BY_CODE = {code: kind for kind, codes in _CODES.items() for code in codes}

_BY_STATUS: Mapping[int, type[HTTPException]] = MappingProxyType(
    {
        401: Unauthorized,
        403: Forbidden,
        404: NotFound,
        418: TooManyRequests,
        429: TooManyRequests,
        432: TooManyRequests,
    }
)
"""The platform's gateways answer 418 and 432 to clients with too many requests."""


# Translates errors of the platform and the network; the texts have no URL, because it holds the token.


class NobodyThereError(UnreachableError):
    """No connection: the platform did not receive the call and has not counted it."""


class RefusedError(Exception):
    """The platform refuses one interface to this application; the others continue."""


class SlowDownError(Exception):
    """A quota is used up; `reset_time` is in seconds since 1970, or None if unknown; `codes` name the quota."""

    def __init__(self, error: TooManyRequests) -> None:
        super().__init__(str(error))
        self.reset_time = error.reset_time
        self.codes = error.api_codes


@contextmanager
def door(account: str) -> Iterator[None]:
    """Translate exceptions of the block to UnauthorizedError, UnreachableError, RefusedError or SlowDownError."""
    try:
        yield
    except TooManyRequests as error:
        raise SlowDownError(error) from None
    except Unauthorized as error:
        raise UnauthorizedError(
            f"Weibo {account}: the access token is refused ({error}): renew the authorization"
        ) from None
    except (UnreadableAnswer, WeiboServerError) as error:
        raise UnreachableError(f"Weibo {account}: no usable answer ({type(error).__name__}, {error})") from None
    except HTTPException as error:
        raise RefusedError(str(error)) from None
    except NotReached as error:
        raise NobodyThereError(
            f"Weibo {account}: no connection ({error}): see that the platform can be reached"
        ) from None
    except NoAnswer as error:
        raise UnreachableError(
            f"Weibo {account}: no answer ({error}): check that the platform can be reached"
        ) from None
