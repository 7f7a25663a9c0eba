"""Postponed mails: the server says "not now" of them, or the blob store takes none; others go on meanwhile."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from connectors.mailbox.tidying import set_of, uids_of
from schemas.errors import MalformedError

MOST = 500
"""Mails of one folder that may be postponed; of a server that refuses more, the folder waits."""

FIRST_SECONDS, PACE_SECONDS = 60.0, 3600.0
"""A postponed mail is asked for after a minute, two, four .. and then every hour."""

STORE_SECONDS = 60.0
"""So often one of those that wait for the blob store is asked for; when that takes it, the others follow at once."""

PATIENCE_TRIES = 48
PATIENCE_SECONDS = 72 * 3600.0
"""It becomes a dead letter when it was refused so often, another mail having come just before, and for so long."""


class Postponed(Struct, frozen=True, array_like=True):
    """Since when a mail is refused (Unix time), how often it was since, and whether it is the blob store that did."""

    since: float
    tries: int = 0
    for_store: bool = False

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
    return {str(uid): [one.since, one.tries, *[True] * one.for_store] for uid, one in waiting.items()}


def put_off(known: Mapping[str, Any], uids: Collection[int], now: float) -> dict[str, Any] | None:
    """Return a folder's part of the cursor in which these mails wait for the blob store; None when too many wait."""
    waiting = waiting_in(known) | dict.fromkeys(uids, Postponed(now, for_store=True))
    if len(waiting) > MOST:
        return None
    to_do = {where: set_of(set(uids_of(safe)) - {*uids}) for where, safe in known.get("to_do", {}).items()}
    left = {where: safe for where, safe in to_do.items() if safe}
    others = {name: value for name, value in known.items() if name != "to_do"}
    return {**others, "later": written(waiting), **({"to_do": left} if left else {})}


def complaints(account: str, folder: str, waiting: Waiting) -> Iterator[str]:
    """Yield what a person should know of the postponed mails of a folder."""
    refused = [uid for uid, one in waiting.items() if not one.for_store]
    stored = [uid for uid, one in waiting.items() if one.for_store]
    if refused:
        yield (
            f"mailbox {account}: the server does not hand out {len(refused)} mails of {folder!r}, the first UID "
            f"{min(refused)}; they are asked for again, others go on: look at them in the mailbox"
        )
    if stored:
        yield (
            f"mailbox {account}: the blob store does not take {len(stored)} large mails of {folder!r}, the first UID "
            f"{min(stored)}; they wait, others go on: make it answer"
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

    def hold(self, waiting: Waiting) -> None:
        """Ask for none of those that wait for the blob store for a while."""
        at = self._clock() + STORE_SECONDS
        self._next |= {uid: at for uid, one in waiting.items() if one.for_store}

    def settled(self, waiting: Waiting) -> None:
        """Forget the mails that wait no longer."""
        self._next = {uid: at for uid, at in self._next.items() if uid in waiting}
