"""Contacts (联系方式): telephone numbers, mail addresses and account ids, each in one spelling to compare."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from normalizers.parse import automated_senders
from normalizers.rules import DEFAULT_RULES, Rules, memoized
from normalizers.text.fold import nfkc, safe
from schemas.records import Party

MOST_CONTACTS = 5
"""A list of more contacts is one of other persons."""

_CONTACT = re.compile(
    r"(?<![\d*+])(?:\+?86[- ]?|0)?(1[3-9]\d{9})(?!\d)"
    r"|(?<![\w.+-])([\w.+-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,4})",
    re.ASCII | re.IGNORECASE,
)

_LIKE_A_CONTACT = re.compile("1[3-9][0-9]{9}|@")
"""Characters that every contact has, a quick check: `_CONTACT` is tried at each character."""

_FILLING = re.compile(r"[\s()\-.·/—–]+")
_EXTENSION = re.compile(r"(?:转|分机|#|,|;?ext\.?)\s*\d+$|(?<=\d{7})-\d{1,5}$")
_PHONE = re.compile(r"\+?\d{7,17}")
"""A shorter one is an extension, and there are as many 8001 as there are exchanges."""

_ABROAD = re.compile(r"(?:\+|00)(?!86)(\d{6,15})")
_MOBILE = re.compile(r"(?:(?:\+|00?)?86|0)?(1[3-9]\d{9})")
"""With a plus sign or 00, but without 86, it is a telephone of North America (+1 310 …)."""

_LANDLINE = re.compile(r"(?:(?:\+|00)86|86(?=0))?0?([1-9]\d{1,2}[2-9]\d{6,7})")
_REPEATED = re.compile(r"\+?(?:(?:\+|00)?86)?(?:(\d)\1*|0\d{2,3}([01])\2{5,})")
_HOTLINE = re.compile(
    r"(?:(?:\+|00)86)?(?:0\d{2,3})?(?:1[12]\d|12\d{3}|100\d{2}|9[56]\d{3,4}|[48]00\d{7})"
    r"|(?:\+|00)86[1-9]\d{1,2}(?:12345|9[56]\d{3,4})"
)
_PLATFORM = re.compile(r"106\d{7,14}")
"""Number of a platform that sends text messages for anybody, or of the hotline."""

_COUNTED = "012345678901"
"""Fillers typed into a required field."""

_NOWHERE = ("localhost", "localhost.localdomain", "invalid")


def contacts_in(text: str) -> tuple[Party, ...]:
    """Return the mobile numbers and mail addresses in a text: unproven claims of the requester's contact."""
    found = _CONTACT.findall(text) if _LIKE_A_CONTACT.search(text) is not None else []
    parties = [Party(kind="phone", value=phone) if phone else Party(kind="email", value=mail) for phone, mail in found]
    return tuple(parties) if len(parties) <= MOST_CONTACTS else ()


def identity_of(party: Party, rules: Rules = DEFAULT_RULES) -> str | None:
    """Return the normal form of a person's number, address or id; None if it identifies nobody."""
    spell = _SPELLINGS.get(party.kind)
    return spell(safe(party.value), rules) if spell is not None else None


def phone_number(text: str) -> str | None:
    """Return a number in E.164 (`+86…`, landlines with their area code), else its digits; None for no number.

    Not numbers that no person owns: a repeated digit, digits counted up, a hotline (12345, 110, 95…), an extension, a
    platform of text messages (106…). A mobile number with an extension is a platform's (隐私号), which many share:
    the extension distinguishes them.
    """
    if text.isascii() and (match := _MOBILE.fullmatch(text)):
        return f"+86{match[1]}"
    whole = nfkc(text).strip().lower().removeprefix("tel:")
    number = _FILLING.sub("", _EXTENSION.sub("", whole))
    if _PHONE.fullmatch(number) is None or is_nobodys(number):
        return None
    if _MOBILE.fullmatch(number) and (behind := _EXTENSION.search(whole)):
        return f"{_in_china(number)}-{re.sub('[^0-9]', '', behind[0])}"
    return _in_china(number) or _abroad(number) or number.removeprefix("+")


def is_nobodys(number: str) -> bool:
    """Return whether these digits reach an operator, or nobody: 12345, 95588, 000."""
    return number in _COUNTED or any(one.fullmatch(number) for one in (_REPEATED, _HOTLINE, _PLATFORM))


def _in_china(number: str) -> str | None:
    if match := _MOBILE.fullmatch(number):
        return f"+86{match[1]}"
    if number.startswith(("0", "86", "+86")) and (match := _LANDLINE.fullmatch(number)):
        return f"+86{match[1]}"
    return None


def _abroad(number: str) -> str | None:
    match = _ABROAD.fullmatch(number)
    return f"+{match[1]}" if match else None


@memoized(1024)
def _address(text: str, rules: Rules) -> str | None:
    address = nfkc(text).strip().strip("<>").lower()
    return address if "@" in address[1:-1] and not _is_unread(address, rules) else None


def _is_unread(address: str, rules: Rules) -> bool:
    """Return whether machines send from this address for anybody."""
    local, _, domain = address.rpartition("@")
    if domain in _NOWHERE or domain.endswith(".invalid"):
        return True
    known = automated_senders.rulebook(rules)
    return local in known.senders or known.no_reader.search(local) is not None


def _as_written(text: str, rules: Rules) -> str | None:
    value = text.strip()
    return value if value and automated_senders.rulebook(rules).no_id.fullmatch(value) is None else None


_SPELLINGS: Mapping[str, Callable[[str, Rules], str | None]] = MappingProxyType(
    {"phone": lambda text, _: phone_number(text), "email": _address, "openid": _as_written, "uid": _as_written}
)
