"""Other rules: what would change nothing is refused."""

from importlib import resources
from pathlib import Path

import pytest

from hotline.checks import faults
from hotline.config import load
from hotline.replay import rules
from hotline.settings import Settings
from schemas.errors import MisconfiguredError


@pytest.mark.parametrize(
    ("names", "says"),
    [([], "has no rules"), (["nobodys.toml"], "Nobody reads nobodys.toml"), (["emergency.toml"], "--stage normalize")],
)
def test_rules_that_would_change_nothing_are_refused(tmp_path: Path, names: list[str], says: str) -> None:
    for name in names:
        (tmp_path / name).write_text("nonsense = 1\n")
    with pytest.raises(MisconfiguredError, match=says):
        rules.under(Settings(), tmp_path, normalizing=False)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MisconfiguredError, match="no folder"):
        rules.under(Settings(), tmp_path / "none", normalizing=True)


def test_a_folder_stands_in_the_place_of_the_citys_own(tmp_path: Path) -> None:
    (tmp_path / "deadlines").mkdir()
    (tmp_path / "deadlines" / "mine.toml").write_text("")
    settings = Settings()
    assert rules.under(settings, None, normalizing=False) is settings
    assert rules.under(settings, tmp_path, normalizing=False).rules.folder == tmp_path
    assert settings.rules.folder is None


def test_check_names_a_file_that_stands_where_nobody_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOTLINE_RULES__FOLDER", str(tmp_path))
    ours = Path(str(resources.files("tickets.policies"))) / "near" / "near.toml"
    for place, is_read in (("near.toml", False), ("near/near.toml", True)):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_bytes(ours.read_bytes())
        told = [sentence for sentence in faults(load()) if "Nobody reads near.toml" in sentence]
        assert (told == []) is is_read
        (tmp_path / place).unlink()


@pytest.mark.parametrize("name", ["answers", "near"])
def test_check_names_a_misspelt_file_in_a_folder_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOTLINE_RULES__FOLDER", str(tmp_path))
    (tmp_path / name).mkdir()
    (tmp_path / name / "city.toml").write_text("")
    sentence = f"Nobody reads {name}/city.toml in {tmp_path}: name it {name}/{name}.toml."
    assert sentence in faults(load())
