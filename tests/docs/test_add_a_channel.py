"""docs/how-to/add-a-channel.md: its two files work as they stand there, and what else it names exists."""

import re
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import msgspec
import pytest

from connectors.base import Request
from connectors.signed import sign
from connectors.table import Entry
from normalizers import Policy
from schemas.errors import MalformedError, RefusedRequest
from tests.connectors.phone.posts import NOW, SECRET
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "how-to" / "add-a-channel.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"```python\n# ([\w/]+)\.py\n(.*?)```", PAGE, re.DOTALL))
ENTRIES = re.findall(r'^"kiosk": (.*),$', PAGE, re.MULTILINE)
BODY = '{"text": "幸福路12号的井盖坏了", "phone": "13912345678", "terminal": "hall-3", "count": 17}'.encode()


@pytest.fixture
def made() -> Iterator[dict[str, Any]]:
    """Return what the two files define, as if they lay in their rooms."""
    names: dict[str, Any] = {"Entry": Entry}
    modules = {path.replace("/", "."): source for path, source in FILES.items()}
    for name, source in modules.items():
        sys.modules[name] = module = ModuleType(name)
        exec(compile(source, name, "exec"), module.__dict__)
        names |= vars(module) | {name.rpartition(".")[2]: module}
    yield names
    for name in modules:
        del sys.modules[name]


def request(body: bytes = BODY, secret: str = SECRET, method: str = "POST") -> Request:
    timestamp = str(int(NOW.timestamp()))
    headers = {"hotline-timestamp": timestamp, "hotline-signature": sign(secret.encode(), timestamp, body)}
    return Request(method=method, path="/kiosk", query={}, headers=headers, body=body)


def kiosk(made: dict[str, Any]) -> Any:
    entry = eval(ENTRIES[0], made)
    settings = entry.settings(secrets=[SECRET], jurisdiction="210100")
    return entry.load()(settings, "hall", now=lambda: NOW)


def test_the_page_has_two_files_and_two_lines() -> None:
    assert list(FILES) == ["connectors/kiosk", "normalizers/kiosk"]
    assert len(ENTRIES) == 2


def test_what_a_terminal_signs_becomes_a_draft(made: dict[str, Any]) -> None:
    connector = kiosk(made)
    (raw,) = connector.accept(request()).messages
    (again,) = connector.accept(request()).messages
    assert (raw.value, raw.channel, raw.jurisdiction) == (BODY, "kiosk", "210100")
    assert raw.message_id == again.message_id
    normalize = eval(ENTRIES[1], made)
    draft = normalize(raw, Policy())
    assert (draft.text, draft.sender.value) == ("幸福路12号的井盖坏了", "13912345678")
    assert draft.extra == {"terminal": "hall-3", "count": "17"}
    with pytest.raises(MalformedError):
        normalize(msgspec.structs.replace(raw, value=b"no JSON"), Policy())


@pytest.mark.parametrize("forged", [request(secret="s" * 32), request(method="GET")])
def test_what_a_stranger_sends_is_refused(made: dict[str, Any], forged: Request) -> None:
    with pytest.raises(RefusedRequest):
        kiosk(made).accept(forged)
