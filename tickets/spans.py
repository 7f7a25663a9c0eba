"""Personal spans in free text: numbers, mail addresses, doors, names, in the forms Chinese writes them in."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from types import MappingProxyType

from normalizers.persons import persons
from normalizers.text import aligned, narrow
from tickets.doors import doors
from tickets.numbers import Span, numbers

_MAIL = re.compile(
    r"(?:[a-z0-9._%+-]{1,64}|[\u4e00-\u9fff]{1,4})\s{0,2}(?:@|[(\[]at[)\]])\s{0,2}[a-z0-9-]{1,63}"
    r"(?:(?:(?:\.|点(?=[a-z]))[a-z0-9-]{1,63}){1,4}|[.]?$)"
)

_TOKEN = re.compile(r"[1-9](?<![a-z0-9-][1-9])[0-9]{5}-[a-z2-7]{20}\.[a-z0-9_.]*")
"""The signed name of a ticket (normalizers/tokens.py), also when it is mistyped or cut off."""

_SURNAME = (
    "[王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆"
    "汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢安齐易乔伍庞颜倪庄"
    "聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解"
    "牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄"
    "丛仲虞敖巩明佘池查麻苑迟邝]"
)
_COMMON_SURNAME = _SURNAME.split("温", maxsplit=1)[0] + "]"
"""The hundred that are far likelier to begin a name than a word."""

_TWO_SURNAMES = "(?:欧阳|司马|上官|诸葛|司徒|东方|南宫|夏侯|慕容|皇甫|尉迟|公孙|令狐|长孙|宇文|轩辕|端木|申屠|独孤)"
_HAN = r"[\u4e00-\u9fff]"
_WORDS = (
    "马路|马上|高新|高速|高铁|高层|高空|高压|方便|方案|方面|万达|万科|万一|金融|"
    "黄金|黄河|任何|曾经|严重|严格|江北|江南|江苏|石油|林业|周边|周围|夏天|秋天"
    "|雷雨|沈阳|郑州|徐州|许多|贺州|毛病"
)
"""What begins like a name and is none."""

_NAME = rf"(?!{_WORDS})(?:{_TWO_SURNAMES}{_HAN}{{1,2}}|{_COMMON_SURNAME} ?{_HAN}{{1,2}})"
_ANY_NAME = rf"(?:{_TWO_SURNAMES}{_HAN}{{1,2}}|{_SURNAME} ?{_HAN}{{1,2}})"
_FOREIGN_NAME = rf"{_HAN}{{2,8}}·{_HAN}{{1,8}}|[a-z]{{2,20}}(?: [a-z]{{2,20}})?"

_PUNCTUATION = r"""[,，。.;；、:：!！?？\s()（）"“”'0-9+]"""
_ENDS = rf"(?={_PUNCTUATION}|$)"
_NO_PLACE = "(?<![区县市镇乡村街路巷校厂店站司局院园里号楼边旁口道桥])"
_RELATIVE = "[妈爸父母儿女孩丈妻老邻朋同家哥姐弟妹爷奶外]"
_FILLER = r"[:：是为叫\s]{0,3}"

_CALLS_ITSELF = re.compile(
    rf"{_FILLER}(?:({_FOREIGN_NAME})|({_ANY_NAME})(?={_PUNCTUATION}|[电手联住家在的是系反称]|$)"
    rf"|(?![了他她它你您过来去上不人])({_HAN}{{2,4}}){_ENDS}|({_ANY_NAME}))"
)
_LABELLED = re.compile(
    rf"\s?[:：]\s?(?:({_FOREIGN_NAME})|({_ANY_NAME})(?={_PUNCTUATION}|[电手联住家在]|$)|({_NAME}))"
    rf"|[是为\s]{{0,2}}({_NAME}){_NO_PLACE}(?={_PUNCTUATION}|[电手联住家系是]|$)"
)
_IS = re.compile(rf"[:：是为\s]{{0,3}}({_NAME}){_NO_PLACE}(?={_PUNCTUATION}|[电手联住家系是]|$|的{_RELATIVE})")
_SAYS = re.compile(rf"(?!方)({_NAME})(?=反映|投诉|来电|来信|致电|求助|举报|表示|称|说)")
_IS_CALLED = re.compile(rf"({_ANY_NAME})(?={_PUNCTUATION}|的|$)")
_SIGNS = re.compile(rf"[!！。.,，~\s]{{0,4}}({_ANY_NAME}){_NO_PLACE}{_ENDS}")
_SIGNS_AFTER_THANKS = re.compile(rf"[!！。.~\s]{{1,4}}({_NAME}){_NO_PLACE}(?=[\s0-9]|$)")
_SURNAMED = re.compile(rf"({_SURNAME})(?![名氏])")
_QQ = re.compile(r"[号码群:：是为\s]{0,4}([1-9][0-9]{4,11})")
_NAMED_AS = re.compile(rf"[:是为\s]{{0,3}}(?!{_WORDS})({_ANY_NAME}){_NO_PLACE}{_ENDS}")
_WECHAT = re.compile(r"(?:\s?(?:号码?|id|同号))?[:：是为\s]{0,3}([a-z][a-z0-9_-]{5,19}|[0-9][0-9a-z_-]{5,19})")
_V = re.compile(r"(?<![a-z0-9]v:)\s?([a-z][a-z0-9_-]{5,19})")
_DOCUMENT = re.compile(r"[号码证:：是为\s]{0,5}([a-z]{0,3}[0-9]{6,10}[a-z]?)")

_AFTER: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        **dict.fromkeys(("我叫", "我名叫", "名字叫", "名字是"), _CALLS_ITSELF),
        **dict.fromkeys(("姓名", "署名", "签名", "户主", "联系人", "反映人", "投诉人", "诉求人", "举报人"), _LABELLED),
        **dict.fromkeys(("来信人", "来电人", "求助人", "申请人", "报修人", "当事人", "经办人", "收件人"), _LABELLED),
        **dict.fromkeys(("我是", "本人", "名叫", "叫做"), _IS),
        **dict.fromkeys(("业主", "市民", "居民", "村民", "住户", "租户", "群众", "家长", "网友"), _SAYS),
        **dict.fromkeys(
            (
                "一个叫",
                "有个叫",
                "一位叫",
                "他叫",
                "她叫",
                "儿子叫",
                "女儿叫",
                "孩子叫",
                "丈夫叫",
                "妻子叫",
                "父亲叫",
                "母亲叫",
            ),
            _IS_CALLED,
        ),
        **dict.fromkeys(("丈夫", "妻子", "老公", "老婆", "爱人", "父亲", "母亲"), _IS),
        **dict.fromkeys(("敬礼", "敬启", "此致"), _SIGNS),
        **dict.fromkeys(("谢谢", "感谢", "拜谢"), _SIGNS_AFTER_THANKS),
        "姓": _SURNAMED,
        **dict.fromkeys(("收货人", "寄件人", "落款"), _NAMED_AS),
        **dict.fromkeys(("qq", "扣扣", "企鹅号"), _QQ),
        **dict.fromkeys(("微信", "薇信", "v信", "加v", "wx", "vx", "wechat", "weixin"), _WECHAT),
        "v:": _V,
        **dict.fromkeys(("护照", "通行证", "军官证", "驾驶证", "台胞证", "回乡证"), _DOCUMENT),
    }
)
"""What follows these words names or reaches somebody."""


def _longest_of(words: Iterable[str]) -> re.Pattern[str]:
    """Find the longest of these words that begins at a place; by first letters, so that few are tried at each."""
    by_letter: dict[str, list[str]] = {}
    for word in sorted(words, key=len, reverse=True):
        by_letter.setdefault(word[0], []).append(word[1:])
    return re.compile("|".join(f"{letter}(?:{'|'.join(rests)})" for letter, rests in by_letter.items()))


_CUE = _longest_of(_AFTER)

_PROVINCE = "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]"
_PLATE = re.compile(
    rf"{_PROVINCE}(?:牌照?)? ?[a-z][·•. -]{{0,2}}(?=[a-z0-9]{{0,5}}[0-9])"
    "(?:[a-z0-9]{5,6}(?![a-z0-9])|[a-z0-9]{4}[警挂学港澳试超领])"
)
"""GA 36-2018: five characters behind the letter, six of new-energy cars, four before a word."""

_ARMED_PLATE = re.compile(rf"wj(?<![a-z0-9]wj) ?{_PROVINCE}?[·• -]?[0-9]{{4,5}}[a-z0-9]?(?![a-z0-9])")
"""Of the armed police (武警)."""

_EMBASSY_PLATE = re.compile("使(?<![致迫促即假行驱唆]使)[0-9]{3}·?[0-9]{3}(?![0-9.,元万块多余个人户名家吨米])")

_ROLE = re.compile("先生|女士|小姐|太太|大爷|大妈|阿姨|叔叔|师傅|老师|医生|同志|经理|某某|某|敬上|谨上")
_POLITE = ("先生", "女士", "小姐")
_NAMED = re.compile(rf"(?!向$){_COMMON_SURNAME}{_HAN}{{0,2}}$")
_ADDRESSED = re.compile(rf"(?:{_TWO_SURNAMES}|{_SURNAME}){_HAN}{{0,2}}$")
_HOME = re.compile(
    "家(?<!大家|回家|国家|专家|商家|住家|厂家|每家|一家|人家|全家|独家|自家|我家|店家|买家|卖家|居家|在家|到家|搬家)"
    r"(?=里|中|门|[^\u4e00-\u9fff]|$)"
)
_OWNER = re.compile(rf"(?:^|(?<={_PUNCTUATION}))({_NAME})$")
_LAST_LINE = re.compile(rf"(?:[\s。!]|(?<![a-z0-9\u4e00-\u9fff])--)({_NAME}){_NO_PLACE}\s*[\s0-9年月日时分:：.,/()-]*$")
_TAIL = 60

_DASHES = "‐‑‒–—―⁃−─━ー➖﹘︱︲"
"""What is written for a hyphen."""

_DASH = re.compile(f"[{_DASHES}]")


def personal_spans(text: str, known: Iterable[str] = ()) -> list[Span]:
    """Return the spans of `text` that name or reach a person, in order and without overlap; offsets in characters.

    `known` are names, numbers and addresses of the persons themselves, folded and `hyphened`.
    """
    plain, places = _readable(text)
    spans = list(_joined(sorted([*_found(plain), *_occurrences(plain, known)])))
    return [(places[start], places[end - 1] + 1) for start, end in spans] if places is not None else spans


def hyphened(text: str) -> str:
    """Return `text` with all dashes as hyphens."""
    return _DASH.sub("-", text)


def _readable(text: str) -> tuple[str, Sequence[int] | None]:
    """Return the text as the rules read it, and where its characters stand when that is not where they stood."""
    if _unusual().search(text) is not None:
        text = hyphened(text)
        if _unusual().search(text) is not None:
            return aligned(text)
    return narrow(text).lower(), None


@cache
def _unusual() -> re.Pattern[str]:
    """Find dashes, and what folding changes beyond capitals and Chinese punctuation: most texts hold none of it."""
    usual = "，！？：；（）ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    everything = "".join(chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000 and chr(code) not in usual)
    plain, places = aligned(everything)
    pairs = zip(plain, places, strict=True)
    same = {at for character, at in pairs if everything[at] == character == character.lower()}
    changed = "".join(re.escape(character) for at, character in enumerate(everything) if at not in same)
    return re.compile(f"[{changed}{_DASHES}\ud800-\udfff\U00010000-\U0010ffff]")


def _occurrences(text: str, known: Iterable[str]) -> Iterator[Span]:
    for value in known:
        at = text.find(value)
        while at >= 0:
            if not _is_part_of_word(text, at, value):
                yield at, at + len(value)
            at = text.find(value, at + len(value))
        begun = text.rfind(value[:2], max(0, len(text) - len(value) + 1))
        if begun >= 0 and value.startswith(text[begun:]):
            yield begun, len(text)


def _is_part_of_word(text: str, at: int, value: str) -> bool:
    """Say whether a Latin name stands inside a longer word."""
    if not (value.isascii() and value.isalpha()):
        return False
    around = text[max(0, at - 1) : at] + text[at + len(value) : at + len(value) + 1]
    return any(character.isascii() and character.isalpha() for character in around)


def _found(text: str) -> Iterator[Span]:
    if "@" in text or "(at" in text or "[at" in text:
        yield from (match.span() for match in _MAIL.finditer(text))
    yield from numbers(text)
    if "." in text:
        yield from (match.span() for match in _TOKEN.finditer(text))
    yield from doors(text)
    for pattern in (_PLATE, _ARMED_PLATE, _EMBASSY_PLATE):
        yield from (match.span() for match in pattern.finditer(text))
    yield from _names(text)
    yield from persons(text)


def _names(text: str) -> Iterator[Span]:
    for cue in _CUE.finditer(text):
        match = _AFTER[cue[0]].match(text, cue.end())
        if match:
            yield match.span(match.lastindex or 0)
    for role in _ROLE.finditer(text):
        yield from _before(_ADDRESSED if role[0] in _POLITE else _NAMED, text, role.start(), 3)
    if "家" in text:
        for home in _HOME.finditer(text):
            yield from _before(_OWNER, text, home.start(), 5)
    last = _LAST_LINE.search(text, max(0, len(text) - _TAIL))
    if last:
        yield last.span(1)


def _before(pattern: re.Pattern[str], text: str, end: int, characters: int) -> Iterator[Span]:
    start = max(0, end - characters)
    named = pattern.search(text[start:end])
    if named:
        yield start + named.start(), end


def _joined(spans: list[Span]) -> Iterator[Span]:
    end = 0
    for start, stop in spans:
        if stop > end:
            yield max(start, end), stop
            end = stop
