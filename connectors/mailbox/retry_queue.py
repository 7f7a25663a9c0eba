"""Postponed mails: the server says "not now", the blob store takes none, or we fail over them; others go on."""

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
"""Mails of one folder that may be postponed; of a server that refuses more, the folder waits."""

STORE_MOST = 2000
"""Of those that wait for the blob store: photographs make half of all mails large. A cursor of so many has 60 KB."""

FIRST_SECONDS, PACE_SECONDS = 60.0, 3600.0
"""A postponed mail is asked for after a minute, two, four .. and then every hour."""

STORE_SECONDS = 60.0
"""So often one of those that wait for the blob store is asked for; when that takes it, the others follow at once."""

PATIENCE_TRIES = 48
PATIENCE_SECONDS = 72 * 3600.0
"""It becomes a dead letter when it was refused so often, another mail having come just before, and for so long."""


@built
class Postponed(Struct, frozen=True, array_like=True):
    """Since when a mail is refused (Unix time), how often it was since, and by whom: the server, unless one is said.

    `for_store`: the blob store does not take it. `ours`: we cannot handle it, a fault that the next version may not
    have.
    """

    since: float
    tries: int = 0
    for_store: bool = False
    ours: bool = False

    def once_more(self, *, ours: bool = False) -> "Postponed":
        """Return it after another refusal, or fault of ours."""
        return Postponed(self.since, self.tries + 1, ours=ours)

    def is_over(self, now: float) -> bool:
        """Say whether it was asked for often and long enough."""
        return self.tries >= PATIENCE_TRIES and now - self.since >= PATIENCE_SECONDS

    def judged(self, mail: Mail, now: float) -> Mail:
        """Return a mail that is refused; one that has been for long enough as what becomes a dead letter."""
        if not self.is_over(now):
            return mail
        return msgspec.structs.replace(mail, fault=self.fault(mail.uid), refusal=None)

    def fault(self, uid: int) -> MalformedError:
        """Return the reason of its dead letter."""
        hours = PATIENCE_SECONDS / 3600
        return MalformedError(
            f"the server did not hand out mail UID {uid}, asked {self.tries} times within {hours:.0f} hours or more, "
            "while others came; look at it in the mailbox"
        )


_NOTHING: Mapping[str, Any] = MappingProxyType({})

Waiting = Mapping[int, Postponed]
"""The postponed mails of a folder by their UIDs."""


def waiting_in(known: Mapping[str, Any]) -> dict[int, Postponed]:
    """Return the postponed mails of a folder's part of the cursor."""
    return msgspec.convert(known.get("later", {}), dict[int, Postponed], str_keys=True)


def written(waiting: Waiting) -> dict[str, list[float]]:
    """Return them as the cursor holds them."""
    return {str(uid): _written(one) for uid, one in waiting.items()}


def _written(one: Postponed) -> list[float]:
    marks = [one.for_store, one.ours] if one.ours else [True] * one.for_store
    return [one.since, one.tries, *marks]


def is_full(waiting: Waiting) -> bool:
    """Say whether no other mail may be postponed but one that waits for the blob store."""
    return sum(not one.for_store for one in waiting.values()) >= MOST


def put_off(known: Mapping[str, Any], uids: Collection[int], now: float) -> dict[str, Any] | None:
    """Return a folder's part of the cursor in which these mails wait for the blob store; None when too many wait."""
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
    """Return a cursor that has come to this mail of a folder; of what is `known` of it marks and steps stay."""
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
    """Yield what a person should know of the postponed mails of a folder."""
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
