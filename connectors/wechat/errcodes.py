"""What the platform's errcodes (全局返回码) say that is not about the request itself."""

from schemas.errors import PipelineError, ThrottledError, UnauthorizedError

STALE_TOKEN = frozenset({40001, 40014, 41001, 42001})
"""The access_token is refused: a fresh one may help, once."""

_OURS = frozenset({40013, 40056, 40125, 40164, 41002, 41004, 48001, 50001, 50002, 60020, 61004, 301002})
"""AppID, AppSecret, the address list (IP白名单) or a right is wrong: only a person can help."""

_USED_UP = 45009
"""A quota: a day's on the official platform; 企业微信 counts by the minute and the hour, and does not say which."""

_OFTEN = frozenset({_USED_UP, 45011, 45033})
"""Too many calls in a minute, or at once."""

_OFTEN_SECONDS = 60.0
"""https://developer.work.weixin.qq.com/document/path/90454: blocked for 60 seconds, or for an hour."""


def error_of(errcode: int, *, night: float | None) -> PipelineError | None:
    """Return the error of an errcode, None for one that is about the request.

    `night` is how long a day's quota waits, in seconds; None where none is a day's.
    """
    if errcode in STALE_TOKEN or errcode in _OURS:
        return UnauthorizedError(
            f"the platform refuses our credentials (errcode {errcode}): check AppID, AppSecret and IP白名单"
        )
    if errcode == _USED_UP and night is not None:
        return ThrottledError("the day's quota of the API is used up: it begins anew at midnight", night)
    if errcode in _OFTEN:
        return ThrottledError(f"the platform is asked too often (errcode {errcode}): it waits", _OFTEN_SECONDS)
    return None
