"""Names that no list of surnames and given names tells, in a folded text: by their script, sounds, label, or nickname.

A name in Hangul, Cyrillic or another script (김민수), of Vietnamese (阮氏红), by the sounds of other peoples
(努尔艾力), in Latin letters behind a word for a person (租客nguyen thi lan), one that is a word behind a label
(户主高兴反映), and what people are called by behind a word for a person (楼下大刘, 隔壁老孙头, 卖菜的陈嫂).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ahocorasick_rs import AhoCorasick, Implementation

from normalizers.geo import divisions
from normalizers.pii.short_names import STOPS
from normalizers.rules import precompiled
from normalizers.text.fold import Span
from normalizers.text.lexicon import is_word
from normalizers.text.matcher import one_of, trie

_HAN = "[\u4e00-\u9fff]"
_SCRIPTS = (
    "\uac00-\ud7a3",  # Hangul
    "\u0400-\u052f",  # Cyrillic
    "\u0600-\u06ff",  # Arabic
    "\u0e00-\u0e7f",  # Thai
    "\u0900-\u097f",  # Devanagari
    "\u1800-\u18af",  # Mongolian
    "\u0f40-\u0fbc",  # Tibetan
    "\u1780-\u17ff",  # Khmer
    "\u0e80-\u0eff",  # Lao
    "\u1000-\u109f",  # Burmese
)
_MOST_WORDS = 3
_IN_A_SCRIPT = "|".join(
    rf"(?<![{one}])(?<![{one}] )[{one}]{{1,24}}(?:[ ·.][{one}]{{1,24}}){{0,{_MOST_WORDS - 1}}}(?! ?[{one}])"
    for one in _SCRIPTS
)
"""Of a few words: longer ones are a sentence."""

_VIETNAMESE = (
    rf"(?:[阮黎范潘黄武裴邓杜胡吴杨陈丁段梁陶][氏](?:{_HAN}{{1,2}}?(?=[{STOPS}]|$|[的是在被和与说称反来]|女)|{_HAN}{{2}})"
    rf"(?<!氏[集宗祠家公族企兄姐国古祖先人])|[阮裴][文玉春青明德氏清金]{_HAN}(?![{_HAN[1:-1]}]*[路街村镇县]))"
)

_LETTER = "[a-z\u00df-\u024f\u1e00-\u1eff\u0300-\u036f]"
_WORDS = rf"{_LETTER}{{2,15}}(?:[ -](?:{_LETTER}\. ?)?{_LETTER}{{1,15}}){{1,4}}"
_WRITTEN = "护照上?写?的?名?字?|拼音|英文名|外文名|越南名|外国名|原名|本名|全名|名字|[写叫]做?的?|(?:我|本人)是"
_ACCENTED = rf"(?<!{_LETTER})(?={_LETTER}{{0,12}}(?: {_LETTER}{{1,12}})?[\u00e0-\u024f\u1e00-\u1eff])(){_WORDS}"

_GRAMMAR = frozenset("向和于与从有时管同方")
"""Surnames that a sentence goes on with as well."""

_ANY_SCRIPT = precompiled.pattern(f"[{''.join(_SCRIPTS)}氏阮裴]")
_LATIN = precompiled.pattern(f"{_LETTER}{{2}}[ -]{_LETTER}")
_GOES_ON = rf"(?=[家说的在被称今、和又已打骂把]|[{STOPS}]|$)"
"""What stands behind a name of two characters that is a word or a place elsewhere."""

_FEWEST_LISTED = 2
_BEFORE_CALLED = (*"找和跟与叫被给由问听", "找过", "问过")
_OF_A_FLOOR = precompiled.pattern("[一二三四五六七八九十0-9][楼层组号栋户室]$")

_CALLED = "老小大阿胖瘦"
_ENDS_OF_PLACES = frozenset("区县市镇乡村街路巷校厂店站司局院园里号楼的")

_MOST_WORD = 3

_TITLES_BEHIND = "哥姐嫂婶叔姨伯爷总董"
_NICKS = "[胖瘦黑白大小二三四五傻憨铁狗猴][毛蛋娃丫妞妮牛虎柱狗胖强喜娣宝头猴龙凤英秃嘎棍愣栓旺]"
_NICK_GOES_ON = "(?=家[的里养把占天门]|[占打骂偷抢欠拿拉]了?|他|她|又|天天|经常|总是|不还|不给|半夜)"


def _in_places(run: str) -> list[str]:
    """Return what in the names of divisions is written with these characters: 乌珠穆 of 东乌珠穆沁旗."""
    written = precompiled.pattern(f"[{run}]{{3,}}")
    return sorted({one for name in divisions.names() for one in written.findall(name)})


class OtherNames(NamedTuple):
    """What finds them."""

    by_form: re.Pattern[str]
    latin: re.Pattern[str]
    accented: re.Pattern[str]
    sides: re.Pattern[str]
    """A name by what stands on both sides of it."""

    dotted: re.Pattern[str]
    clans: re.Pattern[str]
    """Of the Yi, by the clan and what their given names are made of."""

    japanese: re.Pattern[str]
    sounds: re.Pattern[str]
    """A run of the characters that names of other peoples are written with."""

    strong: frozenset[str]
    no_sounds: re.Pattern[str]
    by_role: re.Pattern[str]
    """A name that is told from other words only right behind a word for a person."""

    listed: re.Pattern[str]
    """Names with 、 between them behind a word for several persons, or for who signed."""

    said_surname: re.Pattern[str]
    """A name whose surname was told before it (姓单,读善,单深瀚), or all of it behind 姓 (我姓区伯瑶)."""

    glossed: re.Pattern[str]
    """A surname that is explained (闫(门三闫)丽萍)."""

    familiar_sounds: re.Pattern[str]
    """小格桑: such a name behind 小 or 老."""

    labels: Sequence[str]
    in_text: AhoCorasick
    """The labels, found in one pass."""

    plain_labels: frozenset[str]
    several: frozenset[str]
    signed: frozenset[str]
    sure_labels: frozenset[str]
    labelled: re.Pattern[str]
    """A name with what stands around it, behind a label."""

    called: re.Pattern[str]
    nicknamed: re.Pattern[str]
    shops: re.Pattern[str]
    """What one sells that is called after somebody: 老王头饺子馆."""

    no_name: frozenset[str]
    """English words."""

    who: Mapping[str, tuple[str, ...]]
    """Words for persons, by their last character."""

    no_names: frozenset[str]
    no_sides: frozenset[str]
    no_called: frozenset[str]

    words: re.Pattern[str]

    @classmethod
    def of(cls, whole: Mapping[str, Any], words: re.Pattern[str], place: re.Pattern[str]) -> "OtherNames":
        """Make the patterns; `words` begin like a name, `place` is how firms and places go on behind one."""
        found, own = whole["third_persons"], whole["other_names"]
        surnames = {*whole["common_surnames"], *whole["other_surnames"], *whole["role_names"]["surnames"], *"平常高安"}
        surname, familiar = one_of("".join(sorted(surnames))), one_of(found["surnames"] + found["familiar_by_kin"])
        who, peoples = trie(own["who"].split()), whole.get("peoples", {})
        run = "".join(sorted(set(whole["transliterated"]) - set("才让来都再其说别合高然意因加日白")))
        run = run if len(run) > _MOST_WORD else "\u0000"
        known = trie(peoples.get("names", "").split())
        by_last: dict[str, tuple[str, ...]] = {}
        for word in own["who"].split():
            by_last[word[-1]] = (*by_last.get(word[-1], ()), word)
        plain_labels = {*own["labels"].split(), *own["surely_labels"].split()}
        labels = sorted({*plain_labels, *own["who"].split(), *own["several"].split(), *own["signed"].split()})
        called, firms = whole["called_names"], trie(peoples.get("firms", "").split())
        japanese, first = trie(called["japanese"].split()), one_of(called["japanese_given"])
        last = one_of(called["japanese_given"] + called["japanese_ends"])
        known_long = (
            trie(name for name in peoples.get("names", "").split() if len(name) > _FEWEST_LISTED) if known else "(?!)"
        )
        rare = one_of("".join(sorted({*whole["role_names"]["rarer"], *own["rare"]})))
        never = one_of(whole["third_persons"]["never_given"])
        item = rf"(?!{_HAN}{{0,2}}[路街等]){_HAN}{{2,3}}"
        return cls(
            by_form=precompiled.pattern(f"{_IN_A_SCRIPT}|{_VIETNAMESE}"),
            latin=precompiled.pattern(rf"({who}|{_WRITTEN})[的是为叫:\s]{{0,3}}({_WORDS})(?![a-z0-9])"),
            accented=precompiled.pattern(_ACCENTED),
            sides=precompiled.pattern(
                rf"(?:我是|我叫|是)({surname}{_HAN}{{1,2}}?)(?=的?(?:妈妈?|爸爸?|家长|奶奶|爷爷|母亲|父亲|外婆|姥姥|外公|姥爷|丈夫|妻子|老公|老婆|爱人|儿子"
                rf"|女儿|班主任)[{STOPS}])"
                rf"|(?:[科处局室部组队办所委站校院司厂店]|转交|转给)({_HAN}{{2,3}})(?=同志)"
                rf"|(?<!名)叫({surname}{_HAN}{{1,2}})(?=[{STOPS}])|[0-9]{{6}}\({surname}{_HAN}{{1,2}}\)"
            ),
            dotted=precompiled.pattern(
                rf"[{run}]{{2}}{_HAN}{{0,6}}[·•・‧∙]{_HAN}{{1,8}}?(?=[{STOPS}]|$|同学|同志|老师|先生|女士|的|说|在|和|是|家|反映|被|把|有|今)"
            ),
            clans=precompiled.pattern(
                rf"{trie(own['clans'].split())}[莫木则呷嫫体古铁哈各且洛日支子合牛果史曲惹拉阿作扎尔布打色石依伍沙马五吉医]{{2,3}}(?![路街村镇乡])"
            ),
            japanese=precompiled.pattern(
                rf"{trie(whole['called_names']['japanese'].split())}[ ・·]{_HAN}{{1,3}}(?![{_HAN[1:-1]}]{{0,1}}[路街])"
            ),
            sounds=precompiled.pattern(rf"[{run}]{{3,16}}"),
            strong=frozenset("阿依艾孜玉吐逊努尔麦赛穆娜姆旦珠桑仁卓买热罕库班帕汗默沙古丽扎布"),
            no_sounds=precompiled.pattern(trie([*own["no_sounds"].split(), *_in_places(run)])),
            by_role=precompiled.pattern(
                rf"(?:名?叫做?|[是为的])?[: ]?(?P<name>{japanese}{first}{last}"
                rf"|{trie(own['western'].split())}{_GOES_ON}"
                rf"|{known_long}(?!{firms}|[路街乡镇村])|{known or '(?!)'}{_GOES_ON}"
                rf"|(?P<rare>{rare}(?!{never}){_HAN}{one_of(whole['role_names']['given'])}))"
            ),
            listed=precompiled.pattern(
                rf"(?P<between>(?:[是为叫]|的?(?:有|是|如下))?:?)(?P<names>(?:{item}[、,和与]){{1,9}}{item})(?=[{STOPS}]|$|[把占在家等各]|两)"
            ),
            said_surname=precompiled.pattern(
                rf"姓({_HAN})(?=[,。、](?:.{{0,20}}?[,。、:\s])?(\1(?!{never}){_HAN}{{2}})(?=[{STOPS}]|$))"
                rf"|(?<=[我人贵是]姓)({_HAN}(?!{never}){_HAN}{{2,3}})(?=[{STOPS}]|$)"
            ),
            glossed=precompiled.pattern(rf"(?<=[名叫是姓为: ])({surname})\({_HAN}{{1,4}}\1\){_HAN}{{1,2}}"),
            familiar_sounds=precompiled.pattern(rf"[小老]({known}){_GOES_ON}(?!的花)" if known else "(?!)"),
            labels=labels,
            in_text=AhoCorasick(labels, implementation=Implementation.ContiguousNFA),
            plain_labels=frozenset(plain_labels),
            several=frozenset(own["several"].split()),
            signed=frozenset(own["signed"].split()),
            sure_labels=frozenset(own["surely_labels"].split()),
            labelled=precompiled.pattern(
                rf"(?P<between>[:是为\s]{{0,2}})"
                rf"(?P<name>{surname}{_HAN}{{1,2}}?)(?=(?P<said>{trie(own['said'].split())})|[{STOPS}]|$)"
            ),
            called=precompiled.pattern(
                rf"(?:[{_CALLED}]{familiar}头?|{familiar}[{_TITLES_BEHIND}工科])(?!{familiar}?[{_TITLES_BEHIND}])"
            ),
            nicknamed=precompiled.pattern(f"{_NICKS}{_NICK_GOES_ON}"),
            shops=precompiled.pattern(
                rf"{_HAN}{{0,2}}?{trie((*whole['called_names']['shops'].split(), *own['shops'].split()))}"
            ),
            no_name=frozenset((*whole["english"]["no_name"].split(), *own["english"].split())),
            who=by_last,
            no_names=frozenset(own["no_names"].split()),
            no_sides=frozenset(own["no_sides"].split()),
            no_called=frozenset((*own["no_called"].split(), *own["no_nicks"].split())),
            words=precompiled.pattern(
                rf"{words.pattern}|{trie(name for name in divisions.names() if name[0] in _CALLED)}"
            ),
        )

    def spans(self, text: str) -> Iterator[Span]:
        """Yield where such a name stands."""
        if _ANY_SCRIPT.search(text):
            yield from [found.span() for found in self.by_form.finditer(text)]
        if _LATIN.search(text):
            for found in self.latin.finditer(text):
                words = found[2].split()
                if words[0] not in self.no_name and 2 * sum(map(self.no_name.__contains__, words)) < len(words):
                    yield found.span(2)
            yield from [found.span() for found in self.accented.finditer(text)]
        for pattern in (self.clans, self.japanese):
            yield from [found.span() for found in pattern.finditer(text)]
        if "·" in text or "•" in text or "・" in text:
            yield from [found.span() for found in self.dotted.finditer(text)]
        for found in self.sides.finditer(text):
            name = found[found.lastindex] if found.lastindex else ""
            if (
                name not in self.no_sides
                and not name.endswith("的")
                and name[:2] not in self.no_names
                and not (found[3] and is_word(name[:2]))
            ):
                yield found.span(found.lastindex or 0)
        for found in self.sounds.finditer(text):
            if sum(map(self.strong.__contains__, found[0])) > 1 and self.no_sounds.search(found[0]) is None:
                yield found.span()
        yield from [found.span(1) for found in self.familiar_sounds.finditer(text)]
        yield from self._labelled(text)
        yield from self._explained(text)
        for found in self.called.finditer(text):
            if self._is_called(text, found) and (
                self._is_behind_a_person(text, found.start()) or text.endswith(_BEFORE_CALLED, 0, found.start())
            ):
                yield found.span()
        for found in self.nicknamed.finditer(text):
            if found[0] not in self.no_called and self._is_behind_a_person(text, found.start()):
                yield found.span()

    def _is_behind_a_person(self, text: str, at: int) -> bool:
        """Say whether a word for a person, a floor or nothing stands right before a place."""
        if text.endswith("的", 0, at):
            if text.endswith(self.who.get("的", ()), 0, at):
                return True
            at -= 1
        before = text[at - 1 : at] if at else ""
        if text.endswith(self.who.get(before, ()), 0, at):
            return True
        return not "\u4e00" <= before <= "\u9fff" or _OF_A_FLOOR.search(text, max(0, at - 3), at) is not None

    def _labelled(self, text: str) -> Iterator[Span]:
        """Yield the names right behind a label; a label may end within another one (业主, 主)."""
        for number, start, end in self.in_text.find_matches_as_indexes(text, overlapping=True):
            label = self.labels[number]
            if (found := self.by_role.match(text, end)) and (found["rare"] is None or self._is_rare(text, found)):
                yield found.span("name")
            if label in self.several or label in self.signed:
                yield from self._listed(text, label, end)
            if label in self.plain_labels:
                found = self.labelled.match(text, end)
                if found is not None and self._is_labelled(text, start, label, found):
                    yield found.span("name")

    def _is_rare(self, text: str, found: re.Match[str]) -> bool:
        """Say whether a rare surname and two characters are like no words: 外卖员符家辉."""
        name, end = found["rare"], found.end()
        if is_word(name[:2]) or is_word(name[1:]) or name in self.no_names:
            return False
        if name in divisions.names() or name[:2] in divisions.names():
            return False
        return not is_word(text[end - 1 : end + 1]) and text[end : end + 1] not in _ENDS_OF_PLACES - {"的"}

    def _explained(self, text: str) -> Iterator[Span]:
        """Yield names that are spelled out, or whose surname was told."""
        if "姓" in text:
            for found in self.said_surname.finditer(text):
                if found[2] or not is_word(found[3][1:3]):
                    yield found.span(2 if found[2] else 3)
        if "(" in text:
            yield from [found.span() for found in self.glossed.finditer(text)]

    def _listed(self, text: str, label: str, end: int) -> Iterator[Span]:
        """Yield the names of a row; behind a colon of those who signed each is one, be it a word."""
        found = self.listed.match(text, end)
        if found is None or (label in self.signed and ":" not in found["between"]):
            return
        items, start = re.split("[、,和与]", found["names"]), found.start("names")
        if label in self.several and any(map(is_word, items)):
            return
        for name in items:
            yield start, start + len(name)
            start += len(name) + 1

    def _is_labelled(self, text: str, start: int, label: str, found: re.Match[str]) -> bool:
        name = found["name"]
        if (
            name in self.no_names
            or name[:2] in self.no_names
            or name[:2] in divisions.names()
            or name[-1] in _ENDS_OF_PLACES
        ):
            return False
        has_colon, is_said = ":" in found["between"], found["said"]
        if name[0] in _GRAMMAR and not has_colon and not (label[0] == "我" and is_said and is_word(name)):
            return False  # 业主向物业反映
        is_sure = has_colon or label in self.sure_labels or text.endswith(("我是", "本人是"), 0, start)
        return is_sure or (is_said is not None and name not in divisions.names())

    def _is_called(self, text: str, found: re.Match[str]) -> bool:
        """Say whether it is somebody: no word begins or ends in the midst of it (小马|路, 大金|额, 老王|八)."""
        name, end = found[0], found.end()
        behind = text[end - 1 : end + 1]
        if (
            name in self.no_called
            or name in divisions.names()
            or self.shops.match(text, end)
            or is_word(name[:2])
            or is_word(behind)
            or self.words.match(text, found.start())
        ):
            return False
        return behind not in ("家庄", "家村", "家屯", "家沟", "家营", "家湾", "家店", "家桥", "家坪", "家堡")
