"""What the tests believe of topics that are made anew for them."""

import pytest
from kafka import KafkaProducer

from broker.config import KafkaConnection
from hotline.admin.topics import Provision
from hotline.dev.stack.stack import Endpoints
from schemas import topics
from tests.fresh import by_the_senders_clock, topics_made_anew

pytestmark = pytest.mark.integration


def test_all_that_was_written_or_changed_is_gone_and_what_never_held_a_record_stays(stack: Endpoints) -> None:
    connection = topics_made_anew(KafkaConnection(bootstrap_servers=stack.bootstrap_servers, partitions=2))
    before = ids(connection)
    with KafkaProducer(bootstrap_servers=stack.bootstrap_servers) as producer:
        producer.send(topics.MESSAGE, b"one", partition=1).get(60)
    by_the_senders_clock(connection, topics.EVENT)
    topics_made_anew(connection)
    after = ids(connection)
    assert {name for name in topics.TOPICS if before[name] != after[name]} == {topics.MESSAGE, topics.EVENT}
    assert Provision(connection).differences() == []


def ids(connection: KafkaConnection) -> dict[str, str]:
    return {name: Provision(connection).topic_id(name) for name in topics.TOPICS}
