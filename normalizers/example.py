"""Examples: messages by which a stage reads and compiles all that one takes, so that no citizen's waits for it."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from schemas.records import RawMessage, raw_message

_TEXT = "我是李雷，幸福路12号着火了，有人被困，请尽快来人。"
_AT = datetime(2026, 1, 1, tzinfo=UTC)

EXAMPLE: RawMessage = raw_message(
    channel="record",
    channel_kind="letter",
    account="example",
    jurisdiction="000000",
    identifier="example",
    value=f'{{"sender": {{"kind": "phone", "value": "13800000000", "name": "李雷"}}, "text": "{_TEXT}"}}'.encode(),
    content_type="application/json",
    time=_AT,
    recorded=_AT,
    sender="example",
)
"""An emergency, at a place, by somebody with a name: it is asked all that messages are asked, and goes nowhere."""


_MAIL: RawMessage = raw_message(
    channel="mailbox",
    channel_kind="mailbox",
    account="example",
    jurisdiction="000000",
    identifier="example",
    value=f"From: a@example.cn\nSubject: {_TEXT}\nContent-Type: text/plain; charset=utf-8\n\n{_TEXT}\n".encode(),
    content_type="message/rfc822",
    time=_AT,
    recorded=_AT,
    sender="example",
)
"""The same as a mail, in which quotations are looked for."""


def work_through(work: Callable[[RawMessage], object]) -> None:
    """Do with each what is done with messages; what fails at one fails at them as well, and is told of there."""
    for example in (EXAMPLE, _MAIL):
        with suppress(Exception):
            work(example)
