"""Telephones whose digits stand among words (139开头，中间2207，尾号8816), in a folded text.

Groups of digits with only what is said between the parts of a number (中间是, 尾号, 再加) make one if they have the
form of one together. Behind a word for a telephone other short words may stand between them as well.
"""

import re
from collections.abc import Iterator

from normalizers.pii import numbers as forms
from normalizers.pii.numbers import READ
from normalizers.rules import precompiled
from normalizers.text.fold import SPOKEN_DIGITS, Span

_GROUP = precompiled.pattern(
    rf"[0-9]+|[{SPOKEN_DIGITS}]{{2,}}|(?<=[^\u4e00-\u9fff])[{SPOKEN_DIGITS}](?=[^\u4e00-\u9fff])"
)
_CUE = precompiled.pattern(
    r"电话|手机|号码|联系|回电|回拨|拨打?|打给|致电|呼叫|短信|加我|微信|同号|call|tel|phone|mobile|号[:是为]|家电|座机|固话|宅电|传真|(?<=[拨打])[通打]?"
)
_SAID = precompiled.pattern(
    r"这是|就是|然后|接着|跟着|接下来|紧接着|后面|前面|中间|中段|末尾|最后|结尾|开头|打头|起头|尾号|尾数|尾巴|前段|后段|头|尾|再加上?|加上?|再来|再|接|连|到|跟|和|是|为|的|个"
    r"|(?:前|后|中间|末|头)?[三四3478]位(?:数字?)?|[三四]个数字?|数字|空格?|横?杠|横线|横|减号?|减|短线|点|逗号?|顿号?|星|下划线|号段|区号|数|段|组|部分|第[一二三]"
    r"|嗯|呃|啊|哦|那个|对|就|呢|哈|吧|以"
)
_OF_A_NUMBER = precompiled.pattern(r"尾号|尾数|中间|[一二三四0-9]位|开头|打头|末尾|号段|前段|后段")
"""What is said of the parts of a number, and of nothing else; without a word for a telephone one has to be there."""

_COUNTED = precompiled.pattern(r"[年月日时分元块万千百米楼层栋幢室户人次岁路届%￥¥$]|单元|公里|小时|点[到至半]|[.:/]$")
_LETTERS = precompiled.pattern(r"[a-z\u3007\u4e00-\u9fff]")
_WINDOW = 72
_LONGEST_BETWEEN = 14
_FURTHER_WORDS = 3
"""Letters of other words that may stand between two groups behind a word for a telephone."""

_MOBILE, _LANDLINE = 11, (10, 11, 12)
_MOST_GROUPS = 14


def scattered(text: str) -> Iterator[Span]:
    """Yield the telephones in groups with words between them."""
    groups = list(_GROUP.finditer(text))
    if len(groups) < 2:
        return
    cues: list[int] | None = None
    done = 0
    for first, group in enumerate(groups):
        start = group.start()
        if start >= done and group[0][0] in "10一幺壹〇零洞":
            cues = [cue.end() for cue in _CUE.finditer(text)] if cues is None else cues
            is_told = any(start - _WINDOW <= end <= start + 1 for end in cues)
            end = _end(text, groups, first, _FURTHER_WORDS if is_told else 0)
            if end:
                yield start, end
                done = end


def _end(text: str, groups: list[re.Match[str]], first: int, further: int) -> int:
    """Return where the number that begins with a group ends, 0 where none does."""
    digits, at = "", first
    while at < min(len(groups), first + _MOST_GROUPS):
        if at > first and not _may_part(text[groups[at - 1].end() : groups[at].start()], further):
            return 0
        digits += groups[at][0].translate(READ)
        if len(digits) > _MOBILE + 1:
            return 0
        is_mobile = len(digits) == _MOBILE and forms.MOBILE.fullmatch(digits)
        is_landline = further and len(digits) in _LANDLINE and forms.LANDLINE.fullmatch(digits)
        if at > first and (is_mobile or is_landline) and not _goes_on(text, groups, at):
            end = groups[at].end()
            return end if further or _OF_A_NUMBER.search(text, groups[first].start(), end) else 0
        at += 1
    return 0


def _goes_on(text: str, groups: list[re.Match[str]], last: int) -> bool:
    return last + 1 < len(groups) and groups[last + 1].start() == groups[last].end()


def _may_part(between: str, further: int) -> bool:
    """Say whether this stands between the groups of one number: what is said there, signs, and few other letters."""
    if len(between) > _LONGEST_BETWEEN or "\n" in between:
        return False
    rest = _SAID.sub("", between)
    is_list = not further and "、" in between
    return not is_list and len(_LETTERS.findall(rest)) <= further and _COUNTED.search(rest) is None
