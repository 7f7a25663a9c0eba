"""A rebalance takes all partitions away; the state of one that comes back goes on from the log, and only then."""

import pytest
from obstore.store import LocalStore

from broker.config import KafkaConnection
from streams.assign import Assign
from streams.state import checkpoint
from streams.state.checkpoint import Restored
from tests.assign import logs
from tests.assign.test_leaving import POLICY, Lane, write
from tests.assign.workers import letters
from tickets.policy import TicketPolicy

pytestmark = pytest.mark.integration

LETTERS = [one for one in letters(30) if one.jurisdiction == "110000"]


async def forbidden(*_: object) -> Restored:
    raise AssertionError("the state was read from a checkpoint or from the whole log")


@pytest.fixture
async def lane(connection: KafkaConnection, blobs: LocalStore) -> Lane:
    """One that has decided about three letters and has given its partition back."""
    await write(connection, LETTERS[:3])
    lane = Lane(connection, Assign(connection, blobs, POLICY))
    await lane.work_off()
    await lane._assign.leave([lane.partition])
    assert not lane._assign._owners
    return lane


async def test_a_state_that_stays_is_not_restored_anew(
    lane: Lane, connection: KafkaConnection, blobs: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await assert_goes_on(lane, 3, connection, blobs, monkeypatch)


async def test_what_another_worker_decided_meanwhile_is_known(
    lane: Lane, connection: KafkaConnection, blobs: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(connection, LETTERS[3:6])
    other = Lane(connection, Assign(connection, blobs, POLICY))
    await other.work_off()
    await other._assign.close()
    await assert_goes_on(lane, 6, connection, blobs, monkeypatch)


async def assert_goes_on(
    lane: Lane, known: int, connection: KafkaConnection, blobs: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "newest", forbidden)
        lane._assign.stay([lane.partition])
        await write(connection, LETTERS[known:])
        await lane.work_off()
    await assert_as_the_log_tells(lane, connection, blobs)


async def assert_as_the_log_tells(lane: Lane, connection: KafkaConnection, blobs: LocalStore) -> None:
    (owner,) = lane._assign._owners.values()
    told = await logs.restored(connection, blobs, lane.partition)
    assert owner.restored.state.dump() == told.state.dump()
    assert (owner.restored.last_event, owner.restored.next_ticket) == (told.last_event, told.next_ticket)
    await lane._assign.close()
    assert not lane._assign._kept
    await logs.assert_nothing_lost_or_doubled(connection, LETTERS)


async def test_a_state_of_another_log_is_not_used(lane: Lane, connection: KafkaConnection, blobs: LocalStore) -> None:
    lane._assign._kept[lane.partition].last_event_id = "another log's"
    await write(connection, LETTERS[3:])
    await lane.work_off()
    await assert_as_the_log_tells(lane, connection, blobs)


async def test_what_is_somebody_elses_now_is_thrown_away(lane: Lane) -> None:
    assert set(lane._assign._kept) == {lane.partition}
    lane._assign.stay([lane.partition + 1])
    assert not lane._assign._kept


async def test_a_state_that_may_be_ahead_of_the_log_is_not_put_aside(
    connection: KafkaConnection, blobs: LocalStore
) -> None:
    seen: list[Restored | None] = []
    await write(connection, LETTERS[:3])
    lane = Lane(connection, assign := Assign(connection, blobs, TicketPolicy(), lambda _: seen.extend(aside(assign))))
    await lane.work_off()
    assert seen == [None, None, None]
    assert aside(assign) != [None]
    await assign.close()


def aside(assign: Assign) -> list[Restored | None]:
    return [owner.put_aside() for owner in assign._owners.values()]
