"""Commands in the one ordered input: carried out in a transaction, replayed by a restart, gone when erased."""

import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from obstore.store import LocalStore

from broker.config import KafkaConnection
from schemas import ids, topics
from schemas.codec import Outbound, appended_at, decode
from schemas.records import Audit, Command, event
from streams.state.checkpoint import save_checkpoint
from streams.state.partition import Owner, take_over
from tests.assign import logs
from tests.checkpoints import is_one, known, text_of
from tests.tickets.build import CITY, message
from tickets.model.ticket_state import Filed
from tickets.policy import TicketPolicy

pytestmark = pytest.mark.integration

POLICY = TicketPolicy()
SECRET = "13812345678"
FIRST = message(0, "中山路12号的路灯坏了")
WRONG = message(1, f"我家的水管爆了，电话{SECRET}", answers=(f"{CITY}-0",))
LATER = message(2, "路灯还是没修", answers=(f"{CITY}-0",))
TICKET = ids.ticket_id(CITY, FIRST.message_id)


def forwarded(number: int, kind: str, **args: Any) -> Outbound:
    return logs.ordered(number, kind, TICKET, args)


def files(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if is_one(path)]


async def checkpoints(folder: Path) -> list[str]:
    return [await text_of(whole) for whole in files(folder)]


async def worked_off(connection: KafkaConnection, blobs: LocalStore, *more: Outbound) -> Owner:
    """Write the three messages and more, and let an owner decide about them; whoever asked closes it."""
    await logs.write(connection, [*map(logs.outbound, (FIRST, WRONG, LATER)), *more])
    partition = ids.partition_of(CITY, connection.partitions)
    owner = await take_over(partition, connection, blobs, POLICY, lambda point: None)
    found = await logs.read(connection, topics.MESSAGE)
    await owner.work_off([record for record in found if record.partition == partition])
    return owner


async def test_a_message_is_looked_up_in_the_input_and_gets_its_own_ticket(
    connection: KafkaConnection, blobs: LocalStore, tmp_path: Path
) -> None:
    owner = await worked_off(connection, blobs, forwarded(3, "unmerge", message_id=WRONG.message_id))
    await owner.close()
    own = ids.ticket_id(CITY, WRONG.message_id)
    snapshots = {name: versions[-1] for name, versions in (await logs.tickets(connection)).items()}
    assert snapshots[own].text == WRONG.text
    assert snapshots[TICKET].text == f"{FIRST.text}\n\n{LATER.text}"
    newest = {link.message_id: link for link in await logs.links(connection)}
    assert (newest[WRONG.message_id].ticket_id, newest[WRONG.message_id].version) == (own, 2)
    again = await logs.restored(connection, LocalStore(tmp_path), owner._partition)
    assert again.state.dump() == owner.restored.state.dump()


async def test_a_message_that_the_input_does_not_have_any_more_is_said_to_be_gone(
    connection: KafkaConnection, blobs: LocalStore
) -> None:
    owner = await worked_off(connection, blobs)
    owner.restored.state.tickets[TICKET].messages[WRONG.message_id] = Filed(10_000, 1, "2026-11")
    await logs.write(connection, [forwarded(3, "move", message_id=WRONG.message_id)])
    found = [one for one in await logs.read(connection, topics.MESSAGE) if one.partition == owner._partition]
    await owner.work_off(found)
    await owner.close()
    refused = (await logs.events(connection))[-1].changes[0]
    assert isinstance(refused, event.CommandRefused)
    assert refused.code == "gone"


async def test_the_log_says_how_long_a_message_waited_and_nobody_closes_its_ticket_who_cannot_have_read_it(
    connection: KafkaConnection, blobs: LocalStore, tmp_path: Path
) -> None:
    taken = datetime.now(UTC) - timedelta(hours=5)
    waited = [replace(one, received_at=taken, ingested_at=taken) for one in (FIRST, LATER)]
    order = decode(forwarded(3, "set_status", status="not_accepted", reason_code="military").value, Command)
    order = replace(order, at=taken + timedelta(hours=1))
    await logs.write(connection, [*map(logs.outbound, waited), logs.given(order)])
    owner = await take_over(
        ids.partition_of(CITY, connection.partitions), connection, blobs, POLICY, lambda point: None
    )
    found = await logs.read(connection, topics.MESSAGE)
    await owner.work_off([record for record in found if record.partition == owner._partition])
    await owner.close()
    *filed, refused = await logs.events(connection)
    for decision, record in zip(filed, found, strict=False):
        assert decision.input.appended_at == appended_at(record)
    (change,) = refused.changes
    assert isinstance(change, event.CommandRefused)
    assert change.code == "stale"
    again = await logs.restored(connection, LocalStore(tmp_path), owner._partition)
    assert again.state.dump() == owner.restored.state.dump()


async def test_what_is_forgotten_is_in_no_checkpoint_and_comes_back_from_no_log(
    connection: KafkaConnection, blobs: LocalStore, blobs_folder: Path, tmp_path: Path
) -> None:
    owner = await worked_off(connection, blobs)
    await save_checkpoint(blobs, owner._partition, owner.restored)
    assert SECRET in "".join(await checkpoints(blobs_folder))
    await logs.write(connection, [forwarded(3, "forget")])
    found = [one for one in await logs.read(connection, topics.MESSAGE) if one.partition == owner._partition]
    await owner.work_off(found)
    await owner.close()
    (checkpoint,) = await checkpoints(blobs_folder)
    assert SECRET not in checkpoint
    for store in (blobs, LocalStore(tmp_path)):
        again = await logs.restored(connection, store, owner._partition)
        assert again.state.dump() == owner.restored.state.dump()
        assert SECRET not in known(again.state)
    newest = (await logs.tickets(connection))[TICKET][-1]
    assert (newest.erased, newest.version, newest.text) == (True, 4, "")
    masked = (await logs.tickets(connection, topics.TICKET_MASKED))[TICKET][-1]
    assert (masked.erased, masked.masked) == (True, True)


@pytest.mark.parametrize("by_checkpoint", [True, False])
async def test_a_mail_that_comes_again_after_a_restart_is_filed_nowhere(
    connection: KafkaConnection, blobs: LocalStore, blobs_folder: Path, tmp_path: Path, *, by_checkpoint: bool
) -> None:
    owner = await worked_off(connection, blobs, forwarded(3, "forget"))
    await owner.close()
    before = len(await checkpoints(blobs_folder))
    again = replace(message(9, WRONG.text), features=WRONG.features)
    await logs.write(connection, [logs.outbound(again)])
    found = [one for one in await logs.read(connection, topics.MESSAGE) if one.partition == owner._partition]
    store = blobs if by_checkpoint else LocalStore(tmp_path)
    owner = await take_over(owner._partition, connection, store, POLICY, lambda point: None)
    await owner.work_off(found)
    await owner.close()
    last = (await logs.events(connection))[-1]
    assert (last.input.message_id, last.relation, last.tickets) == (again.message_id, "no_ticket", ())
    assert [type(one) for one in last.changes] == [event.MessagesErased]
    assert {link.message_id: link for link in await logs.links(connection)}[again.message_id].ticket_id is None
    assert set(await logs.tickets(connection)) == {TICKET}
    assert len(await checkpoints(blobs_folder)) == before, "nothing of it was in one"


async def test_an_erasure_is_in_the_audit_log_once_whatever_crashes(
    connection: KafkaConnection, blobs: LocalStore
) -> None:
    owner = await worked_off(connection, blobs)
    await owner.close()
    await logs.write(connection, [forwarded(3, "redact", fields=["title"]), forwarded(4, "forget")])
    found = [one for one in await logs.read(connection, topics.MESSAGE) if one.partition == owner._partition]

    def die(point: str) -> None:
        if point == "sent":
            raise ConnectionAbortedError(point)

    for reached in (die, lambda point: None, lambda point: None):  # it dies, works it off, reads it all again
        owner = await take_over(owner._partition, connection, blobs, POLICY, reached)
        with contextlib.suppress(ConnectionAbortedError):
            await owner.work_off(found)
        await owner.close()
    await logs.settle(connection)
    acts = [decode(one.value or b"", Audit) for one in await logs.read(connection, topics.AUDIT)]
    assert sorted((one.audit_id, one.action, one.author) for one in acts) == [
        (f"c3:{TICKET}", "redacted", "clerk-7"),
        (f"c4:{TICKET}", "erased", "clerk-7"),
    ]
    assert len(await logs.read(connection, topics.AUDIT, committed=False)) == 4, "the one that died had written them"
