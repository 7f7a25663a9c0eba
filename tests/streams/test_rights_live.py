"""A right that is taken away while a stage runs: it ends with a sentence, though the metadata alone tell of it."""

import pytest

from schemas.errors import UnauthorizedError
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

    with pytest.raises(
        UnauthorizedError, match=r"Kafka does not let our user do this \(TopicAuthorizationFailedError\)"
    ):
        await work()
