"""`hotline import` on the real Kafka: killed at any moment it goes on, and a mail that was taken live is the same."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition
from typer.testing import CliRunner, Result

from broker.config import KafkaConnection
from connectors.mailbox.connector import Mailbox
from hotline.cli.app import app
from hotline.dev.stack.stack import Endpoints
from hotline.importer import run
from hotline.importer.ledger import contents_of
from schemas import ids, topics
from tests.connectors.mailboxes import drain, mail, settings
from tests.connectors.reader import Reader
from tests.fresh import topics_made_anew
from tests.peers import dovecot
from tests.peers.presence import require

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

CITY = "430100"
ROOT = Path(__file__).parents[3]


@pytest.fixture
def home(tmp_path: Path, env: pytest.MonkeyPatch) -> Path:
    """The folder of a user who has set nothing."""
    return tmp_path


@pytest.fixture
def kafka(fresh_topics: KafkaConnection, home: Path, monkeypatch: pytest.MonkeyPatch) -> KafkaConnection:
    """A user's settings: this Kafka, and a data folder of their own."""
    monkeypatch.setenv("HOTLINE_KAFKA__BOOTSTRAP_SERVERS", fresh_topics.bootstrap_servers)
    monkeypatch.setenv("HOTLINE_KAFKA__PARTITIONS", str(fresh_topics.partitions))
    monkeypatch.setenv("HOTLINE_QUERY_KEY", "a key of the tests")
    monkeypatch.setenv("HOTLINE_LOCAL__DATA_DIR", str(home / "data"))
    return fresh_topics


def hotline(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["import", *map(str, arguments)])


def summary(result: Result) -> dict[str, object]:
    found: dict[str, object] = json.loads(result.stdout.splitlines()[-1])
    return found


def arrived(kafka: KafkaConnection, account: str = f"import_{CITY}") -> list[str]:
    """The message ids in the back-fill topic."""
    headers = [dict(record.headers) for record in Reader(kafka).read(topics.BACKFILL, account)]
    return [ids.message_id(each["ce_source"].decode(), each["ce_id"].decode()) for each in headers]


def letters(folder: Path, count: int) -> Path:
    path = folder / "letters.csv"
    path.write_text("\n".join(["编号,正文", *(f"{n},第{n}封来信" for n in range(count))]), encoding="utf-8")
    return path


def test_kill_9_and_ctrl_c_lose_nothing_and_double_at_most_a_batch(kafka: KafkaConnection, tmp_path: Path) -> None:
    count = 5 * run.BATCH_RECORDS
    path = letters(tmp_path, count)
    command = [sys.executable, "-m", "hotline", "import", str(path), "--jurisdiction", CITY, "--json"]
    slowly = [*command, "--rate", "500"]  # so that it is not over before a busy machine sees its first batch

    with subprocess.Popen(slowly, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}) as importing:
        until_some_arrived(kafka, 0)
        importing.kill()
    killed = len(arrived(kafka))
    assert 0 < killed < count

    with subprocess.Popen(slowly, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}) as importing:
        until_some_arrived(kafka, killed)
        importing.send_signal(signal.SIGINT)
        said = json.loads(importing.stdout.read())  # type: ignore[union-attr] # it has a pipe
        assert importing.wait(60) == 130
    assert said["stopped"]
    assert said["known"] >= killed - run.BATCH_RECORDS

    last = hotline(path, "--jurisdiction", CITY, "--json")
    assert (last.exit_code, summary(last)["read"]) == (0, count)
    found = arrived(kafka)
    assert len(set(found)) == count
    assert len(found) <= count + run.BATCH_RECORDS  # what the kill caught between the broker's answer and the ledger
    again = summary(hotline(path, "--jurisdiction", CITY, "--json"))
    assert (again["published"], again["known"]) == (0, count)


def until_some_arrived(kafka: KafkaConnection, before: int) -> None:
    places = [TopicPartition(topics.BACKFILL, number) for number in range(kafka.partitions)]
    deadline = time.monotonic() + 90
    with KafkaConsumer(**kafka.client_options()) as consumer:
        while sum(consumer.end_offsets(places).values()) <= before:
            assert time.monotonic() < deadline, "nothing was published"
            time.sleep(0.02)


def test_a_topic_that_was_made_anew_gets_everything_and_so_does_again(
    kafka: KafkaConnection, tmp_path: Path, stack: Endpoints
) -> None:
    path = letters(tmp_path, 10)
    assert hotline(path, "--jurisdiction", CITY).exit_code == 0
    assert summary(hotline(path, "--jurisdiction", CITY, "--json", "--again"))["published"] == 10
    assert len(arrived(kafka)) == 20
    topics_made_anew(kafka)
    assert summary(hotline(path, "--jurisdiction", CITY, "--json"))["published"] == 10
    assert len(arrived(kafka)) == 10


def test_what_was_imported_for_another_city_is_not_taken_for_known(kafka: KafkaConnection, tmp_path: Path) -> None:
    """Whoever imports again for the right city must hear that nothing of it gets there."""
    path = letters(tmp_path, 3)
    assert hotline(path, "--jurisdiction", "210100", "--account", "old").exit_code == 0
    right = hotline(path, "--jurisdiction", CITY, "--account", "old", "--json")
    said = summary(right)
    assert (right.exit_code, said["published"], said["known"], said["refused_by_code"]) == (1, 0, 0, {"id_taken": 3})
    other = hotline(path, "--jurisdiction", CITY, "--account", "changsha", "--json")
    assert (other.exit_code, summary(other)["published"]) == (0, 3)


def test_what_two_cities_number_alike_is_two_messages(
    kafka: KafkaConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two machines import into one Kafka: under one name the archive would hold one of the two, and erase both."""
    for city in ("210100", CITY):
        monkeypatch.setenv("HOTLINE_LOCAL__DATA_DIR", str(tmp_path / city))
        assert summary(hotline(letters(tmp_path, 3), "--jurisdiction", city, "--json"))["published"] == 3
    assert len({*arrived(kafka), *arrived(kafka, "import_210100")}) == 6


def test_what_was_imported_before_cities_had_accounts_of_their_own_is_known_still(
    kafka: KafkaConnection, tmp_path: Path
) -> None:
    assert hotline(letters(tmp_path, 3), "--jurisdiction", CITY, "--account", "import").exit_code == 0
    grown = summary(hotline(letters(tmp_path, 4), "--jurisdiction", CITY, "--json"))
    assert (grown["published"], grown["known"]) == (1, 3)
    other = summary(hotline(letters(tmp_path, 4), "--jurisdiction", "210100", "--json"))
    assert (other["published"], other["known"]) == (4, 0)


def test_what_an_earlier_version_remembers_is_known_still(
    kafka: KafkaConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = letters(tmp_path, 3)
    with monkeypatch.context() as before:
        before.setattr("hotline.importer.run.contents_of", lambda raw: contents_of(raw)[1:])
        assert hotline(path, "--jurisdiction", CITY).exit_code == 0
    assert summary(hotline(path, "--jurisdiction", CITY, "--json"))["known"] == 3


def test_what_is_refused_is_told_and_the_exit_code_says_so(kafka: KafkaConnection, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "灯"}\n{"text"\n', encoding="utf-8")
    done = hotline("a.jsonl", "--jurisdiction", CITY, "--report", "refused.csv", "--account", "office")
    assert done.exit_code == 1
    assert "a.jsonl:2" in done.stdout
    assert "a.jsonl,2,malformed," in (tmp_path / "refused.csv").read_text(encoding="utf-8-sig")
    assert len(arrived(kafka, "office")) == 1


def test_a_dry_run_publishes_nothing_and_shows_the_columns(kafka: KafkaConnection, tmp_path: Path) -> None:
    path = letters(tmp_path, 3)
    done = hotline(path, "--jurisdiction", CITY, "--dry-run")
    assert done.exit_code == 0
    assert "正文" in done.stdout
    assert "第0封来信" not in done.stdout
    assert "第0封来信" in hotline(path, "--jurisdiction", CITY, "--dry-run", "--clear").stdout
    assert arrived(kafka) == []


def test_a_mail_that_was_taken_live_is_the_same_message(
    kafka: KafkaConnection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    require(dovecot.missing())
    with dovecot.Dovecot() as server:
        server.deliver(mail("一"))
        server.deliver(mail("二"))
        box = Mailbox(settings(port=server.port), "mayor")
        box.open()
        live, _, _ = drain(box)
        box.close()
        settings_file = tmp_path / "hotline.toml"
        settings_file.write_text(
            f'[connectors.mailbox.mayor]\nhost = "127.0.0.1"\nusername = "hotline"\njurisdiction = "{CITY}"\n'
        )
        monkeypatch.setenv("HOTLINE_CONNECTORS__MAILBOX__MAYOR__PASSWORD", "secret")
        assert hotline(server.maildir(), "--account", "mayor").exit_code == 0
    assert len(live) == 2
    assert sorted(arrived(kafka, "mayor")) == sorted(message.message_id for message in live)
    cities = {dict(record.headers)["ce_jurisdiction"] for record in Reader(kafka).read(topics.BACKFILL, "mayor")}
    assert cities == {CITY.encode()}
    assert hotline(tmp_path, "--account", "mayor", "--jurisdiction", "110000").exit_code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["a.csv"],
        ["a.csv", "--jurisdiction", "2101"],
        ["nowhere.csv", "--jurisdiction", CITY],
        ["a.csv", "--jurisdiction", CITY, "--map", "正文=words"],
        ["a.csv", "--jurisdiction", CITY, "--account", "The Office"],
        ["a.csv", "--jurisdiction", CITY, "--encoding", "klingon"],
        ["a.csv", "--jurisdiction", CITY, "--report", "."],
    ],
)
def test_a_users_mistake_is_exit_code_2(home: Path, arguments: list[str]) -> None:
    (home / "a.csv").write_text("正文\n灯\n", encoding="utf-8")
    done = hotline(*arguments)
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    assert "hotline up" not in done.output, "told before Kafka is asked for"
