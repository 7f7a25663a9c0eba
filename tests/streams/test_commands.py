"""Commands from outside: what names them is a code, since the event log keeps it for years."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas import topics
from schemas.codec import Outbound, encode
from schemas.records import Command
from streams import normalize
from tests.rows import each_row
from tests.streams.raws import NOON
from tests.streams.test_steps import kept

RECORDED = datetime.fromtimestamp(1_795_500_000, UTC)
"""When the broker took what `kept` gives back."""


def step(**fields: Any) -> Outbound:
    given = {"command_id": "c1", "jurisdiction": "210100", "kind": "read", "author": "clerk-7", "at": NOON, **fields}
    value = encode(Command(**given))
    return normalize.command_step(kept(Outbound(topics.COMMAND, None, value, []))).outbound


@each_row("author", ["clerk", "clerk-7", "crm:A00074795", "back_office/3"])
def test_accounts_and_ids_are_codes(author: str) -> None:
    assert step(author=author, command_id=author).topic == topics.MESSAGE


def test_a_command_from_the_future_is_no_log_time() -> None:
    assert step(at=RECORDED + timedelta(minutes=9)).topic == topics.MESSAGE
    assert step(at=RECORDED + timedelta(minutes=11)).topic == topics.DEAD


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+08:00", "1970-01-01T00:00:00Z", "1999-12-31T23:59:59Z"])
def test_what_a_program_writes_for_no_time_is_no_log_time(at: str) -> None:
    assert step(at=datetime.fromisoformat(at)).topic == topics.DEAD
    assert step(at=datetime(2000, 1, 1, tzinfo=UTC)).topic == topics.MESSAGE


@each_row("name", ["command_id", "author", "jurisdiction"])
@each_row(
    "words",
    ["", "李小龙", "李小龙 13812345678", "13812345678", "tel:13812345678", "110105194912310021", "a b", "a" * 65],
)
def test_words_and_numbers_of_persons_are_refused_and_not_repeated(name: str, words: str) -> None:
    dead = step(**{name: words})
    reasons = b"\n".join(value for header, value in dead.headers if header.startswith(("__connect", "hotline.")))
    assert dead.topic == topics.DEAD
    assert b"malformed" in reasons
    assert name.encode() in reasons
    assert not words or words == "a b" or words.encode() not in reasons
