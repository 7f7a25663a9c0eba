"""Topics that a component needs and Kafka does not show it: else a stage would wait for them and say nothing."""

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

import structlog

from hotline.config import clients
from hotline.runtime.acls import needs
from schemas.errors import PipelineError

if TYPE_CHECKING:
    from hotline.config.settings import Settings

_log = structlog.get_logger(__name__)


def watch(settings: "Settings", names: Iterable[str]) -> threading.Thread:
    """Ask once, beside the components: intake must not wait, however slow Kafka is."""
    asking = threading.Thread(target=tell, args=(settings, list(names)), name="topics", daemon=True)
    asking.start()
    return asking


def tell(settings: "Settings", names: Iterable[str]) -> None:
    """Log missing and hidden topics. Components report an unreachable Kafka themselves."""
    from hotline.admin.cluster import Cluster, admin

    wanted = sorted({need.name for name in names for need in needs(settings, name) if need.kind == "topic"})
    try:
        with admin(clients.kafka(settings)) as client:
            seen, hidden = Cluster(client).topics(wanted)
    except PipelineError:
        return
    if missing := [topic for topic in wanted if topic not in seen and topic not in hidden]:
        _log.error("topics_missing", topics=missing, sentence="run `hotline topics create`")
    if hidden:
        _log.error(
            "topics_hidden", topics=sorted(hidden), sentence="`hotline doctor` names the right that our user lacks"
        )
