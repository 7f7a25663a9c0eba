import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from elasticsearch import Elasticsearch
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from connectors.publish.disk_buffer import Journal
from hotline.dev.stack import ports
from hotline.dev.stack.errors import StackError
from hotline.dev.stack.ports import Ports
from hotline.dev.stack.stack import Endpoints, Existing, Stack
from tests.light_node import light

pytestmark = [pytest.mark.integration, pytest.mark.faults, pytest.mark.long]

TOPIC, INDEX = "test.kept.v1", "test-kept"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that may be killed, in a folder whose name needs care."""
    stack = Stack(tmp_path_factory.mktemp("热线 own"))
    yield stack
    stack.down()


@pytest.fixture
def up(own: Stack) -> Endpoints:
    light(own.data_dir)
    where = own.up(owner=os.getpid())
    with closing(KafkaAdminClient(bootstrap_servers=where.bootstrap_servers)) as admin:
        if TOPIC not in admin.list_topics():
            admin.create_topics([NewTopic(TOPIC, 1, 1)])
    return where


def write(where: Endpoints, text: str) -> None:
    """Write a record and a document; both are acknowledged when this returns."""
    with closing(KafkaProducer(bootstrap_servers=where.bootstrap_servers, acks="all")) as producer:
        producer.send(TOPIC, text.encode()).get(60)
    with Elasticsearch(where.elasticsearch_url, request_timeout=60) as client:
        client.index(index=INDEX, id=text, document={"text": text})


def records(where: Endpoints) -> set[str]:
    consumer = KafkaConsumer(bootstrap_servers=where.bootstrap_servers, consumer_timeout_ms=5000)
    partition = TopicPartition(TOPIC, 0)
    consumer.assign([partition])
    consumer.seek_to_beginning(partition)
    end = consumer.end_offsets([partition])[partition]
    found = set()
    while consumer.position(partition) < end:
        for batch in consumer.poll(1000).values():
            found |= {record.value.decode() for record in batch}
    consumer.close()
    return found


def documents(where: Endpoints) -> set[str]:
    with Elasticsearch(where.elasticsearch_url, request_timeout=60) as client:
        client.indices.refresh(index=INDEX)
        return {hit["_id"] for hit in client.search(index=INDEX, size=100)["hits"]["hits"]}


def ports_of(where: Endpoints) -> list[int]:
    slot = Ports(int(where.bootstrap_servers.rpartition(":")[2]) - Ports(0).kafka)
    return [*slot.of("kafka"), *slot.of("elasticsearch")]


def is_free(port: int) -> bool:
    try:
        ports.hold(port, again=True).close()
    except OSError:
        return False
    return True


def test_a_second_up_changes_nothing(own: Stack, up: Endpoints) -> None:
    pids = [own.pid("kafka"), own.pid("elasticsearch"), own.pid("supervisor")]
    assert own.up() == up
    assert [own.pid("kafka"), own.pid("elasticsearch"), own.pid("supervisor")] == pids


def test_two_stacks_stand_side_by_side(own: Stack, up: Endpoints, stack: Endpoints) -> None:
    assert up.bootstrap_servers != stack.bootstrap_servers
    assert up.elasticsearch_url != stack.elasticsearch_url
    write(up, "only here")
    with closing(KafkaAdminClient(bootstrap_servers=stack.bootstrap_servers)) as admin:
        assert TOPIC not in admin.list_topics()
    with Elasticsearch(stack.elasticsearch_url, request_timeout=60) as client:
        assert not client.indices.exists(index=INDEX)


def test_a_killed_kafka_comes_back_with_every_acknowledged_record(own: Stack, up: Endpoints) -> None:
    before = own.pid("kafka")
    write(up, "before kafka died")
    own.restart("kafka")
    assert own.pid("kafka") != before
    assert "before kafka died" in records(up)


def test_a_killed_elasticsearch_comes_back_with_every_acknowledged_document(own: Stack, up: Endpoints) -> None:
    before = own.pid("elasticsearch")
    write(up, "before elasticsearch died")
    own.restart("elasticsearch")
    assert own.pid("elasticsearch") != before
    assert "before elasticsearch died" in documents(up)


def test_servers_outlive_a_killed_supervisor_and_the_next_up_adopts_them(own: Stack, up: Endpoints) -> None:
    before = own.pid("kafka"), own.pid("elasticsearch")
    own.kill("supervisor")
    assert own.pid("supervisor") is None
    assert own.up(owner=os.getpid()) == up
    assert own.pid("supervisor") is not None
    assert (own.pid("kafka"), own.pid("elasticsearch")) == before
    own.restart("kafka")


def test_everything_killed_at_once_comes_back_with_its_data(own: Stack, up: Endpoints) -> None:
    write(up, "before all died")
    for which in ("supervisor", "kafka", "elasticsearch"):
        own.kill(which)
    assert not any(server.up for server in own.status())
    again = own.up(owner=os.getpid())
    assert "before all died" in records(again) & documents(again)


def test_down_stops_everything_and_keeps_the_data(own: Stack, up: Endpoints) -> None:
    write(up, "before down")
    own.down()
    assert own.pid("supervisor") is own.pid("kafka") is own.pid("elasticsearch") is None
    assert [server.up for server in own.status()] == [False, False]
    again = own.up(owner=os.getpid())
    assert "before down" in records(again) & documents(again)


def test_a_stack_that_starts_meanwhile_leaves_it_its_ports(own: Stack, up: Endpoints, tmp_path: Path) -> None:
    other = Stack(tmp_path, Existing(elasticsearch_url="none"))
    own.down()
    try:
        there = other.up(owner=os.getpid())
        assert there.bootstrap_servers != up.bootstrap_servers
        again = own.up(owner=os.getpid())
        assert again == up or not all(map(is_free, ports_of(up)))  # another program may have one of them
    finally:
        other.down()


def test_where_another_program_has_its_ports_it_says_that_it_moved(own: Stack, up: Endpoints) -> None:
    own.down()
    with socket.create_server(("127.0.0.1", int(up.bootstrap_servers.rpartition(":")[2]))):
        again = own.up(owner=os.getpid())
    assert again.moved
    assert again.bootstrap_servers != up.bootstrap_servers
    assert not own.up(owner=os.getpid()).moved  # it is told once


def test_down_also_stops_what_a_killed_supervisor_left_and_wipe_deletes_it(own: Stack, up: Endpoints) -> None:
    own.kill("supervisor")
    own.wipe()
    assert own.pid("kafka") is own.pid("elasticsearch") is None
    assert not {"kafka", "elasticsearch", "logs", "stack.json"} & {path.name for path in own.data_dir.iterdir()}


FOLDERS = ("kafka", "elasticsearch", "logs", "demo", "blobs", "journal", "faust", "of somebody else")


@pytest.fixture
def used(tmp_path: Path) -> Path:
    """A data folder in which everything lies."""
    for name in FOLDERS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "kept").touch()
    return tmp_path


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_dir()}


def test_a_server_that_answered_is_not_asked_again_whether_it_is_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy one may be too late for the second question: all would be stopped that had just come up."""
    answers = [False, True, False]
    stack = Stack(tmp_path)
    monkeypatch.setattr(stack, "_is_up", lambda: answers.pop(0))
    monkeypatch.setattr("hotline.dev.stack.supervisor.find", lambda folder: psutil.Process())
    stack.wait_ready()
    assert answers == [False]


@pytest.mark.parametrize(
    ("existing", "expected"),
    [
        (Existing("broker:9092", "https://search:9200"), {"blobs", "journal", "faust", "of somebody else"}),
        (Existing("broker:9092"), {"blobs", "journal", "faust", "of somebody else"}),
        (Existing(None, "https://search:9200"), {"of somebody else"}),
        (Existing(), {"of somebody else"}),
    ],
)
def test_wipe_keeps_what_an_existing_kafka_needs(used: Path, existing: Existing, expected: set[str]) -> None:
    Stack(used, existing).wipe()
    assert left(used) == expected


def test_wipe_is_refused_while_a_receiver_keeps_messages(used: Path) -> None:
    journal = Journal(used / "journal")
    with pytest.raises(StackError, match="stop `hotline run`"):
        Stack(used).wipe()
    assert left(used) == set(FOLDERS)
    Stack(used, Existing("broker:9092")).wipe()
    assert (used / "journal" / "kept").exists()
    journal.close()
    Stack(used).wipe()
    assert left(used) == {"of somebody else"}


def test_existing_clusters_are_used_and_nothing_is_started(tmp_path: Path) -> None:
    stack = Stack(tmp_path, Existing("broker:9092", "https://search:9200"))
    assert stack.up() == Endpoints("broker:9092", "https://search:9200")
    assert stack.status() == []
    assert stack.pid("supervisor") is None


def test_a_stack_that_cannot_start_says_where_to_look_and_leaves_nothing_running(tmp_path: Path) -> None:
    (tmp_path / "elasticsearch").write_text("a file where a folder should be")
    stack = Stack(tmp_path)
    with pytest.raises(StackError, match=r"Elasticsearch does not start: see .*logs, then run `hotline up`"):
        stack.up(owner=os.getpid())
    assert stack.pid("supervisor") is stack.pid("kafka") is stack.pid("elasticsearch") is None
