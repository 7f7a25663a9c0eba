"""The version that runs: in the metric, in /readyz, in status and in --version."""

import subprocess
from importlib.metadata import version
from pathlib import Path

from prometheus_client import REGISTRY
from typer.testing import CliRunner

from hotline.cli.app import app
from hotline.runtime.health import ProcessHealth
from hotline.version import Build, build, revision_of


def test_metric_and_report_say_the_installed_version() -> None:
    told = ProcessHealth([]).report()
    assert (told["version"], told["revision"]) == (version("hotline"), build().revision)
    labels = {"version": version("hotline"), "revision": build().revision}
    assert REGISTRY.get_sample_value("hotline_build_info", labels) == 1
    assert f"hotline {build()}" in CliRunner().invoke(app, ["--version"]).output


def test_the_commit_of_a_checkout_is_read_in_each_form_that_git_has(tmp_path: Path) -> None:
    assert revision_of(tmp_path) == ""
    assert str(Build("1.2.0", "")) == "1.2.0"

    def git(*words: str) -> str:
        own = ("-c", "user.name=a", "-c", "user.email=a@example.cn")
        return subprocess.run(["git", *own, *words], cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    git("init", "--quiet", "--initial-branch", "trunk")
    assert revision_of(tmp_path) == "", "no commit yet"
    git("commit", "--quiet", "--allow-empty", "-m", "one")
    git("worktree", "add", "--quiet", "-b", "side/branch", "beside")
    commit = git("rev-parse", "HEAD").strip()
    assert [revision_of(one) for one in (tmp_path, tmp_path / "beside")] == [commit] * 2
    git("pack-refs", "--all")
    assert [revision_of(one) for one in (tmp_path, tmp_path / "beside")] == [commit] * 2
    git("checkout", "--quiet", "--detach")
    assert revision_of(tmp_path) == commit
