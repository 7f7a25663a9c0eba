"""微信客服: pulls the messages of one 客服账号 page by page; the cursor advances when the page is safe.

While the blob store is unreachable, large messages delay no others: a second position in the cursor marks the first
page with one of them, and from there the large ones are pulled again when all others are safe.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from math import inf
from typing import Any, Protocol

import msgspec
import structlog
from msgspec import Struct

from connectors import faults
from connectors.base import utc_now
from connectors.http import callback
from connectors.media_fetch.job import Publish, TooEarlyError
from connectors.wechat.api import Api, NoAnswerError, RefusalError
from connectors.wechat.download import Stopped
from normalizers.wechat.kf import CONTENT_TYPE
from schemas.codec import UNREADABLE, built
from schemas.errors import StoreAwayError, UnreachableError
from schemas.records import Cursor, RawMessage, raw_message
from schemas.records.raw import INLINE_LIMIT

CHANNEL_KIND = "wecom_kf"
PAGE = 1000
"""Limit of messages per page at the platform.

After an answer that was too slow a tenth is requested, and then more again: a slow line, or large messages, must not
block the pull at one page for ever.
"""

LARGE = "large"
"""Cursor key: after this position there are large messages that the blob store has not accepted."""

SETTLED_SECONDS = 5.0
"""Seconds after an event within which its messages may not be visible yet.

An event is therefore pulled at once, and again after this time if nothing came: another event may never follow.
"""

SYSTEM_BUSY = -1
"""Errcode without information about the request."""

_log = structlog.get_logger(__name__)


class Cursors(Protocol):
    """Stores the position of the pull."""

    def load(self) -> Cursor:
        """Return the newest cursor."""
        ...

    def save(self, cursor: Cursor) -> None:
        """Return when the broker holds the cursor."""
        ...


@built
class _Page(Struct):
    """A page of the platform, or as a proxy may rewrite it: null for empty values, true for 1."""

    next_cursor: str | None = None
    has_more: int | bool | None = None
    msg_list: list[msgspec.Raw] | None = None


@built
class _Named(Struct):
    msgid: str = ""
    external_userid: str = ""
    send_time: int = 0


class CustomerMessages:
    """Messages of one 客服账号 of one account; one thread pulls at a time."""

    def __init__(
        self,
        api: Api,
        open_kfid: str,
        account: str,
        jurisdiction: str,
        cursors: Cursors,
        now: Callable[[], datetime] = utc_now,
        stopped: Stopped = lambda: False,
    ) -> None:
        self.stopped = stopped
        self._api = api
        self._kfid = open_kfid
        self._account = account
        self._jurisdiction = jurisdiction
        self._cursors = cursors
        self._now = now
        self._most = PAGE
        self._token = ""
        self._pulled = -inf
        self._looked: datetime | None = None
        self._lock = threading.Lock()

    def announced(self, token: str = "", age: float = inf) -> float:
        """Record an announcement with its token, which is valid for ten minutes; `age` is the event's, in seconds.

        Returns a time on the monotonic clock: pulls that begin later certainly return the announced messages.
        """
        self._token = token or self._token
        return time.monotonic() + max(0.0, SETTLED_SECONDS - age)

    def pull(self, publish: Publish, announced: float = inf) -> None:
        """Publish all new messages, unless a pull that began after `announced` has done so.

        A page may be empty although more follow; a crash repeats a page and loses none. The platform limits calls
        without a new token: a thousand waiting events cause one pull. Raises NoAnswerError if the platform gives no
        usable next cursor, StoreAwayError while large messages wait, TooEarlyError if nothing came yet.
        """
        came: list[RawMessage] = []

        def counted(messages: Sequence[RawMessage]) -> None:
            publish(messages)
            came.extend(messages[:1])

        with self._lock:
            if announced < self._pulled:
                return
            began, looked = time.monotonic(), self._now()
            self._pull_all(counted)
            self._pulled, self._looked = began, looked
        if not came and began < announced < inf:
            raise TooEarlyError(announced - began)

    def _pull_all(self, publish: Publish) -> None:
        passed: set[str] = set()
        more = self._pull_page(publish, passed, first=True)
        while more:
            more = self._pull_page(publish, passed)
        first, passed = True, set()
        while LARGE in self._position():
            self._pull_large(publish, passed, first=first)
            first = False

    def _pull_page(self, publish: Publish, passed: set[str], *, first: bool = False) -> bool:
        position = self._position()
        cursor = str(position.get("cursor", ""))
        page = self._after(cursor, first)
        away = self._published(publish, page, cursor)
        if page.next_cursor and page.next_cursor != cursor:
            late = {LARGE: position.get(LARGE, cursor)} if away or LARGE in position else {}
            self._save({"cursor": page.next_cursor, **late})
        elif away:
            raise away
        return self._goes_on(page, cursor, passed)

    def _published(self, publish: Publish, page: _Page, cursor: str) -> StoreAwayError | None:
        """Publish a page, without large messages if the blob store is unreachable: an emergency must not wait."""
        messages = self._messages(page, cursor)
        try:
            _publish(publish, messages)
        except StoreAwayError as error:
            _publish(publish, [message for message in messages if not _is_large(message)])
            return error
        return None

    def _pull_large(self, publish: Publish, passed: set[str], *, first: bool) -> None:
        """Publish the large messages of the first waiting page; raises StoreAwayError if the store is unreachable."""
        position = self._position()
        cursor = str(position.pop(LARGE))
        page = self._after(cursor, first)
        _publish(publish, [message for message in self._messages(page, cursor) if _is_large(message)])
        if self._goes_on(page, cursor, passed) and page.next_cursor != position.get("cursor"):
            position[LARGE] = page.next_cursor
        self._save(position)

    def _goes_on(self, page: _Page, cursor: str, passed: set[str]) -> bool:
        """Return whether more pages follow; raises NoAnswerError if a cursor repeats, which would loop for ever."""
        passed.add(cursor)
        if page.has_more and (not page.next_cursor or page.next_cursor in passed):
            raise NoAnswerError(
                "微信客服 says that more follows, and gives a cursor again that it gave before", sent=True
            )
        return bool(page.has_more)

    def _position(self) -> dict[str, Any]:
        return dict(self._cursors.load().position or {})

    def _save(self, position: dict[str, Any]) -> None:
        self._cursors.save(Cursor(connector_id=self._cursors.load().connector_id, position=position))

    def _after(self, cursor: str, first: bool) -> _Page:
        """Request a page; if its cursor is refused, without it: the platform then begins three days ago.

        Known messages come again, without effect. This happens only once per pull, or newer messages would never be
        reached. Raises UnreachableError while the process stops: each waiting caller might otherwise wait for Kafka
        in turn.
        """
        if self.stopped():
            raise UnreachableError("this process stops")
        try:
            return self._asked(cursor)
        except RefusalError as refusal:
            if not (cursor and first) or refusal.errcode == SYSTEM_BUSY:
                raise
            page, self._looked = self._asked(""), None
            _log.warning("cursor_refused", account=self._account, errcode=refusal.errcode)
            return page

    def _asked(self, cursor: str) -> _Page:
        """Request the page after a cursor; an expired token is left out, at the price of a stricter limit."""
        body, token = {"open_kfid": self._kfid, "cursor": cursor, "voice_format": 0}, self._token
        try:
            answer = self._sized({**body, "token": token} if token else body)
        except RefusalError as refusal:
            if not token:
                raise
            answer = self._sized(body)
            if self._token == token and refusal.errcode != SYSTEM_BUSY:
                self._token = ""
        try:
            return msgspec.json.decode(answer, type=_Page)
        except UNREADABLE as error:
            raise NoAnswerError("the platform's page of 微信客服 messages cannot be read", sent=True) from error

    def _sized(self, body: dict[str, Any]) -> bytes:
        try:
            answer = self._api.fetch("kf/sync_msg", {**body, "limit": self._most})
        except NoAnswerError as error:
            self._most = max(1, self._most // 10) if error.sent else self._most
            raise
        self._most = min(PAGE, 2 * self._most)
        return answer

    def _messages(self, page: _Page, cursor: str) -> list[RawMessage]:
        """Return the records; messages after a cursor did not exist at the end of the last pull."""
        last = self._looked if cursor else None
        return [self._message(bytes(one), last) for one in page.msg_list or ()]

    def _message(self, value: bytes, last: datetime | None) -> RawMessage:
        """Return the record; after an internal error its id is a digest of its bytes, so that it blocks no other."""
        return faults.or_plainly(
            "wechat",
            self._account,
            lambda: self._record(value, _named(value), last),
            lambda: self._record(value, _Named(), last),
        )

    def _record(self, value: bytes, named: _Named, last: datetime | None) -> RawMessage:
        now = self._now()
        return raw_message(
            channel="wechat",
            channel_kind=CHANNEL_KIND,
            account=self._account,
            jurisdiction=self._jurisdiction,
            identifier=named.msgid or hashlib.sha256(value).hexdigest(),
            value=value,
            content_type=CONTENT_TYPE,
            time=callback.sensible(str(named.send_time), now) or now,
            recorded=now,
            sender=named.external_userid or None,
            not_before=last,
        )


def _publish(publish: Publish, messages: Sequence[RawMessage]) -> None:
    if messages:
        publish(messages)


def _is_large(message: RawMessage) -> bool:
    return len(message.value) > INLINE_LIMIT


def _named(value: bytes) -> _Named:
    """Return the id fields of a message, empty for an unknown shape: its id is a digest then."""
    try:
        return msgspec.json.decode(value, type=_Named)
    except UNREADABLE:
        return _Named()
