"""What was blacked out of a ticket stays black in what is said later: keyed digests of the words, never the words.

Words are compared by their letters and digits, so they are known with other signs, blanks and digits between them.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from msgspec.structs import replace

from normalizers.parse.contacts import identity_of
from normalizers.pii.detect import address_spans, in_order, readable
from normalizers.pii.spaced_names import NAME
from normalizers.pii.variants import SHORT, bare_with_places, door, letters
from normalizers.rules import DEFAULT_RULES, Rules
from normalizers.text.fold import Span, fold
from schemas.records import Ticket
from schemas.records.common import Party
from schemas.records.ticket import Location, Requester

MOST = 500
"""Digests that a ticket keeps, the newest: no clerk has marked so much in one."""

_DIGEST = 16
_BEGINNING = 5
"""Letters by which longer words are looked for: one digest for a place of a text, and not one for each length."""

_WAY_TO_A_DOOR = 2
"""Numbers of a door: a room alone could be anybody's."""

_TOGETHER = re.compile(r"[\w\s·•・‧∙.-]*")


def digests(
    secrets: Iterable[str],
    ticket_id: str,
    key: bytes,
    doors: Iterable[str] = (),
    rules: Rules = DEFAULT_RULES,
) -> tuple[str, ...]:
    """Return by what these words are known again: their length, or 0 for a door, and a digest of this ticket alone.

    Behind those of more than five letters stands by what their beginning is known; older versions kept none. `doors`
    are those that only the words around them tell; `rules` may tell others by the city's own words.
    """
    hashed = Hashed(ticket_id, key)
    told = {one for secret in secrets for one in _told(secret, hashed, rules)}
    return tuple(sorted(told | {hashed.door(way) for one in doors if len(way := door(one)) >= _WAY_TO_A_DOOR}))


def spans_again(
    text: str, kept: Collection[str], ticket_id: str, key: bytes, rules: Rules = DEFAULT_RULES
) -> list[Span]:
    """Return where words stand whose digests are `kept`; `rules` may tell doors by the city's own words."""
    hashed = Hashed(ticket_id, key)
    plain, places = readable(text)
    said, at = bare_with_places(plain)
    known = Known(kept)
    found = [
        (at[start], at[start + length - 1] + 1)
        for start in range(len(said))
        for length in known.lengths_at(said, start, hashed)
        if start + length <= len(said) and hashed.words(said[start : start + length]) in known.words
    ]
    spans = [span for span in found if _is_whole(plain, *span)]
    if places is not None:
        spans = [(places[start], places[end - 1] + 1) for start, end in spans]
    return in_order([*spans, *_doors(text, kept, hashed, rules)])


def _told(secret: str, hashed: "Hashed", rules: Rules) -> Iterator[str]:
    plain, _ = readable(secret)
    said, _ = bare_with_places(plain)
    if len(said) > SHORT or NAME.fullmatch(letters(plain)):
        words = hashed.words(said)
        yield f"{words}:{hashed.beginning(said)}" if len(said) > _BEGINNING else words
    for start, end in address_spans(secret, rules):
        if len(way := door(secret[start:end])) >= _WAY_TO_A_DOOR:
            yield hashed.door(way)


def _doors(text: str, kept: Collection[str], hashed: "Hashed", rules: Rules) -> Iterator[Span]:
    if any(one.startswith("0:") for one in kept):
        yield from (span for span in address_spans(text, rules) if hashed.door(door(text[slice(*span)])) in kept)


def _is_whole(plain: str, start: int, end: int) -> bool:
    """Return True if words stand for themselves: no piece of a longer number; short ones not over a sentence's end."""
    if end - start <= 2 * SHORT and _TOGETHER.fullmatch(plain, start, end) is None:
        return False
    before, after = plain[start - 1 : start + 1], plain[end - 1 : end + 1]
    return not any(len(pair) > 1 and pair.isascii() and pair.isdigit() for pair in (before if start else "", after))


class Known:
    """Words that are known by their digests, and which lengths are worth a look where a text begins as they do."""

    def __init__(self, kept: Iterable[str]) -> None:
        self.words: set[str] = set()
        self._anywhere: set[int] = set()
        self._beginning: dict[str, set[int]] = {}
        for length, digest, *beginning in (one.split(":") for one in kept):
            if length != "0":
                self.words.add(f"{length}:{digest}")
                lengths = self._beginning.setdefault(beginning[0], set()) if beginning else self._anywhere
                lengths.add(int(length))

    def lengths_at(self, said: str, start: int, hashed: "Hashed") -> Collection[int]:
        """Return how long the words may be that begin here."""
        if not self._beginning:
            return self._anywhere
        begun = self._beginning.get(hashed.beginning(said[start : start + _BEGINNING]))
        return self._anywhere | begun if begun else self._anywhere


class Hashed:
    """Digests under one key and for one ticket: in no other they are the same."""

    def __init__(self, ticket_id: str, key: bytes) -> None:
        begun = hashlib.blake2b(digest_size=_DIGEST, key=hashlib.sha256(key).digest(), person=b"said again")
        begun.update(f"{ticket_id}\n".encode())
        self._begun = begun

    def words(self, said: str) -> str:
        """Return by what words are known, wherever they stand."""
        return f"{len(said)}:{self._of(said)}"

    def beginning(self, said: str) -> str:
        """Return by what the first letters of longer words are known."""
        return self._of(f"begins\n{said[:_BEGINNING]}")[:_DIGEST]

    def door(self, way: Sequence[str]) -> str:
        """Return by what a door is known."""
        return f"0:{self._of(' '.join(way))}"

    def value(self, kind: str, value: str) -> str:
        """Return by what all of a field is known, and no word of a text."""
        told = f"{kind}\n{value}"
        return f"0:{self._of(told)}"

    def _of(self, words: str) -> str:
        begun = self._begun.copy()
        begun.update(words.encode("utf-8", "surrogatepass"))
        return begun.hexdigest()


# A requester and a place that were taken from a ticket are not filled in again: they are known by keyed digests.

_KINDS = {"phone": "phone", "email": "email", "openid": "openid", "weibo_uid": "uid", "uid": "uid"}
"""Of what kind a requester's fields are."""


def emptied_digests(ticket: Ticket, fields: Collection[str], key: bytes, *, is_off_map: bool) -> tuple[str, ...]:
    """Return by what the values of these fields are known again; `is_off_map` says that no point may come back."""
    hashed = Hashed(ticket.ticket_id, key)
    gone = {*_of_requester(ticket.requester, hashed)} if "requester" in fields else set()
    if "location" in fields and ticket.location is not None and ticket.location.text:
        gone.add(_place(ticket.location.text, hashed))
    if is_off_map:
        gone.add(_point(hashed))
    return tuple(sorted(gone))


def not_again(ticket: Ticket, key: bytes) -> Ticket:
    """Return a ticket without what was emptied before, whatever message brings it."""
    hashed, kept = Hashed(ticket.ticket_id, key), frozenset(ticket.redacted_words or ())
    requester = _requester_without(ticket.requester, hashed, kept)
    place = ticket.location and _place_without(ticket.location, hashed, kept)
    return replace(ticket, requester=requester, location=place)


def _of_requester(requester: Requester, hashed: Hashed) -> Iterator[str]:
    values = ((kind, getattr(requester, name)) for name, kind in _KINDS.items())
    yield from (_value(kind, value, hashed) for kind, value in values if value)
    yield from (_value(one.kind, one.value, hashed) for one in requester.identities)
    yield from (_name(name, hashed) for name in (requester.name, *(one.name for one in requester.identities)) if name)


def _requester_without(requester: Requester, hashed: Hashed, kept: Collection[str]) -> Requester:
    def unless_kept(name: str | None) -> str | None:
        return name if name and _name(name, hashed) not in kept else None

    def is_kept(kind: str, value: str | None) -> bool:
        return bool(value) and _value(kind, value or "", hashed) in kept

    known = {name: None for name, kind in _KINDS.items() if is_kept(kind, getattr(requester, name))}
    parties = (one for one in requester.identities if not is_kept(one.kind, one.value))
    identities = tuple(replace(one, name=unless_kept(one.name)) for one in parties)
    return replace(requester, name=unless_kept(requester.name), identities=identities, **known)


def _place_without(place: Location, hashed: Hashed, kept: Collection[str]) -> Location:
    is_again = bool(place.text) and _place(place.text or "", hashed) in kept
    if is_again or _point(hashed) in kept:
        place = replace(place, longitude=None, latitude=None, datum=None)
    return replace(place, text=None) if is_again else place


def _value(kind: str, value: str, hashed: Hashed) -> str:
    """Return by what a number, address or id is known in its one spelling; one that is none as a name is."""
    identity = identity_of(Party(kind=kind, value=value))
    return hashed.value(kind, identity) if identity is not None else _name(value, hashed)


def _name(name: str, hashed: Hashed) -> str:
    return hashed.value("name", letters(fold(name)))


def _place(text: str, hashed: Hashed) -> str:
    return hashed.value("place", letters(fold(text)))


def _point(hashed: Hashed) -> str:
    return hashed.value("point", "")
