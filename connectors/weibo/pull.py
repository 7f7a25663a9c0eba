"""Pulls lists of the open platform (mentions, comments, direct messages) that pushes do not cover, within the quota.

Cursor: for each list the newest published id, and the ids of its newest page. A walk goes down by id from the newest
item to the known ones, and its items are published oldest first after it is complete; after an interruption by a
fault or the quota it continues at the same place. Ids decide the order, never times. Batches that Kafka did not
accept are returned again without new calls, because calls are few.
"""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import msgspec
import requests

from connectors import faults, metrics
from connectors.base import Batch, city_of
from connectors.runtime.clock import Steady
from connectors.weibo import http, message_id
from connectors.weibo.api import API, Complaints
from connectors.weibo.errors import OF_ONE_INTERFACE, OF_USER, NobodyThereError, RefusedError, SlowDownError, door
from connectors.weibo.fulltext import Completer
from connectors.weibo.pagination import Found, Known, Walk
from connectors.weibo.rate_limit import DAY_SECONDS, Budget
from connectors.weibo.settings import List, WeiboPullSettings
from connectors.weibo.token import Access
from schemas.errors import ThrottledError, UnauthorizedError, UnreachableError
from schemas.records import Cursor, RawMessage, raw_message

REST_SECONDS = 3600.0
"""Seconds for which a list is not requested after the platform refused it."""


QUICK_TRIES = 3
"""Failed calls in a row after which further calls are spread over the rest of the day."""


class _Source(NamedTuple):
    """A list of the open platform: kind of its items, and the API method."""

    kind: str
    method: Callable[..., Any]


_SOURCES: Mapping[List, _Source] = MappingProxyType(
    {
        "mentions": _Source("status", API.mentions),
        "comments_to_me": _Source("comment", API.comments_to_me),
        "comments_mentions": _Source("comment", API.comments_mentions),
        "direct_messages": _Source("dm", API.direct_messages),
    }
)


class _Given(NamedTuple):
    """A returned batch, and the position before it."""

    position: dict[str, Any]
    batch: Batch


class WeiboPull:
    """Pulls the lists of one account."""

    channel: ClassVar[str] = "weibo"

    def __init__(
        self,
        settings: WeiboPullSettings,
        account_id: str,
        session: Callable[[], requests.Session] = http.new_session,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._account = account_id
        self._jurisdiction = city_of(settings.jurisdiction, account_id)
        self._clock = clock
        self._steady = Steady(clock)
        self._sleep = sleep
        self._budget = Budget(settings.calls_per_day, account_id, clock)
        self._access = Access(settings, account_id, self._budget, session, clock)
        self._completer = Completer(settings, account_id, session, self._steady) if settings.public_pages else None
        self._complaints = Complaints(account_id)
        self._turns = list(settings.lists)
        self._walks: dict[str, Walk] = {}
        self._looked: dict[str, datetime] = {}
        self._begun: set[str] = set()
        self._given: _Given | None = None
        self._again: _Given | None = None
        self._failed = 0
        self._asked: dict[str, float] = {}
        self._rests: dict[str, float] = {}
        self._due = 0.0
        self._pages_only = False
        self._open = False
        for name in settings.lists:  # an alarm on the growth of this metric needs the initial 0
            metrics.WEIBO_GAPS.labels(account_id, name)

    def open(self) -> None:
        """Check the token and the remaining quota; these checks cost no calls."""
        self._access.api()
        self._open = True

    def examine(self) -> tuple[datetime | None, int | None]:
        """Return the token's end and the number of remaining calls if the platform reports them; costs no calls."""
        end, left = self._access.examine()
        return datetime.fromtimestamp(end, UTC) if end is not None else None, left

    def fetch(self, cursor: Cursor) -> Batch:
        """Return new items of the first list that has any, oldest first; otherwise one completed status.

        Raises UnreachableError, ThrottledError if a quota is used up, UnauthorizedError for a refused token.
        """
        if not self._open:
            raise UnreachableError(f"Weibo {self._account}: not connected")
        if self._completer is not None:
            self._completer.arrived()  # after a fault the runner calls close before the next fetch
        again, self._again, self._given = self._again, None, None
        if again is not None and again.position == cursor.position:
            return self._give(again)
        for name in () if self._pages_only else tuple(self._turns):
            asked = self._asked.get(name, 0)
            if self._steady() >= max(self._rests.get(name, 0), asked + self._settings.poll_seconds):
                batch = self._news(name, cursor)
                if batch is not None:
                    return batch
        return self._nothing_new(cursor)

    def wait(self, seconds: float) -> bool:
        """Wait until the quota allows the next round, or the public site the next page."""
        pages_due = self._completer.due if self._completer else self._due
        left = min(self._due, pages_due) - self._steady()
        if left > 0:
            self._sleep(min(seconds, left))
        self._pages_only = pages_due < self._due
        return left <= seconds

    def close(self) -> None:
        """Close the connections; keep unfinished walks, and the batch that may not be safe."""
        self._open = False
        self._again, self._given = self._given or self._again, None
        self._access.close()
        if self._completer is not None:
            self._completer.close()

    def _news(self, name: List, cursor: Cursor) -> Batch | None:
        try:
            walk = self._walked(name, cursor)
        except RefusedError as error:
            self._rests[name] = self._steady() + REST_SECONDS
            self._complaints.refused(name, str(error))
            self._next_turn(name)
            return None
        except SlowDownError as error:
            self._slow_down(name, error)
            return None
        except Exception:
            self._next_turn(name)  # a list that cannot be read, also by an internal error, must not delay others
            raise
        self._complaints.well(name)
        self._asked[name] = self._steady()
        self._next_turn(name)
        last, self._looked[name] = self._looked.get(name) if name in cursor.position else None, walk.began
        return self._give(_Given(cursor.position, self._batch(name, walk, cursor, last))) if walk.found else None

    def _give(self, given: _Given) -> Batch:
        self._given = given
        return given.batch

    def _walked(self, name: List, cursor: Cursor) -> Walk:
        """Walk down the list, or continue an interrupted walk."""
        chosen, known = self._settings, _known(cursor, name)
        walk = self._walks.get(name)
        if walk is None or walk.known != known:
            first = name not in self._begun and name not in cursor.position
            pages_max = chosen.history_pages if first else chosen.pages_max
            walk = self._walks[name] = Walk(known, chosen.page_size, pages_max, self._now())
        while not walk.done:
            page = self._page(name, walk.max_id, walk.page)
            walk.take(page, [self._name(name, item._raw).identifier.partition(":")[2] for item in page])
        del self._walks[name]
        self._begun.add(name)
        return walk

    def _page(self, name: List, max_id: int | None, number: int) -> Any:
        api = self._access.api()
        try:
            with door(self._account):
                below = {"max_id": max_id, "page": number if number > 1 else None}
                page = _SOURCES[name].method(api, count=self._settings.page_size, **below)
        except UnauthorizedError:
            self._access.refuse()
            raise
        except NobodyThereError:
            self._budget.give_back()
            raise
        except UnreachableError as error:
            raise self._spread(error) from None
        self._failed = 0
        return page

    def _spread(self, error: UnreachableError) -> UnreachableError | ThrottledError:
        """Return the error of a failed call that was counted: a long outage must not use up the calls for later."""
        self._failed += 1
        if self._failed <= QUICK_TRIES:
            return error
        return ThrottledError(str(error), retry_after=self._budget.pause(1))

    def _slow_down(self, name: List, error: SlowDownError) -> None:
        """Pause one list if its own quota is used up; raises ThrottledError for a quota over all lists."""
        now, later = self._clock(), self._clock() + REST_SECONDS
        if OF_ONE_INTERFACE not in error.codes:
            raise self._budget.exhausted(error.reset_time or (None if OF_USER in error.codes else later))
        self._rests[name] = self._steady() + min((error.reset_time or later) - now, DAY_SECONDS)
        self._complaints.refused(name, str(error))
        self._next_turn(name)

    def _batch(self, name: List, walk: Walk, cursor: Cursor, last: datetime | None) -> Batch:
        now = self._now()
        if walk.gap:
            metrics.WEIBO_GAPS.labels(self._account, name).inc()
        found = walk.oldest_first()
        if self._completer is not None and name == "mentions":
            self._completer.remember(each.item for each in found)
        begun: dict[str, Any] = {each: {} for each in self._begun}  # empty ones, too: later items are not history
        after = msgspec.json.decode(msgspec.json.encode(walk.after(now)))
        position = {**begun, **cursor.position, name: after}
        return Batch(
            messages=tuple(self._message(name, each, last) for each in found),
            cursor=msgspec.structs.replace(cursor, position=position),
            complaints=self._said(position),
        )

    def _nothing_new(self, cursor: Cursor) -> Batch:
        if self._pages_only:
            self._pages_only = False
        else:
            self._due = self._steady() + max(self._settings.poll_seconds, self._budget.pause(len(self._turns)))
        if all(self._rests.get(name, 0) > self._steady() for name in self._turns):
            self._complain_of_all()
        messages = self._completer.completed(self._now(), self._jurisdiction) if self._completer else ()
        return Batch(messages=messages, cursor=cursor, complaints=self._said(cursor.position))

    def _complain_of_all(self) -> None:
        """Raise ThrottledError: if all lists are refused, this is a fault and not an account without news."""
        first, until = next(iter(self._complaints.lists()), ""), min(self._rests.values())
        raise ThrottledError(first, retry_after=until - self._steady())

    def _said(self, position: dict[str, Any]) -> tuple[str, ...]:
        gaps = {name: known["gap"] for name, known in position.items() if isinstance(known, dict) and known.get("gap")}
        others = (self._access.complaint(), self._budget.complaint(len(self._turns)))
        return (*filter(None, others), *self._complaints.lists(), *self._complaints.gaps(gaps, self._now()))

    def _message(self, name: List, found: Found, last: datetime | None) -> RawMessage:
        """Return the record of an item, which was not in its list at the walk at `last`."""
        now = self._now()
        named = self._name(name, found.item._raw)
        return raw_message(
            channel=self.channel,
            channel_kind=named.kind,
            account=self._account,
            jurisdiction=self._jurisdiction,
            identifier=named.identifier,
            value=found.item._raw,
            content_type="application/json",
            time=named.time or now,
            recorded=now,
            sender=named.sender,
            not_before=last,
        )

    def _name(self, name: List, raw: bytes) -> message_id.Named:
        kind, now = _SOURCES[name].kind, self._now()
        return faults.or_plainly(
            self.channel,
            self._account,
            lambda: message_id.fetched(raw, kind, now),
            lambda: message_id.unread(raw, kind),
        )

    def _next_turn(self, name: List) -> None:
        self._turns.remove(name)
        self._turns.append(name)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def _known(cursor: Cursor, name: str) -> Known:
    return msgspec.convert(cursor.position.get(name) or {}, Known)
