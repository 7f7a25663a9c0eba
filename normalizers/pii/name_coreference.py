"""Names that a text tells again: who is named once by the words around stands in it further on without any.

房东王喆不退押金，王喆说……, 我妈林秀芝摔了，秀芝没人管: of three characters the given name alone is looked for as well,
where it is no word. So is the number of an account that a word told of once (户号).
"""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from normalizers.geo import divisions
from normalizers.pii import third_persons
from normalizers.pii.name_patterns import Surnames
from normalizers.rules import DEFAULT_RULES, Rules, part, precompiled
from normalizers.text.fold import Span
from normalizers.text.lexicon import is_word
from normalizers.text.matcher import Words, one_of, trie

_HAN = "\u4e00-\u9fff"
_BLANKS = precompiled.pattern(r"\s+")
_NUMBER = precompiled.pattern(r"(?=[a-z_-]*[0-9])[a-z0-9][a-z0-9_-]{5,29}")
"""Of an account: six signs at least, one of them a digit."""

_DAY = precompiled.pattern("(?:19|20)[0-9]{2}[-./]?[01]?[0-9][-./]?[0-3]?[0-9]")
_OF_A_NUMBER = precompiled.pattern("[a-z0-9]")
_DOT = precompiled.pattern("[·•・‧∙.]")
_DOORS = "户室号楼层房"
_SHORT = 2
"""Characters of a name that may be a word, or parts of two, as well."""

_MANY = 16


class NamesAgain(NamedTuple):
    """What tells whether a name is to be looked for again; made of one file of rules."""

    name: re.Pattern[str]
    """A whole name, by its surname or its sounds."""

    two_surnames: tuple[str, ...]
    titles: tuple[str, ...]
    """By what a person is called that is no name: 刘村长 may be another one's village head elsewhere."""

    short_titles: frozenset[str]
    place: re.Pattern[str]
    """How firms and places go on behind a name."""

    begun: frozenset[str]
    """Two characters: the end of a word, which a surname looks like, and what stands before it there."""

    firm: re.Pattern[str]
    """The same, behind one of two characters."""

    never_given: frozenset[str]
    places: frozenset[str]

    def worth(self, text: str, found: Iterable[Span]) -> frozenset[str]:
        """Return which of the spans found in a folded text are names, or numbers of accounts, to be looked for."""
        told = (_BLANKS.sub("", text[start:end]) for start, end in found)
        return frozenset(one for one in told if self.is_worth(one))

    def is_worth(self, one: str) -> bool:
        """Say whether something folded is a name, or a number of an account, to be looked for."""
        if one.isascii():
            return _NUMBER.fullmatch(one) is not None and _DAY.fullmatch(one) is None
        if len(one) == _SHORT and (one[1] in self.short_titles or is_word(one)):
            return False
        if one.endswith(self.titles) or one[-1] in _DOORS or one in self.places or not self.never_given.isdisjoint(one):
            return False
        return self.name.fullmatch(one) is not None

    def forms(self, names: Iterable[str]) -> frozenset[str]:
        """Return what `spans` is to look for of these names: each of them, and their given names alone."""
        return frozenset(form for name in names for form in self._forms(name))

    def spans(self, text: str, forms: Collection[str]) -> Iterator[Span]:
        """Yield where these `forms` of names stand in a folded text."""
        for start, end in _places(text, forms):
            if self._is_one(text, start, end):
                yield start, end

    def _forms(self, name: str) -> Iterator[str]:
        yield name
        if name.isascii():
            return
        parts = _DOT.split(name)
        if len(parts) > 1:
            yield from (part for part in parts if len(part) > _SHORT)
        elif len(name) == _SHORT + 1 and not name.startswith(self.two_surnames):
            given = name[1:]
            if not is_word(given) and given not in self.places:
                yield given

    def _is_one(self, text: str, start: int, end: int) -> bool:
        """Say whether what stands there is no part of a longer number, word or place."""
        before, behind = text[max(0, start - 1) : start], text[end : end + 1]
        if text[start].isascii():
            return _OF_A_NUMBER.match(before) is None and _OF_A_NUMBER.match(behind) is None
        if end - start > _SHORT:
            return True
        if before + text[start] in self.begun or self.place.match(text, end) or self.firm.match(text, end):
            return False
        return not (is_word(before + text[start]) or is_word(text[end - 1] + behind))


def _places(text: str, wanted: Collection[str]) -> Iterator[Span]:
    """Yield where these words stand; many of them are looked for in one pass, whose making costs that of a dozen."""
    if len(wanted) > _MANY:
        yield from ((start, end) for _, start, end in Words(wanted).matches(text))
        return
    for one in wanted:
        at = text.find(one)
        while at >= 0:
            yield at, at + len(one)
            at = text.find(one, at + len(one))


@part("names.toml")
def rulebook(rules: Rules = DEFAULT_RULES) -> NamesAgain:
    """Return what tells it by the city's own file, or ours; raises KeyError or TypeError for no such file."""
    whole = rules.toml("names")
    found, known = whole["third_persons"], Surnames.of(whole)
    surnames = (
        f"{whole['common_surnames']}{whole['other_surnames']}{found['surnames']}{whole['role_names']['surnames']}"
    )
    titles = (found["titles"], *whole["addressed"].values())
    return NamesAgain(
        name=precompiled.pattern(rf"{known.two}[{_HAN}]{{1,2}}|{one_of(surnames)}[{_HAN}]{{1,2}}|{known.foreign}"),
        two_surnames=tuple(whole["two_surnames"].split()),
        titles=tuple(word for one in titles for word in one.split()),
        short_titles=frozenset(found["short_titles"] + found["kin"]),
        place=precompiled.pattern(trie(whole["full_names"]["goes_on_as_a_place"].split())),
        firm=third_persons.rulebook(rules).short.firm,
        begun=third_persons.rulebook(rules).short.begun,
        never_given=frozenset(found["never_given"]),
        places=frozenset(divisions.names()),
    )
