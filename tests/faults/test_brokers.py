"""Three brokers and their disks: what the runs by command build on."""

import os
from pathlib import Path

import pytest

from benchmarks.faults import brokers, disks
from benchmarks.faults.answers import MOMENTS
from benchmarks.faults.brokers import Node, java_hash
from tests.peers.presence import require

pytestmark = pytest.mark.long


@pytest.mark.parametrize(("text", "number"), [("", 0), ("abc", 96354), ("polygenelubricants", 0)])
def test_a_coordinator_is_found_as_kafka_finds_it(text: str, number: int) -> None:
    """The last one's hash is Java's least number, whose sign Kafka takes away."""
    assert java_hash(text) == number


def test_who_stops_answers_on_their_way_is_counted() -> None:
    """What is done to Kafka bounds how many answers may be unknown, so that each has its number of moments."""
    assert {name.split()[0] for name in (*brokers.FAULTS, *disks.FAULTS) if name.endswith("kafka")} <= MOMENTS.keys()


def test_each_node_knows_all_three_and_keeps_three_copies(tmp_path: Path) -> None:
    ports = {1: (1, 2), 2: (3, 4), 3: (5, 6)}
    nodes = [Node(tmp_path, number, ports) for number in ports]
    for node in nodes:
        node.folder.mkdir()
        node._write_config()
    config = (nodes[1].folder / "server.properties").read_text(encoding="utf-8")
    lines = dict(line.split("=", 1) for line in config.splitlines() if "=" in line and not line.startswith("#"))
    assert lines["node.id"] == "2"
    assert lines["controller.quorum.voters"] == "1@127.0.0.1:2,2@127.0.0.1:4,3@127.0.0.1:6"
    assert lines["transaction.state.log.replication.factor"] == lines["offsets.topic.replication.factor"] == "3"
    assert {node._identity() for node in nodes} == {nodes[0]._identity()}


def test_a_disk_is_filled_as_far_as_it_is_said(tmp_path: Path) -> None:
    require("only root may mount a small disk: run as root" if os.geteuid() else None)
    with disks.small_disk(tmp_path / "disk"):
        disks.fill(tmp_path / "disk", disks.NEARLY_BYTES)
        room = os.statvfs(tmp_path / "disk")
        assert 0 < room.f_bavail * room.f_frsize <= disks.NEARLY_BYTES
