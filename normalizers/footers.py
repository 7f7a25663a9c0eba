"""Footers: who signs for an office, how to reach them, and what a mail says of itself (此邮件仅供收件人…).

They stand below every letter of an office and tell nothing of its matter: two letters are not compared by them. No word
goes from the text. Where somebody lives may be where it happens: an address is one of a footer only in an office's.
"""

import re
from typing import NamedTuple

from normalizers import rules
from normalizers.mail.quote_rules import DEVICE
from normalizers.text import nfkc

_LINES = 30
"""From the end, in which a footer is looked for."""

_LEAST = 6
"""Letters above a footer: whoever writes less tells the matter below."""

_MAY_BE = re.compile(r"@|[0-9０-９]{7}|邮件|邮箱|电话|手机|e-?mail", re.IGNORECASE)

_NOTICE = re.compile(
    r"[【\[(*]*(?:重要|保密|免责|法律|环保)?(?:免责声明|保密(?:提示|声明|通知|须知)|法律声明|disclaimer|confidentiality)"
    r"|[此本该][封份]?(?:电子)?邮件[^。]{0,40}?(?:保密|机密|收件人|收信人|专有|指定|特权|上述|上面地址|误收|错收|病毒)"
    r"|(?:如果?|若)?[您你]?(?:不是|并非|误收|错收|错误地?收到)[^。]{0,20}(?:收件人|收信人|本邮件|此邮件|该邮件)"
    r"|.{0,6}打印[本此该]?邮件|请.{0,6}(?:爱护|保护|考虑)环境"
    r"|th(?:is|e information (?:contained )?in this) (?:e-?mail|message)[^.]{0,120}(?:confidential|intended)",
    re.IGNORECASE,
)
_MADE = re.compile(r"签名由.{1,20}(?:定制|生成)|(?:电子)?(?:邮件|邮箱)?签名[:：]?|[-_—=*~|+·\s]*")
"""What a client puts around a signature."""

_OFFICE_LABELS = (
    "办公(?:室)?电话|单位电话|固定电话|固话|座机|直线|总机|传真|邮政编码|邮编|网址|网站|官网|公众号"
    "|telephone|tel|phone|fax|mobile|mob|cell|e-?mail|mail|web(?:site)?|wechat|[tfme](?=[:：])"
)
_OWN_LABELS = "联系电话|联系方式|电话|手机号码|手机号|手机|移动电话|电子邮箱|电子邮件|邮箱|微信号|微信|qq号?"
_REACHES = r"[^。!?;,:]{0,30}?(?:[0-9]{5}|@|www\.)[^。!?;]{0,60}"
_PERSON = r"(?:联系人|经办人|承办人|姓名|职务|职位|title|name)[:： ]{1,3}[^。!?;,0-9]{2,20}"
_NAMED = (
    rf"[{rules.load('names')['common_surnames']}][\u4e00-\u9fff]{{1,2}}"
    r"(?:[ /|,]{0,3}[\u4e00-\u9fff]{0,4}(?:长|员|任|理|师|士|生|书记|干事|专员|秘书|总监|助理))?"
)
_NAME = re.compile(_NAMED)
_TITLED = rf"{_NAMED}[ :(/|,]{{1,3}}\+?[0-9][0-9 ()-]{{6,20}}"
_OWN = re.compile(
    rf"(?:{_OWN_LABELS})[:： /]{{0,3}}{_REACHES}|{_PERSON}|{_TITLED}|[+0-9][0-9 ()/、-]{{6,40}}|[\w.+-]+@[\w.-]+"
)
_OFFICES = re.compile(rf"(?:{_OFFICE_LABELS})[:： /.]{{0,3}}{_REACHES}|(?:https?://|www\.)\S+", re.IGNORECASE)
_ADDRESS = re.compile(
    r"(?:办公|单位|公司|通讯|通信|联系)?地址[:： ]{1,3}[^。!?;,]{4,60}|add(?:ress)?[:： .]{1,3}.{4,80}", re.IGNORECASE
)
_BODY = re.compile(
    "(?!.{0,8}(?:举报|投诉|反映|反应|要求|建议|请|希望|关于|感谢|表扬|咨询|求助|拖欠|不))[\u4e00-\u9fff()]{2,24}"
    "(?:局|科|处|室|办|中心|委员会|公司|事务所|部|厅|院|所|站|队|政府|集团|委|会|银行|学校|大学)"
    rf"(?:[ /|,]{{1,3}}{_NAMED})?"
)


class _Line(NamedTuple):
    """Whether a line may be of a footer, by whether it tells how to reach somebody, and whether that is an office."""

    is_footer: bool
    reaches: bool = False
    is_office: bool = False


def without_footer(text: str) -> str:
    """Return a text without what stands below it as a footer; all of it where nothing else is there."""
    return _split(text)[0]


def without_office(text: str) -> str:
    """Return a text without a footer that is an office's: how to reach that tells nothing of who asks."""
    body, is_office = _split(text)
    return body if is_office else text


def _split(text: str) -> tuple[str, bool]:
    if "\n" not in text or _MAY_BE.search(text) is None:
        return text, False
    lines = text.split("\n")
    first, end, is_office = max(1, len(lines) - _LINES), len(lines), False
    while end > first:
        block = [nfkc(line).strip() for line in lines[_start(lines, first, end) : end]]
        told = [_line(line) for line in block]
        if _NOTICE.match(block[0]):
            size, is_office = len(block), True
        else:
            is_office = is_office or any(one.is_office for one in told)
            size = _size(block, told, is_office=is_office)
        end -= size
        if size < len(block):
            break
    body = "\n".join(lines[:end]).rstrip()
    says_something = sum(map(str.isalnum, body)) >= _LEAST
    return (body, is_office) if says_something and end < len(lines) else (text, False)


def _start(lines: list[str], first: int, end: int) -> int:
    """Return where the last paragraph begins, with the blank lines below it."""
    at = end - 1
    while at > first and not lines[at].strip():
        at -= 1
    while at > first and lines[at - 1].strip():
        at -= 1
    return at


def _line(line: str) -> _Line:
    if _MADE.fullmatch(line) or DEVICE.match(line):
        return _Line(is_footer=True)
    if _OFFICES.fullmatch(line):
        return _Line(is_footer=True, reaches=True, is_office=True)
    if _BODY.fullmatch(line):
        return _Line(is_footer=True, is_office=True)
    return _Line(is_footer=_OWN.fullmatch(line) is not None, reaches=_OWN.fullmatch(line) is not None)


def _size(block: list[str], told: list[_Line], *, is_office: bool) -> int:
    """Return how many of a paragraph's last lines are a footer: all with a name in it, or those that surely are."""
    fits = [
        one.is_footer or (is_office and _ADDRESS.fullmatch(line) is not None)
        for line, one in zip(block, told, strict=True)
    ]
    if not any(one.reaches for one in told):
        return len(block) if all(_MADE.fullmatch(line) or DEVICE.match(line) for line in block) else 0
    if all(fit or _NAME.fullmatch(line) for line, fit in zip(block, fits, strict=True)):
        return len(block)
    size = next(number for number, fit in enumerate(reversed(fits)) if not fit)
    return size if any(one.reaches for one in told[len(told) - size :]) else 0
