"""A right that is taken away while a stage runs: it ends with a sentence, though the metadata alone tell of it."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest
from aiokafka.errors import TopicAuthorizationFailedError

from schemas.errors import UnauthorizedError, UnreachableError
from streams.engine import transport
from tests.streams.conftest import Bench
from tests.streams.test_topic_made_anew_live import Stage, put, stage
from tests.waiting import soon

pytestmark = pytest.mark.integration
__all__ = ["stage"]


async def test_what_the_metadata_alone_tell_ends_the_stage(bench: Bench, stage: Stage) -> None:
    """aiokafka leaves such a topic out of the assignment and reads the others: nobody would come to its messages."""

    async def work() -> None:
        before = await put(bench, stage.topic, 2, "before")
        async with bench.running(stage.declare) as app:
            await soon(lambda: stage.seen == before)
            consumer = app.consumer._thread._consumer  # type: ignore[attr-defined] # a Faust app
            consumer._client.cluster.unauthorized_topics.add(stage.topic)
            await soon(lambda: app.crash_reason is not None, seconds=30)  # type: ignore[attr-defined] # as above

    with pytest.raises(UnauthorizedError, match=r"Kafka denies this to our user \(TopicAuthorizationFailedError\)"):
        await work()


async def _refused() -> None:
    raise TopicAuthorizationFailedError


async def _lost() -> None:
    raise asyncio.CancelledError  # what waits for a consumer's thread that has ended


async def _silent() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("crashed", [True, False], ids=["after a crash", "when it is told to end"])
@pytest.mark.parametrize("commit", [_refused, _lost, _silent])
async def test_a_last_commit_that_is_none_leaves_nothing_running(
    bench: Bench, stage: Stage, crashed: bool, commit: Callable[[], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever still runs would keep the process from its end, and the messages from the next one, for 45 s."""
    monkeypatch.setattr(transport, "COMMIT_SECONDS", 0.5)
    threads: list[threading.Thread] = []

    async def work() -> None:
        before = await put(bench, stage.topic, 2, "before")
        async with bench.running(stage.declare) as app:
            await soon(lambda: stage.seen == before)
            threads.append(app.consumer._thread._thread)  # type: ignore[attr-defined] # a Faust app
            app.consumer.commit_and_end_transactions = commit  # type: ignore[attr-defined] # as above
            if crashed:
                app._crash(TopicAuthorizationFailedError())  # type: ignore[attr-defined] # as above

    with pytest.raises(UnauthorizedError if crashed or commit is _refused else UnreachableError):
        await work()
    services = [task for task in asyncio.all_tasks() if "_execute" in task.get_coro().__qualname__]  # type: ignore[union-attr]
    assert services == []
    assert [thread.is_alive() for thread in threads] == [False]
