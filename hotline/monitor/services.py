"""Whether Kafka and Elasticsearch answer, and their reports."""

import asyncio
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from hotline.config import clients
from schemas.enums import counted
from schemas.errors import PipelineError

if TYPE_CHECKING:
    from hotline.config.settings import Settings


PATIENCE_SECONDS = 5.0


class Service(Struct, frozen=True, kw_only=True):
    """A service; `detail` is its report, or the next action."""

    kind: Literal["service"] = "service"
    service: str
    reachable: bool
    detail: str


def elasticsearch(settings: "Settings") -> Service:
    """Ask Elasticsearch how its cluster does. Never raises."""
    try:
        health = asyncio.run(_health(settings))
    except PipelineError as error:
        return Service(service="elasticsearch", reachable=False, detail=str(error))
    return Service(service="elasticsearch", reachable=True, detail=health)


async def _health(settings: "Settings") -> str:
    from sinks.elastic.errors import translated

    async with clients.elasticsearch(settings) as client:
        with translated():
            asked = client.options(max_retries=0, request_timeout=PATIENCE_SECONDS)
            answer = await asked.cluster.health()
    return f"{answer['status']}, {counted(answer['number_of_nodes'], 'node')}"
