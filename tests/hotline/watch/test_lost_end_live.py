"""Kafka loses the end of a topic: a monitor that stood behind it sees what takes those places."""

from datetime import timedelta
from pathlib import Path

import pytest

from broker.config import KafkaConnection
from hotline.admin.topics import Provision
from hotline.monitor.watcher import Watcher
from schemas import topics
from tests.hotline.watch.test_watcher import NOW, Writer, settings
from tests.peers.forgetful_kafka import ForgetfulKafka

pytestmark = [pytest.mark.integration, pytest.mark.long]


def test_an_emergency_in_the_place_of_one_that_kafka_lost_is_seen(tmp_path: Path) -> None:
    with ForgetfulKafka(tmp_path) as kafka:
        connection = KafkaConnection(bootstrap_servers=kafka.address, partitions=2)
        Provision(connection).create_when_started()
        writer = Writer(connection)
        for name in ("first", "second", "third"):
            writer.hand_over(name, "critical", timedelta(minutes=5))
        writer.close()
        watcher = Watcher(settings(connection), connection)
        assert waiting(watcher) == {"first", "second", "third"}
        kafka.lose(topics.HANDOVER, 1, 2)  # behind the first one and the end of its transaction
        writer = Writer(connection)
        writer.hand_over("other", "critical", timedelta(minutes=4))
        writer.close()
        assert waiting(watcher) == {"first", "other"}
        kafka.lose(topics.HANDOVER, 1, 2)
        writer = Writer(connection)
        for name in ("fourth", "fifth"):  # they end behind the place where it stood, as if it had looked too late
            writer.hand_over(name, "critical", timedelta(minutes=4))
        writer.close()
        assert waiting(watcher) == {"first", "fourth", "fifth"}


def waiting(watcher: Watcher) -> set[str]:
    return {one.handover_id for level in watcher.look(NOW).handovers for one in level.longest}
