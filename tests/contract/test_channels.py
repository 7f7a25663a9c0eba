"""A channel has one name in every table: whoever adds one and forgets a table learns it here."""

from pathlib import Path
from pkgutil import resolve_name
from typing import get_args

from connectors.registry import entries
from hotline.config.settings import ConnectorsSettings
from hotline.dev.scaffold import MARK
from normalizers.registry import NORMALIZERS
from schemas import enums, topics
from sinks.webhook.settings import Channel, Kind
from tests.rows import each_row

SECTIONS = dict(entries())
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "channels.md"


@each_row("section", SECTIONS)
def test_a_connected_channel_has_a_topic_a_normalizer_and_settings(section: str) -> None:
    assert SECTIONS[section].channel in topics.CHANNELS
    assert SECTIONS[section].channel in NORMALIZERS
    assert section in ConnectorsSettings.model_fields


@each_row("section", SECTIONS)
def test_a_section_leads_to_a_connector_of_its_channel(section: str) -> None:
    assert resolve_name(SECTIONS[section].connector).channel == SECTIONS[section].channel


@each_row("section", SECTIONS)
def test_every_account_may_name_its_city(section: str) -> None:
    assert "jurisdiction" in SECTIONS[section].settings.model_fields


@each_row("section", SECTIONS)
def test_the_page_of_channels_has_a_row_for_every_section(section: str) -> None:
    assert any(f"`{section}`" in line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("|"))


def test_the_settings_name_no_section_that_nothing_connects() -> None:
    assert ConnectorsSettings.model_fields.keys() == SECTIONS.keys()


def test_a_subscriber_may_choose_every_channel_and_kind() -> None:
    assert get_args(Channel) == topics.CHANNELS
    assert get_args(Kind) == tuple(enums.REQUEST_KINDS)


def test_a_channel_that_is_understood_has_a_topic() -> None:
    assert set(NORMALIZERS) <= set(topics.CHANNELS)


def test_nothing_of_a_skeleton_is_left_to_write() -> None:
    """`hotline new connector` leaves these places to whoever called it."""
    kinds = {".py", ".md", ".txt"}
    rooms = ("connectors", "normalizers", "tests", "docs")
    files = [path for room in rooms for path in sorted((ROOT / room).rglob("*")) if path.suffix in kinds]
    left = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        if f"{MARK}:" in line
    ]
    assert not left, "\n".join(left)
