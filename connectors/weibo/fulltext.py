"""Fetches the whole text of truncated statuses (全文) from the public site m.weibo.cn with the library weibo-api.

The library supports no mentions, comments and messages, and the site shows servers a captcha at any time: a text only
completes a published status, and nothing waits for it. Off unless `public_pages` is set.
"""

import warnings
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec
import requests

from connectors import metrics
from connectors.weibo import http, message_id
from connectors.weibo.models import Model
from connectors.weibo.settings import WeiboPullSettings
from schemas.records import RawMessage, raw_message

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # invalid escapes in the library's docstrings
    from weibo_api.client import WeiboClient
    from weibo_api.weibo import status as _status  # noqa: F401 - otherwise the library imports it at first use

ATTEMPTS = 3
WAITING_MAX = 200
"""Limit of truncated statuses that wait; beyond it the oldest stay truncated. A restart forgets them."""

_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36"


class PublicPageUnavailable(Exception):  # noqa: N818 - an expected outcome
    """The site did not return the page: login, captcha, HTML, another shape, or no network."""


class _Client(WeiboClient):  # type: ignore[misc] # the library has no types
    """The library's client over a session with time limits, a browser's User-Agent, and the operator's cookie."""

    _session: Any

    def __init__(self, session: requests.Session, cookie: str | None) -> None:
        super().__init__()
        self._session.close()
        self._session = _Limited(session, cookie)


class _Limited:
    """The part of a session's interface that the library uses."""

    def __init__(self, session: requests.Session, cookie: str | None) -> None:
        self._own = session
        self._headers = {"User-Agent": _AGENT, **({"Cookie": cookie} if cookie else {})}

    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        """Send a request with the time limits of the platform's API."""
        return http.send(self._own, method, url, headers=self._headers, **options)


class PublicPages:
    """Public pages; raises PublicPageUnavailable for any exception of the library."""

    def __init__(self, session: requests.Session, cookie: str | None = None) -> None:
        self._client = _Client(session, cookie)

    def long_text(self, identifier: str) -> str:
        """Return the whole text of a status, in the site's HTML. Raises PublicPageUnavailable."""
        found = self._door(lambda: self._client.status(identifier).longTextContent)
        if not isinstance(found, str) or not found:
            raise PublicPageUnavailable("no text")
        return found

    def _door(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except Exception as error:  # noqa: BLE001 - the library raises any error for an unknown shape
            raise PublicPageUnavailable(type(error).__name__) from None


class Completer:
    """Completes truncated statuses: each becomes a second message of the same person in the same thread."""

    def __init__(
        self,
        settings: WeiboPullSettings,
        account: str,
        session: Callable[[], requests.Session],
        clock: Callable[[], float],
    ) -> None:
        self._account = account
        self._seconds = settings.public_pages_seconds
        cookie = settings.public_pages_cookie
        self._cookie = cookie.get_secret_value() if cookie else None
        self._make_session = session
        self._session: requests.Session | None = None
        self._clock = clock
        self._waiting: deque[tuple[Model, int]] = deque(maxlen=WAITING_MAX)
        self._given: Model | None = None
        self._next = 0.0

    @property
    def due(self) -> float:
        """Return when the next page may be requested; infinity if none waits."""
        return self._next if self._waiting else float("inf")

    def remember(self, items: Iterable[Model]) -> None:
        """Queue the statuses with a truncated text."""
        self._waiting.extend((item, ATTEMPTS) for item in items if item._json.get("isLongText") is True and item.id)

    def arrived(self) -> None:
        """Record that the last returned message is safe."""
        self._given = None

    def completed(self, now: datetime, jurisdiction: str) -> tuple[RawMessage, ...]:
        """Return the next status with its whole text; empty if none waits, it is too early, or the site refuses."""
        if self._clock() < self.due:
            return ()
        self._next = self._clock() + self._seconds
        item, attempts = self._waiting.popleft()
        try:
            text = PublicPages(self._open(), self._cookie).long_text(str(item.id))
        except PublicPageUnavailable:
            self._count("unavailable" if attempts > 1 else "given_up")
            if attempts > 1:
                self._waiting.append((item, attempts - 1))
            return ()
        self._count("completed")
        self._given = item
        return (self._message(item, text, now, jurisdiction),)

    def close(self) -> None:
        """Close the connections. The last message is fetched again if it may not be safe."""
        given, self._given = self._given, None
        if given is not None and len(self._waiting) < WAITING_MAX:
            self._waiting.appendleft((given, ATTEMPTS))
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _open(self) -> requests.Session:
        if self._session is None:
            self._session = self._make_session()
        return self._session

    def _message(self, item: Model, text: str, now: datetime, jurisdiction: str) -> RawMessage:
        named = message_id.fetched(item._raw, "status", now)
        whole = {**item._json, "longText": {"longTextContent": text}}
        return raw_message(
            channel="weibo",
            channel_kind=named.kind,
            account=self._account,
            jurisdiction=jurisdiction,
            identifier=f"{named.identifier}:whole",
            value=msgspec.json.encode(whole),
            content_type="application/json",
            time=named.time or now,
            recorded=now,
            sender=named.sender,
        )

    def _count(self, outcome: str) -> None:
        metrics.WEIBO_PUBLIC_PAGES.labels(self._account, outcome).inc()
