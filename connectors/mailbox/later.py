"""Postponed mails: the server says "not now" of them and hands out others, which go on; these are asked for again."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from schemas.errors import MalformedError

MOST = 500
"""Mails of one folder that may be postponed; of a server that refuses more, the folder waits."""

FIRST_SECONDS, PACE_SECONDS = 60.0, 3600.0
"""A postponed mail is asked for after a minute, two, four .. and then every hour."""

PATIENCE_TRIES = 48
PATIENCE_SECONDS = 72 * 3600.0
"""It becomes a dead letter when it was refused so often, another mail having come just before, and for so long."""


class Postponed(Struct, frozen=True, array_like=True):
    """Since when a mail is refused (Unix time), and how often it was since."""

    since: float
    tries: int = 0

    def once_more(self) -> "Postponed":
        """Return it after another refusal."""
        return Postponed(self.since, self.tries + 1)

    def is_over(self, now: float) -> bool:
        """Say whether it was asked for often and long enough."""
        return self.tries >= PATIENCE_TRIES and now - self.since >= PATIENCE_SECONDS

    def fault(self, uid: int) -> MalformedError:
        """Return the reason of its dead letter."""
        hours = PATIENCE_SECONDS / 3600
        return MalformedError(
            f"the server did not hand out mail UID {uid}, asked {self.tries} times within {hours:.0f} hours or more, "
            "while others came; look at it in the mailbox"
        )


Waiting = Mapping[int, Postponed]
"""The postponed mails of a folder by their UIDs."""


def waiting_in(known: Mapping[str, Any]) -> dict[int, Postponed]:
    """Return the postponed mails of a folder's part of the cursor."""
    return msgspec.convert(known.get("later", {}), dict[int, Postponed], str_keys=True)


def written(waiting: Waiting) -> dict[str, list[float]]:
    """Return them as the cursor holds them."""
    return {str(uid): [one.since, one.tries] for uid, one in waiting.items()}


def complaint(account: str, folder: str, waiting: Waiting) -> str:
    """Return what a person should know of the postponed mails of a folder."""
    return (
        f"mailbox {account}: the server does not hand out {len(waiting)} mails of {folder!r}, the first UID "
        f"{min(waiting)}; they are asked for again, others go on: look at them in the mailbox"
    )


class Pace:
    """When the postponed mails of one folder are asked for; it outlives sessions."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next: dict[int, float] = {}

    def due(self, waiting: Waiting) -> int | None:
        """Return a mail whose time has come."""
        now = self._clock()
        return next((uid for uid in waiting if self._next.get(uid, 0.0) <= now), None)

    def asked(self, uid: int, tries: int) -> None:
        """Note that it is asked for now."""
        self._next[uid] = self._clock() + min(PACE_SECONDS, FIRST_SECONDS * 2 ** min(tries, 10))

    def settled(self, waiting: Waiting) -> None:
        """Forget the mails that wait no longer."""
        self._next = {uid: at for uid, at in self._next.items() if uid in waiting}
