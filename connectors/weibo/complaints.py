"""Sentences for a person about one account's lists; none names anybody."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from schemas import ids

TOLD_FOR = timedelta(days=7)
"""So long a gap is complained about."""

_TITLES = {
    "mentions": "@我的微博",
    "comments_to_me": "收到的评论",
    "comments_mentions": "@我的评论",
    "direct_messages": "收到的私信",
}


class Complaints:
    """What is wrong with the lists of one account."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._refused: dict[str, str] = {}

    def refused(self, name: str, why: str) -> None:
        """Note that a list is not given to us."""
        self._refused[name] = why

    def well(self, name: str) -> None:
        """Note that it is."""
        self._refused.pop(name, None)

    def lists(self) -> tuple[str, ...]:
        """Return a sentence for each list that is not given."""
        return tuple(
            f"Weibo {self._account}: {name} ({_TITLES[name]}) is not given ({why}): ask for the permission, or take it "
            "out of `lists`"
            for name, why in self._refused.items()
        )

    def gaps(self, found: Mapping[str, Mapping[str, Any]], now: datetime) -> Iterator[str]:
        """Yield a sentence for each gap of the last days."""
        for name, gap in found.items():
            if now - datetime.fromisoformat(gap["found"]) < TOLD_FOR:
                yield (
                    f"Weibo {self._account}: {name} ({_TITLES[name]}) between {_minute(gap['after'])} and "
                    f"{_minute(gap['before'])} were out of reach: look at the account's own page"
                )


def _minute(text: str | None) -> str:
    at = datetime.fromisoformat(text) if text else None
    return f"{at.astimezone(ids.SHANGHAI):%m-%d %H:%M}" if at else "an unknown time"
