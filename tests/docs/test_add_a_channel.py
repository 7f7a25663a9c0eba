"""docs/how-to/add-a-channel.md: its files work as they stand there, and what else it names exists."""

import re
import sys
from collections.abc import Iterator
from pkgutil import resolve_name
from types import ModuleType
from typing import Any

import msgspec
import pytest

from connectors.registry import Entry
from normalizers.base import Policy
from schemas.errors import MalformedError, RefusedRequest
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "how-to" / "add-a-channel.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"```python\n# ([\w/]+)\.py\n(.*?)```", PAGE, re.DOTALL))
ENTRIES = re.findall(r'^"kiosk": (.*),$', PAGE, re.MULTILINE)
CONNECTOR, NORMALIZER, POSTS = "connectors/kiosk", "normalizers/kiosk", "tests/connectors/kiosk/posts"


@pytest.fixture
def made() -> Iterator[dict[str, Any]]:
    """Return the modules, as if they lay in their rooms."""
    modules = {path: ModuleType(path.replace("/", ".")) for path in FILES}
    for path, module in modules.items():
        sys.modules[module.__name__] = module
        exec(compile(FILES[path], path, "exec"), module.__dict__)
    yield modules
    for module in modules.values():
        del sys.modules[module.__name__]


def test_the_page_has_three_files_and_two_lines() -> None:
    assert list(FILES) == [CONNECTOR, NORMALIZER, POSTS]
    assert len(ENTRIES) == 2


def test_the_lines_lead_to_the_files(made: dict[str, Any]) -> None:
    entry = eval(ENTRIES[0], {"Entry": Entry, "KioskSettings": made[CONNECTOR].KioskSettings})
    assert resolve_name(entry.connector) is made[CONNECTOR].Kiosk
    assert eval(ENTRIES[1], {"kiosk": made[NORMALIZER]}) is made[NORMALIZER].normalize


def test_what_a_terminal_signs_becomes_a_draft(made: dict[str, Any]) -> None:
    posts, normalize = made[POSTS], made[NORMALIZER].normalize
    (raw,) = posts.account().accept(posts.healthy()).messages
    (again,) = posts.account().accept(posts.healthy()).messages
    assert (raw.value, raw.channel, raw.jurisdiction) == (posts.BODY, "kiosk", "210100")
    assert raw.message_id == again.message_id
    draft = normalize(raw, Policy())
    assert (draft.text, draft.sender.value) == ("幸福路12号的井盖坏了", "13912345678")
    assert draft.extra == {"count": "hall-3/417", "odd": "kept"}
    with pytest.raises(MalformedError):
        normalize(msgspec.structs.replace(raw, value=b"no JSON"), Policy())


def test_nobody_finds_who_typed_by_trying_which_telephone_gives_the_name(made: dict[str, Any]) -> None:
    posts, kiosk = made[POSTS], made[CONNECTOR]
    settings = {"secrets": [posts.SECRET], "jurisdiction": "210100"}
    keys = [None, "n" * 16, "m" * 16]
    accounts = [kiosk.Kiosk(kiosk.KioskSettings(**settings, naming_key=key), "a", lambda: posts.NOW) for key in keys]
    assert len({account.accept(posts.healthy()).messages[0].message_id for account in accounts}) == 3


def test_what_a_stranger_sends_is_refused(made: dict[str, Any]) -> None:
    posts = made[POSTS]
    assert len(posts.FORGED) == 3
    for forged in posts.FORGED.values():
        with pytest.raises(RefusedRequest):
            posts.account().accept(forged())
