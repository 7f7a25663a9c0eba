"""From what the platform or the network does to our own errors; their texts hold no address, as it holds the token."""

from collections.abc import Iterator
from contextlib import contextmanager

from connectors.weibo.errors import (
    HTTPException,
    NoAnswer,
    NotReached,
    TooManyRequests,
    Unauthorized,
    UnreadableAnswer,
    WeiboServerError,
)
from schemas.errors import UnauthorizedError, UnreachableError


class NobodyThereError(UnreachableError):
    """There was no connection: the platform knows nothing of the call, and has not counted it."""


class RefusedError(Exception):
    """The platform does not give one interface to this application: the others go on."""


class SlowDownError(Exception):
    """A quota is used up; `reset_time` is in seconds since 1970, None when unknown; `codes` say whose."""

    def __init__(self, error: TooManyRequests) -> None:
        super().__init__(str(error))
        self.reset_time = error.reset_time
        self.codes = error.api_codes


@contextmanager
def door(account: str) -> Iterator[None]:
    """Translate what leaves a `with` block; raises UnauthorizedError, UnreachableError, RefusedError, SlowDownError."""
    try:
        yield
    except TooManyRequests as error:
        raise SlowDownError(error) from None
    except Unauthorized as error:
        raise UnauthorizedError(
            f"Weibo {account}: the access token is refused ({error}): let a person grant it again"
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
        raise UnreachableError(f"Weibo {account}: no answer ({error}): see that the platform can be reached") from None
