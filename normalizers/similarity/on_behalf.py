"""For whom somebody writes: 替我妈问, 帮邻居张大爷反映, 受同事委托. Whoever is named so is who asks."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import NamedTuple

from normalizers.pii.name_patterns import HAN
from normalizers.rules import precompiled
from normalizers.text.matcher import trie

_NOT_OF_US = r"(?<![请求能否以望烦劳你您])(?<![你您]们)"
"""请帮我妈查一下 asks the hotline to help: there the writer asks."""

_OURS = r"(?:我们?|咱们?|本人|自己|其)?家?(?:(?!忙)[\d\u4e00-\u9fff]{0,10}的)?"
_GOES_ON = rf"(?:家|一家|们)?[向跟来再先去]?{HAN}{{0,4}}?"
_MAY_BE = precompiled.pattern("[替帮代受让托叫要请](?:(?<![要请])|我)")


class OnBehalf(NamedTuple):
    """What finds them; made of the lists of `[on_behalf]` in `rules/names.toml`."""

    patterns: tuple[re.Pattern[str], ...]
    persons: Mapping[str, str]
    """Of each word the one that stands for all that mean the same."""

    @classmethod
    def of(cls, lists: Mapping[str, str], surname: str, titles: Iterable[str]) -> "OnBehalf":
        """Make the patterns; `surname` is that of any surname, `titles` are forms of address."""
        persons = {word: line.split()[0] for line in lists["persons"].strip().splitlines() for word in line.split()}
        called = rf"(?:(?P<surname>{surname})(?:{trie(titles)}|[某xX*×]{{1,2}}|{HAN}{{1,2}}))?"
        whom = rf"(?P<whom>{trie(persons)}){called}"
        asks, asked = trie(lists["asks"].split()), trie(lists["asked"].split())
        nearer = rf"{_OURS}{trie(lists['nearer'].split())}?"
        ways = (
            rf"{_NOT_OF_US}[替帮代](?!忙)(?:[表为]|助)?{nearer}{whom}{_GOES_ON}{asks}",
            rf"受{nearer}{whom}的?{asked}",
            rf"{whom}(?:让|叫|要|请|{asked})我(?:[们来帮代替]|[他她]){{0,3}}{HAN}{{0,3}}?{asks}",
        )
        return cls(tuple(map(precompiled.pattern, ways)), persons)

    def told(self, said: str) -> Iterator[tuple[str, str | None]]:
        """Yield by which word a folded text names somebody it is written for, and their surname, where it tells it."""
        if _MAY_BE.search(said) is not None:
            for found in chain.from_iterable(pattern.finditer(said) for pattern in self.patterns):
                yield self.persons[found["whom"]], found["surname"]
