"""The number of partitions is frozen once on a real Kafka, and no process starts with another one."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from kafka.admin import NewPartitions, NewTopic
from msgspec.structs import replace
from typer.testing import CliRunner

from broker import kafka_reader
from broker.aio_producer import Sender, make_producer
from broker.config import KafkaConnection
from hotline.admin import placement, replies
from hotline.admin.topics import Provision
from hotline.cli.app import app
from hotline.config.load import load
from hotline.doctor.kafka import topics as doctor_of_topics
from hotline.runtime.acls import needs
from hotline.runtime.components import STAGES, component
from schemas import ids, topics
from schemas.codec import Outbound, decode
from schemas.errors import MisconfiguredError
from schemas.records import Placement
from schemas.topics import TOPICS
from tests.fresh import admin_of
from tests.waiting import until

pytestmark = pytest.mark.integration

CITIES = ("110000", "120000", "210100", "310000", "320100", "330100", "440100", "440300", "500000", "510100")


def other(connection: KafkaConnection, partitions: int) -> KafkaConnection:
    return replace(connection, partitions=partitions)


def without_record(connection: KafkaConnection) -> None:
    """As an installation whose topics an older version made."""
    with admin_of(connection) as admin:
        admin.delete_topics([topics.PLACEMENT])
        until(lambda: topics.PLACEMENT not in admin.list_topics(), "Kafka did not delete the topic")


def with_more(connection: KafkaConnection, partitions: int) -> None:
    """As an operator does who lets Kafka's own tool add partitions to every topic."""
    cities = [name for name, topic in TOPICS.items() if topic.partitioned_by == "jurisdiction"]
    with admin_of(connection) as admin:
        admin.create_partitions(dict.fromkeys(cities, NewPartitions(partitions)))
    until(lambda: len(kafka_reader.bounds(connection, topics.MESSAGE)) == partitions, "Kafka added no partitions")


def test_the_number_is_frozen_when_the_topics_are_made(fresh_topics: KafkaConnection) -> None:
    (record,) = kafka_reader.read_all(fresh_topics, topics.PLACEMENT)
    assert record.key == b"default"
    assert dict(record.headers)["ce_type"] == b"cn.hotline12345.placement.v1"
    found = decode(record.value, Placement)
    assert (found.city, found.partitions, found.frozen) == ("default", fresh_topics.partitions, True)
    Provision(fresh_topics).create()
    assert len(list(kafka_reader.read_all(fresh_topics, topics.PLACEMENT))) == 1, "once and for all"
    placement.check(fresh_topics)


def test_another_number_is_refused_with_what_to_do(fresh_topics: KafkaConnection) -> None:
    more = other(fresh_topics, 16)
    for refused in (lambda: placement.check(more), lambda: Provision(more).create()):
        with pytest.raises(MisconfiguredError, match=r"`kafka\.partitions` is 16, but cities are .* set it to 2"):
            refused()
    with pytest.raises(MisconfiguredError):
        replies.of_ticket(more, "210100-zakvpalbglvqczpx52u2")


@pytest.fixture
def settled(fresh_topics: KafkaConnection, env: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[int], None]:
    """Return what sets `kafka.partitions` for this host."""
    env.setenv("HOTLINE_KAFKA__BOOTSTRAP_SERVERS", fresh_topics.bootstrap_servers)
    env.setenv("HOTLINE_LOCAL__DATA_DIR", str(tmp_path))
    for name in ("QUERY_KEY", "REQUESTER_KEYS__K1"):
        env.setenv(f"HOTLINE_{name}", "thirty-two bytes are quite enough")
    env.setenv("HOTLINE_BLOBS__URL", (tmp_path / "blobs").as_uri())
    (tmp_path / "blobs").mkdir()
    return lambda number: env.setenv("HOTLINE_KAFKA__PARTITIONS", str(number))


@pytest.mark.parametrize("name", STAGES)
async def test_of_two_hosts_with_different_numbers_the_second_does_not_start(
    settled: Callable[[int], None], name: str
) -> None:
    settled(4)
    with pytest.raises(MisconfiguredError, match=r"set it to 2\. Another number would move cities"):
        await component(load(), name).run(asyncio.Event())


def test_the_command_that_puts_dead_letters_back_places_none_by_another_number(
    settled: Callable[[int], None],
) -> None:
    settled(4)
    done = CliRunner().invoke(app, ["dead", "replay", "--yes"])
    assert done.exit_code != 0
    assert "set it to 2" in done.output


async def test_a_stage_waits_for_a_record_that_is_not_there_yet(fresh_topics: KafkaConnection) -> None:
    without_record(fresh_topics)
    waiting = asyncio.create_task(placement.awaited(fresh_topics, asyncio.Event(), again_seconds=0.1))
    done, _ = await asyncio.wait({waiting}, timeout=1)
    assert not done
    await asyncio.to_thread(Provision(fresh_topics).create)
    async with asyncio.timeout(60):
        await waiting


def test_an_installation_that_upgrades_gets_its_record_from_what_the_topics_have(
    fresh_topics: KafkaConnection,
) -> None:
    without_record(fresh_topics)
    with pytest.raises(MisconfiguredError, match=r"`kafka\.partitions` is 4, hotline\.\S+ has 2 partitions"):
        Provision(other(fresh_topics, 4)).create()
    with admin_of(fresh_topics) as admin:
        assert topics.PLACEMENT not in admin.list_topics(), "nothing is made"
    assert Provision(fresh_topics).create() == [topics.PLACEMENT]
    assert placement.frozen(fresh_topics) == 2


def test_topics_that_were_given_more_before_the_upgrade_wait_for_a_person(fresh_topics: KafkaConnection) -> None:
    without_record(fresh_topics)
    with_more(fresh_topics, 4)
    with pytest.raises(MisconfiguredError, match="run `hotline topics create --begun-with 2`"):
        Provision(fresh_topics).create()
    with pytest.raises(MisconfiguredError, match="they must be equal"):
        Provision(fresh_topics).create(begun_with=3)
    assert Provision(fresh_topics).create(begun_with=2) == [topics.PLACEMENT]
    assert placement.frozen(fresh_topics) == 2


def test_of_two_that_freeze_it_at_once_one_does(fresh_topics: KafkaConnection) -> None:
    without_record(fresh_topics)
    with admin_of(fresh_topics) as admin:
        admin.create_topics([NewTopic(topics.PLACEMENT, 1, 1)])
    until(lambda: kafka_reader.bounds(fresh_topics, topics.PLACEMENT), "Kafka did not make the topic")
    numbers = (2, 4, 8, 16)

    def frozen_by(number: int) -> int | None:
        try:
            return placement.freeze(other(fresh_topics, number))
        except MisconfiguredError:
            return None

    with ThreadPoolExecutor(len(numbers)) as pool:
        done = [number for number in pool.map(frozen_by, numbers) if number is not None]
    assert done == [placement.frozen(fresh_topics)]
    assert len(list(kafka_reader.read_all(fresh_topics, topics.PLACEMENT))) == 1


async def test_cities_stay_where_they_are_when_the_topics_are_given_more(fresh_topics: KafkaConnection) -> None:
    with_more(fresh_topics, 4)
    placement.check(fresh_topics)
    provision = Provision(fresh_topics)
    grown = [one for one in provision.differences() if one.topic == topics.MESSAGE]
    assert [one.advice for one in grown] == [
        "keep `kafka.partitions = 2`: cities stay where they are, and the new partitions stay empty"
    ]
    assert all(one.is_harmless for one in grown)
    needed = [one for one in needs(load(), "assign") if one.kind == "topic"]
    (said,) = doctor_of_topics(fresh_topics, needed)
    assert isinstance(said, str)
    assert "keep `kafka.partitions = 2`" in said
    (refused, *_) = doctor_of_topics(other(fresh_topics, 4), needed)
    assert "set it to 2" in str(refused)
    producer = make_producer(fresh_topics)
    async with producer:
        sender = Sender(producer, fresh_topics.partitions)
        sent = await sender.send(Outbound(topics.MESSAGE, city.encode(), b"{}", [], city) for city in CITIES)
    assert {partition for _, partition in sent} == {ids.partition_of(city, 2) for city in CITIES}
