"""The masked ticket: what analysts see. Persons, contacts and doors are hidden, incident places stay searchable.

Which field is masked follows from its PII class in `schemas/`: free text keeps its words with personal spans blacked
out, every other personal field is emptied.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace
from stdnum.cn import ric

from schemas.records import Ticket

T = TypeVar("T", bound=Struct)

MASK = "＊"

_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}

_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆"
    "汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
_ROLES = "先生|女士|小姐|太太|大爷|大妈|阿姨|叔叔|师傅|老师|医生|同志|经理|某某|某"
_LETTER_BEFORE, _LETTER_AFTER = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"

_SPANS = re.compile(
    "|".join(
        (
            r"(?P<email>[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4})",
            rf"(?P<id>{_LETTER_BEFORE}[1-9]\d{{5}}(?:19|20)\d{{2}}[01]\d[0-3]\d\d{{3}}[\dXx]{_LETTER_AFTER})",
            rf"(?P<mobile>(?<![0-9A-Za-z])(?:(?:\+|00)?86[- ]?)?1[3-9]\d(?:[- ]?\d{{4}}){{2}}{_LETTER_AFTER})",
            rf"(?P<landline>{_LETTER_BEFORE}\(?0\d{{2,3}}\)?[- ]?[2-9]\d{{6,7}}{_LETTER_AFTER})",
            rf"(?P<local>(?<=电话)[:：是为 ]{{0,2}}[2-9]\d{{6,7}}{_LETTER_AFTER})",
            rf"(?P<card>{_LETTER_BEFORE}[3-6]\d{{3}}(?:[- ]?\d{{4}}){{2,3}}[- ]?\d{{1,4}}{_LETTER_AFTER})",
            r"(?P<plate>[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Za-z][·• ]?[A-Za-z0-9]{5,6})"
            + _LETTER_AFTER,
            r"(?P<door>\d{1,4}\s?(?:号楼|栋|幢|座|单元|#)\s?(?:\d{1,2}\s?单元\s?)?(?:\d{1,2}\s?层\s?)?(?:\d{2,4}\s?(?:室|号房|房|户|号)?)"
            r"|\d{1,4}\s?(?:室|号房)|\d{1,3}-\d{1,2}-\d{3,4})",
            r"(?P<call>(?:(?<=我叫)|(?<=我是)|(?<=姓名)|(?<=联系人)|(?<=名叫)|(?<=叫做))[:：是为 ]{0,2}"
            rf"[{_SURNAMES}][\u4e00-\u9fff]{{1,2}}(?=[,，。.;；、:：!！\s(（电手联住家的]|$))",
            rf"(?P<title>[{_SURNAMES}][\u4e00-\u9fff]{{0,2}}?(?={_ROLES}))",
            rf"(?P<surname>(?<=姓)[{_SURNAMES}](?![名氏]))",
        )
    )
)


def mask_text(text: str) -> str:
    """Black out mobile and landline numbers, id, card and plate numbers, mail addresses, names and doors."""
    shadow = text.translate(_HALF_WIDTH)  # same length: numbers typed full-width are numbers as well
    parts, end = [], 0
    for match in _SPANS.finditer(shadow):
        parts += [text[end : match.start()], _blackened(match)]
        end = match.end()
    return "".join([*parts, text[end:]]) if parts else text


def mask_ticket(ticket: Ticket) -> Ticket:
    """Return the snapshot that analysts may see."""
    return replace(_mask(ticket), masked=True)


def _blackened(match: re.Match[str]) -> str:
    found = match[0]
    if match.lastgroup == "id" and not ric.is_valid(found.upper()):
        return found[:3] + MASK * (len(found) - 3)  # a wrong check digit is still somebody's number, mistyped
    return MASK * min(len(found), 11)


Rule = Callable[[Any], Any]


def _mask(record: T) -> T:
    rules = _rules_of(type(record))
    return replace(record, **{name: rule(getattr(record, name)) for name, rule in rules})


_RULES: dict[type, list[tuple[str, Rule]]] = {}


def _rules_of(kind: type[Struct]) -> list[tuple[str, Rule]]:
    rules = _RULES.get(kind)
    if rules is None:
        hints = get_type_hints(kind, include_extras=True)
        found = ((field, _rule_of(hints[field.name])) for field in msgspec.structs.fields(kind))
        rules = _RULES[kind] = [(field.name, rule) for field, rule in found if rule is not None]
    return rules


def _rule_of(hint: Any) -> Rule | None:
    """Return how a field is masked; None leaves it alone."""
    meta = _meta(hint)
    if meta["pii"] == 0:
        return _mask_nested if meta["index"] == "object" else None
    if meta["index"] == "text":
        return _mask_words
    return _empty if type(None) in get_args(get_args(hint)[0]) else _empty_required


def _meta(hint: Any) -> dict[str, Any]:
    if get_origin(hint) is Annotated:
        for one in get_args(hint)[1:]:
            if isinstance(one, Meta) and one.extra and "pii" in one.extra:
                return dict(one.extra)
    return {"pii": 0, "index": "none"}


def _mask_nested(value: Any) -> Any:
    if isinstance(value, Struct):
        return _mask(value)
    return tuple(_mask(one) for one in value) if isinstance(value, tuple) else value


def _mask_words(value: Any) -> Any:
    return mask_text(value) if isinstance(value, str) else value


def _empty(value: Any) -> None:
    return None


def _empty_required(value: Any) -> Any:
    return type(value)()
