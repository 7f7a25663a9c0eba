"""Features: all that `decide` sees of a message; every one a keyed hash or a code, none of them text.

The hashes of words and 3-grams use the newest key alone: texts from before a key change no longer look alike. Hashes
of people and threads, and the digest by which the very same text is known, are given under every key.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache, lru_cache
from itertools import repeat

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes
from msgspec import UNSET
from msgspec.structs import replace

from normalizers.base import Draft, Policy
from normalizers.enrich.codes import codes_of
from normalizers.parse.contacts import contacts_in
from normalizers.parse.ticket_tokens import NOTHING, Named, without
from normalizers.rules import DEFAULT_RULES, Rules
from normalizers.similarity.boilerplate import own_words, without_footer, without_office, without_phrases
from normalizers.similarity.numbers import homes_alone
from normalizers.similarity.requester import keyed_hashes, requester_hashes
from normalizers.similarity.stated_identity import stated_names
from normalizers.similarity.terms import matter_of, rulebook
from normalizers.text.fold import SPOKEN_DIGITS, fold
from schemas import ids
from schemas.ids import keyed_digest
from schemas.records import Attachment, Features, Finding, Part

_SHARED = ("place", "coordinates")
"""What a citizen who shares a place says of it: its label may name a whole road."""

_GRAM = 3

_DIGIT = rf"[\d{SPOKEN_DIGITS}\u24ff\u2776-\u2793]"
_PARTED_NUMBER = re.compile(r"\d(?<!\d\d)\d*+(?:[^\w\s]\d++)+")
"""Without what stands between its digits 1-11-201 would be 11-1-201, and 1.5 be 15."""

_LONG_NUMBER = re.compile(rf"{_DIGIT}(?:(?:[\W_]{{0,6}}|[\W_]?(?:[嗯呃]|横?杠|那个|然后是?)[\W_]?){_DIGIT}){{6,}}")
"""A telephone, a card, an identity: no gram of it is kept.

Of digits there are so few grams that somebody who sends all of them and sees their hashes would know any number.
"""

_SHOWN = 4_000
"""Characters of what a message quotes that tell one matter from another."""

_AREA_LEVELS = {"市": "city", "区": "district", "县": "district"}


def features_of(
    draft: Draft,
    folded: str,
    attachments: Sequence[Attachment],
    findings: Sequence[Finding],
    policy: Policy,
    answers: Named = NOTHING,
    own_id: str = "",
    at: datetime | None = None,
    giver: str = "",
) -> Features:
    """Return the features of a message whose title and text, folded, are `folded`, and which answers these tickets.

    It was sent `at` this time, so that 昨天 is a day. One that waits for its files is found again by `own_id`, its
    message id. `giver` is the system that gave the people their ids.
    """
    whole, letters, thread, lists = folded, _letters(folded), draft.thread, policy.rules
    contacts = contacts_in(without_office(draft.text, lists))
    if (own := own_words(draft.text, lists)) != draft.text:
        draft, folded = replace(draft, text=own), fold(f"{draft.title}\n{own}" if draft.title else own)
    heading, folded = _compared(draft, folded, lists)
    stated = stated_names(draft, folded, policy)
    if (body := without_footer(draft.text, lists)) != draft.text:
        draft = replace(draft, text=body)
        heading, folded = _compared(draft, fold(f"{draft.title}\n{body}" if draft.title else body), lists)
    day = at.astimezone(ids.SHANGHAI).date() if at is not None else None
    matter = matter_of(without(heading), without(folded[len(heading) :]), lists, day)
    homes = homes_alone(folded)
    text_names = [one for one in matter.text_names if one not in homes or not any(map(str.isdecimal, one))]
    key, *older = policy.requester_keys.values()
    beside = (*_PARTED_NUMBER.findall(whole), *_files(attachments), *_places(findings), *_shown(draft))
    text_keys = _text_keys(letters, beside, policy)
    message_keys = _message_keys(draft, own_id, policy)
    part_keys = _part_keys(draft.part, draft, policy) if draft.part is not None else ()
    return Features(
        message_class=draft.message_class,
        text_key=text_keys[0] if text_keys else None,
        text_known_as=text_keys[1:] or UNSET,
        grams=text_grams(folded, policy, letters if folded == whole else None),
        names=_hashed_words(matter.names, key),
        places=_hashed_words(matter.places, key),
        objects=_hashed_words(matter.objects, key),
        numbers=_hashed_words(matter.numbers, key),
        areas=tuple(sorted(f"{_AREA_LEVELS[area[-1]]}-{_hashed_word(area, key)}" for area in matter.areas)),
        doors=tuple(sorted(f"{_hashed_word(kind, key)}-{_hashed_word(which, key)}" for kind, which in matter.marks)),
        papers=_hashed_words(matter.papers, key),
        text_names=_hashed_words(text_names, key),
        text_objects=_hashed_words(matter.text_objects, key),
        untitled=UNSET if matter.is_titled else True,
        aspects=_hashed_words(matter.aspects, key),
        opening=_hashed_word(matter.opening, key) if matter.opening else UNSET,
        told=_hashed_words(matter.told, key),
        whereabouts=_hashed_words(matter.whereabouts, key),
        requesters=requester_hashes((draft.sender,), policy, giver),
        stated=stated,
        contacts=requester_hashes(contacts, policy),
        participants=requester_hashes(draft.recipients, policy, giver) if draft.recipients else (),
        message_key=message_keys[0] if message_keys else None,
        message_known_as=message_keys[1:] or UNSET,
        known_as=tuple([_thread_hashes((name,), policy)[0] for name in draft.known_as]) or UNSET,
        threads=_thread_hashes(reversed(thread.references), policy) if thread.references else (),
        completes=_thread_hashes((draft.completes,), policy) if draft.completes else (),
        token=answers.ticket_id,
        further_tokens=answers.further or UNSET,
        claimed=answers.claimed,
        ticket_nos=answers.numbers,
        part_key=part_keys[0] if part_keys else None,
        part_known_as=part_keys[1:] or UNSET,
        part_number=draft.part.number if draft.part is not None else None,
        part_total=draft.part.total if draft.part is not None else None,
        part_digest=_digest(key, draft.part.bytes) if draft.part is not None else None,
        part_digest_known_as=tuple([_digest(one, draft.part.bytes) for one in older if draft.part is not None])
        or UNSET,
        call_revision=draft.call.revision if draft.call is not None else UNSET,
        call_began=int(draft.call.started_at.timestamp()) if draft.call and draft.call.started_at else UNSET,
        call_ended=int(draft.call.ended_at.timestamp()) if draft.call and draft.call.ended_at else UNSET,
        codes=codes_of(findings, folded, policy.rules) if findings else (),
    )


def _compared(draft: Draft, folded: str, rules: Rules) -> tuple[str, str]:
    """Return the heading, and all that is compared behind it."""
    heading = _heading(draft, folded, rules)
    return heading, heading + without_phrases(folded[len(heading) :], rules)


def _heading(draft: Draft, folded: str, rules: Rules = DEFAULT_RULES) -> str:
    """Return the title, folded; where a channel has none, a first line that stands as one, with no stop at its end."""
    if draft.title:
        return fold(draft.title)
    line = rulebook(rules).greetings.heading.match(draft.text) if "\n" in draft.text else None
    heading = fold(line[1]) if line is not None else ""
    return heading if folded.startswith(f"{heading} ") else ""


def text_grams(folded: str, policy: Policy, all_letters: npt.NDArray[np.uint32] | None = None) -> tuple[int, ...]:
    """Return the hashed 3-grams of a folded text: sorted, without repeats, the smallest `max_grams`.

    None of a long number is among them, and none of a token: who quotes the same ticket says no more than that.
    `all_letters` are those of the whole text, where they are at hand.
    """
    said = _LONG_NUMBER.sub("", without(folded))
    letters = all_letters if all_letters is not None and len(said) == len(folded) else _letters(said)
    if len(letters) < _GRAM:
        return ()
    hashes = _hashes(letters, next(iter(policy.requester_keys.values())))
    hashes.sort()
    first, rest = hashes[:1].tolist(), hashes[1:][hashes[1:] != hashes[:-1]]
    return (*first, *rest[: policy.max_grams - 1].tolist())


def _letters(folded: str) -> npt.NDArray[np.uint32]:
    """Return the letters, digits and Han characters of a text, without punctuation and blanks."""
    characters = np.frombuffer(folded.encode("utf-32-le"), dtype="<u4")
    return characters[_is_letter().take(characters, mode="clip")]


@cache
def _is_letter() -> npt.NDArray[np.bool_]:
    return np.fromiter(map(str.isalnum, map(chr, range(0x32401))), dtype=bool)


def _text_keys(letters: npt.NDArray[np.uint32], beside: tuple[str, ...], policy: Policy) -> tuple[str, ...]:
    said = letters.tobytes()
    if beside:
        said += "\n".join(("", *beside)).encode()
    return tuple([_digest(key, said) for key in policy.requester_keys.values()]) if said else ()


def _digest(key: bytes, data: bytes) -> str:
    return keyed_digest(key, data).hex()[:32]


def _files(attachments: Sequence[Attachment]) -> Iterator[str]:
    """Yield each file's digest; of one whose bytes are not here yet, what tells it from another."""
    for number, file in enumerate(attachments, 1):
        media_id = file.id if file.id != str(number) else ""
        told = file.sha256 or f"{media_id}\t{file.name or ''}"
        if told != "\t":
            yield told


def _places(findings: Sequence[Finding]) -> Iterator[str]:
    return (finding.value for finding in findings if finding.kind in _SHARED and finding.source == "channel")


def _shown(draft: Draft) -> Iterator[str]:
    """Yield the letters of what a message quotes: the same few words under it may be about another matter."""
    if draft.quoted:
        yield _letters(fold(draft.quoted[:_SHOWN])).tobytes().hex()


def _hashes(letters: npt.NDArray[np.uint32], key: bytes) -> npt.NDArray[np.uint32]:
    """Hash every 3-gram: the first 32 bits of its AES block, which nobody turns around who has not the key.

    Sums of products would be quicker, and a few messages of one's own would tell the factors.
    """
    blocks = np.zeros((len(letters) - _GRAM + 1, 4), dtype="<u4")
    for place in range(_GRAM):
        blocks[:, place] = letters[place : place + len(blocks)]
    free = _contexts(key)
    try:
        context = free.pop()  # nobody else has it meanwhile, whatever thread asks
    except IndexError:
        context = _cipher(key).encryptor()
    hashes = np.frombuffer(context.update(blocks.tobytes()), dtype="<u4")[::4].copy()
    free.append(context)
    return hashes


@lru_cache(maxsize=64)
def _contexts(key: bytes) -> list[CipherContext]:
    """Return the contexts under a key that nobody uses: to make one takes longer than to hash a letter.

    Each goes from whole blocks to whole blocks, and keeps nothing of them.
    """
    return []


@lru_cache(maxsize=64)
def _cipher(key: bytes) -> Cipher[modes.ECB]:
    # Block by block, as equal grams must have equal hashes: nothing is hidden that stands twice.
    return Cipher(algorithms.AES(keyed_digest(key, b"grams.aes")[:16]), modes.ECB())  # noqa: S305 - as said above


def _hashed_words(words: Iterable[str], key: bytes) -> tuple[str, ...]:
    return tuple(sorted(map(_hashed_word, words, repeat(key))))


@lru_cache(maxsize=65_536)
def _hashed_word(word: str, key: bytes) -> str:
    return keyed_digest(key, f"word\n{word}".encode())[:4].hex()


def _thread_hashes(identifiers: Iterable[str], policy: Policy) -> tuple[str, ...]:
    hashes = (h for identifier in identifiers for h in keyed_hashes("thread", identifier, policy))
    return tuple(dict.fromkeys(hashes))


def _message_keys(draft: Draft, own_id: str, policy: Policy) -> tuple[str, ...]:
    """Return under which hashes a later message finds this one: an answer to it, or the files that it only names."""
    name = draft.thread.message_id_header or (own_id if any(file.is_awaited for file in draft.files) else None)
    return _thread_hashes((name,), policy) if name else ()


def _part_keys(part: Part, draft: Draft, policy: Policy) -> tuple[str, ...]:
    sender = draft.sender.value if draft.sender is not None else ""
    to = ",".join(party.value for party in draft.recipients) or draft.account or ""
    key = "\n".join((sender, to, part.format, part.reference, str(part.total)))
    return keyed_hashes("part", key, policy)
