"""Whether Kafka and Elasticsearch answer, and their reports."""

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
        with clients.rest(settings, PATIENCE_SECONDS) as client:
            health = client.health()
    except PipelineError as error:
        return Service(service="elasticsearch", reachable=False, detail=str(error))
    told = f"{health['status']}, {counted(health['number_of_nodes'], 'node')}"
    return Service(service="elasticsearch", reachable=True, detail=told)
