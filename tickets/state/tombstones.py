"""Tombstones: what stays of an erased ticket or call, so that it is known when it comes again."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct

from tickets.assembly import call_records
from tickets.model.delta import Growing
from tickets.model.keys import part, scoped
from tickets.state.participants import Participants


class Forgotten(Struct, frozen=True, array_like=True, gc=False):
    """What is kept under the hashed thread id of an erased message or a redacted call, and under who said what.

    `name` is that of its ticket, or its own. `told_at` is when it was last reported; `of_nobody` is True if
    nothing said whose it was. Its people and texts are digests in `Participants`.
    """

    name: str
    at: datetime
    told_at: datetime
    of_nobody: bool


class Tombstones:
    """Erased and redacted matters by scoped key: thread id, call name, ticket id, or digest of text and person."""

    def __init__(self, participants: Participants, by_key: Mapping[str, Forgotten]) -> None:
        self._participants = participants
        self._by_key: Growing[str, Forgotten] = dict(by_key)

    def __len__(self) -> int:
        return len(self._by_key)

    def __contains__(self, key: object) -> bool:
        return key in self._by_key

    def get(self, key: str) -> Forgotten | None:
        """Return what is known under a scoped key."""
        return self._by_key.get(key)

    def bury(self, keys: Iterable[str], known: Forgotten, *, people: Iterable[str], texts: Iterable[str] = ()) -> None:
        """Note under these keys what is erased, and who took part and what was said in it."""
        kept = dict.fromkeys(keys, known)
        if kept:
            self._by_key.update(kept)
            self._participants.note(_ours(known.name), (*people, *texts))

    def bury_undated(self, names: Iterable[str], known: Forgotten, *, people: Iterable[str]) -> None:
        """Note the ids of the calls among these names, for records that do not tell their day."""
        keys = {call_records.undated(name) for name in names if call_records.is_name(name)}
        named = (call_records.further(key, one) for key in keys for one in people)
        self._by_key.update(dict.fromkeys((*keys, *named), known))

    def had_text(self, known: Forgotten, text: str) -> bool:
        """Return True if this text was erased with a matter."""
        return self._participants.has(_ours(known.name), text)

    def is_of(self, known: Forgotten, people: Iterable[str]) -> bool:
        """Return True if one of these people took part; the ticket may have left the memory before it was erased."""
        return any(self._participants.has(name, one) for one in people for name in (_ours(known.name), known.name))

    def dump(self) -> dict[str, Forgotten]:
        """Return all of it, for a checkpoint."""
        return dict(self._by_key)


def said_by(jurisdiction: str, text: str, person: str) -> str:
    """Return the key under which it is known that this person said this text: a digest, that tells neither of them."""
    return scoped(jurisdiction, hashlib.blake2b(part(text, person).encode(), digest_size=16).hexdigest())


def _ours(name: str) -> str:
    return f"forgotten {name}"
