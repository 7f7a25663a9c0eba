"""`hotline schema check` and `release` say what is wrong, and freeze only what keeps every promise."""

from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner, Result

from hotline.cli.app import app
from schemas.contract import releases
from schemas.contract.compatibility import Shape
from tests.schemas.shapes import NEXT, Schemas, add, fields, later, text

NOW = releases.current()
LAST = releases.released()[-1].shape
"""What the code says now is this, or what the next release will be."""


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["schema", *words])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where versions are frozen in this test."""
    monkeypatch.setattr(releases, "cut", partial(releases.cut, folder=tmp_path))
    return tmp_path


def say(monkeypatch: pytest.MonkeyPatch, shape: Shape) -> None:
    """Let the code say this shape."""
    monkeypatch.setattr(releases, "current", lambda: replace(NOW, shape=shape))


def drop_the_title(schemas: Schemas) -> None:
    del fields(schemas)["title"]


def test_check_is_content_with_what_is_checked_in() -> None:
    checked = run("check")
    assert checked.exit_code == 0
    assert "every released reader stays compatible" in checked.stdout


def test_check_fails_on_a_forbidden_change(monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, later(drop_the_title))
    checked = run("check")
    assert checked.exit_code == 1
    assert "it is gone: a field stays, and a renamed one is another field (rule 2)" in checked.stdout


def test_check_fails_on_a_new_shape_under_a_released_version(monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, later(add("mood", text()), LAST.version))
    checked = run("check")
    assert checked.exit_code == 1
    major, minor, _ = LAST.version.split(".")
    assert f"call them {major}.{int(minor) + 1}.0 in schemas/envelope.py" in checked.stdout


def test_a_released_version_is_not_released_again(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, LAST)
    released = run("release")
    assert released.exit_code == 2
    assert "raise VERSION in schemas/envelope.py first" in released.stderr
    assert list(place.iterdir()) == []


def test_a_broken_shape_is_not_released(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, later(drop_the_title))
    released = run("release")
    assert released.exit_code == 2
    assert "it is gone" in released.stderr
    assert released.stderr.endswith("Nothing was released.\n")
    assert list(place.iterdir()) == []


def test_a_shape_that_grew_is_released(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, later(add("mood", text())))
    released = run("release")
    assert released.exit_code == 0
    assert f"Released {NEXT} into {place / NEXT}" in released.stdout
    assert [release.shape for release in releases.released(place)] == [later(add("mood", text()))]
