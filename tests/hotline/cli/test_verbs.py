"""The verbs that need no server: exit codes, one sentence for a fault, JSON for pipes."""

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from hotline.cli import trial_view
from hotline.cli.app import app
from hotline.trial.run import run
from schemas import ids
from schemas.records import Message
from tests.hotline.signing import SIGNING
from tests.rows import each_row


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, env: pytest.MonkeyPatch) -> Path:
    return tmp_path


def hotline(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def lines(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def record(identifier: str, text: str, **more: object) -> str:
    said = {"id": identifier, "text": text, "sender": "13800000000", "received_at": "2026-01-02T10:00:00+08:00"}
    return json.dumps(said | more, ensure_ascii=False)


def write(*records: str) -> None:
    Path("a.jsonl").write_text("\n".join(records), encoding="utf-8")


def test_the_version() -> None:
    assert hotline("--version").stdout.startswith("hotline 0.")


VERBS = (
    "up,down,status,run,check,doctor,topics,index,index rebuild,try,search,show,explain,dead list,dead show,"
    "dead replay,replay,schema check,export,rates,deadlines overdue,deadlines recompute,webhook list,webhook log,"
    "webhook test"
)


@each_row("verb", VERBS.split(","))
def test_every_verb_explains_itself(verb: str) -> None:
    shown = hotline(*verb.split(), "--help")
    assert shown.exit_code == 0
    assert "Usage" in shown.stdout


def test_settings_in_order_and_not() -> None:
    assert hotline("check").exit_code == 0
    Path("hotline.toml").write_text("[kafak]\n")
    checked = hotline("check")
    assert checked.exit_code == 2
    assert "did you mean `kafka`?" in checked.stdout
    assert json.loads(hotline("check", "--json").stdout)["ok"] is False


@each_row("verb", [["search", "停水"], ["topics", "create"], ["dead", "list"], ["explain", "x"]])
def test_a_fault_is_one_sentence_and_exit_code_2(verb: list[str]) -> None:
    failed = hotline(*verb)
    assert failed.exit_code == 2
    assert "run `hotline up`" in failed.stderr.splitlines()[-1]
    assert "Traceback" not in failed.output


def test_a_traceback_only_for_those_who_ask() -> None:
    script = "from hotline.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, "--debug", "topics", "create"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_doctor_tells_every_fault_and_exits_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_TELEMETRY__PORT", "0")
    examined = hotline("doctor", "--json")
    found = {line["name"]: line["outcome"] for line in map(json.loads, examined.stdout.splitlines())}
    assert examined.exit_code == 2
    assert found["Kafka"] == found["Elasticsearch"] == "mend"
    assert found["settings"] == found["blob store"] == found["clock"] == "ok"


def test_try_gives_one_line_for_each_input_in_order() -> None:
    write(record("1", "小区停水三天了"), "", "no json", record("2", "路灯坏了"))
    found = lines(hotline("try", "a.jsonl", "--stage", "message"))
    assert [line["input"] for line in found] == ["a.jsonl:1", "a.jsonl:3", "a.jsonl:4"]
    assert [line["dead"] and line["dead"]["code"] for line in found] == [None, "malformed", None]
    assert all(set(line) == {"input", "message", "dead"} for line in found)
    assert found[0]["message"]["text"] == "小区停水三天了"


def test_try_says_the_same_every_time() -> None:
    write(record("1", "小区停水三天了"))
    first = hotline("try", "a.jsonl").stdout
    os.utime("a.jsonl", (1, 1))
    assert hotline("try", "a.jsonl", "--stage", "ticket").stdout == first


def test_try_takes_the_present_for_a_message_without_a_time() -> None:
    write(json.dumps({"id": "2", "text": "没有时间"}))
    (line,) = lines(hotline("try", "a.jsonl"))
    days = (datetime.now(ids.SHANGHAI) - timedelta(days=back) for back in (0, 1))  # midnight may pass
    assert line["ticket"]["ticket_no"].split("-")[1] in {f"{day:%Y%m%d}" for day in days}


def test_try_shows_tickets_as_they_stand_after_all_inputs() -> None:
    write(record("1", "小区停水三天了"), record("2", "小区停水三天了"), record("1", "小区停水三天了"), "no json")
    first, second, repeat, dead = lines(hotline("try", "a.jsonl", "--stage", "ticket"))
    assert set(first) == {"input", "message", "dead", "ticket", "masked", "relation", "link"}
    assert [one["relation"] for one in (first, second, repeat, dead)] == ["new", "same_person_same_matter", None, None]
    assert first["ticket"] == second["ticket"] == repeat["ticket"]
    assert first["ticket"]["message_count"] == 2
    assert repeat["link"] == first["link"]
    assert dead["ticket"] is dead["link"] is None


def test_try_stamps_the_city() -> None:
    write(record("1", "停水"), record("2", "停水", jurisdiction="310000"))
    found = lines(hotline("try", "a.jsonl", "--jurisdiction", "210100"))
    assert [line["message"]["jurisdiction"] for line in found] == ["210100", "310000"]


LIMITS = """
id = "liaoning"
name = "辽宁"
version = "1"
adcodes = ["21"]

[[rules]]
id = "liaoning.resolve"
clock = "resolve"
amount = 2
unit = "natural_days"
legal_basis = "-"
"""


def test_try_decides_as_the_settings_city_does(folder: Path) -> None:
    (folder / "rules/deadlines").mkdir(parents=True)
    (folder / "rules/deadlines/liaoning.toml").write_text(LIMITS, "utf-8")
    Path("hotline.toml").write_text('jurisdiction = "210100"\n[rules]\nfolder = "rules"\n')
    write(record("1", "小区停水三天了"))
    (found,) = lines(hotline("try", "a.jsonl", "--stage", "ticket"))
    assert found["ticket"]["jurisdiction"] == "210100"
    assert [one["policy_id"] for one in found["ticket"]["deadlines"]] == ["liaoning.resolve"]
    (folder / "rules/deadlines/liaoning.toml").rename(folder / "rules/deadlines/liaoning.tml")
    for verb in (["try", "a.jsonl"], ["evaluate", "kind", "a.jsonl"]):
        refused = hotline(*verb)
        assert refused.exit_code == 2
        assert "deadlines/liaoning.tml in rules is not used" in refused.stderr


@pytest.mark.parametrize("time", ["2019/2/14 20:00:00", "1550145600", "1550145600000"])
def test_try_takes_a_message_at_the_time_that_its_normalizer_reads(time: str) -> None:
    write(record("1", "路灯坏了", received_at=time))
    (found,) = lines(hotline("try", "a.jsonl", "--stage", "ticket"))
    assert found["message"]["ingested_at"] == found["message"]["received_at"] == "2019-02-14T12:00:00Z"
    assert found["ticket"]["ticket_no"].startswith("110000-20190214-")


def test_try_reads_attachments_beside_the_list() -> None:
    Path("p.txt").write_bytes(b"hello")
    write(record("1", "见附件", attachments=[{"name": "p.txt", "path": "p.txt"}]))
    (attachment,) = lines(hotline("try", "a.jsonl"))[0]["message"]["attachments"]
    assert (attachment["name"], attachment["size"]) == ("p.txt", 5)


def test_try_of_nothing_there_exits_2() -> None:
    assert hotline("try", "nowhere.eml").exit_code == 2
    assert hotline("try", ".", "--channel", "pigeon").exit_code == 2
    assert hotline("try", ".", "--jurisdiction", "12").exit_code == 2


def test_try_survives_every_byte(tmp_path: Path) -> None:
    for number, data in enumerate([b"", b"\x00", bytes(range(256)), b"<" * 9999, b"[" * 99999, b'{"id":"\\ud800"}']):
        for suffix in ("eml", "xml", "jsonl"):
            (tmp_path / f"{number}.{suffix}").write_bytes(data)
    found = lines(hotline("try", ".", "--stage", "ticket"))
    assert len(found) >= 15
    assert all((line["message"] is None) != (line["dead"] is None) for line in found)


def test_try_shows_the_masked_ticket_beside_the_clear_one() -> None:
    write(record("1", "我叫王秀珍，电话13812345678，楼道停电"))
    (found,) = lines(hotline("try", "a.jsonl", "--stage", "ticket"))
    assert "13812345678" in found["ticket"]["text"]
    assert found["masked"]["masked"] is True
    assert "13812345678" not in str(found["masked"])
    assert "楼道停电" in found["masked"]["text"]


def test_a_person_sees_a_view_and_no_control_characters() -> None:
    write(record("1", "停水\u001b[31m了"), "no json")
    from hotline.trial.inputs import read

    console = Console(record=True, width=200, file=StringIO())
    trial_view.show(run(read([Path("a.jsonl")]), stage="ticket", jurisdiction="110000"), console)
    shown = console.export_text()
    assert "dead letter" in shown
    assert "new (no_relation_found" in shown
    assert "\u001b" not in shown


def test_a_person_sees_every_word_on_a_narrow_terminal() -> None:
    said = "".join(map(chr, range(0x4E00, 0x4E00 + 120)))  # Chinese, in which no blank parts two words
    write(record("1", said))
    from hotline.trial.inputs import read

    console = Console(record=True, width=60, file=StringIO())
    trial_view.show(run(read([Path("a.jsonl")]), stage="message", jurisdiction="110000"), console)
    shown = console.export_text()
    assert [one for one in said if one not in shown] == []


def test_show_hides_what_a_message_holds_of_a_person() -> None:
    from hotline.search.redact import hidden
    from hotline.trial.inputs import read

    write(record("1", "我叫李雷，家里停水", title="李雷"))
    (result,) = run(read([Path("a.jsonl")]), stage="message", jurisdiction="110000")
    message = result["message"]
    assert isinstance(message, Message)
    shown = json.dumps(hidden(message), ensure_ascii=False, default=str)
    assert "李雷" not in shown
    assert "13800000000" not in shown
    assert message.message_id in shown


def test_schema_check_and_export(tmp_path: Path) -> None:
    assert hotline("schema", "check").exit_code in (0, 1)
    (tmp_path / "mine.json").write_text("{}")
    assert hotline("schema", "export", "--to", str(tmp_path)).exit_code == 0
    assert (tmp_path / "jsonschema" / "ticket.json").is_file()
    assert (tmp_path / "mine.json").is_file()


def loaded(module: str, heavy: set[str]) -> set[str]:
    """Return which of the heavy packages a new process has that imports a module."""
    script = f"import sys, {module}; print(*{heavy!r} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_help_is_quick() -> None:
    """No timing: only that nothing heavy is imported before a verb needs it."""
    heavy = {"pydantic", "kafka", "elasticsearch", "faust", "obstore", "jgo", "numpy"}
    assert loaded("hotline.cli", heavy) == set()


def test_a_process_loads_no_clients_but_those_of_its_component() -> None:
    """Every verb and every component reads the settings, and a component is watched by these besides."""
    clients = {"aiohttp", "aiokafka", "elasticsearch", "faust", "imapclient", "kafka", "smpplib", "wechatpy"}
    runtime = (
        f"runtime.{name}" for name in ("components", "required_topics", "disk_metrics", "health", "process", "logging")
    )
    modules = "config.settings", *runtime
    heavy = clients | {"numpy", "obstore", "requests", "starlette", "tenacity", "uvicorn"}
    assert loaded(", ".join(f"hotline.{name}" for name in modules), heavy) == set()


def test_several_words_are_one_question_and_each_unwanted_one_has_its_minus() -> None:
    from hotline.cli.archive import question
    from hotline.search.question import parse

    asked = question(["路灯", "维修 中山路"], ["噪音 噪声", "-停水"])
    found = parse(asked)
    assert [word.text for group in found.groups for word in group] == ["路灯", "维修", "中山路"]
    assert [word.text for word in found.unwanted] == ["噪音", "噪声", "停水"]
    assert question(["中山路12号 -路灯"], []) == "中山路12号 -路灯", "one quoted text stays as it was"


@each_row(
    ("option", "value", "told"),
    [
        ("--channel", "短信息", "sms (短信)"),
        ("--status", "close", "resolved (办结)"),
        ("--kind", "complaints", "complaint (投诉)"),
        ("--jurisdiction", "21", "six digits"),
        ("--adcode", "沈河区", "two digits or more"),
        ("--person", "k1:abcdefgh", "add --clear"),
        ("--person", "13912345678", "add --clear"),
    ],
)
def test_a_search_that_could_find_nothing_is_refused(option: str, value: str, told: str) -> None:
    refused = hotline("search", "路灯", option, value)
    assert refused.exit_code == 2
    assert told in " ".join(refused.output.replace("│", " ").split())


def test_a_citizens_emoji_does_not_break_a_terminal_of_gbk() -> None:
    script = "from hotline.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, "--settings", "城市🆘.toml", "check"],
        env={**os.environ, "PYTHONIOENCODING": "gbk"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout.decode("gbk").startswith("There is no settings file 城市?.toml")


def test_a_tool_tells_of_a_server_that_is_away_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:1")
    for name in ("HOTLINE_REQUESTER_KEYS__K1", "HOTLINE_QUERY_KEY"):
        monkeypatch.setenv(name, "0123456789abcdef")
    for name, value in SIGNING.items():
        monkeypatch.setenv(name, value)
    script = "from hotline.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, "dead", "replay", "--dry-run"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("hotline: Kafka did not answer")


def test_a_mapping_that_names_no_field_is_refused(folder: Path) -> None:
    (folder / "columns.toml").write_text("x = 3\n")
    (folder / "a.csv").write_text("x\n1\n")
    refused = hotline("import", "a.csv", "--dry-run", "--jurisdiction", "210100", "--mapping", "columns.toml")
    assert (refused.exit_code, refused.stderr.startswith("hotline: There is no field 3: choose from")) == (2, True)


def test_where_there_is_no_subscriber_the_next_action_is_told() -> None:
    told = hotline("webhook", "test", "map")
    wanted = "hotline: There is no subscriber: add [sinks.webhook.map] to the settings.\n"
    assert (told.exit_code, told.stderr) == (2, wanted)


def test_schemas_that_cannot_be_written_are_told(folder: Path) -> None:
    (folder / "taken").write_text("")
    refused = hotline("schema", "export", "--to", str(folder / "taken" / "below"))
    assert refused.exit_code == 2
    assert "cannot be written (Not a directory): name another folder." in refused.output


@each_row("verb", [("dead", "list"), ("dead", "replay", "--dry-run")])
@each_row(("option", "value", "known"), [("--code", "malfomed", "malformed"), ("--channel", "fax", "sms")])
def test_a_word_by_which_no_dead_letter_is_found_is_refused(
    verb: tuple[str, ...], option: str, value: str, known: str
) -> None:
    refused = hotline(*verb, option, value)
    assert refused.exit_code == 2
    assert "choose one of" in refused.stderr
    assert known in refused.stderr


def test_a_try_of_nothing_says_so_beside_the_output(folder: Path) -> None:
    (folder / "empty").mkdir()
    told = hotline("try", "empty")
    assert (told.exit_code, told.stdout, told.stderr) == (0, "", "No message was found.\n")
    assert trial_view.show([], Console(file=StringIO())) == 0


@pytest.mark.parametrize(
    "verb",
    [
        "search x",
        "show x",
        "explain x",
        "export x.json --format open311-json",
        "rates",
        "status",
        "dead list",
        "topics describe",
        "index describe",
    ],
)
def test_who_only_asks_the_archive_or_kafka_needs_no_secret_of_an_account(verb: str, env: pytest.MonkeyPatch) -> None:
    env.setenv("HOTLINE_TELEMETRY__PORT", "0")
    Path("hotline.toml").write_text('[connectors.mailbox.mayor]\nhost = "h"\nusername = "u"\n')
    asked = hotline(*verb.split())
    assert "MAYOR__PASSWORD" not in asked.output
    assert "run `hotline up`" in asked.output.replace("\n", " ")
    assert "set HOTLINE_CONNECTORS__MAILBOX__MAYOR__PASSWORD." in hotline("doctor").output
