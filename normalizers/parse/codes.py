"""Codes of other systems: fields that stay in clear hold a code or a known word, never a person's name."""

import re
from functools import cache, lru_cache

from stdnum import luhn
from stdnum.cn import ric

from normalizers.geo import divisions
from normalizers.pii import names, third_persons
from normalizers.pii.latin_names import SYLLABLE
from normalizers.rules import DEFAULT_RULES, Rules, memoized, precompiled
from normalizers.text.fold import SPOKEN_DIGITS, fold
from normalizers.text.matcher import trie

_CODE = precompiled.pattern(r"[A-Za-z0-9][A-Za-z0-9_.:/+-]{0,63}")
_KIND = precompiled.pattern(r"[a-z][a-z0-9_]{0,31}")
_HOTLINE = precompiled.pattern(r"[0-9]{3,6}")
_MEDIA_TYPE = precompiled.pattern(
    r"(?:application|audio|chemical|example|font|image|message|model|multipart|text|video)/[A-Za-z0-9!#$&^_.+*-]{1,100}"
    r"(?:; ?charset=[A-Za-z0-9_.:-]{1,40})?"
)

_REACHES_A_PERSON = precompiled.pattern(
    r"(?<![0-9])(?:(?:(?:00)?86)?(?:1[3-9][0-9]{9})+|[1-9][0-9]{16}[Xx]|[1-9][0-9]{14}"
    r"|0(?:10|2[0-9]|[3-9][0-9]{2})-(?!20[0-9]{2}[01][0-9][0-3])[2-9][0-9]{6,7}"
    r"|1[3-9][0-9][-_./:+][0-9]{4}[-_./:+][0-9]{4})(?![0-9])|wxid_[A-Za-z0-9]{6}"
)
"""Mobile numbers, landlines with their area, ids of WeChat, or an id number of 15 digits or with an X."""

_IDENTITY = precompiled.pattern(
    r"(?<![0-9])((?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|9[1-4])[0-9]{4})([-_./:+]?)((?:19|20)[0-9]{2})"
    r"((?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]))\2([0-9]{3}[0-9Xx])(?![0-9])"
)
"""An id number of 18 digits: a province, a birth date; also in groups."""

_NUMBERED_SINCE = "2020"
"""Since this year systems number their records by place and day, as 210100202611250001; as a birth date it would be a
child's.

So does a city without districts (441900), whose children's id numbers begin in the same way: one of eleven ids of its
own systems would be taken for one.
"""

_ARCHIVED_SINCE = "2000"
"""No archive reaches back so far: an earlier day is a birth date, whatever the check digit is."""

_CARD = precompiled.pattern(r"(?<![0-9])62[0-9]{14,17}(?![0-9])")

_UUID = precompiled.pattern(
    r"(?=.*[a-f])[0-9a-f]{8}(-?)[0-9a-f]{4}\1[1-8][0-9a-f]{3}\1[89ab][0-9a-f]{3}\1[0-9a-f]{12}", re.IGNORECASE
)
"""RFC 9562, with hyphens or without; one of 1,500 holds eleven digits that a mobile number could have (without hyphens
one of 200), and still reaches nobody."""

_CATEGORY = precompiled.pattern(r"[\w、，/·（）()>-]{1,32}")
_LONG_NUMBER = precompiled.pattern(f"[0-9]{{5}}|[0-9{SPOKEN_DIGITS}]{{7}}")
"""The name of a class: a few words without blanks, sentences, long numbers, doors, plates and persons."""

_DOOR_OR_PLATE = precompiled.pattern(
    "[0-9] ?(?:[栋幢座室户]|单元|号(?:$|[楼门院内之0-9]))|[0-9〇零一二三四五六七八九十](?:[栋幢室]|单元|号楼)"
    "|[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][a-z][·.-]?[a-z0-9]{5}"
)
_ROLE = "市民"
_NEEDS_A_CUE = 3
"""Characters of a name in another language than Chinese, which is one behind a role: 马合木提; no class is."""

_DOCUMENT = precompiled.pattern(r"[\u4e00-\u9fff]{0,8}[〔\[（(【]?(?:19|20)[0-9]{2}[〕\]）)】]?年?[第-]?[0-9]{1,8}号?")
"""发文字号 by GB/T 9704, and offices' variants of it: 京热〔2026〕123号, 信访2026-00123."""

_LANDLINE = precompiled.pattern(
    r"(?!(?:19|20)[0-9]{2}[-_./:+])[2-9][0-9]{2,3}[-_./:+]?[0-9]{4}"
    r"|0(?:10|2[0-9]|[3-9][0-9]{2})[-_./:+]?(?!20[0-9]{2}[01][0-9][0-3])[2-9][0-9]{6,7}"
)
"""It reaches a home without its area, too."""

_DIGIT = precompiled.pattern("[0-9]")

_MOBILE_OR_MAIL = precompiled.pattern(
    r"(?<![0-9])(?:(?:00)?86[-_. ]?)?1[3-9][0-9](?:[0-9]{8}|([-_./: ])[0-9]{4}\1[0-9]{4})(?![0-9])|[^@\s]@[^@\s]"
)
_DIGEST = precompiled.pattern(r"[0-9a-fA-F-]{32,}")

_REMEMBERED = 1_024
"""Answers: a system sends the same few accounts, kinds and categories with every record."""


@lru_cache(_REMEMBERED)
def is_code(text: str) -> bool:
    """Return whether `text` is written as a code or an account, and holds no number that reaches a person.

    A back office's own id (UUID) may follow its system's name and a colon.
    """
    system, _, own = text.rpartition(":")
    told = system if _UUID.fullmatch(own) is not None else text
    return _CODE.fullmatch(text) is not None and not _reaches_a_person(told) and not _names_a_card(told)


def _names_a_card(text: str) -> bool:
    """Return whether it holds the number of a Chinese bank card: by its prefix, length and check digit."""
    return any(luhn.is_valid(found[0]) for found in _CARD.finditer(text))


def _reaches_a_person(text: str) -> bool:
    return _REACHES_A_PERSON.search(text) is not None or any(map(_is_identity, _IDENTITY.finditer(text)))


def _is_identity(found: re.Match[str]) -> bool:
    """Return whether it is a person's id number, or a running number of its city and day.

    For a day in recent years the check digit decides.
    """
    return found[3] < _NUMBERED_SINCE or (not found[1].endswith("00") and _is_checked(found))


def _is_checked(found: re.Match[str]) -> bool:
    """Return whether its check digit is right, and its place may issue id numbers: no city that has districts
    (210100).
    """
    place, _, year, day, rest = found.groups()
    number = f"{place}{year}{day}{rest}".upper()
    issues = not place.endswith("00") or divisions.is_undivided(place)
    return issues and ric.calc_check_digit(number) == number[-1]


def names_a_person(text: str) -> bool:
    """Return whether an id holds a telephone, a mail address or an identity number, by check digit or birth date.

    Not any long number, which most systems use: 202401010001234.
    """
    if _DIGEST.fullmatch(text) is not None:
        return False
    born = (found[3] < _ARCHIVED_SINCE or _is_checked(found) for found in _IDENTITY.finditer(text))
    return _MOBILE_OR_MAIL.search(text) is not None or any(born)


@lru_cache(_REMEMBERED)
def is_kind(text: str) -> bool:
    """Return whether `text` is written as the kinds of channels are: `letter`, `wechat_mp`."""
    return _KIND.fullmatch(text) is not None and not _reaches_a_person(text)


def is_hotline(text: str) -> bool:
    """Return whether `text` is a short number such as 12301 or 968111."""
    return _HOTLINE.fullmatch(text) is not None


@lru_cache(_REMEMBERED)
def is_reference(text: str) -> bool:
    """Return whether `text` is a code with a number in it, or the number of an official document."""
    is_written = is_code(text) or (_DOCUMENT.fullmatch(text) is not None and not _reaches_a_person(text))
    return is_written and is_numbered(text) and not may_be_a_person_s(text)


def is_numbered(code: str) -> bool:
    """Return whether a code has a number in it and is no landline; a word without one may be a person's name."""
    return _DIGIT.search(code) is not None and _LANDLINE.fullmatch(code) is None


@lru_cache(_REMEMBERED)
def may_be_a_person_s(text: str) -> bool:
    """Return whether an unknown code may be a landline, or a person's name in Pinyin."""
    return _LANDLINE.fullmatch(text) is not None or _latin_name().search(text.lower()) is not None


@cache
def _latin_name() -> re.Pattern[str]:
    """Return the pattern of a name in Pinyin: zhangsan77, Wang.Xiao-ming-1, xiaoming_wang_2."""
    surname = trie(DEFAULT_RULES.toml("names")["english"]["pinyin_surnames"].split())
    given = rf"[-_.]?{SYLLABLE}(?:[-_.]?{SYLLABLE})?"
    return precompiled.pattern(rf"(?<![a-z])(?:{surname}{given}|{SYLLABLE}{{1,2}}[-_.]{surname})(?![a-z])")


@memoized(_REMEMBERED)
def is_category(text: str, rules: Rules = DEFAULT_RULES) -> bool:
    """Return whether `text` is a code, or names a class in a few words; by the city's own names, if it has any."""
    return is_code(text) or (_CATEGORY.fullmatch(text) is not None and not _tells_of_a_person(fold(text), rules))


def _tells_of_a_person(folded: str, rules: Rules) -> bool:
    known = names.rulebook(rules), third_persons.rulebook(rules)
    read = (folded, _ROLE + folded) if len(folded) >= _NEEDS_A_CUE else (folded,)
    named = (span for rules_of in known for words in read for span in rules_of.spans(words))
    written = _LONG_NUMBER.search(folded) or _DOOR_OR_PLATE.search(folded)
    return written is not None or next(named, None) is not None


@lru_cache(_REMEMBERED)
def is_media_type(text: str) -> bool:
    """Return whether `text` is an IANA media type, with a charset at most, and holds no number of a person."""
    return _MEDIA_TYPE.fullmatch(text) is not None and not _reaches_a_person(text)
