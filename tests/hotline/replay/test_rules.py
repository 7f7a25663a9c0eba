"""Other rules: what would change nothing is refused."""

from importlib import resources
from pathlib import Path

import pytest

from hotline.config.load import load
from hotline.config.settings import Settings
from hotline.doctor.checks import faults
from hotline.quality.replay import rules
from schemas.errors import MisconfiguredError


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ([], "has no rules"),
        (["nobodys.toml"], "nobodys.toml in .* is not used"),
        (["emergency.toml"], "--stage normalize"),
    ],
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
        told = [sentence for sentence in faults(load()) if sentence.startswith("near.toml in ")]
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
    sentence = f"{name}/city.toml in {tmp_path} is not used: name it {name}/{name}.toml."
    assert sentence in faults(load())


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("calendars/2026.tml", "name it calendars/2026.toml."),
        ("calendars/old/2026.toml", "name it calendars/2026.toml."),
        ("deadlines/liaoning.toml.txt", "name it deadlines/liaoning.toml."),
        ("calender/cn.toml", "name it calendars/cn.toml."),
        ("calender/2026.toml", "did you mean calendars/2026.toml?"),
        ("kind.tml", "did you mean kind.toml?"),
        ("Kind.toml", "did you mean kind.toml?"),
        ("kind.toml.txt", "did you mean kind.toml?"),
        ("normalizers/rules/kind.toml", "name it kind.toml."),
        ("heared.tsv", "did you mean heard.tsv?"),
        ("near/near.tml", "name it near/near.toml."),
        ("letters.xlsx", "there are acceptance.toml, acceptance_heard.tsv, answers, calendars,"),
    ],
)
def test_every_file_that_nobody_reads_is_named(tmp_path: Path, name: str, advice: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("")
    (sentence,) = rules.strangers(tmp_path)
    assert sentence.startswith(f"{name} in {tmp_path} is not used: {advice}")


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "README",
        ".git/config",
        "kind.toml~",
        "kind.toml.bak",
        "kind.toml.rpmsave",
        "目录.docx",
        "LICENSE",
        "._kind.toml",
        "category-1.npz",
    ],
)
def test_notes_copies_and_models_may_lie_beside(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("")
    assert list(rules.strangers(tmp_path)) == []


def test_every_file_of_ours_is_read(tmp_path: Path) -> None:
    for package in ("normalizers.rules", "tickets.policies"):
        ours = Path(str(resources.files(package)))
        for file in (*ours.rglob("*.toml"), *ours.rglob("*.tsv")):
            copy = tmp_path / file.relative_to(ours)
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(file.read_bytes())
    assert list(rules.strangers(tmp_path)) == []
    assert list(rules.idle_calendars(tmp_path)) == []


def test_sentences_alone_are_rules(tmp_path: Path) -> None:
    (tmp_path / "heard.tsv").write_text("expected\tclasses\ttext\n")
    with pytest.raises(MisconfiguredError, match=r"heard\.tsv is read .* --stage normalize"):
        rules.under(Settings(), tmp_path, normalizing=False)
    assert rules.under(Settings(), tmp_path, normalizing=True).rules.folder == tmp_path
