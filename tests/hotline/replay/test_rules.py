"""Other rules: what would change nothing is refused, what changes a value changes that value alone."""

from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from hotline.replay import rules
from normalizers import rules as own
from schemas.errors import MisconfiguredError
from tickets.policy import TicketPolicy


@pytest.mark.parametrize(
    ("names", "says"),
    [([], "has no rules"), (["nobodys"], "Nobody reads nobodys"), (["emergency"], "--stage normalize")],
)
def test_rules_that_would_change_nothing_are_refused(tmp_path: Path, names: list[str], says: str) -> None:
    for name in names:
        (tmp_path / f"{name}.toml").write_text("nonsense = 1\n")
    with pytest.raises(MisconfiguredError, match=says):
        rules.use(tmp_path, normalizing=False)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MisconfiguredError, match="no folder"):
        rules.use(tmp_path / "none", normalizing=True)


def test_rules_that_were_read_are_not_replaced(tmp_path: Path) -> None:
    own.load("emergency")
    with pytest.raises(RuntimeError, match="were read before"):
        own.use(tmp_path)


def test_a_policy_changes_the_values_that_it_names(tmp_path: Path) -> None:
    base = TicketPolicy(query_key=b"\x00\xff" * 20)
    assert rules.policy(None, base) is rules.policy(tmp_path, base) is base
    (tmp_path / "policy.toml").write_text('version = "trial"\nevict_after = "P30D"\n')
    rules.use(tmp_path, normalizing=False)
    assert rules.policy(tmp_path, base) == replace(base, version="trial", evict_after=timedelta(days=30))


@pytest.mark.parametrize(
    ("text", "says"),
    [("nonsense = 1", "has no nonsense"), ("evict_after = 1.5.", "no TOML"), ("max_proposals = 'x'", "int")],
)
def test_a_policy_that_is_none_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "policy.toml").write_text(text)
    with pytest.raises(MisconfiguredError, match=says):
        rules.policy(tmp_path, TicketPolicy())
