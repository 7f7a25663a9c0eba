"""Who asks, as keyed hashes: the same person is recognised, nobody can be read back without the key."""

import re
from collections.abc import Iterable

from normalizers.base import Policy
from normalizers.parse.contacts import identity_of
from normalizers.text.fold import safe
from schemas import ids
from schemas.ids import keyed_digest
from schemas.records import Party

_ONE_SYSTEM = (ids.source_of("weibo", ""), ids.source_of("web", ""))
_OPENID = re.compile(r"[A-Za-z0-9_-]{28,64}")
"""As WeChat makes openids and external_userids: no two accounts have the same. A shorter one is a member's."""


def requester_hashes(parties: Iterable[Party | None], policy: Policy, giver: str = "") -> tuple[str, ...]:
    """Return every hash of these people, each person's newest key first; a name alone is no identity.

    Each is `<key id>:<16 base32 characters>` of HMAC-SHA256(key, kind + LF + normalised value). All the policy's keys
    are used, so that hashes written before a key change still match. `giver` is the system that gave its users their
    ids (`giver_of`).
    """
    hashes: list[str] = []
    for party in parties:
        value = identity_of(party, policy.rules) if party is not None else None
        if party is not None and value is not None:
            hashes += keyed_hashes(_kind_within(giver, party.kind, value), value, policy)
    return tuple(hashes) if len(hashes) < 2 else tuple(dict.fromkeys(hashes))


def giver_of(source: str, account: str) -> str:
    """Return within which system an id is one person's: the user 1001 of another system is somebody else.

    Empty where the whole channel gives one (Weibo), or the id names its app already (web).
    """
    return "" if source.startswith(_ONE_SYSTEM) else safe(account)


def _kind_within(giver: str, kind: str, value: str) -> str:
    is_given = kind == "uid" or (kind == "openid" and _OPENID.fullmatch(value) is None)
    return f"{kind} of {giver}" if giver and is_given else kind


def keyed_hashes(kind: str, value: str, policy: Policy) -> tuple[str, ...]:
    """Return the hash of `value` under each of the policy's keys, newest first."""
    text = f"{kind}\n{value}".encode()
    return tuple([f"{key_id}:{_short(key, text)}" for key_id, key in policy.requester_keys.items()])


def _short(key: bytes, text: bytes) -> str:
    return ids.b32_text(keyed_digest(key, text), 16)
