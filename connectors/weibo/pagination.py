"""Walks down a list by id from its newest item to the known ones, so that new items shift no page."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from math import inf
from typing import Any, NamedTuple, TypeVar

from msgspec import Struct

from connectors.weibo.models import Model, ResultSet
from schemas.codec import built

# Cursor: pages through a list downwards by id, so that new items shift no page.

Method = TypeVar("Method", bound=Callable[..., Any])

FIRST, LAST = -1, 0
"""Cursors of the first page, and after the last page."""


def pagination(method: Method) -> Method:
    """Mark a method for Cursor, and tweepy's: it takes `cursor` and returns the page and (previous, next)."""
    method.pagination_mode = "cursor"  # type: ignore[attr-defined] # where tweepy looks for it
    return method


class Cursor:
    """`Cursor(api.mentions, since_id=…).items(100)` or `.pages(3)`."""

    def __init__(self, method: Callable[..., Any], **parameters: Any) -> None:
        if getattr(method, "pagination_mode", None) != "cursor":
            raise TypeError("this method has no pages: use mentions, comments_to_me or another list of the API")
        self._method = method
        self._parameters = parameters

    def pages(self, limit: float = inf) -> Iterator[ResultSet[Model]]:
        """Yield pages, newest first, `limit` at most; an empty page is the last."""
        at, number = FIRST, 0
        while at != LAST and number < limit:
            page, (_, at) = self._method(cursor=at, **self._parameters)
            if not page:
                return
            yield page
            number += 1

    def items(self, limit: float = inf) -> Iterator[Model]:
        """Yield items, newest first, `limit` at most."""
        number = 0
        for page in self.pages():
            for item in page:
                if number >= limit:
                    return
                yield item
                number += 1
            if number >= limit:
                return


EMPTY_PAGES = 2
"""Empty pages that are passed before the end of the reachable part is assumed.

The platform cuts a page first, and then leaves out deleted or hidden items, at times all of them.
"""


@built
class Known(Struct, frozen=True, kw_only=True):
    """Published part of a list: the newest id, its time, and the ids of the newest page.

    A status that becomes visible late has a lower id than earlier ones: the page's ids tell it from an old one.
    """

    since: str | None = None
    at: str | None = None
    seen: tuple[str, ...] = ()
    gap: dict[str, Any] | None = None
    """Times around the unreachable items, and the time of the discovery."""


class Found(NamedTuple):
    """An item and its id."""

    item: Model
    key: str


class Walk:
    """Takes pages until a known item, the end of the list, or the end of the reachable part."""

    def __init__(self, known: Known, page_size: int, pages_max: int, began: datetime) -> None:
        self.known = known
        self.began = began
        self._page_size = page_size
        self.max_id: int | None = None
        self.page = 1  # page number from `max_id` down: an empty page has no lower id
        self.done = False
        self.gap = False
        self.found: list[Found] = []
        self._since = int(known.since) if known.since else None
        self._floor = min(_ids(known.seen), default=0) if len(known.seen) >= page_size else 0
        self._keys = set(known.seen)
        self._pages_max = pages_max
        self._pages = 0
        self._passed = 0
        self._newest_page: tuple[str, ...] = ()
        self._newest: Model | None = None

    def take(self, page: ResultSet[Model], keys: list[str]) -> None:
        """Take the next page; `keys` are its items' ids."""
        self._pages += 1
        self._passed += len(page)
        if self._newest is None:
            self._newest_page, self._newest = tuple(keys), max(page, key=lambda item: item.id or 0, default=None)
        for item, key in zip(page, keys, strict=True):
            if key not in self._keys and (item.id is None or item.id >= self._floor):
                self._keys.add(key)
                self.found.append(Found(item, key))
        self._judge(page, self._leads_to(page, keys))

    def _leads_to(self, page: ResultSet[Model], keys: list[str]) -> int | None:
        """Return the id of the page's last item, ignoring items that stand higher than their id.

        Such an item became visible late, or is pinned (置顶): its id is below the known newest one, but it is not
        known.
        """
        placed = [(item.id, key) for item, key in zip(page, keys, strict=True) if item.id is not None]
        leading = [identifier for identifier, key in placed if not self._is_late(identifier, key)]
        return next(reversed(leading or page.ids()), None)

    def _is_late(self, identifier: int, key: str) -> bool:
        return self._since is not None and self._floor < identifier <= self._since and key not in self.known.seen

    def _judge(self, page: ResultSet[Model], lowest: int | None) -> None:
        """Determine whether this was the last page, and whether items above the known ones were unreachable."""
        before = self.max_id
        if not page and self._may_go_on_behind(page):
            self.page += 1
            return
        self.page = 1
        after = lowest - 1 if lowest is not None else None
        reached = self._since is not None and lowest is not None and lowest <= self._since
        whole = self._is_whole(page)
        stuck = after is None or (before is not None and after >= before)
        self.done = reached or whole or stuck or self._pages >= self._pages_max
        self.gap = self.done and not reached and not whole and self._since is not None
        self.max_id = after

    def _may_go_on_behind(self, page: ResultSet[Model]) -> bool:
        """Return whether new items may follow an empty page: the list has known items that were not reached yet."""
        between = self._since is not None and not self._is_whole(page)
        return between and self.page <= EMPTY_PAGES and self._pages < self._pages_max

    def _is_whole(self, page: ResultSet[Model]) -> bool:
        """Return whether the list ends here by the platform's own total.

        The total lags behind new items, or counts only reachable ones. If the list has known items, which would be
        skipped, the total is trusted only for a list shorter than a page.
        """
        if page.total is None:
            return False
        if self._since is None:
            return self._passed >= page.total
        return self._passed == page.total < self._page_size

    def oldest_first(self) -> list[Found]:
        """Return the new items, oldest first."""
        return sorted(self.found, key=lambda each: (each.item.id or 0, each.key))

    def after(self, now: datetime) -> Known:
        """Return the known part after all items are published."""
        newest = self._newest
        if newest is None:
            return self.known
        newest_id, oldest = newest.id, min(self.found, key=lambda each: each.item.id or 0, default=None)
        gap = self.known.gap
        if self.gap:
            upper = oldest.item.created_at if oldest is not None else None
            gap = {"after": self.known.at, "before": upper.isoformat() if upper else None, "found": now.isoformat()}
        since = max(newest_id or 0, self._since or 0)
        at = newest.created_at
        return Known(
            since=str(since) if since else None, at=at.isoformat() if at else None, seen=self._newest_page, gap=gap
        )


def _ids(keys: Iterable[str]) -> Iterator[int]:
    """Yield the numeric ids of keys; the key of an edited item has a suffix."""
    yield from map(int, filter(str.isdigit, (key.partition(":")[0] for key in keys)))
