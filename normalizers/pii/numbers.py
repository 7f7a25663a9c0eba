"""Numbers that reach a person, in the groups and with the separators people write them in."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from stdnum import luhn
from stdnum.cn import ric

from normalizers.rules import DEFAULT_RULES, Rules, part, precompiled
from normalizers.text.fold import SPOKEN_DIGITS, Span
from normalizers.text.matcher import behind_any, trie
from normalizers.text.ticket_numbers import TICKET_NUMBER

# Number cues: words before digits that tell whether they reach a person, or are counted on a thing.


class Cues(NamedTuple):
    """What finds them; made of `[numbers]` in `rules/names.toml`."""

    called: re.Pattern[str]
    near_a_telephone: re.Pattern[str]
    thing: re.Pattern[str]
    """What is counted behind these words is a thing."""

    begun: re.Pattern[str]
    spoken_begun: re.Pattern[str]
    """Of a number that was cut off."""


@part("names.toml")
def rulebook(rules: Rules = DEFAULT_RULES) -> Cues:
    """Return what finds them by the city's own file, or ours."""
    found = {name: words.split() for name, words in rules.toml("names")["numbers"].items()}
    telephone, near, thing, begun = (trie(found[name]) for name in ("telephones", "near", "things", "begun"))
    return Cues(
        called=precompiled.pattern(
            rf"(?:{telephone}|(?<![\u4e00-\u9fff])(?:号码|[办宅](?=[:0-9])))[号码]{{0,2}}[:是为到给打,、\s(]{{0,3}}"
            r"(?:[2-9][0-9]{6,7} ?(?:[/、,和]|或者?|还有) ?){0,3}$"
        ),
        near_a_telephone=precompiled.pattern(rf"(?:{near}|[少多][了按打写]*一位)[^。;!?\n]{{0,8}}$"),
        thing=precompiled.pattern(
            rf"(?:{thing}|(?<![账帐])户)(?:单?号码?|码|编号|代码)?[:：是为\s]{{0,3}}(?:[a-z]{{1,6}}[-_]?)?$"
        ),
        begun=precompiled.pattern(rf"{begun}[号码]{{0,2}}[:：是为\s]{{0,3}}(\+?[0-9][0-9 -]{{2,}})$"),
        spoken_begun=precompiled.pattern(
            rf"(?:[一幺壹][三四五六七八九叁肆伍陆柒捌玖](?=[{SPOKEN_DIGITS}]{{5}})"
            rf"|{behind_any(found['spoken'])}(?=[{SPOKEN_DIGITS}]{{3}}))[{SPOKEN_DIGITS}]{{3,10}}$"
        ),
    )


# The forms of one whole number: of telephones, identity cards, bank cards and passports, without separators.

MOBILE = precompiled.pattern(r"(?:1[3-9][0-9]{9})+")
MOBILE_FROM_ABROAD = precompiled.pattern(r"(?:00)?861[3-9][0-9]{9}")
LANDLINE = precompiled.pattern(r"0[1-9][0-9]{1,2}[2-9][0-9]{6,7}")
LANDLINE_FROM_ABROAD = precompiled.pattern(r"(?:00)?86[1-9][0-9]{1,2}[2-9][0-9]{6,7}")
ID = precompiled.pattern(r"[1-9][0-9]{5}(?:19|20)[0-9]{2}[01][0-9][0-3][0-9]{4}[0-9x]")
OLD_ID = precompiled.pattern(r"[1-8][0-9]{7}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}")
CARD = precompiled.pattern(r"[3-6][0-9]{12,19}")
OVERSEAS = precompiled.pattern(r"(?:00)?(?:85[23][2-9][0-9]{7}|886[2-9][0-9]{7,8})")
"""Of Hong Kong, Macau and Taiwan, with their codes."""

LOCAL = precompiled.pattern(r"[2-9][0-9]{6,7}")
MISTYPED = precompiled.pattern(r"1[3-9][0-9]{8}(?:[0-9]{2})?")
"""A mobile number with a digit too few or too many."""

PASSPORT = precompiled.pattern(r"(?<![a-z0-9字])(?:[egdsphmc][0-9]{8}|[hm][0-9]{10}|e[a-z][0-9]{7})")
PASSPORT_APART = precompiled.pattern(r"[egdsphmc](?<![a-z0-9].)(?:[ .-]{1,2}[0-9]){8}(?![ .-]{0,2}[0-9])")

LETTERS_FOR_DIGITS = precompiled.pattern(
    r"[1li](?<![a-z0-9][1li])(?=[0-9 .-]*+[oli]|(?<=[li]))[3-9](?:[ .-]?[0-9oliz]){9}(?![a-z0-9])"
)
"""A mobile number with O for 0, l or I for 1 and Z for 2, as who will not be found by machines writes it."""

DATE = precompiled.pattern(r"20[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")
DATED = precompiled.pattern(r"1[0-9](?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")
HOTLINE = precompiled.pattern("(?:0[1-9][0-9]{1,2})?(?:12[0-9]{3}|9[56][0-9]{3,4}|100[0-9]{2})|1(?:10|19|20|22)")
"""No number of anybody's begins like that: 12345, 024-95598."""

BEGUN = precompiled.pattern(r"1[3-9][0-9]{5,}|0[1-9][0-9]{5,}|(?!400)[1-6][0-9]{9,}")

NUMBERS = (
    MOBILE,
    MOBILE_FROM_ABROAD,
    LANDLINE,
    LANDLINE_FROM_ABROAD,
    ID,
    OLD_ID,
    CARD,
    OVERSEAS,
    LOCAL,
)


# Numbers whose digits are written as they are said, in pinyin: yao san ba 0013 ba ling ling ling.

_PINYIN_DIGITS_SAID = "(?:yi|yao|er|liang|san|si|wu|liu|qi|ba|jiu|ling|dong)"
_ONE = f"(?:{_PINYIN_DIGITS_SAID}|[0-9])"
_NUMBER = precompiled.pattern(rf"(?<![a-z0-9]){_ONE}(?:[\s-]{{0,2}}{_ONE}){{6,19}}(?![a-z0-9])")
_SYLLABLE = precompiled.pattern(_PINYIN_DIGITS_SAID)
_LEAST = 2
"""Syllables: by a single one, a number in digits only stands beside a word."""


def pinyin_digits(text: str) -> Iterator[Span]:
    """Yield the numbers of seven digits and more of which some are in pinyin, in a folded text."""
    if "i" in text or "a" in text:  # in nearly all of their syllables
        for number in _NUMBER.finditer(text):
            if len(_SYLLABLE.findall(number[0])) >= _LEAST:
                yield number.span()


# Digits in groups as they stand in a text, and what else the text says.

READ = str.maketrans(SPOKEN_DIGITS, "0001122345678912345678979")
_QUERY_CODES = precompiled.pattern("查询码|查询号|查询密码|query code")


class Beside:
    """What else a text says; looked up once, however many numbers it holds."""

    def __init__(self, text: str, cues: Cues) -> None:
        self.cues = cues
        self._text = text

    @cached_property
    def query_code(self) -> bool:
        """Say whether it speaks of a 查询码."""
        return _QUERY_CODES.search(self._text) is not None

    @cached_property
    def ticket_number(self) -> bool:
        """Say whether it holds a 工单编号."""
        return TICKET_NUMBER.search(self._text) is not None

    @cached_property
    def read(self) -> str:
        """Return it with the digits of Chinese numerals, character by character."""
        return self._text.translate(READ)


class Run(NamedTuple):
    """Digits in groups, where each begins, and what stands between them."""

    text: str
    beside: Beside
    groups: Sequence[str]
    starts: Sequence[int]

    def end(self, last: int) -> int:
        """Return where a group ends."""
        return self.starts[last] + len(self.groups[last])

    def shape(self, first: int, last: int) -> tuple[int, ...]:
        """Return how many digits each of the groups has."""
        return tuple(map(len, self.groups[first : last + 1]))

    def separators(self, first: int, last: int) -> set[str]:
        """Return what stands between the groups."""
        return {self.text[self.end(at) : self.starts[at + 1]] for at in range(first, last)}


_SPOKEN = frozenset(SPOKEN_DIGITS)
_HAN_DIGIT = precompiled.pattern(f"[{SPOKEN_DIGITS}]")

_NO_LETTER = r"[^0-9a-z\u3007\u4e00-\u9fff]"
_SAID = "然后是?|(?:后面|中间|最后|末尾|接着)(?:[三四八]位)?[是为]?|那个|嗯|呃|横?杠|空格?|点|<br ?/?>|&nbsp;"
"""What is said between the groups of a number, or written by a program."""

_BETWEEN = rf"(?:{_SAID}|{_NO_LETTER})"
_DIGITS = precompiled.pattern(rf"[0-9{SPOKEN_DIGITS}](?:{_BETWEEN}{{0,6}}+[0-9{SPOKEN_DIGITS}]){{6,}}+")
"""Every stretch in which a number may stand."""

_SEPARATORS = r"[\s.·•\-_()\u20e3]{0,2}"
_RUN = precompiled.pattern(rf"[0-9](?:{_SEPARATORS}[0-9]){{6,}}")
_GAP = rf"(?:{_BETWEEN}{{1,6}}+|一)"
"""Whatever parts the groups of a number: anything but letters, and the character that looks like a dash."""

_EACH_APART = precompiled.pattern(
    rf"1(?<![0-9]1){_NO_LETTER}{{1,3}}+[3-9](?:{_NO_LETTER}{{1,3}}+[0-9]){{9}}(?!{_NO_LETTER}{{0,3}}[0-9])"
)
_STARRED = precompiled.pattern(r"[0-9](?<![0-9][0-9])[0-9]{2,13}(?:\*{3,}|x{3,}|×{3,})[0-9x]{1,4}(?![0-9])")
"""What its writer left of a number."""

_PARTED = precompiled.pattern(rf"[0-9](?<![0-9][0-9])[0-9]{{2,}}+(?:{_GAP}[0-9]{{3,}}+)+")
_GROUP = precompiled.pattern(r"[0-9]+")
_LETTERS = precompiled.pattern(r"[a-z]{1,12}[_-]?$")

_QUERY_CODE = 12
"""Digits of the 查询码 (schemas/ids.py)."""

_LONGEST = 22
"""Digits: two mobile numbers without anything between them."""

_CONTACTS = frozenset(
    {"tel", "phone", "mobile", "mob", "cell", "call", "wx", "vx", "v", "wechat", "weixin", "qq", "t", "m"}
)
_EXTENSION = precompiled.pattern(
    r"(?:\s?[-#*]\s?|\s?(?:[(（]转[)）]|转|分机号?|ext\.?)[:：\s]?)[0-9]{1,5}(?![0-9])"
    r"(?:[,\s]{0,2}(?:再|然后)转[:\s]?[0-9]{1,5}(?![0-9])){0,2}"
)

_WITH_EXTENSION = precompiled.pattern(r"-[0-9]{3,4}(?![0-9a-z./-])|\s?\((?:宅|办|家|座机|值班)")
_LONGEST_LOCAL = 8
_MONEY = ("元", "万", "块")

_CALLS = precompiled.pattern(r"1[3-9]|0")

_LONGEST_SPOKEN = 16

_LIKE_A_NUMBER = precompiled.pattern("|".join(["[0-9]{12}", "[0-9]{17}", *(number.pattern for number in NUMBERS)]))
"""Digits that are worth a closer look: nearly none of those between dashes are."""

_CAN_GO_ON = frozenset("0123456789 -")

_SPOKEN_MOBILE = precompiled.pattern(
    rf"[一幺壹][\s-]?[三四五六七八九叁肆伍陆柒捌玖拐勾](?:[\s-]?[{SPOKEN_DIGITS}]){{9}}"
)
"""Whatever is counted behind it: 一三八零零一三八零零零两次."""

_MOBILE_IN_PARTS = {(3, 4, 4), (3, 8), (7, 4)}
_LANDLINE_IN_PARTS = {(area, *rest) for area in (3, 4) for rest in ((7,), (8,), (3, 4), (4, 4))}
_ID_IN_PARTS = {(6, 8, 4), (6, 8, 3)}
_CHECK = precompiled.pattern(r"[\s.·•_-]{0,2}x(?![0-9a-z])|x")
_BEFORE_CHECK = 17
"""Digits of an identity card whose last character is an X."""

_YEAR = precompiled.pattern("(?:19|20)[0-9]{2}")
_AMOUNT = precompiled.pattern(r" ?[元万块亿平米人户亩吨年]")
_BANK = precompiled.pattern("(?:卡|[账帐]户)[号码是为: ]{0,4}$|[账帐]号[码是为: ]{0,3}$")

_IsNumber = Callable[[Run, int, int, str], bool]


def numbers(text: str, rules: Rules = DEFAULT_RULES) -> Iterator[Span]:
    """Yield the numbers in `text`, which is folded and in lower case."""
    cues = rulebook(rules)
    beside = Beside(text, cues)
    for stretch in _DIGITS.finditer(text):
        start, end = stretch.span()
        yield from _written(text, beside, start, end)
        if _HAN_DIGIT.search(text, start, end):
            yield from _written(beside.read, beside, start, end)
            yield from [match.span() for match in _SPOKEN_MOBILE.finditer(text, start, end)]
        yield from [match.span() for match in _EACH_APART.finditer(text, start, end)]
        yield from [match.span() for match in PASSPORT_APART.finditer(text, max(0, start - 3), end)]
    if "o" in text or "l" in text or "i" in text:
        yield from [match.span() for match in LETTERS_FOR_DIGITS.finditer(text)]
    if "***" in text or "xxx" in text or "×××" in text:
        yield from [match.span() for match in _STARRED.finditer(text)]
    begun = cues.begun.search(text, max(0, len(text) - 40)) if text[-1:] in _CAN_GO_ON else None
    if begun and HOTLINE.fullmatch(begun[1].replace("-", "")) is None:
        yield begun.span(1)
    if text[-1:] in _SPOKEN and (spoken := cues.spoken_begun.search(text, max(0, len(text) - _LONGEST_SPOKEN))):
        yield spoken.span()


def _written(text: str, beside: Beside, start: int, end: int) -> Iterator[Span]:
    """Yield the numbers in digits between two places."""
    for pattern, is_number in ((_RUN, _is_number), (_PARTED, _is_number_in_parts)):
        for match in pattern.finditer(text, start, end):
            found = list(_GROUP.finditer(text, match.start(), match.end()))
            groups, starts = [group[0] for group in found], [group.start() for group in found]
            yield from _in_run(Run(text, beside, groups, starts), is_number)


def _in_run(run: Run, is_number: _IsNumber) -> Iterator[Span]:
    first = 0
    while first < len(run.groups):
        if _is_ticket_number(run, first):
            first += 4
            continue
        last = _last_of_number(run, first, is_number)
        if last is not None:
            yield _whole(run, first, last)
            first = last
        first += 1


def _is_ticket_number(run: Run, first: int) -> bool:
    """Say whether the next groups are a 工单编号 of ours."""
    shape = run.shape(first, first + 3)
    return shape == (6, 8, 6, 1) and run.separators(first, first + 3) == {"-"}


def _last_of_number(run: Run, first: int, is_number: _IsNumber) -> int | None:
    """Return the last group of the longest number that begins with the group `first`."""
    longest, digits = None, ""
    for last in range(first, len(run.groups)):
        digits += run.groups[last]
        if len(digits) > _LONGEST:
            break
        if len(digits) < 7 or (first < last < len(run.groups) - 1 and _LIKE_A_NUMBER.fullmatch(digits) is None):
            continue
        if is_number(run, first, last, digits):
            longest = last
    return longest


def _is_number(run: Run, first: int, last: int, digits: str) -> bool:
    if first == last and len(digits) < 10:
        return _is_short_number(run, run.starts[first], run.end(last), digits)
    if not _reaches_somebody(run, first, last, digits) or not _is_written_as_one(run, first, last):
        return False
    return not all(map(DATE.fullmatch, run.groups[first : last + 1]))


def _reaches_somebody(run: Run, first: int, last: int, digits: str) -> bool:
    """Say whether the digits together are a number of a person's."""
    start, end = run.starts[first], run.end(last)
    if len(digits) == _QUERY_CODE and _is_query_code(run, first, last):
        return True
    if first == last and _is_code(run, start, digits):
        return False
    if _CHECK.match(run.text, end) and ID.fullmatch(digits + "x"):
        return True
    return _is_personal(run, first, last, digits) or _is_short_number(run, start, end, digits)


def _is_number_in_parts(run: Run, first: int, last: int, digits: str) -> bool:
    """Say whether the groups have the shape of a number: anything may stand between them."""
    shape = run.shape(first, last)
    if shape in _MOBILE_IN_PARTS and MOBILE.fullmatch(digits):
        return not _are_amounts(run, first, last)
    if shape in _LANDLINE_IN_PARTS and LANDLINE.fullmatch(digits):
        return True
    if len(digits) == _QUERY_CODE and run.beside.query_code:
        return True
    end = run.end(last)
    whole = digits + "x" if len(digits) == _BEFORE_CHECK and _CHECK.match(run.text, end) else digits
    if ID.fullmatch(whole):
        return shape in _ID_IN_PARTS or bool(ric.is_valid(whole))
    return _is_card_in_fours(run, first, shape, digits)


def _are_amounts(run: Run, first: int, last: int) -> bool:
    """Say whether the groups after the first are years, or the last of them is counted."""
    rest = run.groups[first + 1 : last + 1]
    return all(map(_YEAR.match, rest)) or _AMOUNT.match(run.text, run.end(last)) is not None


def _is_card_in_fours(run: Run, first: int, shape: tuple[int, ...], digits: str) -> bool:
    if CARD.fullmatch(digits) is None or set(shape[:-1]) != {4} or shape[-1] > 4:
        return False
    start = run.starts[first]
    return bool(luhn.is_valid(digits)) or _BANK.search(run.text, max(0, start - 8), start) is not None


def _is_query_code(run: Run, first: int, last: int) -> bool:
    """Say whether twelve digits are a 查询码: by the word, beside a ticket number, or in the fours of no list."""
    groups = run.groups[first : last + 1]
    if run.beside.query_code:
        return True
    if _is_of_a_thing(run, run.starts[first]):
        return False
    if first == last:
        return run.beside.ticket_number
    if run.shape(first, last) != (4, 4, 4) or not run.separators(first, last) <= {" ", "-"}:
        return False
    return not all(map(_YEAR.match, groups)) and not all(group.endswith("0") for group in groups)


def _is_personal(run: Run, first: int, last: int, digits: str) -> bool:
    if MOBILE.fullmatch(digits) or MOBILE_FROM_ABROAD.fullmatch(digits) or ID.fullmatch(digits):
        return True
    if LANDLINE.fullmatch(digits):
        return len(run.groups[first]) > 2
    if LANDLINE_FROM_ABROAD.fullmatch(digits):
        return digits[0] == "0" or run.text[: run.starts[first]].endswith("+")
    if OVERSEAS.fullmatch(digits):
        return first < last or run.text[: run.starts[first]].endswith("+") or digits[0] == "0"
    if first == last and _is_of_a_thing(run, run.starts[first]) and not luhn.is_valid(digits):
        return False
    return (OLD_ID.fullmatch(digits) or CARD.fullmatch(digits)) is not None and (
        first == last or min(map(len, run.groups[first:last])) > 3
    )


def _is_of_a_thing(run: Run, start: int) -> bool:
    """Say whether what is counted here is an order, a meter or the like."""
    return run.beside.cues.thing.search(run.text, max(0, start - 18), start) is not None


def _is_short_number(run: Run, start: int, end: int, digits: str) -> bool:
    """Say whether these digits are a number because of what stands before them, or what was cut off after them."""
    text, cues = run.text, run.beside.cues
    if (LOCAL.fullmatch(digits) or MISTYPED.fullmatch(digits)) and cues.called.search(text, max(0, start - 36), start):
        if text[end : end + 1] in _MONEY:
            return False
        return text[start - 1] not in ",、室" or DATE.fullmatch(digits) is None
    if MISTYPED.fullmatch(digits) and cues.near_a_telephone.search(text, max(0, start - 14), start):
        return text[end : end + 1] not in _MONEY
    if len(digits) == _LONGEST_LOCAL and LOCAL.fullmatch(digits) and _WITH_EXTENSION.match(text, end):
        return not (digits.endswith("000") or DATE.fullmatch(digits) or _is_of_a_thing(run, start))
    letter = text[start - 1 : start].isalpha()
    if letter and any(PASSPORT.fullmatch(text, at, end) for at in (start - 1, max(0, start - 2))):
        return True
    if end < len(text) or BEGUN.fullmatch(digits) is None or HOTLINE.fullmatch(digits):
        return False
    return _CALLS.match(digits) is not None or not _is_of_a_thing(run, start)


def _is_code(run: Run, start: int, digits: str) -> bool:
    """Say whether a date begins the number, as in FZ16082600608 and 工单号16082600608: of a case, not a telephone."""
    if DATED.match(digits) is None and DATE.match(digits) is None:
        return False
    letters = _LETTERS.search(run.text, max(0, start - 12), start)
    if letters is None:
        return run.beside.cues.thing.search(run.text, max(0, start - 12), start) is not None
    return letters[0].rstrip("_-") not in _CONTACTS


def _is_written_as_one(run: Run, first: int, last: int) -> bool:
    """Say whether the groups are pieces of one number, not numbers beside each other such as prices and dates."""
    separators = run.separators(first, last)
    if len(separators) < 2 and "." not in separators:
        return True
    short = sum(len(group) < 3 for group in run.groups[first : last + 1])
    return short == 0 if "." in separators else short < 2


def _whole(run: Run, first: int, last: int) -> Span:
    start, end = run.starts[first], run.end(last)
    check = _CHECK.match(run.text, end)
    if check and (check[0] == "x" or sum(map(len, run.groups[first : last + 1])) == _BEFORE_CHECK):
        end = check.end()
    extension = _EXTENSION.match(run.text, end)
    return start, extension.end() if extension else end
