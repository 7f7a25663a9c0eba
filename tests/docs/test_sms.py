"""docs/how-to/channels/sms.md names every content type that the normalizer reads, and no other."""

import re

import pytest

from normalizers.base import Policy
from normalizers.pipeline import normalize
from normalizers.sms import _WIRES, DEFAULT_ALPHABETS
from normalizers.sms.web import PROVIDERS
from schemas.envelope import type_of
from schemas.errors import MalformedError, UnsupportedError
from tests.docs.pages import ROOT
from tests.normalizers.sms.raws import raw_of
from tests.rows import each_row

PAGE = (ROOT / "docs" / "how-to" / "channels" / "sms.md").read_text(encoding="utf-8")
TYPES = re.findall(r"^\| `(\w+/[^`]+)` \|", PAGE, re.MULTILINE)


def reason(content_type: str) -> str:
    """What becomes of a value that nobody can read."""
    try:
        normalize(raw_of(b"\x00", content_type), Policy())
    except (MalformedError, UnsupportedError) as error:
        return str(error)
    return ""


@each_row("content_type", TYPES)
def test_every_content_type_of_the_page_has_a_reader(content_type: str) -> None:
    assert "sms.md" not in reason(content_type)


@pytest.mark.parametrize("content_type", ["text/plain", "application/json; provider=nobody"])
def test_another_content_type_is_sent_to_the_page(content_type: str) -> None:
    assert "docs/how-to/channels/sms.md" in reason(content_type)


def test_the_page_names_every_reader() -> None:
    assert {one for one in TYPES if "provider" not in one} == set(_WIRES)
    assert {one.partition("provider=")[2] for one in TYPES if "provider" in one} == set(PROVIDERS)
    assert [name for name in DEFAULT_ALPHABETS if f"`{name}`" not in PAGE] == []
    assert f"`{type_of('raw')}`" in PAGE
