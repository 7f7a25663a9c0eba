"""An owner of answers whose Kafka clients hang, or let a cancellation out, gives way to another one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from broker import aio_client
from broker.config import KafkaConnection
from broker.leader_epoch_aio import Gap, Lost
from connectors.replies import partition as owner
from connectors.replies import service
from connectors.replies.ledger import Open
from connectors.replies.partition import Owner
from connectors.replies.service import Outbox
from schemas.errors import UnreachableError
from schemas.records import OutboxState
from tests.connectors.outbox.answers import intent, state_of
from tests.fakes.clients import NOT_ENDING, Client, let_go

CONNECTION = KafkaConnection(bootstrap_servers="127.0.0.1:1")
NO_TOOLS: Any = None


@pytest.fixture(autouse=True)
async def impatient(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setattr(aio_client, "CLOSE_SECONDS", 0.05)
    monkeypatch.setattr(service, "AGAIN_SECONDS", 0.01)
    yield
    await let_go()


@pytest.mark.parametrize("kind", NOT_ENDING)
async def test_an_owner_that_cannot_begin_is_followed_by_another(
    kind: type[Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries, stop = [], asyncio.Event()

    class Away(kind):  # type: ignore[valid-type, misc] # a client of either kind
        async def start(self) -> None:
            tries.append(1)
            if len(tries) == 3:
                stop.set()
            raise KafkaConnectionError

    monkeypatch.setattr(owner, "make_producer", lambda connection, partition, account: Away())
    monkeypatch.setattr(owner, "make_reader", lambda connection: kind())
    await asyncio.wait_for(Outbox(CONNECTION, NO_TOOLS)._own(0, stop), 60)
    assert len(tries) == 3


class Forgetful(Client):
    """Its task has ended without a word: neither a commit nor an abort ends."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await asyncio.Event().wait()

    async def send(self, *_: Any, **__: Any) -> asyncio.Future[Any]:
        sent: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        sent.set_result(SimpleNamespace(offset=0))
        return sent


async def test_a_state_that_a_client_forgets_makes_another_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner, "STUCK_SECONDS", 0.05)
    one = Owner(0, CONNECTION, NO_TOOLS)
    producer: Any = Forgetful()
    one._producer = producer
    monkeypatch.setattr(owner, "encode", lambda told: b"")
    monkeypatch.setattr(owner, "envelope_of", lambda told: SimpleNamespace(headers=list))
    told: Any = SimpleNamespace(ticket_id="t")
    with pytest.raises(UnreachableError):
        await asyncio.wait_for(one._write(told), 60)


class Silent:
    """A reader whose fetches have ended without a word: there is more, and nothing comes."""

    def assign(self, places: Any) -> None: ...

    async def seek_to_beginning(self, place: Any) -> None: ...

    async def position(self, place: Any) -> int:
        return 0

    async def end_offsets(self, places: Any) -> Any:
        return dict.fromkeys(places, 5)

    async def getmany(self, *_: Any, **__: Any) -> Any:
        await asyncio.sleep(0.01)
        return {}


async def test_a_reader_that_ended_without_a_word_makes_another_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    async def end_of(connection: KafkaConnection, place: Any) -> int:
        return 5

    async def follow(*_: Any) -> None: ...

    reader: Any = Silent()
    monkeypatch.setattr(owner, "end_of", end_of)
    monkeypatch.setattr(owner, "follow", follow)
    monkeypatch.setattr(owner, "SILENT_SECONDS", 0.05)
    with pytest.raises(UnreachableError, match="has more"):
        await asyncio.wait_for(Owner(0, CONNECTION, NO_TOOLS)._restore(reader), 60)
    waiting = Waiting()
    with pytest.raises(UnreachableError, match="not responded"):
        await asyncio.wait_for(waiting._mark(Open(outbox=intent(), offset=0), "sending", None, None), 60)


async def test_a_log_that_loses_its_end_while_it_is_read_makes_another_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end that is looked for may be gone."""

    async def end_of(connection: KafkaConnection, place: Any) -> int:
        return 5

    async def follow(reader: Any, place: TopicPartition, lost: Lost) -> None:
        await lost(Gap(place, range(2, 4), 4))  # retention took that
        reader.lost = lambda: lost(Gap(place, range(3, 5), 3))

    class Losing(Silent):
        lost: Any

        async def getmany(self, *_: Any, **__: Any) -> Any:
            await self.lost()
            return {}

    monkeypatch.setattr(owner, "end_of", end_of)
    monkeypatch.setattr(owner, "follow", follow)
    reader: Any = Losing()
    with pytest.raises(UnreachableError, match="lost its records from 3 on while they were read: they are read again"):
        await asyncio.wait_for(Owner(0, CONNECTION, NO_TOOLS)._restore(reader), 60)


class Waiting(Owner):
    """Its broker answers the first transaction, and the second when `answer` is set."""

    def __init__(self) -> None:
        super().__init__(0, CONNECTION, NO_TOOLS)
        self.batches: list[int] = []
        self.asked = asyncio.Event()
        self.answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def _written(self, batch: list[OutboxState]) -> None:
        self.batches.append(len(batch))
        if len(self.batches) > 1:
            self.asked.set()
            await self.answer


async def telling(owner: Waiting) -> list[asyncio.Task[None]]:
    """Let one account tell something, and then two at once, which share a transaction."""
    await owner._write(state_of(intent(0), "sending"))
    told = [asyncio.create_task(owner._write(state_of(intent(number), "sending"))) for number in (1, 2)]
    await owner.asked.wait()
    assert owner.batches == [1, 2]
    return told


async def test_each_who_tells_something_hears_when_it_is_written() -> None:
    owner = Waiting()
    told = await telling(owner)
    assert not any(one.done() for one in told)
    owner.answer.set_result(None)
    await asyncio.gather(*told)


async def test_the_fault_of_a_transaction_is_that_of_each_who_told_something() -> None:
    """Who told it again, because nobody said anything, would begin an answer twice."""
    owner = Waiting()
    told = await telling(owner)
    owner.answer.set_exception(KafkaConnectionError())
    found = await asyncio.gather(*told, return_exceptions=True)
    assert [type(one) for one in found] == [KafkaConnectionError] * 2
    assert owner.batches == [1, 2]


async def test_who_is_cancelled_while_it_writes_for_others_cancels_none_of_them() -> None:
    owner = Waiting()
    writer, other = await telling(owner)
    writer.cancel()
    found = await asyncio.gather(writer, other, return_exceptions=True)
    assert [type(one) for one in found] == [asyncio.CancelledError, UnreachableError]
    assert owner.batches == [1, 2]
