"""Features: all that `decide` sees of a message; every one a keyed hash or a code, none of them text.

The hashes of text and its 3-grams use the newest key alone: texts from before a key change no longer look alike.
Hashes of people and threads are given under every key.
"""

import hmac
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from normalizers.draft import Draft
from normalizers.identity import keyed_hashes, requester_hashes
from normalizers.policy import Policy
from schemas.records import Attachment, Features, Finding, Part, Party

_CODED = frozenset({"emergency", "request_kind"})
"""Findings whose values are from our own fixed lists; any other value could be somebody's words."""

_FACTORS = tuple(np.uint64(x) for x in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9))
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_HALF = np.uint64(32)
_GRAM = 3


def features_of(
    draft: Draft, folded: str, attachments: Iterable[Attachment], findings: Iterable[Finding], policy: Policy
) -> Features:
    """Return the features of a message whose title and text, folded, are `folded`."""
    letters = _letters(folded)
    own = draft.thread.message_id_header
    return Features(
        message_class=draft.message_class,
        text_key=_text_key(letters, attachments, _newest(policy)),
        grams=_grams(letters, policy),
        requesters=requester_hashes((draft.sender,), policy),
        participants=_participants(draft.recipients, policy),
        message_key=_thread_hashes((own,), policy)[0] if own else None,
        threads=_thread_hashes(reversed(draft.thread.references), policy),
        token=draft.thread.token,
        part_key=_part_key(draft.part, draft, policy) if draft.part is not None else None,
        codes=_codes(findings),
    )


def text_grams(folded: str, policy: Policy) -> tuple[int, ...]:
    """Return the hashed 3-grams of a folded text: sorted, without repeats, the smallest `max_grams`."""
    return _grams(_letters(folded), policy)


def _letters(folded: str) -> npt.NDArray[np.uint32]:
    """Return the letters, digits and Han characters of a text, without punctuation and blanks."""
    characters = np.frombuffer(folded.encode("utf-32-le"), dtype="<u4")
    return characters[_is_letter().take(characters, mode="clip")]


@cache
def _is_letter() -> npt.NDArray[np.bool_]:
    return np.fromiter(map(str.isalnum, map(chr, range(0x32401))), dtype=bool)


def _text_key(letters: npt.NDArray[np.uint32], attachments: Iterable[Attachment], key: bytes) -> str | None:
    said = letters.tobytes() + "".join(file.sha256 for file in attachments if file.sha256).encode()
    return hmac.digest(key, said, "sha256").hex()[:32] if said else None


def _grams(letters: npt.NDArray[np.uint32], policy: Policy) -> tuple[int, ...]:
    if len(letters) < _GRAM:
        return ()
    hashes = _hashes(letters.astype(np.uint64), _seed(_newest(policy)))
    hashes.sort()
    return tuple(dict.fromkeys(hashes.tolist()))[: policy.max_grams]


def _hashes(letters: npt.NDArray[np.uint64], seed: np.uint64) -> npt.NDArray[np.uint64]:
    mixed: npt.NDArray[Any] = letters[:-2] * _FACTORS[0]
    mixed += letters[1:-1] * _FACTORS[1]
    mixed += letters[2:] * _FACTORS[2]
    mixed ^= seed
    mixed ^= mixed >> _HALF
    mixed *= _MIX
    mixed >>= _HALF
    return mixed


@lru_cache(maxsize=64)
def _seed(key: bytes) -> np.uint64:
    """Keyed: the 3-grams of a name or a phone number could otherwise be looked up in a dictionary."""
    return np.uint64(int.from_bytes(hmac.digest(key, b"grams", "sha256")[:8], "big"))


def _newest(policy: Policy) -> bytes:
    return next(iter(policy.requester_keys.values()))


def _participants(recipients: tuple[Party, ...], policy: Policy) -> tuple[str, ...]:
    return requester_hashes(recipients, policy) if recipients else ()


def _thread_hashes(identifiers: Iterable[str], policy: Policy) -> tuple[str, ...]:
    hashes = (h for identifier in identifiers for h in keyed_hashes("thread", identifier, policy))
    return tuple(dict.fromkeys(hashes))


def _part_key(part: Part, draft: Draft, policy: Policy) -> str:
    sender = draft.sender.value if draft.sender is not None else ""
    to = ",".join(party.value for party in draft.recipients) or draft.account or ""
    key = "\n".join((sender, to, part.format, part.reference, str(part.total)))
    return keyed_hashes("part", key, policy)[0]


def _codes(findings: Iterable[Finding]) -> tuple[str, ...]:
    return tuple(sorted({f"{finding.kind}.{finding.value}" for finding in findings if finding.kind in _CODED}))
