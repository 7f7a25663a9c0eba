"""Every shipped profile reads a request of its sender's documentation, and nothing of it is lost."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from hotline.trial import inputs, requests
from hotline.trial.raw import EPOCH, raw_of
from normalizers.base import Policy
from normalizers.mapped_webhook.profile import profiles
from normalizers.pipeline import normalize
from normalizers.rules import DEFAULT_RULES
from schemas.records import Message

REQUESTS = Path(__file__).parent / "requests"

NAMES = sorted(file.stem for file in REQUESTS.glob("*.http"))


def _messages(name: str) -> list[Message]:
    read = requests.expanded(inputs.read([REQUESTS / f"{name}.http"]), name, DEFAULT_RULES)
    return [normalize(raw_of(one, "210200", EPOCH.replace(year=2027)), Policy()).message for one in read]


def _shown(message: Message) -> dict[str, Any]:
    return {
        "channel_kind": message.channel_kind,
        "sender": message.sender.value if message.sender else None,
        "recipients": [party.value for party in message.recipients],
        "title": message.title,
        "text": message.text,
        "received_at": msgspec.to_builtins(message.received_at),
        "extra": message.extra,
    }


def test_every_shipped_profile_has_a_request() -> None:
    assert set(NAMES) == set(profiles(DEFAULT_RULES))


@pytest.mark.parametrize("name", NAMES)
def test_a_documented_request_gives_its_fields(name: str) -> None:
    expected = msgspec.json.decode((REQUESTS / f"{name}.json").read_bytes())
    shown = [_shown(message) for message in _messages(name)]
    assert [{key: got[key] for key in want} for got, want in zip(shown, expected, strict=True)] == expected
