"""A sink process that kills itself between Elasticsearch's answer and the commit, or runs until SIGTERM."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence

from elasticsearch import AsyncElasticsearch

from broker.config import KafkaConnection
from schemas.contract.index_templates import indices
from sinks import Document, Route, Verdicts
from sinks.elastic.sink import ElasticSink
from sinks.runner import run_sink
from sinks.settings import SinkSettings


class Dying(ElasticSink):
    """Dies after the n-th write that Elasticsearch answered."""

    left = 0

    async def write(self, documents: Sequence[Document]) -> Verdicts:
        verdicts = await super().write(documents)
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return verdicts


async def main(told: dict[str, str]) -> None:
    route = Route(topic=told["topic"], index=indices(told["prefix"])["ticket"])
    sink = Dying(AsyncElasticsearch(told["elasticsearch"], request_timeout=60), [route])
    sink.left = int(told["deaths"])
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    settings = SinkSettings(batch_max_documents=100, in_flight_max_batches=1)
    connection = KafkaConnection(bootstrap_servers=told["kafka"])
    await run_sink(sink, [route], connection, settings, stop, group=told["group"])


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
