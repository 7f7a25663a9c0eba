"""A value in the place of any word of any golden case stands in clear in nothing that has to hide it.

Files, forms, callbacks: each of their fields is tried in turn, as are fields that nobody knows. What a channel counts
(the revision of a call) is a number whatever it looks like, and stays.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from normalizers.base import Policy
from normalizers.pipeline import normalize
from schemas import topics
from schemas.codec import Position, encode
from schemas.errors import RecordError
from schemas.records import raw_message
from tests.normalizers.phone.test_cases import TYPES
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.state.state import State

AT = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
CASES = sorted(
    source
    for source in (Path(__file__).parents[1] / "normalizers/cases").glob("*/*/raw.*")
    if source.parts[-3] not in {"mailbox", "sms"}  # mails and hexadecimal digits: no fields to plant into
)
VALUES = (
    "13764520918",
    "jixiaoxi.1987@mail.example",
    "210102198503123322",
    "辽A3M2K7",
    "wxid_8k2l1m9n0p",
    "6217003810026896707",
)
HIDDEN_FROM = {topics.EVENT, topics.LINK, topics.TICKET_MASKED}
COUNTED = "revision"
_ELEMENT = re.compile(r"<(\w+)>(?:<!\[CDATA\[)?([^<\]]*)(?:\]\]>)?</\1>")


def planted(source: Path, value: str) -> Iterator[bytes]:
    """Yield the case with the value in the place of each of its words."""
    data = source.read_bytes()
    if source.suffix in {".json", ".kamailio"}:
        whole = json.loads(data)
        yield from (json.dumps(put(value)).encode() for put in _leaves(whole))
        yield json.dumps({**whole, "unheard_of": value, value: "x"}).encode()
    elif source.suffix == ".xml":
        text = data.decode(errors="replace")
        for found in _ELEMENT.finditer(text):
            yield f"{text[: found.start(2)]}{value}{text[found.end(2) :]}".encode()
    elif source.suffix == ".form":
        pairs = parse_qsl(data.decode(errors="replace"), keep_blank_values=True)
        for number, (name, _) in enumerate(pairs):
            yield urlencode([*pairs[:number], (name, value), *pairs[number + 1 :]]).encode()
        yield urlencode([*pairs, ("unheard_of", value), (value, "x"), (f"attribute[{value}]", value)]).encode()


def _leaves(whole: Any, at: tuple[Any, ...] = ()) -> Iterator[Any]:
    """Yield what puts a value in the place of each word and number of a JSON text."""
    inner = whole.items() if isinstance(whole, dict) else enumerate(whole) if isinstance(whole, list) else ()
    for name, value in inner:
        if isinstance(value, dict | list):
            yield from (partial(_with, whole, name, put) for put in _leaves(value))
        elif name != COUNTED:
            yield partial(_with, whole, name, lambda value: value)


def _with(whole: Any, name: Any, put: Any, value: str) -> Any:
    made = dict(whole) if isinstance(whole, dict) else list(whole)
    made[name] = put(value)
    return made


def outputs(channel: str, value: bytes, content_type: str) -> str:
    """Return all that is written of a raw record where nobody may be named."""
    raw = raw_message(
        channel=channel,
        channel_kind=channel,
        account="city",
        jurisdiction="210100",
        identifier=hashlib.sha256(value).hexdigest(),
        value=value,
        content_type=content_type,
        time=AT,
        recorded=AT,
    )
    try:
        message = normalize(raw, Policy()).message
    except RecordError as error:
        return str(error)
    desk = Desk(State(TicketPolicy()))
    desk.take(message, Position(topics.MESSAGE, 0, 1))
    written = [one for one in desk.flush() if one.topic in HIDDEN_FROM]
    told = [one.value or b"" for one in written] + [text for one in written for _, text in one.headers]
    return b"\n".join([encode(message.features), *told]).decode()


@pytest.mark.parametrize("source", CASES, ids=lambda source: f"{source.parts[-3]}-{source.parts[-2]}")
def test_a_planted_value_is_hidden_wherever_it_stands(source: Path) -> None:
    content_type = TYPES.get(source.suffix, "application/octet-stream")
    for secret in VALUES:
        for value in (secret, f"请找{secret}谢谢"):
            for data in planted(source, value):
                assert secret not in outputs(source.parts[-3], data, content_type), data
