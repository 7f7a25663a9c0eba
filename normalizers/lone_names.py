"""Names that no word stands beside in a folded text: alone on a line, in a row of a table, in a log of a chat.

A name of two or three characters looks like any other word, so only what surely is none of them is believed: words and
places that begin like a name are left out by whoever asks.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from normalizers.findings.words import trie
from normalizers.name_cues import HAN, NO_PLACE, Surnames

_DOOR = r"[0-9]{1,4}(?:-[0-9]{1,4}){0,3}"
_NO_VILLAGE = "(?<![了的呢吗吧啊呀河湖厅沱坪堡角湾庄屯沟坡坝塘峪墩铺集圩埠渡垭垸寨窑])"
_TAIL = 60
_TIME = r":[0-9]{2}"
_MINUTES = re.compile(_TIME)
_NEAR_TIME = 24
_LONGEST = 4
_LONGEST_BY_SOUND = 12


class Lone(NamedTuple):
    """What finds them; the last group of each is the name."""

    whole: re.Pattern[str]
    """All of a text: the answer to 请问您怎么称呼."""

    own_line: re.Pattern[str]
    """A line that holds nothing else, or a list of names."""

    first_line: re.Pattern[str]

    behind_signs: re.Pattern[str]
    row: re.Pattern[str]
    """A numbered row of a table: 2 孙悦 502."""

    behind_door: re.Pattern[str]
    """Of a list of neighbours: 201晏平、202卓玲."""

    couple: re.Pattern[str]
    """Two names with nothing between them: 苗春生黎桂华夫妇."""

    before_time: re.Pattern[str]
    behind_time: re.Pattern[str]
    quoted: re.Pattern[str]
    """As a chat tells what somebody did: “孙悦”撤回了一条消息."""

    bracketed: re.Pattern[str]
    second_of_three: re.Pattern[str]
    first_of_three: re.Pattern[str]
    """Of a list with nothing before it."""

    spelled: re.Pattern[str]
    """Behind the surname that was told before: 木子李，李明."""

    says: re.Pattern[str]
    by_sound: re.Pattern[str]
    """Of another people, who begins a sentence and says or has something: 扎西多吉反映, 乌云其其格的低保."""

    of_peoples: re.Pattern[str]

    @classmethod
    def of(cls, known: Surnames, lists: Mapping[str, str]) -> "Lone":
        """Make the patterns of these surnames; `lists` are those of `[beside_names]`."""
        name, lone = known.name, rf"{known.name}{NO_PLACE}{_NO_VILLAGE}"
        said, has, did = (trie(lists[one].split()) for one in ("said_alone", "has", "did"))
        line = rf"[ \t]*({lone})(?=[ \t]*(?:\n|\||[、,][ \t]?{name}[、,\s]))"
        return cls(
            whole=re.compile(rf"\s*({lone}|{known.foreign})[。.\s]*$"),
            own_line=re.compile(rf"\n{line}"),
            first_line=re.compile(line),
            behind_signs=re.compile(
                rf"[~?)….-](?:(?<=[~?)…])|(?<=--)|(?<=\.\.))\s?({lone})\s*[\s0-9年月日时分:：.,/()-]*$"
            ),
            row=re.compile(
                rf"[0-9](?=[、.)\s])(?<![0-9]{{4}})(?<![.:/-][0-9])(?:[、.)]\s?|\s)({name}){NO_PLACE}(?=[\s,，]{{1,2}}(?:{_DOOR}[\s,，。;；]|{_DOOR}$|[男女]))"
            ),
            behind_door=re.compile(
                r"[0-9](?<![0-9.-][0-9])(?:[0-9]{2,3}|[0-9]?(?:-[0-9]{1,4}){1,3})"
                rf"[室户房]?(?![余万米平方成单时路连])({lone}|{known.rare_name})(?=[、,;。\s都等和]|$)"
            ),
            couple=re.compile(
                rf"(?<!{HAN})((?:{known.name}|{known.rare_name})(?:{known.any_name}|{known.rare_name}))(?=夫妇|夫妻|两口子)"
            ),
            before_time=re.compile(rf"(?<!{HAN})({name})(?:\(\S{{1,15}}\))?\s[0-9]{{1,2}}$"),
            behind_time=re.compile(rf"{_TIME}(?:{_TIME})?\]?\s({name})(?=\s|$|:)"),
            quoted=re.compile(
                rf"[\"“](?:(?:{_DOOR}-?)?({name})[\"”]\s?(?={did})|(?<=[请出拍将][\"“])(?:{_DOOR}-?)?({name})(?=[\"”]))"
            ),
            bracketed=re.compile(rf"[(\[【<「](?:{_DOOR}-?)?({lone})[)\]】>」]"),
            second_of_three=re.compile(rf"([、 ]){name}(?=\1{name}(?!{HAN}))"),
            first_of_three=re.compile(rf"(?<!{HAN})({name})$"),
            spelled=re.compile(rf",(?<=({known.common}),)\s?(?:名字)?叫?(\1{HAN}{{1,2}})(?<![了的])(?=[,。;\s]|$)"),
            of_peoples=re.compile(known.of_peoples),
            says=re.compile(rf"{said}|[(,、](?=[女男][,、)性])|的(?={has})|家(?=[漏里的])"),
            by_sound=re.compile(rf"(?<!{HAN})({known.foreign})$"),
        )

    def found(self, text: str) -> Iterator[re.Match[str]]:
        """Yield what looks like a name that stands alone."""
        for first in (self.whole.match(text), self.first_line.match(text)):
            if first:
                yield first
        if "\n" in text:
            yield from self.own_line.finditer(text)
        yield from self.bracketed.finditer(text)
        for second in self.second_of_three.finditer(text):
            yield from self.first_of_three.finditer(text, max(0, second.start() - _LONGEST), second.start())
        yield from self.spelled.finditer(text)
        yield from self.row.finditer(text)
        yield from self.behind_door.finditer(text)
        if "夫" in text or "两口子" in text:
            yield from self.couple.finditer(text)
        yield from self.behind_signs.finditer(text, max(0, len(text) - _TAIL))
        yield from self.of_peoples.finditer(text)
        if ":" in text:
            yield from self.behind_time.finditer(text)
            for colon in _MINUTES.finditer(text):
                yield from self.before_time.finditer(text, max(0, colon.start() - _NEAR_TIME), colon.start())
        for said in self.says.finditer(text):
            yield from self.by_sound.finditer(text, max(0, said.start() - _LONGEST_BY_SOUND), said.start())
        if "“" in text or '"' in text:
            yield from self.quoted.finditer(text)
