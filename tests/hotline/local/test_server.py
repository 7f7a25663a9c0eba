"""The folder of a local server: Kafka and Elasticsearch write what citizens wrote so that everybody may read it."""

import stat
from pathlib import Path

import pytest

from hotline.dev.stack.elastic import Elasticsearch
from hotline.dev.stack.jvm import Jvm
from hotline.dev.stack.server import make_own
from hotline.dev.stack.stack import Stack


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_closed_where_an_older_version_left_it_open(tmp_path: Path) -> None:
    for one in ("old", "new"):
        (tmp_path / one).mkdir(mode=0o755)
    (tmp_path / "old" / "kafka").mkdir(mode=0o755)
    for one in ("old", "new"):
        make_own(tmp_path / one / "kafka")
        assert (mode(tmp_path / one), mode(tmp_path / one / "kafka")) == (0o755, 0o700)


@pytest.mark.integration
def test_nobody_else_may_look_into_either_servers(local_stack: Stack) -> None:
    assert {mode(local_stack.data_dir / name) for name in ("kafka", "elasticsearch")} == {0o700}


@pytest.mark.integration
def test_a_nodes_folder_may_add_flags(local_stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "elasticsearch").mkdir()
    node = Elasticsearch(tmp_path, (1, 2))
    before = node.jvm.flags
    (tmp_path / "elasticsearch" / "jvm.options").write_text("-Xmx1g\n-XX:TieredStopAtLevel=1\n")
    assert set(node.jvm.flags) - set(before) == {"-Xmx1g", "-XX:TieredStopAtLevel=1"}


def test_a_tool_uses_the_archive_of_its_server_and_records_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it loads is a small part: an archive of that would make no start of the server quicker."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    jvm = Jvm((), "a.jar", tmp_path)
    assert jvm.kept() == ()
    assert "-XX:AOTMode=record" in jvm.quick()
    jvm.archive.parent.mkdir()
    jvm.archive.touch()
    assert jvm.kept() == jvm.quick()
    assert f"-XX:AOTCache={jvm.archive}" in jvm.kept()
