"""Personal spans in free text: numbers, mail addresses, doors, names, in the forms Chinese writes them in."""

import re
from collections.abc import Iterator

Span = tuple[int, int]

_ALONE, _ENDS = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"

_MAIL = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}")

_NUMBERS = re.compile(
    _ALONE
    + "(?:"
    + "|".join(
        (
            r"[1-9][0-9]{5}(?:19|20)[0-9]{2}[01][0-9][0-3][0-9]{4}[0-9Xx]" + _ENDS,  # 身份证号, GB 11643
            r"(?:(?:\+|00)?86[- ]?)?1[3-9][0-9](?:[- ]?[0-9]{4}){2}" + _ENDS,  # 手机
            r"\(?0[0-9]{2,3}\)?[- ]?[2-9][0-9]{6,7}" + _ENDS,  # 座机 with area code
            r"[3-6][0-9]{3}(?:[- ]?[0-9]{4}){2,3}[- ]?[0-9]{1,4}" + _ENDS,  # 银行卡
            r"[0-9]{1,4} ?(?:号楼|栋|幢|座|单元|#) ?(?:[0-9]{1,2} ?(?:单元|层) ?){0,2}[0-9]{2,4} ?[室房户号]?",
            r"[0-9]{1,4} ?(?:室|号房)",  # 门牌 to the door
            r"[0-9]{1,3}-[0-9]{1,2}-[0-9]{3,4}" + _ENDS,
        )
    )
    + ")"
)

_SURNAME = (
    "[王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆"
    "汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤]"
)
_PROVINCE = "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]"
_AFTER_NAME = r"(?=[,，。.;；、:：!！\s(（电手联住家的]|$)"

_INTRODUCED = re.compile(
    rf"(?:我叫|我是|姓名|联系人|名叫|叫做)[:：是为 ]{{0,2}}({_SURNAME}[\u4e00-\u9fff]{{1,2}}){_AFTER_NAME}"
    rf"|姓({_SURNAME})(?![名氏])"
    rf"|电话[:：是为 ]{{0,2}}([2-9][0-9]{{6,7}}){_ENDS}"  # 座机 without area code
    rf"|({_PROVINCE}[A-Za-z][·• ]?[A-Za-z0-9]{{5,6}}){_ENDS}"  # 车牌
)

_ROLE = re.compile("先生|女士|小姐|太太|大爷|大妈|阿姨|叔叔|师傅|老师|医生|同志|经理|某某|某")
_NAMED = re.compile(rf"{_SURNAME}[\u4e00-\u9fff]{{0,2}}$")
_DIGITS = re.compile("[(+]?[0-9]+")
_WIDE = re.compile("[０-９Ａ-Ｚａ-ｚ＠]")

_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}


def personal_spans(text: str) -> list[Span]:
    """Return the spans of `text` that name or reach a person, in order and without overlap; offsets in characters."""
    if _WIDE.search(text):
        text = text.translate(_HALF_WIDTH)  # same length: numbers typed full-width are numbers as well
    return list(_joined(sorted(_found(text))))


def _found(text: str) -> Iterator[Span]:
    if "@" in text:
        yield from (match.span() for match in _MAIL.finditer(text))
    yield from _numbers(text)
    for match in _INTRODUCED.finditer(text):
        yield match.span(match.lastindex or 0)
    for match in _ROLE.finditer(text):
        before = max(0, match.start() - 3)
        named = _NAMED.search(text[before : match.start()])
        if named:
            yield before + named.start(), match.start()


def _numbers(text: str) -> Iterator[Span]:
    """Look for numbers where digits begin: most of a text has none."""
    end = 0
    for digits in _DIGITS.finditer(text):
        match = _NUMBERS.match(text, digits.start()) if digits.start() >= end else None
        if match:
            end = match.end()
            yield match.span()


def _joined(spans: list[Span]) -> Iterator[Span]:
    end = 0
    for start, stop in spans:
        if stop > end:
            yield max(start, end), stop
            end = stop
