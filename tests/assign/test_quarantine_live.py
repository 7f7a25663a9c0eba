"""One city's log is cut: its partition is quarantined by each worker that gets it, and all other cities go on."""

import shutil
from pathlib import Path

import pytest
from kafka import TopicPartition
from obstore.store import LocalStore

from broker.config import KafkaConnection
from hotline.admin.cluster import admin
from schemas import ids, topics
from schemas.codec import decode
from schemas.records import Event, Message
from streams.state.checkpoint import save_checkpoint
from tests.assign import logs
from tests.assign.workers import worker
from tests.tickets.build import CITY, message
from tests.waiting import soon

pytestmark = [pytest.mark.integration, pytest.mark.faults, pytest.mark.long]

OTHER = "110000"
SECONDS = 60.0


def said(city: str, start: int, count: int) -> list[Message]:
    numbers = range(start, start + count)
    return [message(one, f"第{one}件事", sender=str(13800000000 + one), jurisdiction=city) for one in numbers]


async def decided_of(connection: KafkaConnection, city: str) -> int:
    events = [decode(one.value, Event) for one in await logs.read(connection, topics.EVENT)]
    return len({one.event_id for one in events if one.jurisdiction == city})


async def until(connection: KafkaConnection, city: str, count: int) -> None:
    async def are_decided() -> bool:
        return await decided_of(connection, city) >= count

    await soon(are_decided, f"not {count} decisions of {city}", SECONDS)


async def write(connection: KafkaConnection, *messages: Message) -> None:
    await logs.write(connection, map(logs.outbound, messages))


async def test_one_citys_cut_log_stops_no_other_city_and_no_worker(
    connection: KafkaConnection, blobs_folder: Path, tmp_path: Path
) -> None:
    partition = ids.partition_of(CITY, connection.partitions)
    assert partition != ids.partition_of(OTHER, connection.partitions)
    first, second, saved = tmp_path / "first", tmp_path / "second", tmp_path / "saved"
    saved.mkdir()
    await write(connection, *said(CITY, 0, 5), *said(OTHER, 100, 5))
    with worker(connection, blobs_folder):
        await until(connection, CITY, 5)
        await until(connection, OTHER, 5)
    await logs.settle(connection)
    await save_checkpoint(LocalStore(saved), partition, await logs.restored(connection, LocalStore(saved), partition))
    with admin(connection) as client:
        client.delete_records({TopicPartition(topics.EVENT, partition): 2})
    left = await decided_of(connection, CITY)
    with worker(connection, blobs_folder, "", "0", "2", "5", log=first) as one:
        await write(connection, *said(CITY, 5, 5), *said(OTHER, 105, 5))
        await until(connection, OTHER, 10)
        await soon(lambda: b"partition_quarantined" in first.read_bytes(), seconds=SECONDS)
        with worker(connection, blobs_folder, "", "0", "2", "5", log=second) as successor:
            one.kill()
            one.wait(60)
            await soon(lambda: b"partition_quarantined" in second.read_bytes(), seconds=SECONDS)
            await write(connection, *said(OTHER, 110, 5))
            await until(connection, OTHER, 15)
            assert b"begins at 2" in second.read_bytes()
            shutil.copytree(saved, blobs_folder, dirs_exist_ok=True)  # what it needs is back
            await soon(lambda: b"quarantine_ended" in second.read_bytes(), seconds=SECONDS)
            await write(connection, *said(CITY, 10, 5))
            await until(connection, CITY, left + 10)
            assert successor.poll() is None
    numbers = [one.ticket_no for versions in (await logs.tickets(connection)).values() for one in versions[-1:]]
    assert len(numbers) == len(set(numbers)) == 30
