"""What a person typed as words: all of them, or (`或`, `|`), "exact phrases", and what must not be there."""

import re
from itertools import groupby

from msgspec import Struct

from normalizers.text.fold import fold

_TOKEN = re.compile(r'(?P<minus>-*)(?:"(?P<phrase>[^"]*)"?|(?P<bar>\||或(?=\s|$))|(?P<word>[^\s"|]+))')
_QUOTES = str.maketrans("“”„‟「」『』", '""""""""')
_MINUS = re.compile(r"(?<!\S)[－—–−](?=\S)")
"""A minus as Chinese input methods write it, before a word."""


class Word(Struct, frozen=True):
    """A word or phrase, folded; an exact one has no synonyms."""

    text: str
    exact: bool = False


class Question(Struct, frozen=True, kw_only=True):
    """`groups` must all be there, of each any word; none of `unwanted`. `empty` asks for nothing that can be found."""

    groups: tuple[tuple[Word, ...], ...] = ()
    unwanted: tuple[Word, ...] = ()
    empty: bool = False


def parse(text: str) -> Question:
    """Return the words of a text; punctuation alone asks for nothing."""
    unwanted: list[Word] = []
    groups: list[list[Word]] = []
    joined = False
    for found in _TOKEN.finditer(_MINUS.sub("-", text.translate(_QUOTES))):
        if found["bar"]:
            joined = bool(groups)
            continue
        word = _word(found)
        if word is None:
            continue
        if found["minus"]:
            unwanted.append(word)
        elif joined:
            groups[-1].append(word)
        else:
            groups.append([word])
        joined = False
    return Question(
        groups=tuple(map(tuple, groups)),
        unwanted=tuple(unwanted),
        empty=bool(text.strip()) and not groups and not unwanted,
    )


def _word(found: re.Match[str]) -> Word | None:
    exact = found["phrase"] is not None
    text = fold(found["phrase"] if exact else found["word"] or "")
    return Word(text, exact) if any(is_token(character) for character in text) else None


def is_token(character: str) -> bool:
    """Return whether a character can be found; punctuation cannot."""
    return character.isalnum() or character > "\u2fff"


def is_han(character: str) -> bool:
    """Return whether a character is a Han character."""
    return "\u3400" <= character <= "\u9fff" or "\U00020000" <= character <= "\U0003ffff"


_ASIDE = re.compile(
    "我?想(?:要)?(?:咨询|问|了解|知道|请问)(?:一下)?|请问(?:一下)?|咨询(?:一下)?|麻烦|帮忙|反映|投诉|"
    "怎么办理?|怎么样?|如何|为什么|为啥|什么时候|什么|多久|多少|哪里|哪儿|能不能|可不可以|是否|可以|能否|"
    "好几(?:天|年|个月|个小时|次)|没有人?|一直|已经|以后|之后|还在|这里|那里|我们?|你们?|他们?|家里|有人|办法|"
    "[的了吗呢吧啊呀把被在都很太还就才也又和与或不]"
)
"""What a question is put with, and words that stand in every letter: no ticket is found by them."""


def matters(text: str) -> list[str]:
    """Return the pieces of a sentence that name its matter: runs of two Han characters or more, or other tokens."""
    pieces: list[str] = []
    for part in _ASIDE.sub(" ", text).split():
        for han, run in groupby(part, is_han):
            piece = "".join(run)
            if len(piece) > 1 if han else any(map(is_token, piece)):
                pieces.append(piece)
    return pieces
