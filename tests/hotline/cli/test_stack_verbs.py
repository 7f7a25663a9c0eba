import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner, Result

from hotline.cli.app import app
from hotline.dev.stack import server


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("HOTLINE_LOCAL__DATA_DIR", raising=False)
    return tmp_path


def hotline(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_existing_clusters_are_named_and_need_no_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_KAFKA__BOOTSTRAP_SERVERS", "broker:9092")
    monkeypatch.setenv("HOTLINE_ELASTICSEARCH__HOSTS", "https://a:9200,https://b:9200")
    shown = hotline("up").stdout
    assert "broker:9092" in shown
    assert "https://a:9200,https://b:9200" in shown


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_no_network_is_one_sentence_and_exit_code_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_LOCAL__MAVEN_MIRROR", "http://127.0.0.1:9")
    failed = hotline("up")
    assert failed.exit_code == 2
    assert "hotline: The jar repository" in failed.stderr
    assert "Traceback" not in failed.output
    assert "127.0.0.1" not in failed.output


def test_wipe_asks_first(folder: Path) -> None:
    kept = folder / ".hotline" / "kafka" / "data"
    kept.mkdir(parents=True)
    assert CliRunner().invoke(app, ["down", "--wipe"], input="n\n").exit_code == 1
    assert kept.exists()
    assert hotline("down", "--wipe", "--yes").exit_code == 0
    assert not kept.exists()


@pytest.fixture
def running(folder: Path) -> Iterator[int]:
    """A process with the mark by which the stack of `data` finds its Kafka."""
    mark = server.mark((folder / "data" / "kafka").resolve())
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", mark]) as process:
        yield process.pid
        process.kill()


def test_settings_that_cannot_work_are_told_of_and_keep_no_stack_running(folder: Path, running: int) -> None:
    told = '[local]\ndata_dir = "data"\n[kafka]\npartitions = 0\n[nothing]\nof = "ours"\n'
    (folder / "hotline.toml").write_text(told)
    stopped = hotline("down")
    assert (stopped.exit_code, psutil.pid_exists(running)) == (0, False)
    assert "`nothing` is not a setting" in stopped.stderr
    assert "`kafka.partitions` cannot be used" in stopped.stderr


@pytest.mark.parametrize("settings", ["[local]\ndata_dir = 1\n", "[local\n"], ids=["no folder", "no TOML"])
def test_a_stack_that_the_settings_do_not_name_is_not_looked_for(folder: Path, settings: str) -> None:
    (folder / "hotline.toml").write_text(settings)
    assert hotline("down").exit_code == 2
    assert not (folder / ".hotline").exists()


def test_nothing_is_wiped_by_settings_that_cannot_work(folder: Path) -> None:
    kept = folder / ".hotline" / "kafka" / "data"
    kept.mkdir(parents=True)
    (folder / "hotline.toml").write_text('[nothing]\nof = "ours"\n')
    assert hotline("down", "--wipe", "--yes").exit_code == 2
    assert kept.exists()
