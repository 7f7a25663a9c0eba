"""Postponed mails: the server or the blob store refuses them for now, or an internal error occurs; others continue."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct

from connectors.mailbox.fetch import Mail
from connectors.mailbox.post_actions import set_of, uids_of
from connectors.mailbox.session import Folder
from schemas.codec import built
from schemas.errors import MalformedError
from schemas.records import Cursor

MOST = 500
"""Limit of postponed mails in one folder; if the server refuses more, the folder waits."""

STORE_MOST = 2000
"""Limit of mails that wait for the blob store; photographs make half of all mails large. Such a cursor has 60 KB."""

FIRST_SECONDS, PACE_SECONDS = 60.0, 3600.0
"""Seconds: a postponed mail is requested after 1, 2, 4 .. minutes and then every hour."""

STORE_SECONDS = 60.0
"""Seconds between requests for a mail that waits for the blob store; after one success the others follow at once."""

PATIENCE_TRIES = 48
PATIENCE_SECONDS = 72 * 3600.0
"""A mail becomes a dead letter after so many refusals, each right after a fetched witness, over so many seconds."""


@built
class Postponed(Struct, frozen=True, array_like=True):
    """Start of the refusals (Unix time), their number, and their cause; by default the server refuses.

    `for_store`: the blob store refuses the mail. `ours`: an internal error, which the next version may not have.
    """

    since: float
    tries: int = 0
    for_store: bool = False
    ours: bool = False

    def once_more(self, *, ours: bool = False) -> "Postponed":
        """Return the state after another refusal or internal error."""
        return Postponed(self.since, self.tries + 1, ours=ours)

    def is_over(self, now: float) -> bool:
        """Return whether the tries and the time have reached their limits."""
        return self.tries >= PATIENCE_TRIES and now - self.since >= PATIENCE_SECONDS

    def judged(self, mail: Mail, now: float) -> Mail:
        """Return a refused mail; after enough refusals as one that becomes a dead letter."""
        if not self.is_over(now):
            return mail
        return msgspec.structs.replace(mail, fault=self.fault(mail.uid), refusal=None)

    def fault(self, uid: int) -> MalformedError:
        """Return the reason of the dead letter."""
        hours = PATIENCE_SECONDS / 3600
        return MalformedError(
            f"the server did not return mail UID {uid} in {self.tries} attempts within {hours:.0f} hours or "
            "more, while it returned others; check it in the mailbox"
        )


_NOTHING: Mapping[str, Any] = MappingProxyType({})

Waiting = Mapping[int, Postponed]
"""Postponed mails of a folder by UID."""


def waiting_in(known: Mapping[str, Any]) -> dict[int, Postponed]:
    """Return the postponed mails in a folder's part of the cursor."""
    return msgspec.convert(known.get("later", {}), dict[int, Postponed], str_keys=True)


def written(waiting: Waiting) -> dict[str, list[float]]:
    """Return the postponed mails in the format of the cursor."""
    return {str(uid): _written(one) for uid, one in waiting.items()}


def _written(one: Postponed) -> list[float]:
    marks = [one.for_store, one.ours] if one.ours else [True] * one.for_store
    return [one.since, one.tries, *marks]


def is_full(waiting: Waiting) -> bool:
    """Return whether no other mail may be postponed, except for the blob store."""
    return sum(not one.for_store for one in waiting.values()) >= MOST


def put_off(known: Mapping[str, Any], uids: Collection[int], now: float) -> dict[str, Any] | None:
    """Return a folder's part of the cursor with these mails waiting for the blob store, or None if too many wait."""
    waiting = waiting_in(known) | dict.fromkeys(uids, Postponed(now, for_store=True))
    if sum(one.for_store for one in waiting.values()) > STORE_MOST:
        return None
    to_do = {where: set_of(set(uids_of(safe)) - {*uids}) for where, safe in known.get("to_do", {}).items()}
    left = {where: safe for where, safe in to_do.items() if safe}
    others = {name: value for name, value in known.items() if name != "to_do"}
    return {**others, "later": written(waiting), **({"to_do": left} if left else {})}


def moved(
    cursor: Cursor,
    folder: str,
    view: Folder,
    uid: int,
    to_do: dict[str, str],
    postponed: Waiting,
    known: Mapping[str, Any] = _NOTHING,
) -> Cursor:
    """Return a cursor advanced to this UID of a folder; `mark` and `steps` are kept from `known`."""
    here: dict[str, Any] = {"uidvalidity": view.uidvalidity, "uid": uid}
    if view.modseq is not None:
        here["modseq"] = view.modseq
    here |= {name: known[name] for name in ("mark", "steps") if known.get(name)}
    if to_do:
        here["to_do"] = to_do
    if postponed:
        here["later"] = written(postponed)
    return msgspec.structs.replace(cursor, position={**cursor.position, folder: here})


def complaints(account: str, folder: str, waiting: Waiting) -> Iterator[str]:
    """Yield complaints about the postponed mails of a folder for an operator."""
    ours = [uid for uid, one in waiting.items() if one.ours]
    refused = [uid for uid, one in waiting.items() if not one.for_store and not one.ours]
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
    if ours:
        yield (
            f"mailbox {account}: a fault of ours keeps {len(ours)} mails of {folder!r} waiting, the first UID "
            f"{min(ours)}; they are tried again, others go on: answer them from the mailbox, and tell the developers"
        )


class Pace:
    """Schedule of the postponed mails of one folder; kept across sessions."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next: dict[int, float] = {}

    def due(self, waiting: Waiting) -> int | None:
        """Return a mail that is due."""
        now = self._clock()
        return next((uid for uid in waiting if self._next.get(uid, 0.0) <= now), None)

    def asked(self, uid: int, tries: int) -> None:
        """Record a request for the mail now."""
        self._next[uid] = self._clock() + min(PACE_SECONDS, FIRST_SECONDS * 2 ** min(tries, 10))

    def hold(self, waiting: Waiting) -> None:
        """Delay all mails that wait for the blob store."""
        at = self._clock() + STORE_SECONDS
        self._next |= {uid: at for uid, one in waiting.items() if one.for_store}

    def settled(self, waiting: Waiting) -> None:
        """Forget the mails that are no longer postponed."""
        self._next = {uid: at for uid, at in self._next.items() if uid in waiting}
