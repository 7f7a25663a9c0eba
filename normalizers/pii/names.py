"""Names of persons (姓名) in a folded text, by what stands before or behind them, as `rules/names.toml` lists it.

Behind a cue (我叫, 联系人：), before a form of address (先生), beside a mobile number, in a list, below a letter. What
follows some cues is no name, but an account or the number of a document. Third persons are found by
`normalizers/pii/names.py`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from normalizers.pii import latin_names, name_patterns, third_persons
from normalizers.pii.latin_names import PinyinNames
from normalizers.pii.name_patterns import HAN, NO_PLACE, PUNCTUATION, Surnames
from normalizers.rules import DEFAULT_RULES, Rules, part, precompiled
from normalizers.text.fold import Span
from normalizers.text.matcher import Words, behind_none, trie

# Names that no word stands beside in a folded text: alone on a line, in a row of a table, in a log of a chat.
#
# A name of two or three characters looks like any other word, so only what surely is none of them is believed: words
# and places that begin like a name are left out by whoever asks.

_DOOR = r"[0-9]{1,4}(?:-[0-9]{1,4}){0,3}"
_NO_VILLAGE = "(?<![了的呢吗吧啊呀河湖厅沱坪堡角湾庄屯沟坡坝塘峪墩铺集圩埠渡垭垸寨窑])"
_LONE_NAMES_TAIL = 60
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
            whole=precompiled.pattern(rf"\s*({lone}|{known.foreign})[。.\s]*$"),
            own_line=precompiled.pattern(rf"\n{line}"),
            first_line=precompiled.pattern(line),
            behind_signs=precompiled.pattern(
                rf"[~?)….-](?:(?<=[~?)…])|(?<=--)|(?<=\.\.))\s?({lone})\s*[\s0-9年月日时分:：.,/()-]*$"
            ),
            row=precompiled.pattern(
                rf"[0-9](?=[、.)\s])(?<![0-9]{{4}})(?<![.:/-][0-9])(?:[、.)]\s?|\s)({name}){NO_PLACE}(?=[\s,，]{{1,2}}(?:{_DOOR}[\s,，。;；]|{_DOOR}$|[男女]))"
            ),
            behind_door=precompiled.pattern(
                r"[0-9](?<![0-9.-][0-9])(?:[0-9]{2,3}|[0-9]?(?:-[0-9]{1,4}){1,3})"
                rf"[室户房]?(?![余万米平方成单时路连])({lone}|{known.rare_name})(?=[、,;。\s都等和]|$)"
            ),
            couple=precompiled.pattern(
                rf"(?<!{HAN})((?:{known.name}|{known.rare_name})(?:{known.any_name}|{known.rare_name}))(?=夫妇|夫妻|两口子)"
            ),
            before_time=precompiled.pattern(rf"(?<!{HAN})({name})(?:\(\S{{1,15}}\))?\s[0-9]{{1,2}}$"),
            behind_time=precompiled.pattern(rf"{_TIME}(?:{_TIME})?\]?\s({name})(?=\s|$|:)"),
            quoted=precompiled.pattern(
                rf"[\"“](?:(?:{_DOOR}-?)?({name})[\"”]\s?(?={did})|(?<=[请出拍将][\"“])(?:{_DOOR}-?)?({name})(?=[\"”]))"
            ),
            bracketed=precompiled.pattern(rf"[(\[【<「](?:{_DOOR}-?)?({lone})[)\]】>」]"),
            second_of_three=precompiled.pattern(rf"([、 ]){name}(?=\1{name}(?!{HAN}))"),
            first_of_three=precompiled.pattern(rf"(?<!{HAN})({name})$"),
            spelled=precompiled.pattern(
                rf",(?<=({known.common}),)\s?(?:名字)?叫?(\1{HAN}{{1,2}})(?<![了的])(?=[,。;\s]|$)"
            ),
            of_peoples=precompiled.pattern(known.of_peoples),
            says=precompiled.pattern(rf"{said}|[(,、](?=[女男][,、)性])|的(?={has})|家(?=[漏里的])"),
            by_sound=precompiled.pattern(rf"(?<!{HAN})({known.foreign})$"),
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
        yield from self.behind_signs.finditer(text, max(0, len(text) - _LONE_NAMES_TAIL))
        yield from self.of_peoples.finditer(text)
        if ":" in text:
            yield from self.behind_time.finditer(text)
            for colon in _MINUTES.finditer(text):
                yield from self.before_time.finditer(text, max(0, colon.start() - _NEAR_TIME), colon.start())
        for said in self.says.finditer(text):
            yield from self.by_sound.finditer(text, max(0, said.start() - _LONGEST_BY_SOUND), said.start())
        if "“" in text or '"' in text:
            yield from self.quoted.finditer(text)


_BEHIND_A_SEX = r"[,，\s]{0,2}(?=[0-9]{1,4}[岁年]|汉族|身份)"
_MOBILE = re.compile(r"1(?<![0-9]1)[3-9][0-9](?:[ -]?[0-9]{4}){2}(?![0-9])")
_SEX = re.compile(rf"[男女]{_BEHIND_A_SEX}")
_LATIN = re.compile("[a-z]{2}")
_NEAR_PHONE = 16
"""Characters before a number in which a name and what stands between may begin."""

_DOTS = re.compile("[·•・‧∙]")
_BETWEEN_NAMES = frozenset("、和与及跟 ")
_NEAR_NAME = 8
_CLOSING = re.compile("[敬谨拜叩](?:上|启)")
_NEAR_CLOSING = 8
_FILE = re.compile(
    r"\.(?:jpe?g|png|gif|bmp|heic|pdf|docx?|xlsx?|pptx?|wps|ofd|txt|zip|rar|7z|mp[34]|amr|wav|m4a|mov)(?![a-z0-9])"
)
_NAME_OF_A_FILE = 30
_SPOKEN = re.compile(":(?![/])|写道")
_NEAR_SIGN = 24
_NO_TITLE = "(?<!长|总)(?<!书记|主任|经理|老师|医生|警官|律师|老板)"
_TAIL = 60


class Names(NamedTuple):
    """What finds names; made of one file of rules."""

    cues: Words
    after: Mapping[str, re.Pattern[str]]
    """What may stand behind each cue; its last group is the name."""

    english: frozenset[str]
    """Cues that are English words."""

    address: Words
    polite: frozenset[str]
    shops: re.Pattern[str]
    """What one sells that is called after somebody: 王阿姨水饺."""
    named: re.Pattern[str]
    addressed: re.Pattern[str]
    rare: re.Pattern[str]
    """A surname that other words begin with as well, where a word surely begins."""

    home: re.Pattern[str]
    owner: re.Pattern[str]
    last_line: re.Pattern[str]
    """Of a message; a ticket holds several, with an empty line between them."""

    dated: re.Pattern[str]
    """A signature and its date, also where the ends of lines are blanks."""

    closes: re.Pattern[str]
    before_id: re.Pattern[str]
    of_a_sex: re.Pattern[str]
    """As in the papers of a court: 孙德贵 男 60岁."""

    beside_mail: re.Pattern[str]
    """As in the head of a quoted mail: 孙悦 <a@x.cn>."""

    speaks: re.Pattern[str]
    """As in a log of a chat (聊天记录): 孙悦: …, 孙悦 2026-05-11 12:30, 孙悦写道."""

    names_a_file: re.Pattern[str]
    dotted: re.Pattern[str]
    before_phone: re.Pattern[str]
    after_phone: re.Pattern[str]
    further: re.Pattern[str]
    """The next of a list of persons, behind one that was found."""

    lone: Lone
    listed_before: re.Pattern[str]
    """The one before it in a list."""

    words: re.Pattern[str]
    """Words and places that begin like a name."""

    ends: frozenset[str]
    """Two characters: the end of a word, which a surname looks like, and what stands before it (责任|护士)."""

    pinyin: PinyinNames
    nobody: frozenset[str]
    """Names of a channel that name nobody: 热心市民."""

    def spans(self, text: str) -> Iterator[Span]:
        """Yield where somebody is named in a folded text; spans may overlap."""
        for start, end in self.cues.spans(text):
            cue = text[start:end]
            match = self.after[cue].match(text, end)
            if match and not (cue in self.english and _is_end_of_a_word(text, start)):
                yield match.span(match.lastindex or 0)
        for start, end in self.address.spans(text):
            if self.shops.match(text, end):
                continue
            pattern = self.addressed if text[start:end] in self.polite else self.named
            yield from self._called(pattern, text, start)
        if "家" in text:
            for home in self.home.finditer(text):
                yield from _before(self.owner, text, home.start(), 5)
        if "身份证" in text:
            yield from [match.span(1) for match in self.before_id.finditer(text)]
        if _SEX.search(text):
            yield from [match.span(1) for match in self.of_a_sex.finditer(text)]
        for phone in _MOBILE.finditer(text):
            yield from self._beside(phone, text)
        if _LATIN.search(text):
            yield from self.pinyin.spans(text, _MOBILE)
        yield from self._signed(text)
        yield from self._written(text)

    def _called(self, pattern: re.Pattern[str], text: str, end: int) -> Iterator[Span]:
        """Yield the name right before a form of address; 任课 and 高级 begin like one."""
        start = max(0, end - 3)
        while named := pattern.search(text, start, end):
            begun = named.start()
            if text[max(0, begun - 1) : begun + 1] not in self.ends and not self.words.match(text, begun):
                yield begun, end
                return
            start = begun + 1
        if named := self.rare.search(text, max(0, end - 4), end):
            yield named.start(1), end

    def _written(self, text: str) -> Iterator[Span]:
        """Yield the names that programs put beside what somebody wrote, and those that people give to files."""
        for found in (*self._beside_signs(text), *self.lone.found(text)):
            group = found.lastindex or 0
            if not self.words.match(text, found.start(group)):
                yield found.span(group)

    def _beside_signs(self, text: str) -> Iterator[re.Match[str]]:
        for sign in _SPOKEN.finditer(text):
            if said := self.speaks.search(text, max(0, sign.start() - _NEAR_SIGN), sign.start()):
                yield said
        for dot in _FILE.finditer(text) if "." in text else ():
            yield from self.names_a_file.finditer(text, max(0, dot.start() - _NAME_OF_A_FILE), dot.start())
        if "<" in text:
            yield from self.beside_mail.finditer(text)
        if _DOTS.search(text):
            yield from self.dotted.finditer(text)

    def listed(self, text: str, end: int) -> Iterator[Span]:
        """Yield the names that a list goes on with behind one of it, which ends at `end`."""
        while further := self.further.match(text, end):
            group = further.lastindex or 0
            if self.words.match(text, further.start(group)):
                return
            yield further.span(group)
            end = further.end()

    def listed_before_one(self, text: str, start: int) -> Iterator[Span]:
        """Yield the name that stands in a list right before one that begins at `start`."""
        if text[start - 1 : start] not in _BETWEEN_NAMES:
            return
        before = self.listed_before.search(text, max(0, start - _NEAR_NAME), start)
        if before and not self.words.match(text, before.start(1)):
            yield before.span(1)

    def _beside(self, phone: re.Match[str], text: str) -> Iterator[Span]:
        """Yield the name right before a mobile number, and the one right behind it."""
        start, end = phone.span()
        before = self.before_phone.search(text, max(0, start - _NEAR_PHONE), start)
        for named in (before, self.after_phone.match(text, end)):
            if named and not self.words.match(text, named.start(1)):
                yield named.span(1)

    def _signed(self, text: str) -> Iterator[Span]:
        """Yield the names below the messages of a text."""
        for dated in self.dated.finditer(text) if "20" in text else ():
            if not self.words.match(text, dated.start(1)):
                yield dated.span(1)
        for closing in _CLOSING.finditer(text):
            if name := self.closes.search(text, max(0, closing.start() - _NEAR_CLOSING), closing.start()):
                yield name.span(1)
        for end in _ends_of_messages(text):
            last = self.last_line.search(text, max(0, end - _TAIL), end)
            if last:
                yield last.span(1)


def _is_end_of_a_word(text: str, start: int) -> bool:
    """Say whether an English cue is but the end of a word: `ms` of `rooms`."""
    before = text[start - 1 : start]
    return before.isascii() and before.isalnum()


def _ends_of_messages(text: str) -> Iterator[int]:
    """Yield where the messages of a ticket end: an empty line stands between them."""
    at = text.find("\n\n")
    while at >= 0:
        yield at
        at = text.find("\n\n", at + 1)
    yield len(text)


def _before(pattern: re.Pattern[str], text: str, end: int, characters: int) -> Iterator[Span]:
    start = max(0, end - characters)
    named = pattern.search(text[start:end])
    if named:
        yield start + named.start(), end


@part("names.toml")
def rulebook(rules: Rules = DEFAULT_RULES) -> Names:
    """Return what finds names by the city's own file, or ours; raises KeyError or TypeError for no such file."""
    found = rules.toml("names")
    surnames = Surnames.of(found)
    kinds = (*name_patterns.after(surnames), *latin_names.after(found))
    patterns = {kind: precompiled.pattern(pattern) for kind, pattern in kinds}
    after = {word: patterns[kind] for kind, words in found["cues"].items() for word in words}
    polite, others = (found["addressed"][kind].split() for kind in ("polite", "others"))
    own = {name: precompiled.pattern(pattern) for name, pattern in (*_patterns(surnames), *_of_programs(surnames))}
    return Names(
        cues=Words(after),
        after=after,
        english=frozenset(word for kind, words in found["cues"].items() if kind.endswith("_english") for word in words),
        address=Words([*polite, *others]),
        polite=frozenset(polite),
        shops=precompiled.pattern(trie(found["called_names"]["shops"].split())),
        lone=Lone.of(surnames, found["beside_names"]),
        words=third_persons.rulebook(rules).words,
        ends=third_persons.rulebook(rules).short.begun,
        pinyin=PinyinNames.of(found),
        nobody=frozenset(found["beside_names"]["nobody"].split()),
        **own,
    )


def _patterns(known: Surnames) -> Iterator[tuple[str, str]]:
    name, starts = known.name, rf"(?<!{HAN})"
    yield "named", rf"(?!向|于[我他她你])(?:{known.two}|{known.common}){HAN}{{0,2}}$"
    yield "addressed", rf"(?:{known.two}|{known.one}){HAN}{{0,2}}$"
    yield (
        "rare",
        rf"(?:[谢扬诉报求找问让给被跟请的员区科位名 ]|{PUNCTUATION}|^)((?![祝向于]){known.rare}|{known.rare_name})$",
    )
    yield "home", rf"家{behind_none(known.no_homes)}(?=里|中|门|[^\u4e00-\u9fff]|$)"
    yield "owner", rf"(?:^|(?<={PUNCTUATION})|(?<=[号室户组]))({name})$"
    yield (
        "last_line",
        (
            rf"[\s。!-](?:(?<=[\s。!])|(?<=--)(?<![a-z0-9\u4e00-\u9fff]--))({name}|{known.rare_name}|{known.latin}){NO_PLACE}\s*[\s0-9年月日时分:：.,/()-]*$"
        ),
    )
    yield "dated", rf"[。!\s]\s?({name}){NO_PLACE}\s{{1,3}}(?=20[0-9]{{2}}[年./-])"
    yield "closes", rf"{starts}({name}|{known.rare_name})\s{{1,3}}$"
    yield "before_id", rf"({name})的?[\s,，:：(（]{{0,2}}(?:公民)?身份证号?码?[\s:：是为]{{0,3}}(?=[1-9][0-9]{{5}})"
    yield "of_a_sex", rf"{starts}({name}|{known.rare_name})[,，\s]{{1,2}}[男女]{_BEHIND_A_SEX}"
    yield (
        "before_phone",
        (
            rf"{starts}({name}|{known.rare_name}){NO_PLACE}[\s:：,，、(（|/-]{{0,3}}(?:的?(?:联系)?(?:电话|手机|方式)号?码?)?"
            r"[\s:：,，]{0,2}(?:\(?\+?86\)?[ -]?)?$"
        ),
    )
    yield "after_phone", rf"[\s,，、(（|/-]{{0,3}}({name}|{known.rare_name}){NO_PLACE}(?=[\s)）|。;；]|$)"
    yield "listed_before", rf"(?<!{HAN})({name}){NO_PLACE}\s?[、和与及跟]\s?$"
    yield (
        "further",
        (
            rf"\s?[、和与及]\s?({name}){NO_PLACE}(?=[、和与及]|{PUNCTUATION}|等|[二两三四五六七八几]人|的|被|住|家|$)"
            rf"|\s({name}){NO_PLACE}(?=[\s、,，。;；]|$)"
        ),
    )


def _of_programs(known: Surnames) -> Iterator[tuple[str, str]]:
    name, starts, mail = known.name, rf"(?<!{HAN})", "[a-z0-9._%+-]{1,64}@"
    yield (
        "beside_mail",
        (
            rf"{starts}({name}|{known.foreign})[\"”']?\s{{0,2}}<(?={mail})"
            rf"|[\"“](?![^\"”<\n]{{0,18}}{known.bodies}[\"”])([^\"”<\n]{{1,20}})[\"”]\s{{0,2}}<(?={mail})"
        ),
    )
    yield (
        "speaks",
        (
            r", ([a-z]{2,20} [a-z]{2,20}) wrote$"
            rf"|{starts}({name})(?:\([^()\s]{{1,12}}\))?(?:{_NO_TITLE}\s?[说称问]?"
            r"|\s(?:20[0-9]{2}[年/.-])?[0-9]{1,2}[月/.-][0-9]{1,2}日?\s?[0-9]{1,2})$"
        ),
    )
    yield "dotted", known.dotted
    yield "names_a_file", (rf"(?:^|[_\s(:：、,.-]|附件|[0-9])({name})(?=$|[_\s().0-9-]|的|{known.papers})")
