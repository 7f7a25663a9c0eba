"""Numbers that reach a person, in the groups and with the separators people write them in."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

Span = tuple[int, int]

_SEPARATORS = r"[\s.·•\-—–_()（）\u20e3]{0,2}"
_RUN = re.compile(rf"[0-9](?:{_SEPARATORS}[0-9]){{6,}}")
_GROUP = re.compile(r"[0-9]+")
_LETTERS = re.compile(r"[a-z]{1,12}[_-]?$")

_MOBILE = re.compile(r"(?:1[3-9][0-9]{9})+")
_MOBILE_FROM_ABROAD = re.compile(r"(?:00)?861[3-9][0-9]{9}")
_LANDLINE = re.compile(r"0[1-9][0-9]{1,2}[2-9][0-9]{6,7}")
_LANDLINE_FROM_ABROAD = re.compile(r"(?:00)?86[1-9][0-9]{1,2}[2-9][0-9]{6,7}")
_ID = re.compile(r"[1-9][0-9]{5}(?:19|20)[0-9]{2}[01][0-9][0-3][0-9]{4}[0-9x]")
_OLD_ID = re.compile(r"[1-8][0-9]{7}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}")
_CARD = re.compile(r"[3-6][0-9]{12,19}")
_LOCAL = re.compile(r"[2-9][0-9]{6,7}")
_LONGEST = 22
"""Digits: two mobile numbers without anything between them."""

_CALLED = re.compile(r"(?:电话|座机|固话|手机|致电|拨打|联系|方式|tel|phone)[号码]{0,2}[:：是为\s(（]{0,3}$")
_CONTACTS = frozenset(
    {"tel", "phone", "mobile", "mob", "cell", "call", "wx", "vx", "v", "wechat", "weixin", "qq", "t", "m"}
)
_DATED = re.compile(r"1[0-9](?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")
_ORDER = re.compile(
    r"(?:订单|快递|快件|运单|物流|工单|合同|流水|电表|水表|燃气表|户)(?:单?号码?|编号)?[:：是为\s]{0,3}$"
)
"""What is counted behind these words is a thing."""

_PASSPORT = re.compile(r"(?<![a-z0-9])(?:[egdsphmc][0-9]{8}|[hm][0-9]{10}|e[a-z][0-9]{7})")
_EXTENSION = re.compile(r"(?:[-#]|\s?(?:[(（]转[)）]|转|分机号?|ext\.?)[:：\s]?)[0-9]{1,5}(?![0-9])")

_BEGUN = re.compile(r"1[3-9][0-9]{5,}|0[1-9][0-9]{5,}|(?!400)[1-6][0-9]{9,}")
_CALLS = re.compile(r"1[3-9]|0")

_BEGUN_AFTER_CUE = re.compile(
    r"(?:电话|座机|固话|手机|方式|身份证|卡号|微信|tel)[号码]{0,2}[:：是为\s]{0,3}(\+?[0-9][0-9 -]{2,})$"
)

_CAN_GO_ON = frozenset("0123456789 -")

_HAN_MOBILE = re.compile(r"[一幺](?:[\s-]?[三四五六七八九])(?:[\s-]?[〇零洞一幺二两三四五六七八九]){9}")


class _Run(NamedTuple):
    """Digits in groups, where each begins, and what stands between them."""

    text: str
    groups: Sequence[str]
    starts: Sequence[int]

    def end(self, last: int) -> int:
        return self.starts[last] + len(self.groups[last])

    def separators(self, first: int, last: int) -> set[str]:
        return {self.text[self.end(at) : self.starts[at + 1]] for at in range(first, last)}


def numbers(text: str) -> Iterator[Span]:
    """Yield the numbers in `text`, which is folded and in lower case."""
    for match in _RUN.finditer(text):
        found = list(_GROUP.finditer(text, match.start(), match.end()))
        yield from _in_run(_Run(text, [group[0] for group in found], [group.start() for group in found]))
    for match in _HAN_MOBILE.finditer(text):
        yield match.span()
    begun = _BEGUN_AFTER_CUE.search(text, max(0, len(text) - 40)) if text[-1:] in _CAN_GO_ON else None
    if begun:
        yield begun.span(1)


def _in_run(run: _Run) -> Iterator[Span]:
    first = 0
    while first < len(run.groups):
        if _is_ticket_number(run, first):
            first += 4
            continue
        last = _last_of_number(run, first)
        if last is not None:
            yield _whole(run, first, last)
            first = last
        first += 1


def _is_ticket_number(run: _Run, first: int) -> bool:
    """Say whether the next groups are a 工单编号 of ours."""
    shape = [len(group) for group in run.groups[first : first + 4]]
    return shape == [6, 8, 6, 1] and run.separators(first, first + 3) == {"-"}


def _last_of_number(run: _Run, first: int) -> int | None:
    """Return the last group of the longest number that begins with the group `first`."""
    longest, digits = None, ""
    for last in range(first, len(run.groups)):
        digits += run.groups[last]
        if len(digits) > _LONGEST:
            break
        if len(digits) >= 7 and _is_number(run, first, last, digits):
            longest = last
    return longest


def _is_number(run: _Run, first: int, last: int, digits: str) -> bool:
    start, end = run.starts[first], run.end(last)
    if first == last and len(digits) < 10:
        return _is_short_number(run, start, end, digits)
    if not _is_written_as_one(run, first, last) or (first == last and _is_code(run.text, start, digits)):
        return False
    if run.text[end : end + 1] == "x" and _ID.fullmatch(digits + "x"):
        return True
    return _is_personal(run, first, last, digits) or _is_short_number(run, start, end, digits)


def _is_personal(run: _Run, first: int, last: int, digits: str) -> bool:
    if _MOBILE.fullmatch(digits) or _MOBILE_FROM_ABROAD.fullmatch(digits) or _ID.fullmatch(digits):
        return True
    if _LANDLINE.fullmatch(digits):
        return len(run.groups[first]) > 2
    if _LANDLINE_FROM_ABROAD.fullmatch(digits):
        return digits[0] == "0" or run.text[: run.starts[first]].endswith("+")
    return (_OLD_ID.fullmatch(digits) or _CARD.fullmatch(digits)) is not None and (
        first == last or min(map(len, run.groups[first:last])) > 3
    )


def _is_short_number(run: _Run, start: int, end: int, digits: str) -> bool:
    """Say whether these digits are a number because of what stands before them, or what was cut off after them."""
    text = run.text
    if _LOCAL.fullmatch(digits) and _CALLED.search(text, max(0, start - 12), start):
        return True
    letter = text[start - 1 : start].isalpha()
    if letter and any(_PASSPORT.fullmatch(text, at, end) for at in (start - 1, max(0, start - 2))):
        return True
    if end < len(text) or _BEGUN.fullmatch(digits) is None:
        return False
    return _CALLS.match(digits) is not None or _ORDER.search(text, max(0, start - 12), start) is None


def _is_code(text: str, start: int, digits: str) -> bool:
    """Say whether a date begins the number, as in FZ16082600608 and 工单号16082600608: of a case, not a telephone."""
    if _DATED.match(digits) is None:
        return False
    letters = _LETTERS.search(text, max(0, start - 12), start)
    if letters is None:
        return _ORDER.search(text, max(0, start - 12), start) is not None
    return letters[0].rstrip("_-") not in _CONTACTS


def _is_written_as_one(run: _Run, first: int, last: int) -> bool:
    """Say whether the groups are pieces of one number, not numbers beside each other such as prices and dates."""
    separators = run.separators(first, last)
    if len(separators) < 2 and "." not in separators:
        return True
    short = sum(len(group) < 3 for group in run.groups[first : last + 1])
    return short == 0 if "." in separators else short < 2


def _whole(run: _Run, first: int, last: int) -> Span:
    start, end = run.starts[first], run.end(last)
    if run.text[end : end + 1] == "x":
        end += 1
    extension = _EXTENSION.match(run.text, end)
    return start, extension.end() if extension else end
