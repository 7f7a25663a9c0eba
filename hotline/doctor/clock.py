"""The clock: signatures of WeChat and S3 fail, and deadlines are wrong, when it is minutes off."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from hotline.admin.cluster import Cluster, admin
from hotline.config import clients
from hotline.doctor.findings import Told
from hotline.doctor.storage import probe
from schemas.errors import MisconfiguredError, PipelineError

if TYPE_CHECKING:
    from hotline.config.settings import Settings

OFF_SECONDS = 30.0

Now: TypeAlias = Callable[[], float]
"""Returns the time that this machine's clock shows, in Unix seconds."""


def clock(settings: "Settings", asked: Collection[str], now: Now = time.time) -> Iterator[Told]:
    """Compare this machine's clock with that of each service that reports its own."""
    told: list[str] = []
    for service in asked:
        try:
            ahead = CLOCKS[service](settings, now)
        except PipelineError:
            continue  # any fault is reported by the check of that service
        if ahead is None:
            continue
        if abs(ahead) > OFF_SECONDS:
            way = "ahead of" if ahead > 0 else "behind"
            yield MisconfiguredError(
                f"The clock of this machine is {abs(ahead):.0f} s {way} that of {service}: synchronise the "
                "wrong one (NTP)."
            )
        else:
            told.append(service)
    if told:
        yield f"agrees with {' and '.join(told)}"
    else:
        yield "no service returns its time"


def _kafka(settings: "Settings", now: Now) -> float | None:
    with admin(clients.kafka(settings)) as client:
        return Cluster(client).seconds_ahead(now)


def _elasticsearch(settings: "Settings", now: Now) -> float | None:
    from sinks.elastic.errors import translated

    async def ask() -> float:
        async with clients.elasticsearch(settings) as client:
            with translated():
                before = now()
                answer: Any = await client.options(max_retries=0, request_timeout=10).cat.health(
                    format="json", h="epoch"
                )
                # it has whole seconds
                return (before + now()) / 2 - (float(answer[0]["epoch"]) + 0.5)

    return asyncio.run(ask())


def _blobs(settings: "Settings", now: Now) -> float | None:
    """A folder of this machine has this machine's clock."""
    if clients.blob_url(settings).startswith("file:"):
        return None
    before = now()
    at = probe(settings).at.timestamp()
    return (before + now()) / 2 - at


CLOCKS: Mapping[str, Callable[["Settings", Now], float | None]] = {
    "Kafka": _kafka,
    "Elasticsearch": _elasticsearch,
    "blob store": _blobs,
}
"""Services that report their time, by the name of the finding."""
