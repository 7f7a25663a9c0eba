"""How much of a matter its ticket shows: far less than Kafka takes in one record; the archive holds the rest."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

from msgspec.structs import replace

from normalizers.text.fold import fold
from schemas.records import Attachment
from schemas.records.common import Party

T = TypeVar("T")

MESSAGE_CHARACTERS = 65_536
"""A message's text has at most 64 KiB; only folding can make it longer than this."""

VALUE_CHARACTERS = 200
"""Of a name, an address, an id or a place."""

_NAMED = 4
"""So many times as many may be kept because the text names them: thousands of names must not fill a record."""

_GAP = "\n\n"
_CUT = "\n\n〔……〕\n\n"
_DIGEST = 16


def joined(text: str, more: str, limit: int) -> str:
    """Return both; over the limit the middle of the matter is left out, its beginning and all of `more` stay."""
    if not (text and more):
        return text or more
    whole = f"{text}{_GAP}{more}"
    head, tail = limit // 4, max(limit - limit // 4, len(more))
    if len(whole) <= head + tail:
        return whole
    return beginning(whole.split(_CUT, 1)[0], head) + _CUT + _end(whole, tail, len(more))


def instead(text: str, words: str, more: str, limit: int) -> str | None:
    """Return the text with `more` in the place of a message's `words`, None where they do not stand by themselves."""
    before, there, after = f"{_GAP}{text}{_GAP}".partition(f"{_GAP}{words}{_GAP}")
    if not there:
        return None
    before, after = before.removeprefix(_GAP), after.removesuffix(_GAP)
    whole = _GAP.join(one for one in (before, more, after) if one)
    return whole if len(whole) <= limit else joined(_GAP.join(one for one in (before, after) if one), more, limit)


def beginning(text: str, limit: int) -> str:
    """Return the first characters, and no number, address or id that the limit would cut: a part escapes the mask."""
    at = min(limit, len(text))
    while _is_inside(text, at):
        at -= 1
    return text[:at]


def short(value: str) -> str:
    """Return an address or id within the limit; of a longer one a beginning that is nobody's, with its digest."""
    if len(value) <= VALUE_CHARACTERS:
        return value
    told = f"…{hashlib.sha256(value.encode(errors='surrogatepass')).hexdigest()[:_DIGEST]}"
    return value[: VALUE_CHARACTERS - len(told)] + told


def ends(items: Sequence[T], limit: int) -> tuple[T, ...]:
    """Return the first quarter and the newest of too many."""
    if len(items) <= limit:
        return tuple(items)
    first = limit // 4
    return (*items[:first], *items[first - limit :])


def short_party(party: Party) -> Party:
    """Return a person whose name and address are within the limits."""
    if len(party.value) <= VALUE_CHARACTERS and len(party.name or "") <= VALUE_CHARACTERS:
        return party
    return replace(party, value=short(party.value), name=party.name and party.name[:VALUE_CHARACTERS])


def people(parties: Sequence[Party], limit: int, text: str) -> tuple[Party, ...]:
    """Return the first and the newest of too many, and those who are named in the text: masks look for what is here."""
    kept = ends(parties, limit)
    if len(kept) == len(parties):
        return kept
    said = fold(text)
    others = (one for one in parties if one not in kept)
    named = [one for one in others if any(fold(word) in said for word in (one.name, one.value) if word)]
    return tuple(one for one in parties if one in kept or one in named[: _NAMED * limit])


def short_file(file: Attachment) -> Attachment:
    """Return an attachment whose names are within the limits."""
    if max(len(file.name or ""), len(file.id), len(file.media_type)) <= VALUE_CHARACTERS:
        return file
    name, media_type = file.name and file.name[:VALUE_CHARACTERS], file.media_type[:VALUE_CHARACTERS]
    return replace(file, id=short(file.id), name=name, media_type=media_type)


def _end(text: str, limit: int, whole: int) -> str:
    """Return the last characters from a whole number or word on; the last `whole` ones in any case."""
    at, last = len(text) - limit, len(text) - whole
    while at < last and _is_inside(text, at):
        at += 1
    return text[at:]


def _is_inside(text: str, at: int) -> bool:
    """Return True if a cut at `at` would part a number with its separators, or a Latin word, address or id."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    return (_in_number(before) and _in_number(after)) or (_in_word(before) and _in_word(after))


def _in_number(character: str) -> bool:
    return not character.isalpha()


def _in_word(character: str) -> bool:
    return character in "@._+-" or (character.isascii() and character.isalnum())
