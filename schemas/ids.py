"""Ids: natural, deterministic, never from a clock or a random number."""

import base64
import hashlib
import re
import zlib
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from stdnum.iso7064 import mod_11_10

# Keyed digests: HMAC-SHA256 (RFC 2104) of many short texts under few keys.


def keyed_digest(key: bytes, data: bytes) -> bytes:
    """Return HMAC-SHA256, from the key's two states made once: half the time of `hmac.digest` on short data."""
    states = _states(key)
    inner, outer = states.inner.copy(), states.outer.copy()
    inner.update(data)
    outer.update(inner.digest())
    return outer.digest()


class _States(NamedTuple):
    """SHA-256 after the padded key, inside and outside (RFC 2104)."""

    inner: "hashlib._Hash"
    outer: "hashlib._Hash"


@lru_cache(maxsize=64)
def _states(key: bytes) -> _States:
    block = (key if len(key) <= _BLOCK else hashlib.sha256(key).digest()).ljust(_BLOCK, b"\0")
    inner, outer = (hashlib.sha256(bytes(byte ^ pad for byte in block)) for pad in (0x36, 0x5C))
    return _States(inner, outer)


_BLOCK = 64
"""Bytes that SHA-256 takes at once."""


SHANGHAI = ZoneInfo("Asia/Shanghai")

ADCODE = r"^[1-9][0-9]{5}$"
"""行政区划代码: what a city is named by."""

_PROVINCES = tuple(
    f"{region}{number}"
    for region, numbers in {
        1: "12345",
        2: "123",
        3: "1234567",
        4: "123456",
        5: "01234",
        6: "12345",
        7: "1",
        8: "12",
    }.items()
    for number in numbers
)
"""The first two digits of every 行政区划代码 (GB/T 2260)."""

TICKET_ID = r"([1-9][0-9]{5})-[a-z2-7]{20}"
"""A ticket's id; the group is its city."""

MESSAGE_ID = r"[a-z2-7]{26}"
"""A message's id, and that of its hand-over."""


def is_adcode(text: str) -> bool:
    """Say whether a text names a city."""
    return re.fullmatch(ADCODE, text) is not None


def is_in_china(code: str) -> bool:
    """Say whether a 行政区划代码, or its beginning, fits a province; one digit is that of a region (大区)."""
    return any(province.startswith(code[:2]) for province in _PROVINCES)


def b32(source: str, identifier: str) -> str:
    """Return the 52 lowercase base32 characters (RFC 4648, no padding) of SHA-256(source + LF + id)."""
    digest = hashlib.sha256(f"{source}\n{identifier}".encode()).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()


def message_id(source: str, identifier: str) -> str:
    """Return the 26 characters that name a message for ever; `source` is `ce_source`, `identifier` is `ce_id`."""
    digest = hashlib.sha256(f"{source}\n{identifier}".encode()).digest()
    return b32_text(digest, 26)  # as `b32`, without the letters nobody reads


LONGEST_ID = 256
"""Characters of what other systems call their messages: a longer name goes by its digest."""


def bounded(identifier: str) -> str:
    """Return another system's id, of one that is too long the digest."""
    if len(identifier) <= LONGEST_ID:
        return identifier
    return hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).hexdigest()


def traceparent(source: str, identifier: str) -> str:
    """Return the W3C trace context under which a message begins: its trace id is the message id in hexadecimal.

    The flag says "not sampled": whoever exports the first span sets it.
    """
    digest = hashlib.sha256(f"{source}\n{identifier}".encode()).digest()
    return f"00-{digest[:16].hex()}-{digest[16:24].hex()}-00"


def b32_text(data: bytes, characters: int) -> str:
    """Return the first lowercase base32 characters of `data`, an even number of them: twice as fast as `base64`."""
    number = int.from_bytes(data[: (characters * 5 + 7) // 8], "big") >> (-characters * 5) % 8
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(characters * 5 - 10, -1, -10)])


_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [first + second for first in _LETTERS for second in _LETTERS]


def ticket_id(jurisdiction: str, first_message_id: str) -> str:
    """Return `adcode-` + the first 20 characters of the first message's id: the Kafka key of the ticket."""
    return f"{jurisdiction}-{first_message_id[:20]}"


@lru_cache(1_024)
def date_of(at: datetime) -> date:
    """Return the day in Asia/Shanghai; all that is reckoned of one message asks for the same."""
    return at.astimezone(SHANGHAI).date()


def day_of(at: datetime) -> str:
    """Return the day in Asia/Shanghai, yyyymmdd."""
    there = date_of(at)
    return f"{there.year:04d}{there.month:02d}{there.day:02d}"  # a third of what strftime takes


def ticket_no(jurisdiction: str, received: datetime, sequence: int) -> str:
    """Return the printable 工单编号 `adcode-yyyymmdd-sequence-check`.

    The date is the first intake in Asia/Shanghai, the sequence has six digits (more when a day needs them), the check
    digit is ISO 7064 MOD 11,10 over all the digits before it.
    """
    day = day_of(received)
    number = f"{sequence:06d}"
    return f"{jurisdiction}-{day}-{number}-{_check_digit(jurisdiction + day, number)}"


@lru_cache(1_024)
def _begun(digits: str) -> int:
    """Return how far ISO 7064 MOD 11,10 has come behind these digits: those of a city's day are always the same."""
    return _gone_on(5, digits)


def _gone_on(check: int, digits: str) -> int:
    for digit in digits:
        check = ((check or 10) * 2 % 11 + int(digit)) % 10
    return check


def _check_digit(begun: str, digits: str) -> int:
    return (1 - (_gone_on(_begun(begun), digits) or 10) * 2 % 11) % 10


def valid_ticket_no(text: str) -> bool:
    """Say whether `text` is a ticket number whose check digit is right."""
    return text.count("-") == 3 and bool(mod_11_10.is_valid(text.replace("-", "")))


def query_code(key: bytes, ticket: str) -> str:
    """Return the citizen's 12-digit 查询码: HMAC-SHA256 of the ticket id, so it cannot be guessed from the number."""
    digest = keyed_digest(key, f"query_code\n{ticket}".encode())
    return f"{int.from_bytes(digest[:8], 'big') % 10**12:012d}"


def partition_of(jurisdiction: str, partitions: int) -> int:
    """Return the partition of a city: ``crc32(adcode) % partitions``, one number for all its topics."""
    return zlib.crc32(jurisdiction.encode()) % partitions


def source_of(channel: str, account: str) -> str:
    """Return `ce_source` of a raw message: ``/hotline/<channel>/<account>``."""
    return f"/hotline/{channel}/{account}"


def blob_path(jurisdiction: str, message: str, sha256: str) -> str:
    """Return the blob store path of one citizen's bytes: never shared between messages, so erasable."""
    return f"{jurisdiction}/{message}/{sha256}"
