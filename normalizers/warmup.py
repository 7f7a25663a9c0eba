"""Examples: messages by which a stage reads and compiles all that one takes, so that no citizen's waits for it."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from schemas.records import RawMessage, raw_message

TEXT = "我是李雷，幸福路12号着火了，有人被困，请尽快来人。"
_AT = datetime(2026, 1, 1, tzinfo=UTC)


def _made(channel: str, channel_kind: str, content_type: str, value: str) -> RawMessage:
    return raw_message(
        channel=channel,
        channel_kind=channel_kind,
        account="example",
        jurisdiction="000000",
        identifier="example",
        value=value.encode(),
        content_type=content_type,
        time=_AT,
        recorded=_AT,
        sender="example",
    )


EXAMPLE: RawMessage = _made(
    "record",
    "letter",
    "application/json",
    f'{{"sender": {{"kind": "phone", "value": "13800000000", "name": "李雷"}}, "text": "{TEXT}"}}',
)
"""An emergency, at a place, by somebody with a name: it is asked all that messages are asked, and goes nowhere."""

_MAIL: RawMessage = _made(
    "mailbox",
    "mailbox",
    "message/rfc822",
    f"From: a@example.cn\nSubject: {TEXT}\nContent-Type: text/plain; charset=utf-8\n\n{TEXT}\n",
)
"""The same as a mail, in which quotations are looked for."""


def work_through(work: Callable[[RawMessage], object]) -> None:
    """Do with each what is done with messages; what fails at one fails at them as well, and is told of there."""
    for example in (EXAMPLE, _MAIL):
        with suppress(Exception):
            work(example)
