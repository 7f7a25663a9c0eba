"""Parts of a long SMS through the real Kafka: a successor finds in the input what came before it took over."""

import pytest
from obstore.store import LocalStore

from broker.config import KafkaConnection
from schemas import ids, topics
from schemas.codec import decode
from schemas.records import Handover
from streams.state.partition import take_over
from tests.assign import logs
from tests.tickets.pieces import FIRE, parts_of
from tickets.policy import TicketPolicy

pytestmark = pytest.mark.integration


async def test_a_successor_joins_the_last_part_to_those_before_it(
    connection: KafkaConnection, blobs: LocalStore
) -> None:
    parts = parts_of(FIRE, FIRE.index("着") * 2 + 2)
    await logs.write(connection, map(logs.outbound, parts))
    partition = ids.partition_of(parts[0].jurisdiction, connection.partitions)
    found = [one for one in await logs.read(connection, topics.MESSAGE) if one.partition == partition]
    for records in (found[:-1], found[-1:]):
        owner = await take_over(partition, connection, blobs, TicketPolicy(), lambda _: None)
        await owner.work_off(records)
        await owner.close()
    await logs.settle(connection)
    (versions,) = (await logs.tickets(connection)).values()
    assert (versions[-1].text, versions[-1].labels, versions[-1].urgency) == (FIRE, (), "critical")
    handed = [decode(one.value or b"", Handover) for one in await logs.read(connection, topics.HANDOVER)]
    assert [(one.text, one.handover_id) for one in handed] == [(FIRE, parts[-1].message_id)]
    assert [link.relation for link in await logs.links(connection)][-1] == "part_of"
