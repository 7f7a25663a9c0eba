"""Cursor: goes through all pages of a list, downwards by id, so that what arrives meanwhile moves nothing."""

from collections.abc import Callable, Iterator
from math import inf
from typing import Any, TypeVar

from connectors.weibo.models import Model, ResultSet

Method = TypeVar("Method", bound=Callable[..., Any])

FIRST, LAST = -1, 0
"""The cursor of the first page, and the one that says that there is no further."""


def pagination(method: Method) -> Method:
    """Let Cursor, and tweepy's own, page through a method: `cursor` in, the page and (previous, next) out."""
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
        """Yield page after page, newest first, `limit` at most; a page without anything is the last."""
        at, number = FIRST, 0
        while at != LAST and number < limit:
            page, (_, at) = self._method(cursor=at, **self._parameters)
            if not page:
                return
            yield page
            number += 1

    def items(self, limit: float = inf) -> Iterator[Model]:
        """Yield item after item, newest first, `limit` at most."""
        number = 0
        for page in self.pages():
            for item in page:
                if number >= limit:
                    return
                yield item
                number += 1
            if number >= limit:
                return
