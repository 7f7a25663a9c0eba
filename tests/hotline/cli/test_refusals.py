"""What a tired person mistypes is refused in one sentence before anything is asked: it would find nothing."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hotline.admin.dead_letters.query import Filters
from hotline.cli.app import app
from hotline.cli.command import named
from hotline.cli.common import there
from hotline.cli.dead_view import of_a_stage
from schemas.errors import MisconfiguredError, UnreachableError
from tests.rows import each_row


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, env: pytest.MonkeyPatch) -> Path:
    return tmp_path


def hotline(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


TICKET = "210100-glnbpglsk57fqpllp7vi"
DAY, BEFORE = ("--since", "2026-11-24"), ("--until", "2026-11-24")


@each_row(
    ("verb", "says"),
    [
        (["search", *DAY, *BEFORE], "no time lies between"),
        (["search", *DAY, "--until", "2026-11-01"], "no time lies between"),
        (["export", "a.json", "--format", "open311-json", *DAY, *BEFORE], "no time lies between"),
        (["search", "--since", "20261124", *BEFORE], "no time lies between"),  # it was so many seconds since 1970
        (["search", "--since", "yesterday"], "a day or a time, such as 2026-11-28"),
        (["dead", "list", "--until", "2026/11/28"], "a day or a time, such as 2026-11-28"),
        (["rates", *DAY, *BEFORE], "no time lies between"),
        (["dead", "list", *DAY, *BEFORE], "no time lies between"),
        (["dead", "replay", *DAY, *BEFORE], "no time lies between"),
        (["dead", "list", "--jurisdiction", "2101"], "six digits"),
        (["dead", "list", "--jurisdiction", "990100"], "no province begins with 99"),
        (["search", "--jurisdiction", "990100"], "no province begins with 99"),
        (["search", "--cluster", "210100-20261128-000001-1"], "a ticket's id"),
        (["webhook", "log", "--ticket", "210100-20261128-000001-1"], "a ticket's number"),
        (["search", "210100-20261128-000001-2"], "check digit"),
        (["show", "210100-20261128-000001-2"], "check digit"),
        (["explain", "210100-20261128-000001-2"], "check digit"),
        (["command", "forget", "210100-20261128-000001-2"], "check digit"),
        (["command", "set_status", TICKET, "status=done", "--dry-run"], "status must be one of received,"),
        (["command", "set_staus", TICKET, "--dry-run"], "did you mean set_status?"),
        (["command", "set_status", TICKET, "status=not_accepted", "--dry-run"], "reason_code must be one of"),
        (["command", "supervise", TICKET, "level=high", "--dry-run"], "level must be one of"),
        (["command", "set_deadline", TICKET, "clock=resolved", "--dry-run"], "clock must be one of"),
        (["command", "reclassify", TICKET, "minor_role=child", "--dry-run"], "minor_role must be one of"),
        (["search", "路灯", "--restricted"], "give the reason with --reason"),
        (["show", TICKET, "--restricted"], "give the reason with --reason"),
        (["explain", TICKET, "--restricted"], "give the reason with --reason"),
        (["export", "a.json", "--format", "zammad", "--restricted"], "give the reason with --reason"),
        (["index", "rebuild", "ticket", "--month", "2026-11"], "Only the index message has months"),
        (["replay", "--from", "2999-01-01"], "in the future"),
    ],
)
def test_what_would_find_nothing_is_refused_before_anything_is_asked(verb: list[str], says: str) -> None:
    refused = hotline(*verb)
    assert refused.exit_code == 2
    assert says in " ".join(refused.stderr.replace("│", " ").split())


def test_a_stage_that_there_is_not_has_no_letters_for_that_reason() -> None:
    assert list(of_a_stage(iter(()), Filters(stage="normalize"))) == []
    assert list(of_a_stage(iter(()), Filters(stage="sink:webhook.gone"))) == []
    with pytest.raises(MisconfiguredError, match="There is no stage normalise: choose from connector, normalize"):
        list(of_a_stage(iter(()), Filters(stage="normalise")))


def test_times_are_shown_as_the_options_take_them() -> None:
    shown = there(datetime(2026, 11, 24, 18, 30, tzinfo=UTC))
    assert shown == "2026-11-25T02:30:00+08:00"
    asked = hotline("dead", "list", "--since", shown, "--until", "2026-11-25T02:30:00")
    assert "no time lies between" in " ".join(asked.stderr.replace("│", " ").split())


def test_check_says_which_file_it_read(folder: Path) -> None:
    assert "There is no hotline.toml in this folder" in hotline("check").stdout
    (folder / "mine.toml").write_text("")
    assert f"The settings of {folder / 'mine.toml'} and" in hotline("--settings", "mine.toml", "check").stdout


def test_a_command_that_kafka_leaves_unanswered_is_named_so_that_it_can_be_repeated() -> None:
    """Without its id it would be given twice: another `extend` is another extension."""
    with (
        pytest.raises(UnreachableError, match=r"^no answer\.\n.* give it again with --command-id cli:one"),
        named("cli:one"),
    ):
        raise UnreachableError("no answer")
