"""The platform's HTTP API (公众号, 小程序, 企业微信): wechatpy's client with a token shared by all processes.

`stable_token` and 企业微信's `gettoken` return the same token to all callers while it is valid, so every process may
hold a copy. wechatpy would call `cgi-bin/token`, which invalidates the token of all other processes, without a time
limit, and again and again after a refusal.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec
import requests
from msgspec import Struct
from pydantic import SecretStr
from wechatpy.client import WeChatClient
from wechatpy.exceptions import WeChatClientException

from connectors.base import utc_now
from connectors.http import middleware
from connectors.http.client import never_left
from normalizers.parse import json
from schemas.codec import UNREADABLE, built
from schemas.errors import PipelineError, ThrottledError, UnauthorizedError, UnreachableError

# Errcodes of the platform (全局返回码) that do not concern the request itself.

STALE_TOKEN = frozenset({40001, 40014, 41001, 42001})
"""The access_token is refused: a new one may help, once."""

_OURS = frozenset({40013, 40056, 40125, 40164, 41002, 41004, 48001, 50001, 50002, 60020, 61004, 301002})
"""AppID, AppSecret, the address list (IP白名单) or a permission is wrong: an operator must act."""

_USED_UP = 45009
"""A quota: of a day on the official platform; 企业微信 counts by the minute and the hour, and does not say which."""

_OFTEN = frozenset({_USED_UP, 45011, 45033})
"""Too many calls in a minute, or in parallel."""

_OFTEN_SECONDS = 60.0
"""https://developer.work.weixin.qq.com/document/path/90454: calls are blocked for 60 seconds, or for an hour."""


def error_of(errcode: int, *, night: float | None) -> PipelineError | None:
    """Return the error of an errcode, or None if the errcode concerns the request.

    `night` is the wait for a new daily quota in seconds; None for a platform without a daily quota.
    """
    if errcode in STALE_TOKEN or errcode in _OURS:
        return UnauthorizedError(
            f"the platform refuses our credentials (errcode {errcode}): check AppID, AppSecret and IP白名单"
        )
    if errcode == _USED_UP and night is not None:
        return ThrottledError("the daily quota of the API is used up: it is reset at midnight", night)
    if errcode in _OFTEN:
        return ThrottledError(f"too many requests to the platform (errcode {errcode}): it waits", _OFTEN_SECONDS)
    return None


T = TypeVar("T")

TIMEOUT = (5.0, 15.0)
"""Seconds for connecting, and for each read."""

WHOLE_SECONDS, FILE_SECONDS = 60.0, 300.0
"""Seconds for a whole answer, and for a file: a slow platform must not hold an account for ever.

A file may have 20 MB (微信客服), so 70 kB/s are enough; after an answer that is too slow, smaller pages are
requested.
"""

BODY_MAX_BYTES = 32 * 1024 * 1024
"""Bytes of one answer: the thousand messages of a page have some KB each."""

IDLE_SECONDS = 30.0
"""Seconds after which NAT may have dropped an idle connection: a request sent on it is lost without an error.

Servers and gateways drop idle connections after a minute or more.
"""

LONGEST_TOKEN_SECONDS = 86_400
"""Upper limit in seconds of a token's lifetime, whatever the platform reports; it reports two hours."""

EARLY = 300
"""Seconds before its end at which a token is renewed: from then on the platform issues the next and accepts both."""

_SHANGHAI = ZoneInfo("Asia/Shanghai")

Kind = Literal["official", "corporate"]


class Access(Struct, frozen=True):
    """Credentials of an account: `identifier` is the AppID or the corpid."""

    kind: Kind
    identifier: str
    secret: SecretStr
    url: str


class NoAnswerError(UnreachableError):
    """The platform did not answer properly; `sent` is True if it may have received the request."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class RefusalError(UnreachableError):
    """The platform answered with an `errcode`, whose meaning depends on the request."""

    def __init__(self, errcode: int) -> None:
        super().__init__(f"the platform refuses with errcode {errcode}: see 全局返回码 in its documentation")
        self.errcode = errcode


@built
class _Verdict(Struct):
    errcode: int | None = None


class Api:
    """API client of one account. Thread-safe; raises only errors of `schemas.errors`, without text of the platform."""

    def __init__(self, access: Access, now: Callable[[], datetime] = utc_now) -> None:
        self._client = _Client(access)
        self._url = access.url.rstrip("/")
        self._daily = access.kind == "official"
        self._now = now

    def call(self, endpoint: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST JSON and return the answer. Raises RefusalError for an errcode that concerns this request."""
        return self.with_token(lambda token: self._post(endpoint, body, token))

    def fetch(self, endpoint: str, body: dict[str, Any]) -> bytes:
        """POST JSON and return the answer's bytes, unchanged or with repaired JSON. Raises as `call` does."""
        return self.with_token(lambda token: self._post_for_bytes(endpoint, body, token))

    def with_token(self, ask: Callable[[str], T]) -> T:
        """Call `ask` with a token, and once more with a new token if the first is stale. Raises the errors of `ask`.

        If a refusal does not concern the request itself, raises UnauthorizedError or ThrottledError.
        """
        for is_last in (False, True):
            token = self._token()
            try:
                return ask(token)
            except RefusalError as refusal:
                if refusal.errcode not in STALE_TOKEN or is_last:
                    raise self._judged(refusal) from None
                self._client.forget(token)
        raise AssertionError("the second try returns or raises")

    @contextmanager
    def opened(self, address: str, **parameters: str) -> Iterator[requests.Response]:
        """GET a large answer from an endpoint, or from an address of the platform; the caller reads it. No redirects.

        Raises NoAnswerError if it takes more than FILE_SECONDS.
        """
        url = address if "://" in address else f"{self._url}/cgi-bin/{address}"
        with self._door(), middleware.within(FILE_SECONDS), self._get(url, **parameters) as response:
            yield response

    def is_own(self, url: str) -> bool:
        """Return whether an address is on the API's host."""
        return urlsplit(url).netloc == urlsplit(self._url).netloc

    def check(self) -> None:
        """Check that the platform issues a token, and raise its error otherwise."""
        self._token()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _judged(self, refusal: RefusalError) -> PipelineError:
        """Return the error of a refusal that does not concern the request itself, else the refusal."""
        return error_of(refusal.errcode, night=self._night() if self._daily else None) or refusal

    def _post(self, endpoint: str, body: dict[str, Any], token: str) -> dict[str, Any]:
        with self._door():
            self._client.let_idle_go()
            answer = self._client.post(endpoint, data=body, params={"access_token": token}, timeout=TIMEOUT)
        return _answered(answer)

    def _post_for_bytes(self, endpoint: str, body: dict[str, Any], token: str) -> bytes:
        url = f"{self._url}/cgi-bin/{endpoint}"
        with self._door():
            answer = self._client.session_of_requests.post(
                url, params={"access_token": token}, json=body, timeout=TIMEOUT
            )
            answer.raise_for_status()
        try:
            verdict, content = json.read(answer.content, _Verdict)
        except UNREADABLE:
            raise NoAnswerError(
                "the platform answered with something that is not JSON: it is tried again", sent=True
            ) from None
        if verdict.errcode:
            raise RefusalError(verdict.errcode)
        return content

    def _get(self, url: str, **parameters: str) -> requests.Response:
        # Without compression, so that Content-Length shows whether all bytes came.
        headers = {"Accept-Encoding": "identity"}
        return self._client.session_of_requests.get(
            url, params=parameters, headers=headers, stream=True, timeout=TIMEOUT, allow_redirects=False
        )

    def _token(self) -> str:
        try:
            with self._door():
                return self._client.access_token
        except RefusalError as refusal:
            raise self._judged(refusal) from None
        except NoAnswerError as error:
            raise NoAnswerError(str(error), sent=False) from None

    @contextmanager
    def _door(self) -> Iterator[None]:
        """Translate exceptions of requests and wechatpy; their texts hold the token."""
        try:
            yield
        except WeChatClientException as error:
            if error.errcode is None:
                raise NoAnswerError("the platform answered with an HTTP error: it is tried again", sent=True) from None
            raise RefusalError(error.errcode) from None
        except requests.RequestException as error:
            raise NoAnswerError(
                f"the platform did not answer ({type(error).__name__}): see that its address can be reached",
                sent=not never_left(error),
            ) from None

    def _night(self) -> float:
        """Return the seconds until five minutes after the quotas' reset at midnight."""
        here = self._now().astimezone(_SHANGHAI)
        midnight = (here + timedelta(days=1)).replace(hour=0, minute=5, second=0, microsecond=0)
        return (midnight - here).total_seconds()


class _Client(WeChatClient):  # type: ignore[misc] # wechatpy has no types
    """wechatpy's client for both platforms, which fetches the token that all processes share."""

    def __init__(self, access: Access) -> None:
        super().__init__(access.identifier, access.secret.get_secret_value(), timeout=TIMEOUT, auto_retry=False)
        self.API_BASE_URL = f"{access.url.rstrip('/')}/cgi-bin/"
        self._kind = access.kind
        self._refreshing = threading.Lock()
        self._http: requests.Session = middleware.Session(WHOLE_SECONDS, BODY_MAX_BYTES)
        self._http.trust_env = False  # .netrc must not affect requests
        self._token = ""
        self._until = datetime.min.replace(tzinfo=UTC)
        self._posted = time.monotonic()

    @property
    def session_of_requests(self) -> requests.Session:
        session: requests.Session = self._http
        return session

    @property
    def access_token(self) -> str:
        with self._refreshing:  # waiting threads get the token that the first one fetched
            if not self._token or datetime.now(UTC) >= self._until:
                self.fetch_access_token()
            return self._token

    def let_idle_go(self) -> None:
        """Close idle connections before a request that must not be sent twice."""
        idle, self._posted = time.monotonic() - self._posted, time.monotonic()
        if idle > IDLE_SECONDS:
            self._http.close()  # connections in use end after their answer; new ones are opened as usual

    def forget(self, token: str) -> None:
        with self._refreshing:
            if self._token == token:
                self._token = ""

    def fetch_access_token(self) -> None:
        answer = _answered(self._handle_result(self._ask_for_token()))
        token, seconds = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not token or not isinstance(seconds, int):
            raise NoAnswerError("the platform answered without an access_token: it is tried again", sent=True)
        self._token = token
        seconds = min(max(seconds, 0), LONGEST_TOKEN_SECONDS)
        self._until = datetime.now(UTC) + timedelta(seconds=max(seconds - EARLY, min(seconds, 60)))

    def _decode_result(self, res: requests.Response) -> Any:
        """Return the object of an answer with a numeric errcode, or the answer itself, as wechatpy does.

        wechatpy does not catch the errors of `json` and `int`: for "x" or null as errcode, and for endless nesting.
        """
        try:
            found, whole = json.read(res.content.decode("utf-8", "ignore").encode(), dict[str, Any])
            verdict = msgspec.json.decode(whole, type=_Verdict, strict=False)
        except UNREADABLE:
            return res
        found.pop("base_resp", None)  # device interfaces send it instead of an errcode
        return found | {"errcode": verdict.errcode or 0}

    def _ask_for_token(self) -> requests.Response:
        if self._kind == "corporate":
            keys = {"corpid": self.appid, "corpsecret": self.secret}
            return self._checked(self._http.get(f"{self.API_BASE_URL}gettoken", params=keys, timeout=TIMEOUT))
        body = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret, "force_refresh": False}
        return self._checked(self._http.post(f"{self.API_BASE_URL}stable_token", json=body, timeout=TIMEOUT))

    def _checked(self, response: requests.Response) -> requests.Response:
        response.raise_for_status()
        return response

    def close(self) -> None:
        self._http.close()


def _answered(answer: Any) -> dict[str, Any]:
    """Return a JSON object; for other content, such as a proxy's page, wechatpy returns the whole response."""
    if not isinstance(answer, dict):
        raise NoAnswerError("the platform answered with something that is not JSON: it is tried again", sent=True)
    return answer
